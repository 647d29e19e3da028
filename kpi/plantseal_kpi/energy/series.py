"""Energy and what it depends on, step by step: the data of the adjusted baseline.

A step is a local day or a local month that lies whole in the period and outside the works. What is
not known of a step stays unknown: it is left out on both sides of the comparison, never filled. An
energy of 0 is a reading: a machine in a planned stop uses nothing.

Source: CalTRACK 2.0 1.4.4, 2.2.2, 3.3.3.5, 3.5; definitions 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

import polars as pl

from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.calendar import Span, local_days, period_span
from plantseal_kpi.energy.adjusted import Step
from plantseal_kpi.energy.carriers import Source, days_of, sources
from plantseal_kpi.energy.factors import coal_factor
from plantseal_kpi.energy.whole import known_whole
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Adjustment, Driver, Equipment, Plant
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.by_span import pieces_in
from plantseal_kpi.rows.window import Window


@dataclass(frozen=True, slots=True)
class Series:
    """The steps of one side.

    Attributes:
        unit: Of the energy: a base unit, or ``g ce`` where several carriers are added.
        meters: What the energy is read from.
        machines: Whose good pieces are the output.
        findings: What was left out, and why.
    """

    steps: tuple[Step, ...]
    unit: str
    meters: tuple[str, ...]
    machines: tuple[str, ...]
    findings: tuple[Finding, ...]


def series(w: Window, ledgers: Ledgers, plan: Adjustment) -> Series:
    """Return energy and drivers of each whole step of the window."""
    listed = sources(w, ledgers.get("energy_bills"))
    cut = whole_steps(w.plant, (w.start, w.end), plan.step)
    spans = [span for _, _, span in cut]
    found: list[Finding] = [f for s in listed for f in s.findings]
    energy, unit, notes = _energy(w, listed, spans, plan)
    found += notes
    makers = [e for e in w.plant.equipment if _counters(w, e)]
    columns = []
    for driver in plan.drivers:
        column, notes = _driver(w, ledgers, driver, makers, spans)
        columns.append(column)
        found += notes
    steps = tuple(
        Step(label, index, energy[i], tuple(c[i] for c in columns))
        for i, (label, index, _) in enumerate(cut)
    )
    lacking = [s.label for s in steps if not s.complete]
    if lacking:
        found.append(
            finding(
                "model.masked",
                f"{len(lacking)} of {len(steps)} {plan.step}s are left out, energy or a driver is "
                f"not known: {_few(lacking)}",
                n=len(lacking), of=len(steps),
            )
        )  # fmt: skip
    names = tuple(n for s in listed for n in s.names)
    return Series(steps, unit, names, tuple(e.id for e in makers), tuple(found))


def whole_steps(plant: Plant, span: Span, size: str) -> list[tuple[str, int, Span]]:
    """Return (label, number in time, span) of the whole local days or months in ``span``.

    Months that the span cuts are dropped, and steps that meet the works.
    """
    base = plant.baseline
    works = period_span(base.works) if base is not None and base.works is not None else None
    days = local_days(span, plant.zone)
    whole = [(d, a, b) for d, a, b in days if a >= span[0] and b <= span[1]]
    if size == "day":
        cut = [(d.isoformat(), d.toordinal(), (a, b)) for d, a, b in whole]
    else:
        cut = []
        for (year, month), group in groupby(whole, key=lambda x: (x[0].year, x[0].month)):
            mine = list(group)
            following = date.fromordinal(mine[-1][0].toordinal() + 1)
            if mine[0][0].day == 1 and following.day == 1:
                label = f"{year:04}-{month:02}"
                cut.append((label, 12 * year + month, (mine[0][1], mine[-1][2])))
    if works is None:
        return cut
    return [(n, i, s) for n, i, s in cut if s[1] <= works[0] or s[0] >= works[1]]


def _energy(
    w: Window, listed: Sequence[Source], spans: Sequence[Span], plan: Adjustment
) -> tuple[list[int | None], str, list[Finding]]:
    """Return the energy of each step, in the carrier's unit or, of several carriers, in g ce."""
    nothing: list[int | None] = [None] * len(spans)
    if not listed:
        return nothing, "", [finding("figure.none", "no energy meter and no energy bill")]
    if plan.step == "day" and any(not s.points for s in listed):
        why = "bills cannot tell days apart; meter the carrier, or adjust by month"
        return nothing, "", [finding("model.bills_by_day", why)]
    read = [s.whole(spans) for s in listed]
    if len(listed) == 1:
        return read[0], listed[0].base, _allocations(listed)
    factors = [coal_factor(w.plant.energy, s.carrier) for s in listed]
    notes = [f.note for f in factors]
    if any(f.value is None for f in factors):
        return nothing, "g ce", notes
    summed: list[int | None] = []
    for column in zip(*read, strict=True):
        terms = [
            a * f.value * 1000
            for a, f in zip(column, factors, strict=True)
            if a is not None and f.value is not None
        ]
        summed.append(round(sum(terms, Fraction(0))) if len(terms) == len(column) else None)
    return summed, "g ce", [*notes, *_allocations(listed)]


