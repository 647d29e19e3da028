"""Which days and months a meter or a counter knows whole.

A register bridges a gap by its own difference, and that lands in the step in which it is read
again: right for a total, wrong for a step that the gap reaches into. An interval meter that lacks
one value of a step says too little of it. Such steps are not known; a model must not be fitted on
them, nor a saving found in them.

Source: definitions 4.1 (missing is never filled, a bridge is not split); 3.2 (90 %).
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

import polars as pl

from plantseal_kpi.calendar import Span, local_days, without
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.plant import Point
from plantseal_kpi.rows.totals import steps_of
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import Base

LEAST_KNOWN = Fraction(9, 10)
"""Share of a month's days, or of a day's hours, for which a register must be known."""

HOUR_NS = 3600 * 10**9
Ask = Callable[[Sequence[Span]], list[int | None]]


def known_whole(
    w: Window, points: Sequence[Point], base: Base, spans: Sequence[Span], ask: Ask
) -> list[int | None]:
    """Return the amount in each span [base units]; None where it is not known whole.

    Args:
        w: The period.
        points: The meters or counters behind ``ask``.
        base: Their base unit.
        spans: Days or months.
        ask: Gives the amount of any spans, None where nothing is known.
    """
    shares = shares_known(w, points, spans, ask)
    blurred = blurred_by_gaps(w, [p for p in points if p.role != "energy_interval"], base, spans)
    lacks = [p.role == "energy_interval" for p in points]
    least = Fraction(1) if any(lacks) else LEAST_KNOWN
    return [
        amount if share >= least and not blur else None
        for amount, share, blur in zip(ask(spans), shares, blurred, strict=True)
    ]


def shares_known(
    w: Window, points: Sequence[Point], spans: Sequence[Span], ask: Ask
) -> list[Fraction]:
    """Return the share of the slices of each span of which ``ask`` knows an amount."""
    each = min((p.period_ms * 10**6 for p in points if p.role == "energy_interval"), default=None)
    cut = [(i, x) for i, s in enumerate(spans) for x in slices(s, w.plant.zone, each)]
    seen, wanted = [0] * len(spans), [0] * len(spans)
    for (i, _), amount in zip(cut, ask([x for _, x in cut]), strict=True):
        seen[i] += amount is not None
        wanted[i] += 1
    return [Fraction(n, d) if d else Fraction(0) for n, d in zip(seen, wanted, strict=True)]


def slices(span: Span, zone: str, each: int | None = None) -> list[Span]:
    """Return the slices of a span: ``each`` ns long, else local days, else hours of one day.

    Example:
        >>> len(slices((0, 24 * HOUR_NS), "UTC")), len(slices((0, 48 * HOUR_NS), "UTC"))
        (24, 2)
    """
    start, end = span
    if each is None and end - start > 25 * HOUR_NS:  # a day of 25 hours is still a day
        days = local_days(span, zone)
        return [(max(a, start), min(b, end)) for _, a, b in days if a < end and b > start]
    step = each or HOUR_NS
    return [(t, min(t + step, end)) for t in range(start, end, step)]


def blurred_by_gaps(
    w: Window, points: Sequence[Point], base: Base, spans: Sequence[Span]
) -> list[bool]:
    """Return for each span whether a gap of a tenth of its length reaches across its edge.

    A gap is the time between two readings, less that in which a device that reports changes only
    was alive and had nothing to say.
    """
    if not points or not spans:
        return [False] * len(spans)
    tenth = min(int((1 - LEAST_KNOWN) * (b - a)) for a, b in spans)
    steps = steps_of(w, points, base).select("tag", start="before", end="at")
    wide = steps.filter(pl.col("end") - pl.col("start") > tenth)
    changes = [p.tag for p in points if p.mode == "subscribed" or p.protocol == "sparkplug"]
    alive: dict[int, list[Span]] = {}
    for tag, *lived in w.complete.filter(pl.col("tag").is_in(changes)).select("tag", *SPAN).rows():
        alive.setdefault(tag, []).append((lived[0], lived[1]))
    # Each gap by itself: two that meet in a reading at an edge do not cross it.
    gaps = [
        g for tag, *step in wide.rows() for g in without([(step[0], step[1])], alive.get(tag, ()))
    ]
    out = []
    for a, b in spans:
        limit = (1 - LEAST_KNOWN) * (b - a)
        out.append(any(s < t < e and e - s > limit for s, e in gaps for t in (a, b)))
    return out
