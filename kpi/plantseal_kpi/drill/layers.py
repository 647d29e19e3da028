"""Intervals that divide a period: layer upon layer, each taking what those before it left."""

from collections.abc import Iterable, Sequence

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span, period_span, shift_spans, without
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.rows.window import Window

Layer = tuple[str, str, pl.DataFrame]
"""What it is, why it does not count (or empty), and its spans with the key columns."""


def divided(whole: pl.DataFrame, layers: Iterable[Layer], by: Sequence[str]) -> pl.DataFrame:
    """Return the time of ``whole`` as disjoint spans with ``what`` and ``reason``.

    Args:
        whole: Spans with the key columns ``by``.
        layers: The first that holds an instant has it; what is in none of them is dropped, so the
            last one is usually ``whole`` itself.
        by: Key columns.
    """
    columns = [*by, "start", "end"]
    left, out = intervals.union(whole.select(columns), by), []
    for what, reason, spans in layers:
        if not left.height:
            break
        mine = spans.select(columns)
        if not mine.height:
            continue
        inside = intervals.intersect(left, mine, by)
        out.append(inside.with_columns(what=pl.lit(what), reason=pl.lit(reason)))
        left = intervals.subtract(left, mine, by)
    empty = whole.select(columns).clear().with_columns(
        what=pl.lit("", pl.String), reason=pl.lit("", pl.String)
    )  # fmt: skip
    return pl.concat([empty, *out]).sort(*by, "start")


def spread(spans: Sequence[Span], tags: Sequence[int]) -> pl.DataFrame:
    """Return the spans for each tag."""
    return pl.DataFrame(
        [(t, a, b) for t in tags for a, b in spans],
        schema={"tag": pl.UInt32, **SPAN}, orient="row",
    )  # fmt: skip


def calendar_layers(w: Window, equipment: str, tags: Sequence[int]) -> list[Layer]:
    """Return what takes time of the period out of the planned time of a machine, stop by stop."""
    calendar, period = w.plant.calendar, (w.start, w.end)
    shifts = shift_spans(calendar, w.plant.zone, period)
    outside = without([period], shifts)
    layers = [("not planned", "outside_shifts", spread(outside, tags))]
    for stop in calendar.stops:
        if not stop.equipment or equipment in stop.equipment:
            spans = spread([period_span(stop.period)], tags)
            layers.append(("not planned", f"planned_stop:{stop.reason}", spans))
    return layers


def only(tags: Sequence[int], frame: pl.DataFrame) -> pl.DataFrame:
    """Return the spans of these tags."""
    return frame.filter(pl.col("tag").is_in(list(tags)))
