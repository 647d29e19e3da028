"""Figures of machines: what is connected, how it runs, what it makes."""
