"""One period seen through one origin of rows: what every figure is computed from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from plantseal_kpi.calendar import Span, planned_spans
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.plant import Equipment, Plant, Point
from plantseal_kpi.report import Origin
from plantseal_kpi.rows.coverage import covered
from plantseal_kpi.rows.lines import CONTEXT_NS
from plantseal_kpi.rows.marks import LAGS, marked, number
from plantseal_kpi.rows.readings import SECOND, Readings, points_frame, readings
from plantseal_kpi.rows.source import Source, doubtful, in_span
from plantseal_kpi.schema import Flag, Kind


@dataclass(frozen=True)
class Window:
    """The rows of one period and origin, made ready, with the plant beside them.

    Attributes:
        plant: Register, points, calendar.
        start: Begin of the period [ns].
        end: End of the period [ns], not included.
        origin: ``live``, ``imported`` or ``none``; live and imported rows are never mixed.
        rows: Rows of that origin in the period and its context.
        other: Rows of the other origin in the period, left out.
        too_late: Rows of the period received after the final cut-off, 72 h after its end; unused.
        lags: Lags of rows of that origin that were read but not kept, as
            :data:`plantseal_kpi.rows.marks.LAGS`.
    """

    plant: Plant
    start: int
    end: int
    origin: Origin
    rows: pl.DataFrame
    other: int
    too_late: int
    lags: pl.DataFrame

    @cached_property
    def memo(self) -> dict[object, Any]:
        """What several figures need, kept while the window lives."""
        return {}

    @cached_property
    def points(self) -> pl.DataFrame:
        """Points as a frame."""
        return points_frame(self.plant)

    @cached_property
    def seen(self) -> Readings:
        """Rows made ready."""
        return readings(self.rows, self.points, self.lags)

    @cached_property
    def events(self) -> pl.DataFrame:
        """Values with ``at`` the moment they happened [ns], for states and counters."""
        return self.seen.values.with_columns(at="happened").sort("tag", "at", "seq")

    @cached_property
    def complete(self) -> pl.DataFrame:
        """Spans (tag, start, end) [ns] covered by evidence, late and stored values included."""
        return covered(self.seen, self.points, None)

    @cached_property
    def planned(self) -> dict[str, list[Span]]:
        """Planned production time within the period, by equipment id."""
        span = (self.start, self.end)
        return {e.id: planned_spans(self.plant, e.id, span) for e in self.plant.equipment}

    @cached_property
    def planned_frame(self) -> pl.DataFrame:
        """The same as spans: equipment, start, end."""
        rows = [(e, a, b) for e, spans in self.planned.items() for a, b in spans]
        return pl.DataFrame(rows, schema={"equipment": pl.String, **SPAN}, orient="row")

    def points_of(self, equipment: Equipment, *roles: str) -> list[Point]:
        """Return the points of one machine with one of the roles, by tag."""
        mine = (p for p in self.plant.points if p.equipment == equipment.id)
        return sorted((p for p in mine if not roles or p.role in roles), key=lambda p: p.tag)


def window(
    rows: pl.DataFrame | Source, plant: Plant, span: Span, *, prefer: Origin = "live",
    origin: Origin | None = None,
) -> Window:  # fmt: skip
    """Return the window of ``span`` from the preferred origin, or from the other if it has none.

    Args:
        rows: Rows of the plant's tags, all or condensed; what lies beyond the context is not used.
        plant: The plant.
        span: The period [ns].
        prefer: ``live`` for a period of the gateway, ``imported`` for a baseline before it.
        origin: Take this one, whatever rows there are: that of the plant whose part this is.
    """
    if isinstance(rows, pl.DataFrame):
        return _window(marked(rows), pl.DataFrame(schema=LAGS), plant, span, prefer, origin)
    while True:
        w = _window(rows.rows, rows.lags, plant, span, prefer, origin)
        doubts = doubtful(w.rows, w.seen, plant.upload_delay_s * SECOND)
        if not doubts.height:
            return w
        rows.again(doubts)


def _window(
    rows: pl.DataFrame, lags: pl.DataFrame, plant: Plant, span: Span, prefer: Origin,
    origin: Origin | None = None,
) -> Window:  # fmt: skip
    start, end = span
    near = rows.filter(in_span(start - CONTEXT_NS, end + CONTEXT_NS))
    imported = (pl.col("flags") & int(Flag.IMPORTED)) != 0
    # What was recorded elsewhere has no deadline: its receive time is that of another system.
    after = (~imported & (pl.col("t_receive") >= end + CONTEXT_NS)).fill_null(False)
    mine = pl.col("t_source").is_between(start, end, closed="left").fill_null(False)
    too_late = number(near.filter(after & mine & (pl.col("kind") == Kind.VALUE)))
    near = near.filter(~after)
    sides: dict[Origin, pl.DataFrame] = {
        "live": near.filter(~imported),
        "imported": near.filter(imported),
    }
    inside = {
        origin: number(part.filter(in_span(start, end) & (pl.col("kind") <= Kind.KEEPALIVE)))
        for origin, part in sides.items()
    }
    order: list[Origin] = ["live", "imported"] if prefer == "live" else ["imported", "live"]
    found: Origin = next((o for o in order if inside[o]), "none")
    chosen: Origin = found if origin is None else origin
    if chosen == "none":
        return Window(plant, start, end, "none", near.clear(), 0, too_late, lags.clear())
    other = order[1] if chosen == order[0] else order[0]
    left_out = lags.filter(
        (pl.col("imported") == (chosen == "imported"))
        & pl.col("since").is_between(start - CONTEXT_NS, end + CONTEXT_NS, closed="left")
    )
    return Window(plant, start, end, chosen, sides[chosen], inside[other], too_late, left_out)
