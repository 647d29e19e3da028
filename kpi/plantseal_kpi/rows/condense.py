"""The rows of one chunk, without those that no figure needs.

What stays are real rows, in the columns of the journal and :data:`MARKS` beside them, so that
everything after works on few rows as it would on all. What was left out is counted: rows in
``dropped``, and their delays in whole milliseconds, from which medians and quantiles are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from plantseal_kpi.plant import Plant, Point
from plantseal_kpi.rows.columns import (
    Columns,
    block,
    blocks,
    columns,
    distinct,
    in_order,
    prepared,
    restored,
)
from plantseal_kpi.rows.lags import Counted, counted, lag_frame
from plantseal_kpi.rows.lines import COUNTS, Lines
from plantseal_kpi.rows.marks import LAGS, MARKS, marked
from plantseal_kpi.rows.readings import MILLI
from plantseal_kpi.rows.sessions import AROUND as SMOOTHED
from plantseal_kpi.rows.stretches import (
    ABSENT,
    AROUND,
    PAD_NS,
    STEADY_NS,
    Block,
    Ints,
    Mask,
    Near,
    Stretches,
    crossing,
    linked,
    stretches,
    unlink_near,
)
from plantseal_kpi.schema import ROWS

_NONE: Final = np.zeros(0, dtype=np.int64)
Head = tuple[int, int, bool, bool, int]
"""Link, link of the source, imported, polled, number of the part between two edges."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """Rows that matter and the lags of those left out.

    Attributes:
        rows: ``ROWS`` and :data:`MARKS`.
        lags: As :data:`LAGS`.
        shift: Greatest usual lag of a link [ns]: so far off may lie a session that cut a stretch.
    """

    rows: pl.DataFrame
    lags: pl.DataFrame
    shift: int = 0


@dataclass(slots=True)
class _Out:
    last: list[Ints] = field(default_factory=list)
    first: list[Ints] = field(default_factory=list)
    low: list[Ints] = field(default_factory=list)
    high: list[Ints] = field(default_factory=list)
    varied: list[Mask] = field(default_factory=list)
    rank: dict[Head, int] = field(default_factory=dict)
    since: list[int] = field(default_factory=list)
    lags: list[Counted] = field(default_factory=list)
    shift: int = 0


def condense(
    frame: pl.DataFrame,
    plant: Plant,
    rules: Lines,
    marks: Mapping[int, Ints],
    spare: Sequence[int] = (),
) -> Condensed:
    """Return the rows of ``frame`` that matter.

    Args:
        frame: As :data:`plantseal_kpi.schema.ROWS`, or :func:`plantseal_kpi.rows.columns.prepared`
            of it, in any order; segments of the gateway lie by tag and time already.
        plant: The plant.
        rules: Its :func:`plantseal_kpi.rows.lines.lines`.
        marks: Times [ns], sorted, by link tag: births, deaths, gaps.
        spare: Stretches of which every row is kept, by ``seq`` of their first row.
    """
    if not frame.height:
        return Condensed(marked(frame.select(ROWS.names())), pl.DataFrame(schema=LAGS))
    if "_bits" not in frame.columns:
        frame = prepared(frame.lazy()).collect()
    c = columns(frame)
    done = None if c is None else _left_out(c, plant, rules, marks, spare)
    if done is None:
        frame = in_order(frame, rules)
        c = columns(frame)
        done = None if c is None else _left_out(c, plant, rules, marks, spare)
    if c is None or done is None:
        raise AssertionError("rows sorted by tag and time do not lie so")
    return _gathered(frame, c, done)


def _left_out(
    c: Columns, plant: Plant, rules: Lines, marks: Mapping[int, Ints], spare: Sequence[int]
) -> _Out | None:
    """Return what is left out; None if the rows of a tag do not lie by time."""
    out = _Out()
    near = _moments(c, plant, rules, marks, out)
    points = {p.tag: p for p in plant.points if p.tag in c.where}
    kept_whole = np.array(sorted(spare), dtype=np.uint64)
    for tags in blocks(c, rules):
        b = block(c, tags, rules)
        if b is None:
            return None
        mine = [near[t] for t in tags]
        link = linked(b)
        unlink_near(link, b, mine)
        found = stretches(link)
        if not len(found.first):
            continue
        of = np.searchsorted(b.begins, found.first, side="right") - 1
        shift = np.array([c.where[t].start for t in tags], dtype=np.int64) - b.begins[:-1]
        crossed = crossing(b, found, mine, of)
        if len(kept_whole):
            crossed |= np.isin(c.seq[found.first + shift[of]], kept_whole)
        found, of = Stretches(found.first[~crossed], found.last[~crossed]), of[~crossed]
        if len(of):
            out.first.append(found.first + shift[of])
            out.last.append(found.last + shift[of])
            _counts(b, found, of, [points[t] for t in tags], mine, out)
    return out


def _moments(
    c: Columns, plant: Plant, rules: Lines, marks: Mapping[int, Ints], out: _Out
) -> dict[int, Near]:
    """Return by tag the moments around which rows are kept, as far as they touch the chunk."""
    here = [p for p in plant.points if p.tag in c.where and rules.of[p.tag].by != "each"]
    low, high = _reach(c)
    odd = {link: _odd_lags(c, [c.where[p.tag] for p in plant.points
                               if p.link == link and p.tag in c.where])
           for link in {p.link for p in here if p.mode != "polled"}}  # fmt: skip
    out.shift = max((abs(usual) for usual, _ in odd.values()), default=0)
    known: dict[tuple[object, ...], Near] = {}
    found = {}
    for p in here:
        link = p.link if p.source_link is None else p.source_link
        polled = rules.of[p.tag].polled
        edges = p.role if p.role == "energy" else "count" if p.role in COUNTS else ""
        key = (p.link, link, polled, edges, p.equipment if edges else "")
        if key not in known:
            usual, unusual = (0, _NONE) if polled else odd.get(p.link, (0, _NONE))
            sessions = [rules.bounds, *(marks.get(t, _NONE) for t in {p.link, link})]
            known[key] = _near(sessions, _edges(p, rules), usual, unusual, low, high)
        found[p.tag] = known[key]
    return found


def _reach(c: Columns) -> tuple[int, int]:
    """Return the earliest and latest time of a chunk [ns]."""
    low, high = 2**62, -(2**62)
    for times in (c.source, c.receive):
        least = int(times.min())
        if least == ABSENT:
            least = int(times.min(where=times != ABSENT, initial=2**62))
        low, high = min(low, least), max(high, int(times.max()))
    return low, high


def _near(
    sessions: Sequence[Ints], edges: Ints, usual: int, unusual: Ints, low: int, high: int
) -> Near:
    def inside(moments: Ints) -> Ints:
        return moments[(moments >= low - 2 * PAD_NS) & (moments <= high + 2 * PAD_NS)]

    starts = np.unique(np.concatenate([inside(s) for s in sessions]))
    within = np.union1d(starts, inside(edges))
    both = np.concatenate([*sessions, edges])
    hard = np.unique(np.concatenate([within, inside(both - usual)]))
    soft = unusual - usual
    return Near(
        low=np.concatenate([hard - 2 * PAD_NS, soft - STEADY_NS]),
        high=np.concatenate([hard + 2 * PAD_NS, soft + STEADY_NS]),
        around=np.repeat([0, AROUND], [len(hard), len(soft)]),
        within=within,
        # Where the clock may have been set, offsets are counted apart.
        parts=np.union1d(starts, unusual) if len(unusual) else starts,
    )


def _edges(p: Point, rules: Lines) -> Ints:
    if p.role == "energy":
        return np.concatenate([rules.edges[p.equipment], rules.hours])
    return rules.edges[p.equipment] if p.role in COUNTS else _NONE


def _odd_lags(c: Columns, parts: Sequence[slice]) -> tuple[int, Ints]:
    """Return the usual lag of a link [ns] and the moments around which its clock may have been set.

    That takes three of nine moments of reception in a row with another lag; those are looked at row
    by row, and so are the first and last moments of the chunk. A lone late value is kept anyway.
    """
    lags, heard = [], []
    for s in parts:
        source, received = c.source[s], c.receive[s]
        told = c.fresh[s] & (source != ABSENT) & (received != ABSENT)
        if not told.all():
            source, received = source[told], received[told]
        lags.append(received - source)
        heard.append(received)
    lag, at = np.concatenate([_NONE, *lags]), np.concatenate([_NONE, *heard])
    if not len(lag):
        return 0, _NONE
    usual = int(np.partition(lag, len(lag) // 2)[len(lag) // 2])
    odd = distinct(at[np.abs(lag - usual) > STEADY_NS])
    ends = np.array([at.min(), at.max()])
    if len(odd) < 3:
        return usual, np.unique(ends)
    rank = np.searchsorted(distinct(at), odd)
    near = np.nonzero(rank[2:] - rank[:-2] < SMOOTHED)[0]
    dense = np.unique(np.concatenate([near, near + 1, near + 2]))
    return usual, np.unique(np.concatenate([odd[dense], ends]))


def _counts(
    b: Block, s: Stretches, of: Ints, points: Sequence[Point], near: Sequence[Near], out: _Out
) -> None:
    """Count the rows within stretches ``s`` of the tags ``of``, and their lags."""
    polled = b.lines[0].polled
    heard, own = b.receive[s.first] != ABSENT, b.source[s.first] != ABSENT
    changes = np.cumsum(~b.same)
    out.varied.append(changes[s.last] > changes[s.first])
    # Within a stretch all rows have the times that its first one has.
    lag = b.receive - (b.slot if polled else b.source)
    bounds = np.stack([s.first, s.last + 1], axis=1).ravel()
    if bounds[-1] == len(lag):
        bounds = bounds[:-1]
    timed = heard if polled else heard & own
    low = np.minimum.reduceat(lag, bounds)[::2]
    if polled:
        none = np.full(len(low), ABSENT)
        out.low.append(none)
        out.high.append(none)
    else:
        out.low.append(np.where(timed, low, ABSENT))
        out.high.append(np.where(timed, np.maximum.reduceat(lag, bounds)[::2], ABSENT))
    if not timed.any():
        return
    first, last, of, low = s.first[timed], s.last[timed], of[timed], low[timed]
    group, ranks = _groups(b, first, of, points, near, out)
    edges = np.zeros(len(lag), dtype=np.int8)
    edges[first + 1] = 1
    edges[last] -= 1
    inside = np.cumsum(edges, dtype=np.int8).view(np.bool_)
    least = np.full(len(ranks), 2**62)
    np.minimum.at(least, group, low // MILLI)
    mine, ms, n = counted(group, last - first - 1, lag[inside] // MILLI, least)
    out.lags.append((ranks[mine], ms, n))


def _groups(
    b: Block, first: Ints, of: Ints, points: Sequence[Point], near: Sequence[Near], out: _Out
) -> tuple[Ints, Ints]:
    """Return the group of each stretch, numbered within the block, and their numbers in ``out``."""
    begun = b.receive[first]
    part = np.zeros(len(first), dtype=np.int64)
    ends = np.searchsorted(of, np.arange(len(near) + 1))
    for i, x in enumerate(near):
        mine = slice(int(ends[i]), int(ends[i + 1]))
        if len(x.parts) and mine.start < mine.stop:
            part[mine] = np.searchsorted(x.parts, begun[mine], side="right")
    pairs = [(p.link, p.link if p.source_link is None else p.source_link) for p in points]
    number = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    pair_of = np.array([number[x] for x in pairs])[of]
    named = np.stack([pair_of, b.plain[first] == 2, part], axis=1)
    different, group = np.unique(named, axis=0, return_inverse=True)
    since = np.full(len(different), 2**62)
    np.minimum.at(since, group, begun)
    links = list(number)
    ranks = []
    for (pair, imported, at), t in zip(different.tolist(), since.tolist(), strict=True):
        head = (*links[pair], bool(imported), b.lines[0].polled, at)
        rank = out.rank.setdefault(head, len(out.since))
        if rank == len(out.since):
            out.since.append(t)
        out.since[rank] = min(out.since[rank], t)
        ranks.append(rank)
    return group, np.array(ranks)


def _gathered(frame: pl.DataFrame, c: Columns, out: _Out) -> Condensed:
    heads = [(h[0], h[2], h[3], t) for h, t in zip(out.rank, out.since, strict=True)]
    lags = lag_frame(heads, out.lags)
    if not out.first:
        return Condensed(marked(restored(frame).select(ROWS.names())), lags, out.shift)
    first, last = np.concatenate(out.first), np.concatenate(out.last)
    edges = np.zeros(frame.height, dtype=np.int8)
    edges[first + 1] = 1
    edges[last] -= 1
    kept = np.flatnonzero(np.cumsum(edges, dtype=np.int8) == 0)
    rows = restored(frame[kept]).with_columns(_row=pl.Series(kept))
    low, high = (np.concatenate(x) for x in (out.low, out.high))
    joins = pl.DataFrame(
        {
            "_row": pl.Series(last, dtype=pl.Int64),
            "dropped": pl.Series(last - first - 1, dtype=pl.Int64),
            "after": c.seq[first],
            "varied": np.concatenate(out.varied),
            "lag_low": pl.Series(low, dtype=pl.Int64),
            "lag_high": pl.Series(high, dtype=pl.Int64),
        }
    ).with_columns(pl.when(pl.col(c) != ABSENT).then(c).alias(c) for c in ("lag_low", "lag_high"))
    both = rows.join(joins, on="_row", how="left", maintain_order="left").with_columns(
        pl.col("dropped").fill_null(0), pl.col("varied").fill_null(False)
    )
    return Condensed(both.select(*ROWS.names(), *MARKS), lags, out.shift)
