"""Pieces, amounts, states and texts of many spans at once, for shifts, products and days.

Every function answers for any list of half-open spans [ns], in the order of the list; spans may
overlap. The moment of a count is that of its later reading, so sums over adjoining spans are the
count of the whole. Counts after a long silence that began before ``since`` [ns] can be left out.
What is not known is None, never 0.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.plant import Equipment, Point
from plantseal_kpi.rows.readings import UNAVAILABLE
from plantseal_kpi.rows.states import UNKNOWN, alive_spans, state_times, told_spans
from plantseal_kpi.rows.totals import interval_tally, of_origin, tally
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import OF_CARRIER

_SCHEMA: Final = {"label": pl.String, **SPAN}


def pieces_in(
    w: Window, equipment: Equipment, role: str, spans: Sequence[Span], since: int | None = None
) -> list[int | None]:
    """Return the pieces of one role counted with their moment in (start, end] of each span.

    None where no difference is known within the span. Resets, implausible steps and steps that
    began before the period after a long silence are left out, as in ``totals.pieces``.
    """
    points = of_origin(w, w.points_of(equipment, role))
    if not points:
        return [None] * len(spans)
    each = [tally(w, p, "piece") for p in points]
    return [_added([t.counted(span, since) for t in each]) for span in spans]


def amount_in(
    w: Window, point: Point, spans: Sequence[Span], since: int | None = None
) -> list[int | None]:
    """Return the amount that one meter shows for each span, in the base unit of its carrier.

    A register's difference belongs to the moment of its later reading in (start, end]; an
    interval value to the span in which it ends. None where the meter says nothing of the span.
    """
    base = OF_CARRIER[point.carrier]
    if point.role == "energy_interval":
        return [interval_tally(w, point, base).counted(span) for span in spans]
    return [tally(w, point, base).counted(span, since) for span in spans]


def state_ns_in(w: Window, equipment: Equipment, spans: Sequence[Span]) -> list[dict[str, int]]:
    """Return the time by mapped machine state in each span [ns], ``unknown`` included.

    Every state that the machine was ever in within the period is a key of every span; the values
    of a span sum up to its length. A machine without a state tag is unknown all the time.
    """
    known = state_times(w).get(equipment.id, {})
    out = []
    for start, end in spans:
        each = {state: times.within((start, end)) for state, times in known.items()}
        out.append(each | {UNKNOWN: max(0, end - start) - sum(each.values())})
    return out


def label_spans(w: Window, point: Point) -> pl.DataFrame:
    """Return ``label``, ``start``, ``end`` [ns]: what a tag said, while its device was alive.

    Repeats are joined; bad values and time without a sign of life of the device are gaps. Numbers
    are labelled by their text. Cut to the period, sorted by start.
    """
    told = told_spans(w, point.tag).filter(pl.col("label") != UNAVAILABLE)
    alive = alive_spans(w, point.equipment)
    each = told.select("label").unique().join(alive.select(*SPAN), how="cross")
    both = intervals.intersect(told.select(*_SCHEMA), each, ["label"])
    return intervals.clip(both, w.start, w.end).sort("start", "label")


def _added(amounts: Sequence[int | None]) -> int | None:
    known = [a for a in amounts if a is not None]
    return sum(known) if known else None
