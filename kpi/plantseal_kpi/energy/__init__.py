"""Figures of energy: use, coal equivalent, carbon, and the gain against an adjusted baseline."""
