"""Where rows come from: one frame, or parts whose times are known beforehand.

Rows of years lie in many files. A caller that knows of each file which times it holds says so, and
the core then reads, day by day, only what a day needs: memory stays flat however long the period.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from plantseal_kpi.schema import check_rows


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the rows.

    Attributes:
        start: No source or receive time of the part is earlier [ns].
        end: None is later [ns].
        rows: Frame as :data:`plantseal_kpi.schema.ROWS`.
        key: Names the contents: two parts with one key hold the same rows. Empty: not to be cached.
    """

    start: int
    end: int
    rows: pl.LazyFrame
    key: str = ""


Rows = pl.LazyFrame | Sequence[Part]


def meeting(rows: Rows, spans: Sequence[tuple[int, int]]) -> pl.LazyFrame:
    """Return the rows of all parts that may hold a time in one of ``spans`` [start, end) [ns]."""
    if isinstance(rows, pl.LazyFrame):
        return check_rows(rows)
    wanted = [p.rows for p in rows if any(p.start < b and p.end >= a for a, b in spans)]
    frames = wanted or [p.rows.clear() for p in rows[:1]]
    if not frames:
        raise ValueError("rows: got no part, expected at least one, if only an empty frame")
    return pl.concat([check_rows(f) for f in frames])
