"""The KPI core: rows in, figures and verdicts out.

Pure: no input or output, no clock, no configuration file, no protocol. What an evaluator
recomputes is exactly what the gateway computed, because it is this package with the same rows.
"""
