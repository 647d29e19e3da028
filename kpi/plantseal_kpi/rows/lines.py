"""What decides, tag by tag, which rows can be left out: freshness, role, rated maximum, edges."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from plantseal_kpi.calendar import Span, local_days, ns, period_span, planned_spans, shifts_of
from plantseal_kpi.plant import Equipment, Plant, Point
from plantseal_kpi.rows.readings import MILLI, SECOND, class_max_ns
from plantseal_kpi.rows.stretches import Ints, Line
from plantseal_kpi.units import FACTORS, OF_CARRIER, factor

COUNTS: Final = ("count_total", "count_good", "count_scrap")
LABELS: Final = ("state", "product", "loop_mode", "loop_output")
CONTEXT_NS: Final = 72 * 3600 * SECOND
"""How far around a period rows are read: states and counters need the reading before it, and late
data counts for completeness until 72 hours after it (definitions 4.1, L_final). Rows further away
are never used."""
_HOUR_NS: Final = 3600 * SECOND
_MOST_HOURS: Final = 24 * 800


@dataclass(frozen=True, slots=True)
class Lines:
    """Rules of all tags, and the moments at which counters must stand.

    Attributes:
        of: By tag.
        edges: Edges of shifts, stops and days by equipment [ns], sorted.
        hours: Whole hours, and hours since each begin [ns], for registers of energy.
        bounds: Begins and ends of the periods that are computed, and of the time around [ns].
    """

    of: Mapping[int, Line]
    edges: Mapping[str, Ints]
    hours: Ints
    bounds: Ints


def lines(plant: Plant, spans: Sequence[Span]) -> Lines:
    """Return the rules of a plant for periods ``spans`` [ns]."""
    by_id = {e.id: e for e in plant.equipment}
    with_product = {p.equipment for p in plant.points if p.role == "product"}
    loops = {n for x in plant.process.loops for n in (x.mode, x.output)}
    of = {
        p.tag: _line(plant, p, by_id[p.equipment], p.equipment in with_product, p.name in loops)
        for p in plant.points
    }
    shared = _shared(plant, spans)
    edges = {
        e.id: _sorted(
            [*shared, *(t for s in spans for x in planned_spans(plant, e.id, s) for t in x)]
        )
        for e in plant.equipment
    }
    hours = [
        t for a, b in spans if b - a <= _MOST_HOURS * _HOUR_NS
        for first in (a, -(-a // _HOUR_NS) * _HOUR_NS)
        for t in range(first, b + 1, _HOUR_NS)
    ]  # fmt: skip
    around = [t for a, b in spans for t in (a - CONTEXT_NS, a, b, b + CONTEXT_NS)]
    return Lines(of, edges, _sorted(hours), _sorted(around))


def _sorted(moments: Sequence[int]) -> Ints:
    return np.unique(np.array(list(moments), dtype=np.int64))


def _shared(plant: Plant, spans: Sequence[Span]) -> list[int]:
    """Return the edges [ns] that hold for every machine: days, shifts, dates that the plant names."""
    out = [t for s in spans for t in s]
    for s in spans:
        out += [t for _, a, b in local_days(s, plant.zone) for t in (a, b)]
        out += [t for _, _, a, b in shifts_of(plant, s) for t in (a, b)]
    named = [x.period for x in plant.process.exclusions]
    named += [x.period for x in plant.calendar.stops]
    named += [x.period for x in plant.windows]
    if plant.baseline is not None and plant.baseline.period is not None:
        named.append(plant.baseline.period)
    out += [t for p in named for t in period_span(p)]
    return [*out, *(ns(m.at) for m in plant.meters)]


def _line(plant: Plant, p: Point, e: Equipment, product: bool, loop: bool) -> Line:
    cap = class_max_ns(p.role) or 2**62
    period = p.period_ms * MILLI
    if p.mode == "subscribed":
        gap = min(p.keepalive_ms * MILLI, cap) * 11 // 10 + p.publishing_ms * MILLI
    else:
        gap = min(period, cap) * 11 // 10
    if e.stale_s is not None:
        gap = min(gap, e.stale_s * SECOND)
    by = "life"
    if p.role in ("energy_interval", "heartbeat") or p.stuck_periods is not None:
        by = "each"
    elif p.role in LABELS or loop:
        by = "label"
    elif p.role in (*COUNTS, "energy"):
        return _counter(plant, p, e, gap, still=product and p.role in COUNTS)
    return Line(gap, p.mode == "polled", period, plant.upload_delay_s * SECOND, by)


def _counter(plant: Plant, p: Point, e: Equipment, gap: int, *, still: bool) -> Line:
    base = "piece" if p.role in COUNTS else OF_CARRIER[p.carrier]
    late, period, polled = plant.upload_delay_s * SECOND, p.period_ms * MILLI, p.mode == "polled"
    if p.scale <= 0 or FACTORS.get(p.unit, ("",))[0] != base:
        return Line(gap, polled, period, late, "each")
    by = factor(p.unit, p.scale, base)
    rate = math.inf
    if base == "piece" and e.rated_cycle_s is not None:
        rate = 3600 / float(e.rated_cycle_s)
    elif base == "Wh" and e.rated_power_kw is not None:
        rate = float(e.rated_power_kw) * 1000
    step, raw = max(1, math.ceil(by)), float(by)
    rounded = (step - 1.5) / raw
    return Line(
        gap, polled, period, late, "count",
        rate=rate / raw / _HOUR_NS,
        slack=0.49 * step / raw if by.denominator == 1 else rounded,
        slack_real=rounded,
        least=1 / raw,
        most=2.0**62 / raw,
        still=still,
    )  # fmt: skip