def _allocations(listed: Sequence[Source]) -> list[Finding]:
    billed = [s.carrier for s in listed if not s.points]
    if not billed:
        return []
    why = "taken from bills, spread evenly over their days where months and bills differ"
    return [finding("energy.allocated", f"{', '.join(billed)}: {why}")]


def _counters(w: Window, e: Equipment) -> tuple[str, ...]:
    """Return the roles whose difference gives a machine's good pieces: (plus, minus)."""
    roles = {p.role for p in w.points_of(e)}
    if "count_good" in roles:
        return ("count_good",)
    return ("count_total", "count_scrap") if {"count_total", "count_scrap"} <= roles else ()


def good_pieces(w: Window, e: Equipment, spans: Sequence[Span]) -> list[int | None]:
    """Return the good pieces of a machine in each span, planned time or not."""
    each = [
        known_whole(w, w.points_of(e, role), "piece", spans, partial(pieces_in, w, e, role))
        for role in _counters(w, e)
    ]
    if len(each) < 2:
        return each[0] if each else [None] * len(spans)
    return [
        None if made is None or scrap is None else made - scrap
        for made, scrap in zip(*each, strict=True)
    ]


def _driver(
    w: Window, ledgers: Ledgers, driver: Driver, makers: Sequence[Equipment], spans: Sequence[Span]
) -> tuple[list[Fraction | None], list[Finding]]:
    """Return the value of a driver in each step, and why values lack."""
    zone = ZoneInfo(w.plant.zone)
    match driver.of:
        case "output":
            each = [good_pieces(w, e, spans) for e in makers]
            if not each:
                why = f"{driver.name}: no machine counts good pieces"
                return [None] * len(spans), [finding("model.no_driver", why)]
            columns = zip(*each, strict=True)
            return [_sum([None if n is None else Fraction(n) for n in c]) for c in columns], []
        case "hdd" | "cdd":
            weather = ledgers.get("weather")
            if weather is None or driver.base_c is None:
                why = f"{driver.name}: degree days need the ledger weather and base_c"
                return [None] * len(spans), [finding("model.no_driver", why)]
            sign = 1 if driver.of == "hdd" else -1
            base = Fraction(driver.base_c)
            degrees = {
                d: max(Fraction(0), sign * (base - Fraction(c)))
                for d, c in weather.select("date", "mean_c").iter_rows()
            }
            return [_days(degrees, s, zone) for s in spans], []
        case "ledger":
            given = ledgers.get("drivers")
            if given is None:
                why = f"{driver.name}: the ledger drivers is not given"
                return [None] * len(spans), [finding("model.no_driver", why)]
            mine = given.filter(pl.col("name") == driver.name).select("date", "value")
            values = {d: Fraction(v) for d, v in mine.iter_rows()}
            return [_records(values, s, zone) for s in spans], []


def _sum(values: Sequence[Fraction | None]) -> Fraction | None:
    known = [v for v in values if v is not None]
    return sum(known, Fraction(0)) if len(known) == len(values) else None


def _listed_days(span: Span, zone: ZoneInfo) -> list[date]:
    first, end = days_of(span, zone)
    return [date.fromordinal(i) for i in range(first.toordinal(), end.toordinal())]


def _days(values: dict[date, Fraction], span: Span, zone: ZoneInfo) -> Fraction | None:
    """Return the sum over all days of a step; None where a day lacks."""
    return _sum([values.get(d) for d in _listed_days(span, zone)])


def _records(values: dict[date, Fraction], span: Span, zone: ZoneInfo) -> Fraction | None:
    """Return the sum of the records in a step; None where there is none."""
    inside = [values[d] for d in _listed_days(span, zone) if d in values]
    return sum(inside, Fraction(0)) if inside else None


def _few(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:6])
    return shown if len(labels) <= 6 else f"{shown} and {len(labels) - 6} more"
