"""Steps 12 and 13: is every poll slot and every silence accounted for, and who spoke.

A polled tag has one row a slot while the gateway runs, and a gap row on its link tag for the time
it did not. So a slot with neither is a row that went missing, whatever the signatures say. For
subscribed and published tags coverage in time is a figure (``upload_rate``), recomputed in step 14.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from plantseal.evidence.format import MAX_FINDINGS, Code, Finding
from plantseal.evidence.verify_clock import shown
from plantseal.evidence.verify_log import Log
from plantseal_kpi.plant import Period, Plant, Point

VALUE, SLOT, BIRTH, GAP = 1, 2, 3, 6
IMPORTED, BACKFILLED = 1, 4
PRESENCE_SLACK_NS: Final = 60 * 10**9
"""A tag may begin so much later, or end so much earlier, than the period [ns]."""

Span = tuple[int, int]


@dataclass(slots=True)
class Coverage:
    """What steps 12 and 13 count, for the verdict's numbers.

    Attributes:
        expected: Slots of polled tags within the period while the gateway is known to have run.
        received: Of these, slots in which the device answered.
        gaps: Gap rows that overlap the period.
        gap_ns: Time in which some source was not covered, overlaps counted once [ns].
    """

    expected: int = 0
    received: int = 0
    gaps: int = 0
    gap_ns: int = 0


def bounds(period: Period) -> Span:
    """Return start and end of a period [ns since the epoch]."""
    return _ns(period.start), _ns(period.end)


def _ns(t: datetime) -> int:
    delta = t - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds) * 1_000


def check_coverage(
    rows: pl.LazyFrame, plant: Plant, period: Period, log: Log, coverage: Coverage
) -> Iterator[Finding]:
    """Yield gaps as notes and what nothing explains as E606 or E607; counts go to ``coverage``."""
    start, end = bounds(period)
    gaps = _gap_rows(rows, start, end)
    yield from _listed_gaps(gaps, plant, coverage)
    for entry in log.of("gap"):
        first, last = (_time(entry.body.get(key)) for key in ("from", "until"))
        if first < end and last > start:
            yield Finding(Code.NOTE, f"entry {entry.index}: gap, {_words(entry.body)}")
    polled = [p for p in plant.points if p.mode == "polled"]
    spans: dict[int, list[Span]] = {}
    for link, first, last, _ in gaps:
        spans.setdefault(link, []).append((first, last))
    closed = _slot_rows(rows, polled, start, end)
    yield from _slots(closed, polled, spans, (start, end), coverage)


def _gap_rows(rows: pl.LazyFrame, start: int, end: int) -> list[tuple[int, int, int, int]]:
    found = (
        rows.filter(pl.col("kind") == GAP, pl.col("t_source") < end, pl.col("t_server") > start)
        .select(
            "tag",
            pl.max_horizontal("t_source", pl.lit(start)).alias("first"),
            pl.min_horizontal("t_server", pl.lit(end)).alias("last"),
            "status",
        )
        .sort("tag", "first", "last")
        .collect()
    )
    return found.rows()


def _listed_gaps(
    gaps: Sequence[tuple[int, int, int, int]], plant: Plant, coverage: Coverage
) -> Iterator[Finding]:
    sources = _sources(plant)
    for link, first, last, status in gaps:
        yield Finding(
            Code.NOTE,
            f"gap: {sources.get(link, f'link {link}')} from {shown(first)} to {shown(last)}, "
            f"{(last - first) / 1e9:.3f} s, reason 0x{status:08X}",
        )
    coverage.gaps = len(gaps)
    coverage.gap_ns = sum(b - a for a, b in _union((g[1], g[2]) for g in gaps))


def _links(point: Point) -> tuple[int, ...]:
    """Return the link tags that speak for a point: its device's, and its source's where that differs."""
    return (point.link,) if point.source_link is None else (point.link, point.source_link)


def _sources(plant: Plant) -> dict[int, str]:
    return {link: p.source for p in plant.points for link in _links(p)}


def _union(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _slot_rows(
    rows: pl.LazyFrame, polled: Sequence[Point], start: int, end: int
) -> dict[int, pl.DataFrame]:
    """Return by tag the slots closed in the period: slot number, rows in it, answered or not."""
    if not polled:
        return {}
    periods = pl.LazyFrame(
        {"tag": [p.tag for p in polled], "p": [p.period_ms * 10**6 for p in polled]},
        schema={"tag": pl.UInt32, "p": pl.Int64},
    )
    near = pl.col("t_receive") // pl.col("p")
    # src_seq is the slot number modulo 2^32; the slot nearest to the time of receipt is meant
    step = (pl.col("src_seq").cast(pl.Int64) - near + 2**31) % 2**32 - 2**31
    slots = (
        rows.filter(
            pl.col("kind").is_in([VALUE, SLOT]),
            pl.col("flags") & (IMPORTED | BACKFILLED) == 0,
            pl.col("t_receive").is_not_null(),
        )
        .join(periods, on="tag")
        .select(
            "tag", "p", (near + step).alias("slot"), (pl.col("kind") == VALUE).alias("answered")
        )
        .filter((pl.col("slot") * pl.col("p")).is_between(start, end, closed="left"))
        .group_by("tag", "slot")
        .agg(pl.len().alias("n"), pl.col("answered").any())
        .sort("tag", "slot")
        .collect()
    )
    return {int(key[0]): part for key, part in slots.partition_by("tag", as_dict=True).items()}


def _slots(
    closed: dict[int, pl.DataFrame],
    polled: Sequence[Point],
    gaps: dict[int, list[Span]],
    period: Span,
    coverage: Coverage,
) -> Iterator[Finding]:
    period_of = {p.tag: p.period_ms * 10**6 for p in polled}
    if not closed:
        if polled:
            yield Finding(Code.COVERAGE, f"{len(polled)} polled tags, not one row in the period")
        return
    for point in polled:
        p = period_of[point.tag]
        slots = closed.get(point.tag)
        if slots is None:
            yield Finding(Code.COVERAGE, f"{point.name}: polled, but not one row in the period")
            continue
        coverage.expected += int(slots["slot"][-1]) - int(slots["slot"][0]) + 1
        coverage.received += int(slots["answered"].sum())
        twice = slots.filter(pl.col("n") > 1)
        if twice.height:
            yield Finding(
                Code.COVERAGE,
                f"{point.name}: {twice.height} slots closed more than once, the first at "
                f"{shown(int(twice['slot'][0]) * p)}",
            )
        covered = _union(g for link in _links(point) for g in gaps.get(link, []))
        holes = [h for h in _holes(slots, p, period) if not _explained(h, covered, p)]
        for first, last in holes[:MAX_FINDINGS]:
            yield Finding(
                Code.UNEXPLAINED_GAP,
                f"{point.name}: no row and no gap row from {shown(first)} to {shown(last)}"
                + _advice((first, last), period),
            )


def _advice(hole: Span, period: Span) -> str:
    """Return what to do about a hole at an edge of the period: it began too early or ends too late."""
    if hole[0] == period[0]:
        return ", the start of the period; was the gateway there yet? a period may begin later"
    return ", the end of the period; is it over yet? seal again" if hole[1] == period[1] else ""


def _holes(slots: pl.DataFrame, p: int, period: Span) -> Iterator[Span]:
    """Yield the time of slots that have no row, a little slack at both ends of the period aside."""
    first, last = int(slots["slot"][0]) * p, (int(slots["slot"][-1]) + 1) * p
    if first - period[0] > PRESENCE_SLACK_NS + p:
        yield period[0], first
    jumps = slots.select(
        (pl.col("slot").shift() + 1).alias("from"), pl.col("slot").alias("to")
    ).filter(pl.col("to") > pl.col("from"))
    for a, b in jumps.iter_rows():
        yield a * p, b * p
    if period[1] - last > PRESENCE_SLACK_NS + p:
        yield last, period[1]


def _explained(hole: Span, covered: Sequence[Span], p: int) -> bool:
    """Return True when gap rows cover the hole, save a part of the slots at its two edges."""
    return any(a <= hole[0] + p and b >= hole[1] - p for a, b in covered)


def _words(body: Mapping[str, Any]) -> str:
    times = {k: shown(_time(v)) for k, v in body.items() if k in ("from", "until")}
    words = {
        k: v for k, v in ({**body, **times}).items() if k not in ("i", "prev", "t") and v != ""
    }
    return ", ".join(
        f"{k} {v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)}"
        for k, v in words.items()
    )[:300]


def _time(value: object) -> int:
    """Return the time in a field of an entry [ns]; 0 where it is none."""
    is_time = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19
    return int(value) if is_time and isinstance(value, str) else 0


def check_devices(rows: pl.LazyFrame, plant: Plant, log: Log) -> Iterator[Finding]:
    """Yield a note where the device behind a link changed, or never said who it is."""
    sources = _sources(plant)
    births = (
        rows.filter(pl.col("kind") == BIRTH)
        .group_by("tag", "text")
        .agg(pl.len().alias("n"), pl.col("seq").min())
        .sort("tag", "seq")
        .collect()
    )
    for (link,), part in births.partition_by("tag", as_dict=True, maintain_order=True).items():
        known = list(dict.fromkeys(_identity(t) for t in part["text"]))
        if len(known) > 1:
            yield Finding(
                Code.DEVICE_CHANGED,
                f"{sources.get(int(link), f'link {link}')}: the device changed {len(known) - 1} "
                f"times: {' then '.join(known)[:300]}",
            )
    for entry in log.of("device"):
        yield Finding(Code.NOTE, f"entry {entry.index}: device, {_words(entry.body)}")
    silent = sorted({p.source for p in plant.points if p.mode == "imported"})
    if silent:
        yield Finding(
            Code.TEST_SOURCE,
            f"imported, no device behind it: {', '.join(silent)}; kept apart in every figure",
        )


def _identity(birth: str | None) -> str:
    """Return the lasting part of a birth text: what the device is, not when it spoke or how much."""
    try:
        body = json.loads(birth or "")
    except (ValueError, RecursionError):
        return str(birth)
    if not isinstance(body, dict):
        return str(birth)
    lasting = next((body[key] for key in ("identity", "properties") if key in body), body)
    return json.dumps(lasting, sort_keys=True, ensure_ascii=False)
