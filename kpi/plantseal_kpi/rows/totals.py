"""Pieces and energy of a period, machine by machine, from counters and interval values.

What is known is always beside what should be: ``covered_ns`` of ``expected_ns``. A counter is known
between two readings whose difference is known; one that reports changes only is known besides while
its session lives, for silence then means that it stands still.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

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
from plantseal_kpi.rows.lines import COUNTS
from plantseal_kpi.rows.meters import change_findings, with_changes
from plantseal_kpi.rows.readings import MILLI
from plantseal_kpi.rows.tally import Tally, times_of
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
    known_ns = _known(w, points, "piece", planned)
    expected = intervals.length(planned) * len(points)
    findings = (
        *reading_findings(w, points, "piece", known_ns),
        *flag_findings(points, steps),
        *change_findings(w.plant, points, "piece", w.start, w.end),
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
    known_ns = _known(w, registers, "Wh", period)
    amount, notes, part_ns = interval_energy(w, parts)
    covered_ns = sum(known_ns.values()) + part_ns
    found = (
        *reading_findings(w, registers, "Wh", known_ns),
        *flag_findings(registers, steps),
        *change_findings(w.plant, registers, "Wh", w.start, w.end),
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
    return _all_steps(w, base).filter(pl.col("tag").is_in([p.tag for p in points]))


def _counters(w: Window, base: Base) -> list[Point]:
    roles = COUNTS if base == "piece" else ("energy",)
    return [p for p in w.plant.points if p.role in roles]


def _all_steps(w: Window, base: Base) -> pl.DataFrame:
    """Return the steps of every counter that measures ``base``."""
    if ("steps", base) not in w.memo:
        points = _counters(w, base)
        values = with_changes(in_base_units(w.events, points, base), w.plant, points, base)
        limits = limits_frame(points, base, _rates(w, base))
        w.memo["steps", base] = taken(counter_steps(values, limits), w.start, w.end)
    found: pl.DataFrame = w.memo["steps", base]
    return found


def tally(w: Window, p: Point, base: Base) -> Tally:
    """Return what one counter counted, moment by moment."""
    if ("tallies", base) not in w.memo:
        w.memo["tallies", base] = dict(_tallies(w, base))
    found: dict[int, Tally] = w.memo["tallies", base]
    return found.get(p.tag, Tally([], [0], times_of([]), [], [], {}))


def _tallies(w: Window, base: Base) -> Iterator[tuple[int, Tally]]:
    steps, points = _all_steps(w, base), _counters(w, base)
    known = _by_tag(known_spans(w, points, steps, base).select("tag", *SPAN))
    counted = steps.filter(~pl.col("straddles") & pl.col("delta").is_not_null())
    each = _by_tag(counted.sort("tag", "at", "seq").select("tag", "at", "delta"))
    wide = _by_tag(
        counted.filter((pl.col("dropped") > 0) & (pl.col("delta") != 0))
        .sort("tag", "at")
        .select("tag", "at", "before")
    )
    silent = _by_tag(
        counted.filter(pl.col("silence") & (pl.col("dropped") == 0)).select("tag", "at", "before")
    )
    for tag in {*each, *known}:
        at, delta = _columns(each.get(tag))
        yield (
            tag,
            Tally(
                at, [0, *accumulate(delta)],
                times_of(zip(*_columns(known.get(tag)), strict=True)), *_columns(wide.get(tag)),
                dict(zip(*_columns(silent.get(tag)), strict=True)),
            ),
        )  # fmt: skip


def _by_tag(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    parts = frame.partition_by("tag", as_dict=True, maintain_order=True, include_key=False)
    return {int(key[0]): part for key, part in parts.items()}


def _columns(frame: pl.DataFrame | None) -> tuple[list[int], list[int]]:
    if frame is None:
        return [], []
    first, second = frame.get_columns()
    return first.to_list(), second.to_list()


def interval_tally(w: Window, p: Point, base: Base) -> Tally:
    """Return the same of a meter of interval values."""
    if ("intervals", p.tag, base) not in w.memo:
        told = usable_intervals(w, p, base).sort("ends")
        ends, amounts = told["ends"].to_list(), told["base"].to_list()
        known = times_of([(t - p.period_ms * MILLI, t) for t in ends])
        w.memo["intervals", p.tag, base] = Tally(ends, [0, *accumulate(amounts)], known, [], [], {})
    found: Tally = w.memo["intervals", p.tag, base]
    return found


def _rates(w: Window, base: Base) -> dict[str, int | None]:
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
    if not changes:
        return between
    silent = intervals.subtract(w.complete.filter(pl.col("tag").is_in(changes)), lost, ["tag"])
    return pl.concat([between, silent])


def _known(
    w: Window, points: Sequence[Point], base: Base, wanted: Sequence[Span]
) -> dict[int, int]:
    """Return the time within disjoint ``wanted`` [ns] for which each counter is known, by tag."""
    known = {p.tag: tally(w, p, base).known for p in points}
    return {tag: sum(times.within(s) for s in wanted) for tag, times in known.items()}


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
