"""What stands beside condensed rows: how many were left out before each, and of what kind."""

from typing import Final

import polars as pl

MARKS: Final = {
    "dropped": pl.Int64, "after": pl.UInt64, "varied": pl.Boolean, "lag_low": pl.Int64,
    "lag_high": pl.Int64,
}  # fmt: skip
"""On the last row of a stretch: how many rows were left out before it, ``seq`` of the first row,
whether the value changed meanwhile, least and greatest lag (receive minus source) [ns]."""
LAGS: Final = {
    "link": pl.UInt32, "imported": pl.Boolean, "polled": pl.Boolean, "ms": pl.Int64,
    "since": pl.Int64, "n": pl.Int64,
}  # fmt: skip
"""Rows left out: by link, their lag (polled: time since the begin of the slot) in whole ms, with
the earliest receive time [ns] of a stretch; all of a group lie between the same edges."""


def marked(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` with :data:`MARKS` that say that nothing was left out, unless they are there."""
    if "dropped" in rows.columns:
        return rows
    plain = {"dropped": 0, "varied": False}
    return rows.with_columns(pl.lit(plain.get(c), dtype).alias(c) for c, dtype in MARKS.items())


def number(rows: pl.DataFrame) -> int:
    """Return how many rows of the journal a condensed frame stands for."""
    return rows.height + int(rows["dropped"].sum() or 0)
