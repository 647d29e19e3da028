"""Protocols and tables: what turns a device's bytes into rows.

Nothing here knows the journal, the KPI core or the gateway. Nothing here writes to a device.
"""
