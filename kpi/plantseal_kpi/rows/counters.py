"""Differences of counters, with what went wrong flagged, never guessed.

- A decrease is a rollover only where the register's greatest value is known, the reading before
  was above 90 % of it, the one after below 10 %, and the implied rate is within the rated maximum.
- Any other decrease is a reset: the difference is unknown; the new reading is its lower bound and
  stays out of the sum. (Adding it silently is for monitoring, not for evidence.)
- A reading of 0 between two readings that go on where they left off is a false zero: left out.
- A difference beyond rated power times elapsed time is implausible: left out and listed.

A difference belongs to the moment of its later reading, and a period (start, end] takes it whole:
it is never split. A period's sum is therefore additive over its parts.

Source: definitions 4.1, rows "counter decrease", "missing" and "plausibility".
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.plant import Point
from plantseal_kpi.rows.marks import marked
from plantseal_kpi.rows.readings import has
from plantseal_kpi.schema import Flag
from plantseal_kpi.units import FACTORS, Base, base_units, factor, round_exactly

HOUR_NS: Final = 3600 * 10**9
LIMITS: Final = {
    "tag": pl.UInt32, "register_max": pl.Int64, "rate": pl.Int64, "step": pl.Int64,
}  # fmt: skip
"""Columns of a limits frame, all but ``tag`` in base units."""


def counter_steps(values: pl.DataFrame, limits: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return one row a reading after the first: ``before``, ``at`` [ns], ``delta``, ``flag``.

    Args:
        values: Columns ``tag``, ``at`` [ns], ``seq``, ``base`` (reading in whole base units); good
            readings only. Where ``opens`` is True a new register begins: no difference reaches
            across. Other columns are carried along.
        limits: Columns :data:`LIMITS`: the register's end, the rated maximum [base units per
            hour] and one raw count [base units] of each tag; null where there is no limit.

    Returns:
        ``delta`` in base units (null for a reset or an implausible step), ``lower`` (what at
        least was counted), ``flag``: empty, ``reset``, ``rollover``, ``false_zero`` or
        ``implausible``; sorted by tag, at, seq.

    Example:
        >>> values = pl.DataFrame({"tag": [1, 1, 1], "at": [0, 1, 2], "seq": [0, 1, 2],
        ...                        "base": [10, 20, 10]}, schema_overrides={"tag": pl.UInt32})
        >>> counter_steps(values).select("delta", "lower", "flag").rows()
        [(10, 10, ''), (None, 10, 'reset')]
    """
    ordered = marked(values).filter(pl.col("base").is_not_null()).sort("tag", "at", "seq")
    if "opens" not in ordered.columns:
        ordered = ordered.with_columns(opens=pl.lit(False))
    ordered = ordered.with_columns(register=pl.col("opens").cum_sum().over("tag"))
    one = ["tag", "register"]
    nonzero = pl.when(pl.col("base") != 0).then("base")
    before, after = nonzero.forward_fill().over(one), nonzero.backward_fill().over(one)
    flagged = ordered.with_columns(
        false_zero=((pl.col("base") == 0) & (after >= before)).fill_null(False)
    )
    chain = flagged.filter(~pl.col("false_zero")).with_columns(
        before=pl.col("at").shift(1).over(one), previous=pl.col("base").shift(1).over(one)
    )
    known = pl.DataFrame(schema=LIMITS) if limits is None else limits
    limited = chain.join(known, on="tag", how="left")
    stepped = _judged(limited.filter(pl.col("before").is_not_null()))
    zeros = flagged.filter("false_zero").with_columns(
        before="at", previous="base", delta=pl.lit(0, pl.Int64), lower=pl.lit(0, pl.Int64),
        flag=pl.lit("false_zero"),
    )  # fmt: skip
    return pl.concat([stepped, zeros.select(stepped.columns)]).sort("tag", "at", "seq")


def _judged(chain: pl.DataFrame) -> pl.DataFrame:
    # Wide, because two 64-bit readings may lie further apart than 64 bits hold.
    rise = pl.col("base").cast(pl.Int128) - pl.col("previous").cast(pl.Int128)
    rolled = rise + pl.col("register_max").cast(pl.Int128)
    too_wide = rise.cast(pl.Int64, strict=False).is_null()
    last, first, end = (pl.col(c).cast(pl.Int128) for c in ("previous", "base", "register_max"))
    ends = ((last * 10 > end * 9) & (first * 10 < end)).fill_null(False)
    flag = (
        pl.when(pl.col("after").is_not_null())
        .then(pl.lit(""))
        .when(rise >= 0)
        .then(pl.when(_too_fast(rise) | too_wide).then(pl.lit("implausible")).otherwise(pl.lit("")))
        .when(ends & ~_too_fast(rolled))
        .then(pl.lit("rollover"))
        .otherwise(pl.lit("reset"))
    )
    return (
        chain.with_columns(flag=flag)
        .with_columns(
            delta=pl.when(pl.col("flag") == "")
            .then(rise)
            .when(pl.col("flag") == "rollover")
            .then(rolled)
            .cast(pl.Int64, strict=False)
        )
        .with_columns(
            lower=pl.when(pl.col("flag") == "reset")
            .then(pl.max_horizontal("base", pl.lit(0, pl.Int64)))
            .otherwise(pl.col("delta").fill_null(0))
        )
        .drop("register_max", "rate", "step", "false_zero", "opens", "register")
    )


