"""Pieces and energy of a period, machine by machine, from counters and interval values.

What is known is always beside what should be: ``covered_ns`` of ``expected_ns``. A counter is known
between two readings whose difference is known; one that reports changes only is known besides while
its session lives, for silence then means that it stands still.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span
from plantseal_kpi.figures import finding
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.plant import Equipment, Point
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.counters import (
    HOUR_NS,
    counter_steps,
    in_base_units,
    limits_frame,
    misfits,
    taken,
)
from plantseal_kpi.rows.readings import MILLI
from plantseal_kpi.rows.totals_notes import flag_findings, reading_findings
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import Base


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted in a period.

    Attributes:
        known: Sum of the known differences [base units]; None where no difference is known.
        lower: The same plus the lower bounds of resets: what at least was counted.
        unplanned: Counted outside planned time, not in ``known`` (pieces only).
        findings: Resets, rollovers, false zeros, implausible steps, silence, with their numbers.
        covered_ns: Time for which the counters are known, summed over them [ns].
        expected_ns: Time for which they should be [ns]; 0 without a counter.
        left_out: Steps whose difference is unknown.
    """

    known: int | None
    lower: int = 0
    unplanned: int = 0
    findings: tuple[Finding, ...] = ()
    covered_ns: int = 0
    expected_ns: int = 0
    left_out: int = 0


def pieces(w: Window, equipment: Equipment, role: str) -> Total:
    """Return the pieces of one role of a machine within its planned time of the period."""
    points = _of_origin(w, w.points_of(equipment, role))
    planned = w.planned[equipment.id]
    if not points or not planned:
        return Total(None)
    steps = _steps(w, points, "piece", {})
    known_ns = _known(w, points, steps, "piece", planned)
    expected = intervals.length(planned) * len(points)
    findings = (
        *reading_findings(w, points, "piece", known_ns),
        *flag_findings(points, steps),
    )
    if not any(known_ns.values()):
        return Total(None, findings=findings, expected_ns=expected)
    placed = steps.sort("at", "tag", "seq").join_asof(
        pl.DataFrame(planned, schema=SPAN, orient="row"),
        left_on="at", right_on="start", strategy="backward", allow_exact_matches=False,
    ).with_columns(inside=(pl.col("at") <= pl.col("end")).fill_null(False))  # fmt: skip
    counted = placed.filter(~pl.col("straddles"))
    inside = counted.filter("inside")
    return Total(
        _sum(inside, "delta"),
        _sum(inside, "lower"),
        _sum(counted.filter(~pl.col("inside")), "delta"),
        findings,
        sum(known_ns.values()),
        expected,
        placed.filter(pl.col("inside") & _unknown()).height,
    )


def energy(w: Window, equipment: Equipment) -> Total:
    """Return the energy of a machine in the period [Wh], from registers and interval values.

    An interval value belongs to [t - period, t): its time is the interval's end, so the value of
    midnight is the last of the day before.
    """
    registers = _of_origin(w, w.points_of(equipment, "energy"))
    parts = _of_origin(w, w.points_of(equipment, "energy_interval"))
    if not registers and not parts:
        return Total(None)
    rate = equipment.rated_power_kw
    limit = None if rate is None else math.ceil(rate * 1000)
    steps = _steps(w, registers, "Wh", {equipment.id: limit})
    counted = steps.filter(~pl.col("straddles"))
    period = [(w.start, w.end)]
    known_ns = _known(w, registers, steps, "Wh", period)
    amount, notes, part_ns = interval_energy(w, parts, limit)
    covered_ns = sum(known_ns.values()) + part_ns
    found = (
        *reading_findings(w, registers, "Wh", known_ns),
        *flag_findings(registers, steps),
        *notes,
    )
    expected = (w.end - w.start) * len([*registers, *parts])
    if not covered_ns:
        return Total(None, findings=found, expected_ns=expected)
    return Total(
        _sum(counted, "delta") + amount,
        _sum(counted, "lower") + amount,
        0,
        found,
        covered_ns,
        expected,
        steps.filter(_unknown()).height,
    )


