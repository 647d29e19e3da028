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
    points = of_origin(w, w.points_of(equipment, role))
    planned = w.planned[equipment.id]
    if not points or not planned:
        return Total(None)
    steps = steps_of(w, points, "piece")
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
    """Return the electricity of a machine in the period [Wh], from registers and interval values.

    An interval value belongs to [t - period, t): its time is the interval's end, so the value of
    midnight is the last of the day before.
    """
    registers = of_origin(w, _electric(w.points_of(equipment, "energy")))
    parts = of_origin(w, _electric(w.points_of(equipment, "energy_interval")))
    if not registers and not parts:
        return Total(None)
    steps = steps_of(w, registers, "Wh")
    counted = steps.filter(~pl.col("straddles"))
    period = [(w.start, w.end)]
    known_ns = _known(w, registers, steps, "Wh", period)
    amount, notes, part_ns = interval_energy(w, parts)
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


def _electric(points: Sequence[Point]) -> list[Point]:
    """Return the electricity meters; other carriers are figures of their own."""
    return [p for p in points if p.carrier == "electricity"]


def interval_energy(w: Window, points: Sequence[Point]) -> tuple[int, list[Finding], int]:
    """Return the sum of the interval values of ``points`` [Wh], what is amiss, the time known [ns].

    Args:
        w: The period.
        points: Points of the role ``energy_interval``.
    """
    inside = _intervals(w, points, "Wh")
    found = reading_findings(w, points, "Wh", {})
    amount = known_ns = 0
    for p in points:
        length = p.period_ms * MILLI
        expected = (w.end - w.start) // length
        mine = inside.filter(pl.col("tag") == p.tag)
        usable = usable_intervals(w, p, "Wh")
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


def of_origin(w: Window, points: Sequence[Point]) -> list[Point]:
    """Return the points that rows of this origin can belong to.

    Recorded points never had a device: in a live period they are not missing. Records that were
    imported into a device's own tag serve where there is no recorded point.
    """
    recorded = [p for p in points if p.mode == "imported"]
    if w.origin == "imported":
        return recorded or list(points)
    return [p for p in points if p.mode != "imported"]


def steps_of(w: Window, points: Sequence[Point], base: Base) -> pl.DataFrame:
    """Return the steps of the counters ``points`` in the period, as :func:`taken` marks them."""
    key = ("steps", tuple(p.tag for p in points), base)
    if key not in w.memo:
        values = in_base_units(w.events, points, base)
        limits = limits_frame(points, base, _rates(w, points, base))
        w.memo[key] = taken(counter_steps(values, limits), w.start, w.end)
    return w.memo[key]


def _rates(w: Window, points: Sequence[Point], base: Base) -> dict[str, int | None]:
    """Return the rated maximum of each machine [base units per hour]."""
    rates: dict[str, int | None] = {}
    for e in w.plant.equipment:
        if base == "piece" and e.rated_cycle_s is not None:
            rates[e.id] = math.ceil(3600 / e.rated_cycle_s)
        elif base == "Wh":
            rates[e.id] = rated_w(e)
    return rates


def rated_w(equipment: Equipment) -> int | None:
    """Return the rated maximum of a machine [W]."""
    rate = equipment.rated_power_kw
    return None if rate is None else math.ceil(rate * 1000)


def _unknown() -> pl.Expr:
    return pl.col("straddles") | pl.col("flag").is_in(["reset", "implausible"])


def known_spans(
    w: Window, points: Sequence[Point], steps: pl.DataFrame, base: Base
) -> pl.DataFrame:
    """Return the spans (tag, start, end) [ns] for which each counter is known."""
    between = steps.filter(~_unknown()).select("tag", start="before", end="at")
    fitting = [p for p in points if p.name not in misfits([p], base)]
    changes = [p.tag for p in fitting if p.mode == "subscribed" or p.protocol == "sparkplug"]
    lost = steps.filter(_unknown()).select("tag", start="before", end="at")
    silent = intervals.subtract(w.complete.filter(pl.col("tag").is_in(changes)), lost, ["tag"])
    return pl.concat([between, silent])


def _known(
    w: Window, points: Sequence[Point], steps: pl.DataFrame, base: Base, wanted: Sequence[Span]
) -> dict[int, int]:
    """Return the time within ``wanted`` [ns] for which each counter is known, by tag."""
    spans = pl.DataFrame(
        [(p.tag, a, b) for p in points for a, b in wanted],
        schema={"tag": pl.UInt32, **SPAN},
        orient="row",
    )
    known = intervals.intersect(known_spans(w, points, steps, base), spans, ["tag"])
    found = dict(intervals.measure(known, ["tag"]).iter_rows())
    return {p.tag: int(found.get(p.tag, 0)) for p in points}


def usable_intervals(w: Window, p: Point, base: Base) -> pl.DataFrame:
    """Return ``ends`` [ns] and ``base`` of the plausible interval values of one point."""
    limit = None
    if base == "Wh":
        limit = rated_w(next(e for e in w.plant.equipment if e.id == p.equipment))
    most = 2**63 - 1 if limit is None else -(-limit * p.period_ms * MILLI // HOUR_NS) + 1
    return _intervals(w, [p], base).filter(pl.col("base").is_between(0, min(most, 2**63 - 1)))


def _intervals(w: Window, points: Sequence[Point], base: Base) -> pl.DataFrame:
    values = in_base_units(w.seen.values, points, base).with_columns(
        ends=pl.coalesce("t_source", "at")
    )
    return values.filter(
        (pl.col("ends") > w.start) & (pl.col("ends") <= w.end) & pl.col("base").is_not_null()
    ).unique(["tag", "ends"], keep="first", maintain_order=True)


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].cast(pl.Int128).sum() or 0)
