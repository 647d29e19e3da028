"""What stands beside the upload rate: links, slots, delays, and what a reader must know of it."""

from collections.abc import Sequence

import polars as pl

from plantseal_kpi.calendar import local_text
from plantseal_kpi.figures import finding
from plantseal_kpi.intervals import SPAN, clip, intersect, length, union
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.coverage import timely
from plantseal_kpi.rows.marks import number
from plantseal_kpi.rows.readings import CLOCK_LIMIT, MILLI, SECOND, class_max_ns, has
from plantseal_kpi.rows.window import Window
from plantseal_kpi.schema import Flag, Kind

_EXPECTED = {
    "state": ("state",),
    "count or throughput": ("count_total", "count_good"),
    "alarm": ("alarm",),
}
_NOTABLE_OFFSET = 2 * SECOND


def changing_tags(w: Window) -> set[int]:
    """Return the tags with at least two different good values in the period.

    One single constant value proves nothing: it may be the last state of last week.
    """
    inside = w.seen.values.filter(
        pl.col("good") & pl.col("at").is_between(w.start, w.end, closed="left")
    )
    different = inside.group_by("tag").agg(
        n=pl.struct("value_i", "value_f", "text").n_unique().cast(pl.Int64),
        varied=pl.col("varied").any(),
    )
    return set(different.filter((pl.col("n") > 1) | pl.col("varied"))["tag"].to_list())


def linked_tags(w: Window, cover: pl.DataFrame) -> set[int]:
    """Return the tags that were ever proven in the period.

    Live: covered for some time by evidence of life. Imported: a good value that changed.
    """
    if w.origin == "imported":
        return changing_tags(w)
    return set(clip(cover, w.start, w.end)["tag"].to_list())