def _too_fast(delta: pl.Expr) -> pl.Expr:
    elapsed = (pl.col("at") - pl.col("before")).cast(pl.Int128)
    allowed = pl.col("rate").cast(pl.Int128) * elapsed // pl.lit(HOUR_NS, pl.Int128)
    # A register steps in whole counts, so one count more than the rated maximum is no error.
    return (delta.cast(pl.Int128) > allowed + pl.col("step").cast(pl.Int128)).fill_null(False)


def in_base_units(values: pl.DataFrame, points: Sequence[Point], base: Base) -> pl.DataFrame:
    """Return the good values of ``points`` with their reading in whole base units as ``base``.

    Points whose unit does not fit are absent; :func:`misfits` names them.

    Source: definitions 2, conventions (each reading rounded half-even once).
    """
    groups: dict[Fraction, list[int]] = {}
    for p in points:
        if p.name not in misfits([p], base):
            groups.setdefault(factor(p.unit, p.scale, base), []).append(p.tag)
    parts = [
        values.filter(pl.col("good") & pl.col("tag").is_in(tags)).with_columns(base=base_units(by))
        for by, tags in groups.items()
    ]
    empty = values.clear().with_columns(base=pl.lit(None, pl.Int64))
    return pl.concat([empty, *parts]).sort("tag", "at", "seq")


def misfits(points: Sequence[Point], base: Base) -> list[str]:
    """Return the names of the points whose unit does not measure ``base``."""
    return [p.name for p in points if FACTORS.get(p.unit, ("",))[0] != base]


def limits_frame(
    points: Sequence[Point], base: Base, rates: Mapping[str, int | None]
) -> pl.DataFrame:
    """Return :data:`LIMITS` of ``points``; ``rates`` [base units per hour] by equipment id."""
    rows = []
    for p in points:
        if p.name in misfits([p], base):
            continue
        by = factor(p.unit, p.scale, base)
        end = None if p.register_max is None else round_exactly(p.register_max, by)
        rate, step = rates.get(p.equipment), max(1, math.ceil(by))
        # A limit that no 64-bit reading can reach limits nothing.
        limits = [None if x is None or x >= 2**63 else x for x in (end, rate)]
        rows.append((p.tag, *limits, min(step, 2**62)))
    return pl.DataFrame(rows, schema=LIMITS, orient="row")


def taken(steps: pl.DataFrame, start: int, end: int) -> pl.DataFrame:
    """Return the steps of (start, end] [ns], with ``silence`` and ``straddles``.

    ``silence``: nobody knows when between its readings the step came about. ``straddles``: besides,
    it began before the period and must not be counted.

    A step whose earlier reading lies before the period is counted when it is an ordinary one: a
    notification of change, or a reading within two periods of the one before. After a longer
    silence nobody knows how much of it belongs to the period.
    """
    silence = pl.col("at") - pl.col("before") > pl.col("period") * 2
    unordinary = pl.when(pl.col("mode") == "subscribed").then(has(Flag.FIRST)).otherwise(silence)
    return (
        steps.filter((pl.col("at") > start) & (pl.col("at") <= end))
        .with_columns(silence=unordinary.fill_null(False))
        .with_columns(straddles=(pl.col("before") < start) & pl.col("silence"))
    )


def counter_delta(
    values: pl.DataFrame, *, zone: str = "UTC", limits: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return ``tag``, ``day``, ``first``, ``last``, ``delta``, ``readings``, ``resets`` a local day.

    ``delta`` sums the known steps between readings of the same day [base units]: a step over
    midnight belongs to no day here, it stands in :func:`counter_steps`.

    Args:
        values: As :func:`counter_steps`.
        zone: Zone whose midnights divide the days.
        limits: As :func:`counter_steps`.
    """
    if not values.height:
        return pl.DataFrame(schema=_DAILY)
    ordered = values.filter(pl.col("base").is_not_null()).sort("tag", "at", "seq")
    days = _with_day(ordered.with_columns(start="at"), zone)
    spread = days.group_by("tag", "day").agg(
        first=pl.col("base").first(), last=pl.col("base").last(), readings=pl.len().cast(pl.Int64)
    )
    steps = counter_steps(ordered, limits).filter(pl.col("before").is_not_null())
    dated = _with_day(steps.with_columns(start="at"), zone)
    began = _with_day(steps.with_columns(start="before"), zone)
    same_day = dated.with_columns(begun=began["day"]).filter(pl.col("day") == pl.col("begun"))
    sums = same_day.group_by("tag", "day").agg(
        delta=pl.col("delta").sum(), resets=(pl.col("flag") == "reset").sum().cast(pl.Int64)
    )
    return (
        spread.join(sums, on=["tag", "day"], how="left")
        .with_columns(pl.col("delta", "resets").fill_null(0))
        .select("tag", "day", "first", "last", "delta", "readings", "resets")
        .sort("tag", "day")
    )


_DAILY = {
    "tag": pl.UInt32, "day": pl.Date, "first": pl.Int64, "last": pl.Int64, "delta": pl.Int64,
    "readings": pl.Int64, "resets": pl.Int64,
}  # fmt: skip


def _with_day(frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    local = pl.from_epoch("start", time_unit="ns").dt.replace_time_zone("UTC")
    return frame.with_columns(day=local.dt.convert_time_zone(zone).dt.date())
