"""Where a source's clock was set while its session lasted: each such step splits the session.

A single late value is no step. What counts is the lag (receive minus source time) of the newest
value of each moment of reception, smoothed by the median over :data:`AROUND` of them: it moves only
when most of them moved, and then it stays.

Source: definitions 4.1, row "clock": a step of the offset beyond 2 s splits the session.
"""

from typing import Final

import polars as pl

TRANSPORT: Final = 2 * 10**9
"""An offset up to here [ns] is the way of the value, not a wrong clock (definitions 4.1: a step of
the offset beyond 2 s splits the session; acquisition study, pain 10: source time within tolerance)."""
AROUND: Final = 9
"""Moments of reception that are looked at together; up to four late ones in a row are no step."""
_SESSION: Final = ["link", "session"]


def clock_steps(measured: pl.DataFrame) -> pl.DataFrame:
    """Return ``link``, ``session``, ``setting`` (1, 2, ...), ``from`` [ns]: where the lag jumps.

    Args:
        measured: ``link``, ``session``, ``heard`` [ns], ``t_receive`` and ``t_source`` of values
            that came fresh from the source, in any order.

    Example:
        >>> lags = [0] * 6 + [40 * 10**9] + [0] * 6 + [-700 * 10**9] * 6
        >>> rows = pl.DataFrame({"link": 1, "session": 1, "heard": [i * 10**9 for i in range(19)]})
        >>> rows = rows.with_columns(t_receive="heard", t_source=pl.col("heard") - pl.Series(lags))
        >>> [(s, t // 10**9) for _, _, s, t in clock_steps(rows).iter_rows()]
        [(1, 13)]
    """
    newest = (
        measured.group_by(*_SESSION, "heard")
        .agg(lag=(pl.col("t_receive") - pl.col("t_source")).min())
        .sort(*_SESSION, "heard")
    )
    usual = pl.col("lag").rolling_median(AROUND, min_samples=1, center=True).over(_SESSION)
    # At the edge the window holds both levels in equal parts once: half way is not a level.
    moved = newest.with_columns(usual=usual).filter(
        (pl.col("lag") - pl.col("usual")).abs() <= TRANSPORT
    )
    jumped = (pl.col("usual") - pl.col("usual").shift(1).over(_SESSION)).abs() > TRANSPORT
    return (
        moved.filter(jumped)
        .with_columns(setting=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(_SESSION))
        .select(*_SESSION, "setting", pl.col("heard").alias("from"))
    )


def with_step(rows: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` with ``setting``, the number of clock steps in their session before them."""
    return (
        rows.sort("heard")
        .join_asof(
            steps.sort("from"), left_on="heard", right_on="from", by=_SESSION,
            check_sortedness=False,
        )
        .with_columns(pl.col("setting").fill_null(0))
        .drop("from")
    )  # fmt: skip