def slots(w: Window, limit_ns: int) -> tuple[int, int]:
    """Return (slots with a timely good sample, slots) of required polled points in planned time."""
    polled = [p for p in w.plant.points if p.required and p.mode == "polled" and p.role != "link"]
    in_scope = {e.id for e in w.plant.equipment if e.cls != "other"}
    planned = pl.DataFrame(
        [
            (p.tag, a, b, p.period_ms * 1_000_000)
            for p in polled
            if p.equipment in in_scope
            for a, b in w.planned[p.equipment]
        ],
        schema={"tag": pl.UInt32, **SPAN, "length": pl.Int64},
        orient="row",
    )
    # A slot belongs to the span in which it begins.
    first = (pl.col("start") + pl.col("length") - 1) // pl.col("length")
    after = (pl.col("end") + pl.col("length") - 1) // pl.col("length")
    expected = planned.select((after - first).sum()).item() or 0
    before = pl.when(pl.col("after").is_not_null()).then(pl.col("slot_since"))
    hits = w.seen.values.filter(
        pl.col("good")
        & pl.col("slot").is_not_null()
        & pl.col("fresh")
        & (pl.col("t_receive") - pl.col("slot") <= limit_ns)
    ).select(
        "tag", start=pl.coalesce(before, "slot"), end=pl.col("slot") + pl.col("period")
    )  # fmt: skip
    grid = planned.select("tag", "length").unique()
    within = planned.select("tag", start=first * pl.col("length"), end=after * pl.col("length"))
    seen = intersect(union(hits, ["tag"]), within, ["tag"]).join(grid, on="tag")
    timely_slots = seen.select(((pl.col("end") - pl.col("start")) // pl.col("length")).sum())
    return int(timely_slots.item() or 0), int(expected)


def delays(w: Window) -> int | None:
    """Return the 95th percentile (nearest rank) of the delay of live good values [ns].

    From the event time, less the session's clock offset, to reception; for polls from the begin
    of the slot; in whole milliseconds, rounded down. Null without any.
    """
    began = pl.coalesce("slot", pl.when(pl.col("t_source").is_not_null()).then("at"))
    measured = w.seen.values.filter(
        pl.col("good") & pl.col("fresh") & ~has(Flag.FIRST)
        & pl.col("at").is_between(w.start, w.end, closed="left")
    ).select(ms=(pl.col("t_receive") - began) // MILLI, n=pl.lit(1, pl.Int64)).drop_nulls()  # fmt: skip
    others = w.seen.delays.filter(pl.col("since").is_between(w.start, w.end, closed="left"))
    counted = (
        pl.concat([measured, others.select("ms", "n")])
        .group_by("ms")
        .agg(pl.col("n").sum())
        .sort("ms")
        .with_columns(reached=pl.col("n").cum_sum())
    )
    if not counted.height:
        return None
    rank = -(-95 * int(counted["reached"][-1]) // 100)
    return max(0, int(counted.filter(pl.col("reached") >= rank)["ms"][0]) * MILLI)


def notes(w: Window, machines: Sequence[Equipment], linked: Sequence[bool]) -> list[Finding]:
    """Return what qualifies the upload rate: dead links, missing points, long periods, clocks."""
    found = []
    for e, link in zip(machines, linked, strict=True):
        mine = [p for p in w.points_of(e) if p.required and p.role != "link"]
        if not link:
            why = "no changing value" if w.origin == "imported" else "no evidence of life"
            if not mine:
                why = "no required point"
            found.append(
                finding(
                    "upload.not_connected",
                    f"{e.id}: {why} in the period; it counts as 0",
                    equipment=e.id,
                )
            )
            found += _constants(w, e)
        missing = [
            what for what, roles in _EXPECTED.items() if not any(p.role in roles for p in mine)
        ]
        if mine and missing:
            found.append(
                finding(
                    "upload.points_missing",
                    f"{e.id}: no required point for {', '.join(missing)}; "
                    "the definition asks for state, count and alarm",
                    equipment=e.id,
                )
            )
        if not length(w.planned[e.id]):
            found.append(
                finding(
                    "upload.not_planned",
                    f"{e.id}: no planned time in the period; left out of the mean",
                    equipment=e.id,
                )
            )
    return found + _periods(w) + _clocks(w) + _hygiene(w)


def _constants(w: Window, e: Equipment) -> list[Finding]:
    moving = changing_tags(w)
    tags = {p.tag: p.name for p in w.points_of(e) if p.tag not in moving}
    good = w.seen.values.filter(
        pl.col("good")
        & pl.col("tag").is_in(list(tags))
        & pl.col("at").is_between(w.start, w.end, closed="left")
    ).unique("tag", keep="first", maintain_order=True)
    return [
        finding(
            "upload.constant",
            f"{tags[tag]}: a single constant value ({shown}) in the period proves nothing",
            tag=tags[tag],
            value=shown,
        )
        for tag, shown in good.select(
            "tag", pl.coalesce("text", pl.col("value_i").cast(pl.String), pl.col("value_f").cast(pl.String))
        ).iter_rows()
    ]  # fmt: skip


def _periods(w: Window) -> list[Finding]:
    found = []
    for p in sorted(w.plant.points, key=lambda p: p.tag):
        cap = class_max_ns(p.role)
        interval = p.keepalive_ms if p.mode == "subscribed" else p.period_ms
        if cap is not None and p.mode != "imported" and interval * 1_000_000 > cap:
            found.append(
                finding(
                    "upload.period_capped",
                    f"{p.name}: got a period of {interval} ms, at most {cap // 1_000_000} ms "
                    f"counts for a {p.role}; coverage is computed with that",
                    tag=p.name,
                )
            )
    return found


def _clocks(w: Window) -> list[Finding]:
    sources: dict[int, set[str]] = {}
    for p in w.plant.points:
        sources.setdefault(p.link, set()).add(p.source)
    notable = w.seen.offsets.filter(
        (pl.col("offset").abs() > _NOTABLE_OFFSET) | (pl.col("setting") > 0)
    )
    found = []
    for link, session, setting, offset, since in notable.iter_rows():
        name = ", ".join(sorted(sources.get(link, {f"link {link}"})))
        side = "behind" if offset > 0 else "ahead of"
        used = "not used" if abs(offset) > CLOCK_LIMIT else "corrected by that"
        found.append(
            finding(
                "clock.step" if setting else "clock.offset",
                f"source {name}: {'was set while connected; ' if setting else ''}from "
                f"{local_text(since, w.plant.zone)} its clock is {abs(offset) / SECOND:.3f} s "
                f"{side} the gateway's; its source times are {used}",
                link=link,
                session=session,
                setting=setting,
                offset_ns=offset,
            )
        )
    return found


def _hygiene(w: Window) -> list[Finding]:
    found = []
    if w.seen.duplicates:
        found.append(
            finding(
                "rows.duplicates",
                f"{w.seen.duplicates} exact repeats were dropped",
                rows=w.seen.duplicates,
            )
        )
    if w.seen.conflicts:
        found.append(
            finding(
                "rows.conflicts",
                f"{w.seen.conflicts} values have the source time of another value of their tag; "
                "the first received counts",
                rows=w.seen.conflicts,
            )
        )
    untimely = w.seen.values.filter(
        pl.col("good") & (pl.col("kind") == Kind.VALUE)
        & pl.col("at").is_between(w.start, w.end, closed="left")
        & ~timely(w.plant.upload_delay_s * SECOND)
    )  # fmt: skip
    late = number(untimely)
    if late and w.origin == "live":
        found.append(
            finding(
                "upload.late",
                f"{late} good values came later than {w.plant.upload_delay_s} s, from the future "
                "or from a store; they count for completeness only",
                rows=late,
            )
        )
    return found
