"""Machine by machine and day by day: what the figures are sums of, as one frame of integers."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span, common, local_days, period_span
from plantseal_kpi.intervals import length
from plantseal_kpi.plant import Equipment, Period, Plant
from plantseal_kpi.report import Origin
from plantseal_kpi.rows.by_span import amount_in, pieces_in, state_ns_in
from plantseal_kpi.rows.coverage import covered
from plantseal_kpi.rows.groups import machine_groups
from plantseal_kpi.rows.lines import CONTEXT_NS
from plantseal_kpi.rows.parts import Rows
from plantseal_kpi.rows.readings import SECOND
from plantseal_kpi.rows.source import Cache, in_span, plant_tags, read
from plantseal_kpi.rows.states import by_day
from plantseal_kpi.rows.totals import of_origin
from plantseal_kpi.rows.window import Window, window
from plantseal_kpi.schema import Flag, Kind

STATES: Final = ("producing", "setup", "idle", "down", "planned_stop", "off", "unknown")
COUNTS: Final = {"made": "count_total", "good": "count_good", "scrap": "count_scrap"}
DAILY: Final = {
    "equipment": pl.String, "day": pl.Date, "required_ns": pl.Int64, "covered_ns": pl.Int64,
    **{f"ns_{s}": pl.Int64 for s in STATES}, **dict.fromkeys(COUNTS, pl.Int64),
    "energy_wh": pl.Int64,
}  # fmt: skip
"""Columns of :func:`daily`."""


_READ_TAG_DAYS: Final = 16_000
"""So many days of tags are read together; beyond that the files are read once more."""
_TAG_DAYS: Final = 4_000
"""So many are computed together."""


def daily(rows: Rows, plant: Plant, period: Period, *, cache: Cache | None = None) -> pl.DataFrame:
    """Return one row a machine and local day of the period, as :data:`DAILY`, sorted by both.

    Required time is planned time of the day [ns]; covered time is that in which each required
    point was covered in real time, summed over the points [ns]; states [ns] and pieces are those
    of planned time, energy [Wh] that of the whole day. What was counted over a long silence across
    midnight belongs to neither day. Null: nothing is known of it.

    Machines are computed in groups, so that memory grows with neither machines nor days.

    Args:
        rows: As :data:`plantseal_kpi.schema.ROWS`, or parts of it.
        plant: The plant.
        period: What is asked for.
        cache: As for :func:`plantseal_kpi.rows.source.read`.
    """
    span = period_span(period)
    days = max(1, len(local_days((span[0] - CONTEXT_NS, span[1] + CONTEXT_NS), plant.zone)))
    origin = _origin(rows, plant, span)
    out = []
    for some in machine_groups(plant, _READ_TAG_DAYS // days):
        source = read(rows, some, [span], cache=cache)
        for few in machine_groups(some, _TAG_DAYS // days):
            mine = source if few is some else source.part(few)
            out.append(daily_of(window(mine, few, span, origin=origin)))
    return pl.concat(out).sort("equipment", "day")


def _origin(rows: Rows, plant: Plant, span: Span) -> Origin:
    """Return whose rows a window of the whole plant would take."""
    imported = (pl.col("flags") & int(Flag.IMPORTED)) != 0
    in_time = (pl.col("t_receive") < span[1] + CONTEXT_NS).fill_null(True)
    said = pl.col("tag").is_in(plant_tags(plant)) & (pl.col("kind") <= Kind.KEEPALIVE)
    inside = in_span(*span) & said
    parts = [rows] if isinstance(rows, pl.LazyFrame) else [
        p.rows for p in rows if p.start < span[1] and p.end >= span[0]
    ]  # fmt: skip
    origins: tuple[tuple[Origin, pl.Expr], ...] = (
        ("live", ~imported & in_time), ("imported", imported)
    )  # fmt: skip
    for origin, which in origins:
        for part in parts:
            if part.filter(inside & which).select("seq").head(1).collect(engine="streaming").height:
                return origin
    return "none"


def daily_of(w: Window) -> pl.DataFrame:
    """Return :func:`daily` of a window."""
    days = [
        (d, max(a, w.start), min(b, w.end))
        for d, a, b in local_days((w.start, w.end), w.plant.zone)
    ]
    cover = _covered(w)
    out = []
    for e in w.plant.equipment:
        planned = [common([(a, b)], w.planned[e.id]) for _, a, b in days]
        states = _states(w, e, planned)
        counts = {
            name: _pieces(w, e, role, planned, [a for _, a, _ in days])
            for name, role in COUNTS.items()
        }
        energy = _energy(w, e, [(a, b) for _, a, b in days])
        for i, (day, _, _) in enumerate(days):
            out.append(
                {
                    "equipment": e.id, "day": day, "required_ns": length(planned[i]),
                    "covered_ns": cover.get((e.id, day), 0),
                    **{f"ns_{s}": states[i].get(s, 0) for s in STATES},
                    **{name: each[i] for name, each in counts.items()},
                    "energy_wh": energy[i],
                }
            )  # fmt: skip
    return pl.DataFrame(out, schema=DAILY, orient="row").sort("equipment", "day")


def _covered(w: Window) -> dict[tuple[object, object], int]:
    required = [p for p in w.plant.points if p.required and p.role != "link"]
    spans = pl.DataFrame(
        [(p.tag, a, b) for p in required for a, b in w.planned[p.equipment]],
        schema={"tag": pl.UInt32, **intervals.SPAN},
        orient="row",
    )
    cover = covered(w.seen, w.points, w.plant.upload_delay_s * SECOND)
    inside = intervals.intersect(cover, spans, ["tag"])
    dated = by_day(inside, (w.start, w.end), w.plant.zone).join(
        w.points.select("tag", "equipment"), on="tag"
    )
    sums = dated.group_by("equipment", "day").agg(ns=(pl.col("end") - pl.col("start")).sum())
    return {(e, d): ns for e, d, ns in sums.iter_rows()}


def _states(w: Window, e: Equipment, groups: Sequence[Sequence[Span]]) -> list[dict[str, int]]:
    each = iter(state_ns_in(w, e, [s for g in groups for s in g]))
    out = []
    for group in groups:
        sums: dict[str, int] = {}
        for _ in group:
            for state, ns in next(each).items():
                sums[state] = sums.get(state, 0) + ns
        out.append(sums)
    return out


def _pieces(
    w: Window, e: Equipment, role: str, groups: Sequence[Sequence[Span]], since: Sequence[int]
) -> list[int | None]:
    return [
        _sum(pieces_in(w, e, role, spans, begin))
        for spans, begin in zip(groups, since, strict=True)
    ]


def _energy(w: Window, e: Equipment, spans: Sequence[Span]) -> list[int | None]:
    points = of_origin(w, w.points_of(e, "energy", "energy_interval"))
    meters = [p for p in points if p.carrier == "electricity"]
    return [_sum([a for p in meters for a in amount_in(w, p, [s], s[0])]) for s in spans]


def _sum(amounts: Sequence[int | None]) -> int | None:
    known = [a for a in amounts if a is not None]
    return sum(known) if known else None
