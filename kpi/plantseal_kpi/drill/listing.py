"""Rows as a drill-down lists them: when each happened, what it says, and why it says nothing."""

from collections.abc import Sequence

import polars as pl

from plantseal_kpi.plant import Point
from plantseal_kpi.rows.coverage import timely
from plantseal_kpi.rows.lines import CONTEXT_NS
from plantseal_kpi.rows.readings import SECOND, has, repeats
from plantseal_kpi.rows.window import Window
from plantseal_kpi.schema import Flag, Kind, VType

KINDS = {int(k): k.name for k in Kind}


def listed(w: Window, rows: pl.DataFrame, points: Sequence[Point], *, at: str) -> pl.DataFrame:
    """Return the rows of the period with ``reason``, empty where nothing speaks against them.

    Columns are those of ``frames.ROWS`` but ``before`` and ``delta``, and ``good``, ``fresh``,
    ``in_time`` of the production's readings, ``value_i``, ``value_f``, ``text``.

    Args:
        w: A window in which ``rows`` are whole.
        rows: Rows as they were received.
        points: Whose rows they are; other tags are links.
        at: ``at`` where evidence of life counts, ``happened`` for states and counters.
    """
    limit = w.plant.upload_delay_s * SECOND
    placed = w.seen.values.select(
        "seq", "good", "fresh", in_time=timely(limit), at=pl.col(at),
        early=pl.col("t_receive") < pl.col("at"),
    )  # fmt: skip
    of = pl.DataFrame(
        [(p.tag, p.name, p.equipment) for p in points],
        schema={"tag": pl.UInt32, "point": pl.String, "equipment": pl.String}, orient="row",
    )  # fmt: skip
    told = w.seen.links.select("seq", heard=pl.col("at"))
    same = repeats(w.rows.join(w.points, on="tag"))
    whole = (
        rows.join(of, on="tag", how="left")
        .join(placed, on="seq", how="left")
        .join(told, on="seq", how="left")
        .join(same, on="seq", how="left")
        .with_columns(
            at=pl.coalesce("at", "heard"),
            value=pl.coalesce(
                "text", pl.col("value_i").cast(pl.String), pl.col("value_f").cast(pl.String)
            ),
            point=pl.col("point").fill_null(""), equipment=pl.col("equipment").fill_null(""),
        )
    )  # fmt: skip
    inside = pl.any_horizontal(
        pl.col(t).is_between(w.start, w.end).fill_null(False)
        for t in ("at", "t_source", "t_receive")
    )
    kind = pl.col("kind").replace_strict(KINDS, default="UNKNOWN", return_dtype=pl.String)
    return (
        whole.filter(inside)
        .with_columns(reason=_reason(w))
        .with_columns(kind=kind)
        .sort(pl.coalesce("at", "t_source", "t_receive"), "tag", "seq")
    )


def _reason(w: Window) -> pl.Expr:
    imported = (pl.col("flags") & int(Flag.IMPORTED)) != 0
    other = imported if w.origin == "live" else ~imported
    carries = pl.col("kind").is_in([Kind.VALUE, Kind.SLOT, Kind.OVERFLOW])
    final = w.end + CONTEXT_NS
    too_late = (~imported & (pl.col("t_receive") >= final)).fill_null(False)
    return (
        pl.when(too_late)
        .then(pl.lit("after_final"))
        .when(other if w.origin != "none" else pl.lit(True))
        .then(pl.lit("other_origin"))
        .when((pl.col("point") == "") | ~carries)
        .then(pl.lit("not_a_value"))
        .when(pl.col("repeat").is_not_null())
        .then("repeat")
        .when(pl.col("kind") == Kind.SLOT)
        .then(pl.lit("no_answer"))
        .when(pl.col("kind") == Kind.OVERFLOW)
        .then(pl.lit("overflow"))
        .when(pl.col("status") >= 1 << 30)
        .then(pl.lit("bad_status"))
        .when(pl.col("vtype") == VType.NULL)
        .then(pl.lit("no_value"))
        .when(~pl.col("good"))
        .then(pl.lit("unavailable"))
        .otherwise(pl.lit(""))
    )


def life(w: Window, found: pl.DataFrame) -> pl.DataFrame:
    """Return listed rows judged as evidence of life in real time; they prove, and add nothing."""
    untimely = (
        pl.when(~pl.col("fresh") & has(Flag.HISTORICAL)).then(pl.lit("historical"))
        .when(~pl.col("fresh") & has(Flag.BACKFILLED)).then(pl.lit("backfilled"))
        .when(~pl.col("fresh") & has(Flag.RETAINED)).then(pl.lit("retained"))
        .when(~pl.col("fresh")).then(pl.lit("redelivered"))
        .when(pl.col("t_receive").is_null()).then(pl.lit("no_receive_time"))
        .when(~pl.col("in_time") & pl.col("early")).then(pl.lit("from_future"))
        .when(~pl.col("in_time")).then(pl.lit("late"))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    return proving(w, found, untimely)


def state_rows(w: Window, found: pl.DataFrame, unmapped: pl.Expr | None = None) -> pl.DataFrame:
    """Return listed rows judged as what a state-like tag said; they prove, and add nothing."""
    return proving(w, found, pl.lit("") if unmapped is None else unmapped)


def proving(w: Window, found: pl.DataFrame, also: pl.Expr) -> pl.DataFrame:
    """Return listed rows as proof: used unless something speaks against them, weight 0."""
    outside = ~pl.col("at").is_between(w.start, w.end, closed="left").fill_null(False)
    why = pl.when(pl.col("reason") != "").then("reason").otherwise(also)
    return (
        found.with_columns(reason=why)
        .with_columns(
            reason=pl.when((pl.col("reason") == "") & outside)
            .then(pl.lit("outside_period"))
            .otherwise("reason")
        )
        .with_columns(used=pl.col("reason") == "", weight=pl.lit("0"))
    )
