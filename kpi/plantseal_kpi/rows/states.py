"""How long a machine was in each state.

A state holds until the next row of its tag. Whether it is *known* is a matter of the machine's last
sign of life, not of the state's own last change: a machine may stay ACTIVE for an hour without a
word about it. What is not known is a bucket of its own, never part of another.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span, local_days
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.rows.coverage import equipment_alive
from plantseal_kpi.rows.readings import SECOND, label
from plantseal_kpi.rows.tally import Times, times_of
from plantseal_kpi.rows.window import Window
from plantseal_kpi.schema import Kind

UNKNOWN: Final = "unknown"


def state_spans(rows: pl.DataFrame, tags: Sequence[int], until: int) -> pl.DataFrame:
    """Return the spans (tag, state, start, end) [ns] of the raw values of state tags.

    Rows are taken by source time, by receive time where there is none, in the order (tag, time,
    seq). A value that is bad or missing is the state ``UNAVAILABLE``. The last state of a tag lasts
    until ``until``; repeats of a state are not joined, spans of no length vanish.

    Args:
        rows: Frame as :data:`plantseal_kpi.schema.ROWS`.
        tags: State tags.
        until: End of the last state [ns], e.g. the last record of the machine.
    """
    mine = rows.filter(
        pl.col("tag").is_in(list(tags)) & (pl.col("kind") == Kind.VALUE)
    ).with_columns(at=pl.coalesce("t_source", "t_receive"), state=label())
    return _spans(mine, until)


def _spans(values: pl.DataFrame, until: int) -> pl.DataFrame:
    following = pl.col("at").shift(-1).over("tag").fill_null(until)
    return (
        values.sort("tag", "at", "seq")
        .select("tag", "state", start="at", end=following)
        .filter(pl.col("end") > pl.col("start"))
    )


def state_durations(
    rows: pl.DataFrame,
    tags: Sequence[int],
    *,
    span: Span | None = None,
    zone: str = "UTC",
    until: int | None = None,
) -> pl.DataFrame:
    """Return ``tag``, ``day``, ``state``, ``ns``: time in each raw state per local day [ns].

    Nothing is mapped and nothing goes stale: these are the records' own states, for comparison
    with other programs. :func:`mapped_spans` is what the figures use.

    Args:
        rows: Frame as :data:`plantseal_kpi.schema.ROWS`, in any order.
        tags: State tags.
        span: Only the time in [start, end) [ns]; all if None.
        zone: Zone whose midnights divide the days.
        until: End of the last state [ns]; the latest time of any row if None.

    Example:
        >>> from plantseal_kpi.schema import ROWS
        >>> row = dict.fromkeys(ROWS, 0) | {"tag": 1, "kind": 1, "vtype": 5, "t_receive": None}
        >>> rows = pl.DataFrame([row | {"seq": 0, "t_source": 0, "text": "ACTIVE"},
        ...                      row | {"seq": 1, "t_source": 9, "text": "READY"}], schema=ROWS)
        >>> state_durations(rows, [1]).select("state", "ns").rows()
        [('ACTIVE', 9)]
    """
    latest = rows.select(pl.coalesce("t_source", "t_receive").max()).item()
    spans = state_spans(rows, tags, latest if until is None else until)
    if span is not None:
        spans = intervals.clip(spans, *span)
    if not spans.height:
        return pl.DataFrame(
            schema={"tag": pl.UInt32, "day": pl.Date, "state": pl.String, "ns": pl.Int64}
        )
    whole = (int(spans["start"].min()), int(spans["end"].max()))  # type: ignore[arg-type]
    divided = by_day(spans, whole, zone)
    return (
        divided.group_by("tag", "day", "state")
        .agg(ns=(pl.col("end") - pl.col("start")).sum())
        .sort("tag", "day", "state")
    )


def by_day(spans: pl.DataFrame, whole: Span, zone: str) -> pl.DataFrame:
    """Return the spans divided at the midnights of ``zone``, with the local date as ``day``."""
    days = local_days(whole, zone)
    calendar = pl.DataFrame(
        days, schema={"day": pl.Date, "day_start": pl.Int64, "day_end": pl.Int64}, orient="row"
    )
    edges = calendar["day_start"]
    first = pl.Series("first", edges.search_sorted(spans["start"], side="right")).cast(pl.Int64) - 1
    last = pl.Series("last", edges.search_sorted(spans["end"], side="left")).cast(pl.Int64)
    return (
        spans.with_columns(first, last)
        .with_columns(index=pl.int_ranges("first", "last"))
        .explode("index", empty_as_null=False)
        .join(calendar.with_row_index("index").cast({"index": pl.Int64}), on="index")
        .with_columns(
            start=pl.max_horizontal("start", "day_start"), end=pl.min_horizontal("end", "day_end")
        )
        .drop("first", "last", "index", "day_start", "day_end")
        .filter(pl.col("end") > pl.col("start"))
    )


def told_spans(w: Window, tag: int) -> pl.DataFrame:
    """Return the spans (label, start, end) [ns] of what a tag said, bad values as UNAVAILABLE."""
    values = w.events.filter((pl.col("tag") == tag) & (pl.col("kind") != Kind.OVERFLOW))
    told = _spans(values.with_columns(state=label()), w.end)
    return told.select(pl.col("state").alias("label"), *SPAN)


def alive_spans(w: Window, equipment: str) -> pl.DataFrame:
    """Return the spans (start, end) [ns] in which a machine gave signs of life."""
    return _alive(w).filter(pl.col("equipment") == equipment).select(*SPAN)


def _alive(w: Window) -> pl.DataFrame:
    if "alive" not in w.memo:
        stale = pl.DataFrame(
            [(e.id, None if e.stale_s is None else e.stale_s * SECOND) for e in w.plant.equipment],
            schema={"equipment": pl.String, "fresh_ns": pl.Int64},
            orient="row",
        )
        w.memo["alive"] = equipment_alive(w.seen, w.points, stale)
    found: pl.DataFrame = w.memo["alive"]
    return found


def mapped_spans(w: Window) -> pl.DataFrame:
    """Return the spans (equipment, state, start, end) [ns] of the known machine states, disjoint.

    With several state tags, the first by id counts. What the register does not map is unknown
    and absent, as is time without a sign of life.
    """
    if "states" not in w.memo:
        keys = ["equipment", "state"]
        tags = [mine[0].tag for e in w.plant.equipment if (mine := w.points_of(e, "state"))]
        maps = pl.DataFrame(
            [(e.id, *x) for e in w.plant.equipment for x in e.states.items() if x[1] != UNKNOWN],
            schema={"equipment": pl.String, "label": pl.String, "state": pl.String},
            orient="row",
        )
        values = w.events.filter(pl.col("tag").is_in(tags) & (pl.col("kind") != Kind.OVERFLOW))
        told = _spans(values.with_columns(state=label()), w.end).rename({"state": "label"})
        known = told.join(w.points.select("tag", "equipment"), on="tag").join(
            maps, on=["equipment", "label"]
        ).select(*keys, *SPAN)  # fmt: skip
        each = known.select(keys).unique().join(_alive(w), on="equipment")
        w.memo["states"] = intervals.intersect(known, each.select(*keys, *SPAN), keys)
    found: pl.DataFrame = w.memo["states"]
    return found


def state_times(w: Window) -> dict[str, dict[str, Times]]:
    """Return :func:`mapped_spans` by equipment and state."""
    if "state times" not in w.memo:
        out: dict[str, dict[str, Times]] = {}
        parts = mapped_spans(w).partition_by(
            "equipment", "state", as_dict=True, maintain_order=True
        )
        for (e, state), part in parts.items():
            out.setdefault(str(e), {})[str(state)] = times_of(part.select(*SPAN).rows())
        w.memo["state times"] = out
    found: dict[str, dict[str, Times]] = w.memo["state times"]
    return found