def interval_energy(
    w: Window, points: Sequence[Point], limit_w: int | None = None
) -> tuple[int, list[Finding], int]:
    """Return the sum of the interval values of ``points`` [Wh], what is amiss, the time known [ns].

    Args:
        w: The period.
        points: Points of the role ``energy_interval``.
        limit_w: Rated maximum [W]; an interval beyond it is left out.
    """
    values = in_base_units(w.seen.values, points, "Wh").with_columns(
        ends=pl.coalesce("t_source", "at")
    )
    inside = values.filter(
        (pl.col("ends") > w.start) & (pl.col("ends") <= w.end) & pl.col("base").is_not_null()
    ).unique(["tag", "ends"], keep="first", maintain_order=True)
    found = reading_findings(w, points, "Wh", {})
    amount = known_ns = 0
    for p in points:
        length = p.period_ms * MILLI
        expected = (w.end - w.start) // length
        mine = inside.filter(pl.col("tag") == p.tag)
        most = 2**63 - 1 if limit_w is None else -(-limit_w * length // HOUR_NS) + 1
        usable = mine.filter(pl.col("base").is_between(0, min(most, 2**63 - 1)))
        amount += _sum(usable, "base")
        known_ns += min(usable.height * length, w.end - w.start)
        if usable.height < mine.height:
            n = mine.height - usable.height
            found.append(
                finding(
                    "energy.implausible",
                    f"{p.name}: {n} intervals below 0 or beyond the rated maximum: left out; "
                    "check meter and scale",
                    tag=p.name,
                    n=n,
                )
            )
        if usable.height != expected:
            found.append(
                finding(
                    "energy.intervals",
                    f"{p.name}: got {usable.height} intervals of {p.period_ms} ms, expected "
                    f"{expected}; what is missing is not filled",
                    tag=p.name,
                    got=usable.height,
                    expected=expected,
                )
            )
    return amount, found, known_ns


def _of_origin(w: Window, points: Sequence[Point]) -> list[Point]:
    """Return the points that rows of this origin can belong to.

    Recorded points never had a device: in a live period they are not missing. Records that were
    imported into a device's own tag serve where there is no recorded point.
    """
    recorded = [p for p in points if p.mode == "imported"]
    if w.origin == "imported":
        return recorded or list(points)
    return [p for p in points if p.mode != "imported"]


def _steps(
    w: Window, points: Sequence[Point], base: Base, rates: dict[str, int | None]
) -> pl.DataFrame:
    values = in_base_units(w.events, points, base)
    return taken(counter_steps(values, limits_frame(points, base, rates)), w.start, w.end)


def _unknown() -> pl.Expr:
    return pl.col("straddles") | pl.col("flag").is_in(["reset", "implausible"])


def _known(
    w: Window, points: Sequence[Point], steps: pl.DataFrame, base: Base, wanted: Sequence[Span]
) -> dict[int, int]:
    """Return the time within ``wanted`` [ns] for which each counter is known, by tag."""
    between = steps.filter(~_unknown()).select("tag", start="before", end="at")
    fitting = [p for p in points if p.name not in misfits([p], base)]
    changes = [p.tag for p in fitting if p.mode == "subscribed" or p.protocol == "sparkplug"]
    lost = steps.filter(_unknown()).select("tag", start="before", end="at")
    silent = intervals.subtract(w.complete.filter(pl.col("tag").is_in(changes)), lost, ["tag"])
    spans = pl.DataFrame(
        [(p.tag, a, b) for p in fitting for a, b in wanted],
        schema={"tag": pl.UInt32, **SPAN},
        orient="row",
    )
    known = intervals.intersect(pl.concat([between, silent]), spans, ["tag"])
    found = dict(intervals.measure(known, ["tag"]).iter_rows())
    return {p.tag: int(found.get(p.tag, 0)) for p in points}


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].cast(pl.Int128).sum() or 0)
