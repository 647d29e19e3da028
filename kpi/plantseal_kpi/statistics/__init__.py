"""Arithmetic of certainty: exact functions, intervals, bootstrap, sample sizes; no figure, no plant."""
