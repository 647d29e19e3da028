"""The rows of one chunk, without those that no figure needs.

What stays are real rows, in the columns of the journal and :data:`MARKS` beside them, so that
everything after works on few rows as it would on all. What was left out is counted: rows in
``dropped``, and their delays in whole milliseconds, from which medians and quantiles are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plantseal_kpi.plant import Plant, Point
from plantseal_kpi.rows.lines import COUNTS, Lines
from plantseal_kpi.rows.marks import LAGS, MARKS, marked
from plantseal_kpi.rows.readings import MILLI, unavailable
from plantseal_kpi.rows.sessions import AROUND as SMOOTHED
from plantseal_kpi.rows.stretches import (
    ABSENT,
    AROUND,
    PAD_NS,
    STEADY_NS,
    Ints,
    Line,
    TagRows,
    crossing,
    linked,
    order_key,
    stretches,
    unlink_near,
)
from plantseal_kpi.schema import ROWS, Flag, Kind, VType

NOT_FRESH: Final = int(Flag.HISTORICAL | Flag.BACKFILLED | Flag.RETAINED | Flag.FIRST)
Head = tuple[int, bool, bool, int]
"""Link, imported, polled, number of the part between two edges."""
_NONE: Final = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Condensed:
    """Rows that matter (``ROWS`` and :data:`MARKS`) and the lags of those left out."""

    rows: pl.DataFrame
    lags: pl.DataFrame


@dataclass(slots=True)
class _Arrays:
    tag: NDArray[np.uint32]
    source: Ints
    receive: Ints
    plain: NDArray[np.int8]
    fresh: NDArray[np.bool_]
    integer: Ints
    real: NDArray[np.float64]
    number: NDArray[np.bool_]
    same: NDArray[np.bool_]
    src_seq: Ints
    seq: NDArray[np.uint64]


@dataclass(slots=True)
class _Out:
    last: list[Any] = field(default_factory=list)
    first: list[Any] = field(default_factory=list)
    low: list[Any] = field(default_factory=list)
    high: list[Any] = field(default_factory=list)
    since: dict[Head, int] = field(default_factory=dict)
    heads: list[tuple[Head, int]] = field(default_factory=list)
    ms: list[Ints] = field(default_factory=list)


def condense(
    frame: pl.DataFrame,
    plant: Plant,
    rules: Lines,
    marks: Mapping[int, Ints],
    spare: Sequence[int] = (),
) -> Condensed:
    """Return the rows of ``frame`` that matter.

    Args:
        frame: As :data:`plantseal_kpi.schema.ROWS`, in any order.
        plant: The plant.
        rules: Its :func:`plantseal_kpi.rows.lines.lines`.
        marks: Times [ns], sorted, by link tag: births, deaths, gaps.
        spare: Stretches of which every row is kept, by ``seq`` of their first row.
    """
    frame = _in_order(frame, rules)
    if not frame.height:
        return Condensed(marked(frame), pl.DataFrame(schema=LAGS))
    a = _arrays(frame)
    tags, begins = np.unique(a.tag, return_index=True)
    ends = np.append(begins[1:], len(a.tag))
    where = {int(t): slice(int(b), int(e)) for t, b, e in zip(tags, begins, ends, strict=True)}
    points = {p.tag: p for p in plant.points if p.tag in where}
    odd = {link: _odd_lags(a, [where[p.tag] for p in points.values() if p.link == link])
           for link in {p.link for p in points.values() if p.mode != "polled"}}  # fmt: skip
    out = _Out()
    kept_whole = np.array(sorted(spare), dtype=np.uint64)
    kept = np.ones(len(a.tag), dtype=np.bool_)
    for tag, p in points.items():
        _one_tag(a, where[tag], p, rules, marks, odd.get(p.link), kept, out, kept_whole)
    return _gathered(frame, a, kept, out)


def _in_order(frame: pl.DataFrame, rules: Lines) -> pl.DataFrame:
    """Return the rows by tag and time, as segments of the gateway lie already."""
    polled = pl.Series([t for t, line in rules.of.items() if line.polled], dtype=pl.UInt32)
    key = (
        pl.when(pl.col("tag").is_in(polled.implode()))
        .then(pl.coalesce("t_receive", "t_source"))
        .otherwise(pl.coalesce("t_source", "t_receive"))
    )
    tag, before = pl.col("tag"), pl.col("tag").shift(1)
    back = (tag < before) | ((tag == before) & (key < key.shift(1)))
    if frame.select(back.any()).item():
        return frame.with_columns(_key=key).sort("tag", "_key").drop("_key")
    return frame


def _arrays(frame: pl.DataFrame) -> _Arrays:
    text = frame["text"]
    if text.null_count() == frame.height:
        codes, absent = np.zeros(frame.height, dtype=np.uint32), np.zeros(frame.height, np.bool_)
    else:
        words = text.cast(pl.Categorical)
        codes = words.to_physical().fill_null(2**32 - 1).cast(pl.UInt32).to_numpy()
        different = text.unique().drop_nulls()
        bad = different.filter(different.to_frame("text").select(unavailable()).to_series())
        absent = text.is_in(bad.implode()).fill_null(False).to_numpy()
    plain = frame.select(
        pl.when(
            (pl.col("kind") == Kind.VALUE) & (pl.col("status") < 1 << 30)
            & (pl.col("vtype") != VType.NULL)
            & ((pl.col("flags") & (255 - int(Flag.IMPORTED))) == 0)
        ).then((pl.col("flags") & int(Flag.IMPORTED)).cast(pl.Int8) + 1)
        .otherwise(pl.lit(0, pl.Int8))
    ).to_series().to_numpy()  # fmt: skip
    plain = np.where(absent, np.int8(0), plain)
    integer = frame["value_i"].fill_null(0).to_numpy()
    whole = frame["value_i"].is_not_null().to_numpy()
    floats = frame["value_f"].fill_null(float("nan")).to_numpy()
    vtype = frame["vtype"].to_numpy()
    bits = np.ascontiguousarray(floats).view(np.int64)
    same = np.ones(frame.height, dtype=np.bool_)
    same[1:] = (
        (vtype[1:] == vtype[:-1]) & (integer[1:] == integer[:-1]) & (bits[1:] == bits[:-1])
        & (codes[1:] == codes[:-1])
    )  # fmt: skip
    return _Arrays(
        tag=frame["tag"].to_numpy(),
        source=frame["t_source"].fill_null(ABSENT).to_numpy(),
        receive=frame["t_receive"].fill_null(ABSENT).to_numpy(),
        plain=plain,
        fresh=((frame["flags"] & NOT_FRESH) == 0).to_numpy() & (frame["kind"] == 1).to_numpy(),
        integer=integer,
        real=np.where(whole, np.nan, floats),
        number=whole | np.isfinite(floats),
        same=same,
        src_seq=frame["src_seq"].to_numpy().astype(np.int64),
        seq=frame["seq"].to_numpy(),
    )


def _odd_lags(a: _Arrays, parts: list[slice]) -> tuple[int, Ints]:
    """Return the usual lag of a link [ns] and the moments around which its clock may have been set.

    That takes three of nine moments of reception in a row with another lag; those are looked at row
    by row, and so are the first and last moments of the chunk. A lone late value is kept anyway.
    """
    lags, heard = [], []
    for s in parts:
        told = a.fresh[s] & (a.source[s] != ABSENT) & (a.receive[s] != ABSENT)
        received = a.receive[s][told]
        lags.append(received - a.source[s][told])
        heard.append(received)
    lag, at = np.concatenate([_NONE, *lags]), np.concatenate([_NONE, *heard])
    if not len(lag):
        return 0, _NONE
    usual = int(np.partition(lag, len(lag) // 2)[len(lag) // 2])
    odd = np.unique(at[np.abs(lag - usual) > STEADY_NS])
    rank = np.searchsorted(np.unique(at), odd)
    near = np.nonzero(rank[2:] - rank[:-2] < SMOOTHED)[0]
    dense = np.unique(np.concatenate([near, near + 1, near + 2]))
    return usual, np.unique(np.concatenate([odd[dense], [at.min(), at.max()]]))


def _one_tag(
    a: _Arrays, s: slice, p: Point, rules: Lines, marks: Mapping[int, Ints],
    odd: tuple[int, Ints] | None, kept: NDArray[np.bool_], out: _Out,
    spare: NDArray[np.uint64],
) -> None:  # fmt: skip
    """Mark what is left out of one tag."""
    line = rules.of[p.tag]
    if line.by == "each" or s.stop - s.start < 3:
        return
    source, receive = a.source[s], a.receive[s]
    key = order_key(line, source, receive)
    plain, integer, real, same, src_seq = (
        a.plain[s], a.integer[s], a.real[s], a.same[s], a.src_seq[s]
    )  # fmt: skip
    if line.by == "count":
        plain = np.where(a.number[s], plain, np.int8(0))
    slot = _NONE
    if line.polled:
        slot = _slots(receive, src_seq, line.period_ns)
    rows = TagRows(source, receive, plain, slot, integer, real, same)
    link = linked(line, rows)
    sessions = _moments(p, rules, marks)
    edges = _edges(p, rules)
    usual, unusual = odd if odd is not None and not line.polled else (0, _NONE)
    for moments in (sessions, edges):
        unlink_near(link, key, moments, 2 * PAD_NS)
        if usual:
            unlink_near(link, key, moments - usual, 2 * PAD_NS)
    if len(unusual):
        unlink_near(link, key, unusual - usual, STEADY_NS, AROUND)
    found = stretches(link)
    crossed = crossing(rows, found, sessions, PAD_NS) | crossing(rows, found, edges, PAD_NS)
    if len(spare):
        crossed |= np.isin(a.seq[s][found.first], spare)
    first, last = found.first[~crossed], found.last[~crossed]
    if len(first):
        # Where the clock may have been set, offsets are counted apart.
        parts = np.union1d(sessions, unusual) if len(unusual) else sessions
        _leave_out(p, line, rows, s, first, last, parts, kept, out)


def _slots(receive: Ints, src_seq: Ints, period_ns: int) -> Ints:
    current = receive // period_ns
    half = 2**31
    behind = (current - src_seq + half) % 2**32 - half
    near = np.abs(behind) <= 86_400 * 10**9 // period_ns + 1
    return np.where(near, current - behind, current) * period_ns


def _moments(p: Point, rules: Lines, marks: Mapping[int, Ints]) -> Ints:
    both = {p.link, p.link if p.source_link is None else p.source_link}
    return np.unique(np.concatenate([rules.bounds, *(marks.get(t, _NONE) for t in both)]))


def _edges(p: Point, rules: Lines) -> Ints:
    if p.role == "energy":
        return np.unique(np.concatenate([rules.edges[p.equipment], rules.hours]))
    return rules.edges[p.equipment] if p.role in COUNTS else _NONE


def _leave_out(
    p: Point, line: Line, rows: TagRows, s: slice, first: Ints, last: Ints, sessions: Ints,
    kept: NDArray[np.bool_], out: _Out,
) -> None:  # fmt: skip
    edges = np.zeros(len(rows.plain) + 1, dtype=np.int8)
    edges[first + 1] += 1
    edges[last] -= 1
    inside = np.cumsum(edges[:-1]) > 0
    kept[s] &= ~inside
    out.first.append(first + s.start)
    out.last.append(last + s.start)
    heard = rows.receive != ABSENT
    n = last - first - 1
    timed = np.repeat(heard[first], n)
    if line.polled:
        lag = rows.receive - rows.slot
    else:
        lag = np.where(rows.own & heard, rows.receive - rows.source, ABSENT)
        timed &= np.repeat(rows.own[first], n)
    bounds = np.stack([first, last + 1], axis=1).ravel()
    padded = np.append(lag, 0)
    low = np.minimum.reduceat(padded, bounds)[::2]
    high = np.maximum.reduceat(padded, bounds)[::2]
    known = heard[first] & rows.own[first] if not line.polled else np.zeros(len(first), np.bool_)
    out.low.append(np.where(known, low, ABSENT))
    out.high.append(np.where(known, high, ABSENT))
    block = np.searchsorted(sessions, rows.receive[first], side="right")
    for group in np.unique(np.stack([block, rows.plain[first]], axis=1), axis=0):
        mine = (block == group[0]) & (rows.plain[first] == group[1])
        begun = int(rows.receive[first][mine].min())
        head = (p.link, bool(group[1] == 2), line.polled, int(group[0]))
        out.since[head] = min(begun, out.since.get(head, begun))
        out.ms.append(lag[inside][timed & np.repeat(mine, n)] // MILLI)
        out.heads.append((head, len(out.ms[-1])))


def _lags(out: _Out) -> pl.DataFrame:
    if not out.since:
        return pl.DataFrame(schema=LAGS)
    heads = pl.DataFrame(
        [(*head[:3], since) for head, since in out.since.items()],
        schema={c: LAGS[c] for c in ("link", "imported", "polled", "since")}, orient="row",
    ).with_row_index("group")  # fmt: skip
    rank = {head: i for i, head in enumerate(out.since)}
    of = np.array([rank[head] for head, _ in out.heads], dtype=np.uint32)
    ids = np.repeat(of, [n for _, n in out.heads])
    told = pl.DataFrame({"group": ids, "ms": np.concatenate(out.ms)})
    counted = told.group_by("group", "ms").agg(n=pl.len().cast(pl.Int64))
    return counted.join(heads, on="group").select(*LAGS)


def _gathered(frame: pl.DataFrame, a: _Arrays, kept: NDArray[np.bool_], out: _Out) -> Condensed:
    lags = _lags(out)
    rows = frame.with_row_index("_row").filter(pl.Series(kept))
    if not out.first:
        return Condensed(marked(rows.select(ROWS.names())), lags)
    first, last = np.concatenate(out.first), np.concatenate(out.last)
    changes = np.cumsum(~a.same)
    low, high = (np.concatenate(x) for x in (out.low, out.high))
    joins = pl.DataFrame(
        {
            "_row": pl.Series(last, dtype=pl.get_index_type()),
            "dropped": pl.Series(last - first - 1, dtype=pl.Int64),
            "after": frame["seq"].gather(first),
            "varied": changes[last] > changes[first],
            "lag_low": pl.Series(low, dtype=pl.Int64),
            "lag_high": pl.Series(high, dtype=pl.Int64),
        }
    ).with_columns(pl.when(pl.col(c) != ABSENT).then(c).alias(c) for c in ("lag_low", "lag_high"))
    both = rows.join(joins, on="_row", how="left").with_columns(
        pl.col("dropped").fill_null(0), pl.col("varied").fill_null(False)
    )
    return Condensed(both.select(*ROWS.names(), *MARKS), lags)
