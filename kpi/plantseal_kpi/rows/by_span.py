"""Pieces, amounts, states and texts of many spans at once, for shifts, products and days.

Every function answers for any list of half-open spans [ns], in the order of the list; spans may
overlap. The moment of a count is that of its later reading, so sums over adjoining spans are the
count of the whole. What is not known is None, never 0.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.plant import Equipment, Point
from plantseal_kpi.rows.readings import UNAVAILABLE
from plantseal_kpi.rows.states import UNKNOWN, alive_spans, mapped_spans, told_spans
from plantseal_kpi.rows.totals import known_spans, of_origin, steps_of, usable_intervals
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import OF_CARRIER

_SCHEMA: Final = {"label": pl.String, **SPAN}


def pieces_in(
    w: Window, equipment: Equipment, role: str, spans: Sequence[Span]
) -> list[int | None]:
    """Return the pieces of one role counted with their moment in (start, end] of each span.

    None where no difference is known within the span. Resets, implausible steps and steps that
    began before the period after a long silence are left out, as in ``totals.pieces``.
    """
    points = of_origin(w, w.points_of(equipment, role))
    if not points:
        return [None] * len(spans)
    steps = steps_of(w, points, "piece")
    known = known_spans(w, points, steps, "piece")
    return _sums(steps.filter(~pl.col("straddles")), known, spans)


def amount_in(w: Window, point: Point, spans: Sequence[Span]) -> list[int | None]:
    """Return the amount that one meter shows for each span, in the base unit of its carrier.

    A register's difference belongs to the moment of its later reading in (start, end]; an
    interval value to the span in which it ends. None where the meter says nothing of the span.
    """
    base = OF_CARRIER[point.carrier]
    if point.role == "energy_interval":
        told = usable_intervals(w, point, base).select(at="ends", delta="base")
        length = point.period_ms * 1_000_000
        known = told.select(start=pl.col("at") - length, end=pl.col("at"))
        return _sums(told, known, spans)
    steps = steps_of(w, [point], base)
    known = known_spans(w, [point], steps, base)
    return _sums(steps.filter(~pl.col("straddles")), known, spans)


def state_ns_in(w: Window, equipment: Equipment, spans: Sequence[Span]) -> list[dict[str, int]]:
    """Return the time by mapped machine state in each span [ns], ``unknown`` included.

    Every state that the machine was ever in within the period is a key of every span; the values
    of a span sum up to its length. A machine without a state tag is unknown all the time.
    """
    known = mapped_spans(w, equipment)
    states = sorted(set(known["state"].to_list()))
    inside = {s: _overlaps(known.filter(pl.col("state") == s), spans) for s in states}
    out = []
    for i, (start, end) in enumerate(spans):
        each = {s: inside[s][i] for s in states}
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


def _sums(steps: pl.DataFrame, known: pl.DataFrame, spans: Sequence[Span]) -> list[int | None]:
    ordered = steps.filter(pl.col("delta").is_not_null()).sort("at")
    _check_edges(ordered, spans)
    total = [0, *ordered["delta"].cast(pl.Int128).cum_sum().to_list()]
    starts = pl.Series([s for s, _ in spans], dtype=pl.Int64)
    ends = pl.Series([max(s, e) for s, e in spans], dtype=pl.Int64)
    at = ordered["at"]
    first, last = at.search_sorted(starts, side="right"), at.search_sorted(ends, side="right")
    told = _overlaps(known, spans)
    return [
        total[b] - total[a] if b > a or ns > 0 else None
        for a, b, ns in zip(first, last, told, strict=True)
    ]


def _check_edges(steps: pl.DataFrame, spans: Sequence[Span]) -> None:
    """Refuse an edge within a stretch of readings of which only the ends were kept."""
    if "dropped" not in steps.columns:
        return
    wide = steps.filter((pl.col("dropped") > 0) & (pl.col("delta") != 0)).sort("at")
    edges = pl.Series(sorted({t for s in spans for t in s}), dtype=pl.Int64)
    after = wide["at"].search_sorted(edges, side="right")
    for edge, i in zip(edges.to_list(), after.to_list(), strict=True):
        # Several counters may lie in the frame: look at the next stretch of each.
        later = wide[i : i + wide["tag"].n_unique()] if "tag" in wide.columns else wide[i : i + 1]
        if later.filter(pl.col("before") < edge).height:
            raise ValueError(
                f"spans: got an edge at {edge} ns, expected edges of the calendar, whole hours or "
                "dates that the plant names; readings between those are not kept one by one"
            )


def _overlaps(found: pl.DataFrame, spans: Sequence[Span]) -> list[int]:
    """Return the time of ``found`` within each span [ns]; overlaps of ``found`` count once."""
    joined = intervals.union(found.select(pl.lit(0).alias("key"), *SPAN), ["key"])
    starts, ends = joined["start"], joined["end"]
    before = [0, *(ends - starts).cum_sum().to_list()]

    def until(moments: list[int]) -> list[int]:
        index = starts.search_sorted(pl.Series(moments, dtype=pl.Int64), side="right")
        return [
            before[i] - max(0, ends[i - 1] - t) if i else 0
            for i, t in zip(index.to_list(), moments, strict=True)
        ]

    low, high = until([s for s, _ in spans]), until([e for _, e in spans])
    return [max(0, b - a) for a, b in zip(low, high, strict=True)]
