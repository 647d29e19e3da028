"""Pieces and energy of a period, machine by machine, from counters and interval values."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from plantseal_kpi.counters import (
    counter_steps,
    in_base_units,
    limits_frame,
    misfits,
    taken,
)
from plantseal_kpi.figures import finding
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.plant import Equipment, Point
from plantseal_kpi.readings import MILLI
from plantseal_kpi.report import Finding
from plantseal_kpi.units import Base
from plantseal_kpi.window import Window


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted in a period.

    Attributes:
        known: Sum of the known differences [base units]; None where nothing was read.
        lower: The same plus the lower bounds of resets: what at least was counted.
        unplanned: Counted outside planned time, not in ``known`` (pieces only).
        findings: Resets, rollovers, false zeros, implausible steps, with their numbers.
    """

    known: int | None
    lower: int = 0
    unplanned: int = 0
    findings: tuple[Finding, ...] = ()


_MESSAGES = {
    "reset": "{n} decreases without a registered change of meter: the difference is unknown and "
    "left out; at least {lower} more were counted",
    "rollover": "{n} rollovers of the register, added across its end",
    "false_zero": "{n} readings of 0 between readings that go on: left out",
    "implausible": "{n} steps beyond the rated maximum, {lower} in all: left out; check meter "
    "and scale",
    "straddles": "{n} steps began before the period after a long silence, {lower} in all: left out",
}


def _steps(
    w: Window, points: Sequence[Point], base: Base, rates: dict[str, int | None]
) -> pl.DataFrame:
    values = in_base_units(w.seen.events, points, base)
    return taken(counter_steps(values, limits_frame(points, base, rates)), w.start, w.end)


def _flag_findings(points: Sequence[Point], steps: pl.DataFrame) -> list[Finding]:
    names = {p.tag: p.name for p in points}
    rise = pl.col("base") - pl.col("previous")
    marked = steps.with_columns(
        flag=pl.when("straddles").then(pl.lit("straddles")).otherwise("flag"),
        amount=pl.when(pl.col("flag") == "reset").then("lower").otherwise(rise),
    )
    grouped = (
        marked.filter(pl.col("flag") != "")
        .group_by("tag", "flag")
        .agg(n=pl.len().cast(pl.Int64), lower=pl.col("amount").sum())
        .sort("tag", "flag")
    )
    return [
        finding(
            f"counter.{flag}",
            f"{names[tag]}: {_MESSAGES[flag].format(n=n, lower=lower)}",
            tag=names[tag],
            n=n,
            amount=lower,
        )
        for tag, flag, n, lower in grouped.iter_rows()
    ]


def _unit_findings(points: Sequence[Point], base: Base) -> list[Finding]:
    return [
        finding(
            "counter.unit",
            f"{p.name}: unit is {p.unit!r}, expected one that measures {base}; left out",
            tag=p.name,
        )
        for p in points
        if p.name in misfits([p], base)
    ]


def pieces(w: Window, equipment: Equipment, role: str) -> Total:
    """Return the pieces of one role of a machine within its planned time of the period."""
    points = w.points_of(equipment, role)
    if not points:
        return Total(None)
    steps = _steps(w, points, "piece", {})
    if not _read(w, points):
        return Total(None, findings=tuple(_unit_findings(points, "piece")))
    planned = pl.DataFrame(w.planned[equipment.id], schema=SPAN, orient="row")
    placed = steps.sort("at", "tag", "seq").join_asof(
        planned, left_on="at", right_on="start", strategy="backward", allow_exact_matches=False,
    ).with_columns(inside=(pl.col("at") <= pl.col("end")).fill_null(False))  # fmt: skip
    counted = placed.filter(~pl.col("straddles"))
    inside = counted.filter("inside")
    return Total(
        _sum(inside, "delta"),
        _sum(inside, "lower"),
        _sum(counted.filter(~pl.col("inside")), "delta"),
        (*_unit_findings(points, "piece"), *_flag_findings(points, steps)),
    )


def energy(w: Window, equipment: Equipment) -> Total:
    """Return the energy of a machine in the period [Wh], from registers and interval values.

    An interval value belongs to [t - period, t): its time is the interval's end, so the value of
    midnight is the last of the day before.
    """
    registers = w.points_of(equipment, "energy")
    intervals = w.points_of(equipment, "energy_interval")
    if not _read(w, [*registers, *intervals]):
        return Total(None, findings=tuple(_unit_findings([*registers, *intervals], "Wh")))
    rate = equipment.rated_power_kw
    rates = {equipment.id: None if rate is None else int(rate * 1000)}
    steps = _steps(w, registers, "Wh", rates)
    counted = steps.filter(~pl.col("straddles"))
    known, notes = interval_energy(w, intervals)
    return Total(
        _sum(counted, "delta") + known,
        _sum(counted, "lower") + known,
        0,
        (
            *_unit_findings([*registers, *intervals], "Wh"),
            *_flag_findings(registers, steps),
            *notes,
        ),
    )


def interval_energy(w: Window, points: Sequence[Point]) -> tuple[int, list[Finding]]:
    """Return the sum of the interval values of ``points`` in the period [Wh], and what is amiss."""
    values = in_base_units(w.seen.values, points, "Wh").with_columns(
        ends=pl.coalesce("t_source", "at")
    )
    inside = values.filter((pl.col("ends") > w.start) & (pl.col("ends") <= w.end)).unique(
        ["tag", "ends"], keep="first", maintain_order=True
    )
    found = []
    for p in points:
        expected = (w.end - w.start) // (p.period_ms * MILLI)
        got = inside.filter(pl.col("tag") == p.tag).height
        if got != expected:
            found.append(
                finding(
                    "energy.intervals",
                    f"{p.name}: got {got} intervals of {p.period_ms} ms, expected {expected}; "
                    "what is missing is not filled",
                    tag=p.name,
                    got=got,
                    expected=expected,
                )
            )
    return _sum(inside, "base"), found


def _read(w: Window, points: Sequence[Point]) -> bool:
    """Return True when one of the points has a good reading in (start, end]."""
    tags = [p.tag for p in points]
    near = pl.col("at").is_between(w.start, w.end)
    return w.seen.values.filter(pl.col("good") & near & pl.col("tag").is_in(tags)).height > 0


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0)
