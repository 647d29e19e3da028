"""Rows made ready for every figure: one event time, spans of life, states and counts."""
