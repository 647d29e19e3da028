"""Rows of a period in flat memory: read part by part, each condensed before the next one is read.

What :mod:`plantseal_kpi.rows.condense` leaves out is decided within one part, before the clock
offsets of all parts are known. :func:`doubtful` finds afterwards the stretches for which that was
too early; their tags are then read again row by row. So every figure is that of all rows.
"""

import hashlib
from collections.abc import Hashable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from plantseal_kpi.calendar import Span
from plantseal_kpi.plant import Plant
from plantseal_kpi.rows.columns import prepared
from plantseal_kpi.rows.condense import Condensed, condense
from plantseal_kpi.rows.coverage import EARLY_NS
from plantseal_kpi.rows.lines import CONTEXT_NS, Lines, lines
from plantseal_kpi.rows.marks import LAGS, marked
from plantseal_kpi.rows.parts import Part, Rows
from plantseal_kpi.rows.readings import CLOCK_LIMIT, Readings, has
from plantseal_kpi.rows.stretches import PAD_NS, Ints
from plantseal_kpi.schema import Flag, Kind, check_rows

_SESSION = (Kind.BIRTH, Kind.DEATH, Kind.GAP, Kind.SEQ_GAP)


@dataclass(frozen=True, slots=True)
class Kept:
    """A chunk as it was condensed before.

    Attributes:
        done: What is left of it.
        reach: Least and greatest ``seq``; None of an empty chunk.
        marks: Which sessions lay around it then.
        spare: Stretches of which every row was kept.
    """

    done: Condensed
    reach: tuple[int, int] | None
    marks: str
    spare: frozenset[int] = frozenset()


Cache = MutableMapping[Hashable, Kept | pl.DataFrame]
"""Condensed parts by what they were made of; filled and looked up by :func:`read`."""


@dataclass
class Source:
    """Condensed rows of the plant's tags around ``spans``.

    Attributes:
        plant: The plant.
        spans: Periods that are computed [ns].
        chunks: Lazy rows, each condensed by itself; no row is in two of them.
        done: What is left of each.
        whole: Keep every row.
    """

    plant: Plant
    spans: Sequence[Span]
    chunks: list[pl.LazyFrame]
    whole: bool = False
    done: list[Condensed] = field(default_factory=list)
    spare: dict[int, set[int]] = field(default_factory=dict)
    marks: Mapping[int, Ints] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Rows with ``chunk``, each sequence number once, in the order of the journal."""
        each = [c.rows.with_columns(chunk=pl.lit(i, pl.UInt32)) for i, c in enumerate(self.done)]
        return pl.concat(each).unique("seq", keep="any").sort("seq")

    @cached_property
    def rules(self) -> Lines:
        """What decides, tag by tag, which rows can be left out."""
        return lines(self.plant, self.spans)

    @property
    def lags(self) -> pl.DataFrame:
        """Lags of the rows left out, as :data:`LAGS`."""
        return pl.concat([c.lags for c in self.done])

    def again(self, doubts: pl.DataFrame) -> None:
        """Read the stretches ``doubts`` (chunk, after) again, row by row.

        What is left out of a tag depends on the tags of its link alone, so only those are read.
        """
        self.__dict__.pop("rows", None)
        for (chunk,), mine in doubts.partition_by("chunk", as_dict=True).items():
            old, spare = self.done[chunk], self.spare.setdefault(chunk, set())
            spare.update(mine["after"].to_list())
            named = set(old.rows.filter(pl.col("seq").is_in(mine["after"].implode()))["tag"])
            links = sorted({p.link for p in self.plant.points if p.tag in named})
            tags = sorted({p.tag for p in self.plant.points if p.link in links})
            chosen = pl.col("tag").is_in(tags)
            new = self._condensed(_read(self.chunks[chunk].filter(chosen)), sorted(spare))
            self.done[chunk] = Condensed(
                pl.concat([old.rows.filter(~chosen), new.rows]),
                pl.concat([old.lags.filter(~pl.col("link").is_in(links)), new.lags]),
                max(old.shift, new.shift),
            )

    def part(self, plant: Plant) -> "Source":
        """Return the same for some machines of the plant; their links serve no others."""
        tags, links = plant_tags(plant), sorted({p.link for p in plant.points})
        mine, theirs = pl.col("tag").is_in(tags), pl.col("link").is_in(links)
        done = [Condensed(c.rows.filter(mine), c.lags.filter(theirs), c.shift) for c in self.done]
        spare = {i: set(s) for i, s in self.spare.items()}
        chunks = [c.filter(mine) for c in self.chunks]
        return Source(plant, self.spans, chunks, self.whole, done, spare, self.marks)

    def _condensed(self, frame: pl.DataFrame, spare: Sequence[int] = ()) -> Condensed:
        if self.whole:
            return Condensed(marked(frame), pl.DataFrame(schema=LAGS))
        return condense(frame, self.plant, self.rules, self.marks, spare)

    def _lazy(self, i: int) -> pl.LazyFrame:
        return self.chunks[i] if self.whole else prepared(self.chunks[i])


def read(
    rows: Rows,
    plant: Plant,
    spans: Sequence[Span],
    *,
    whole: bool = False,
    cache: Cache | None = None,
) -> Source:
    """Return the rows of the plant's tags around ``spans`` [ns], condensed.

    Args:
        rows: Frame as :data:`plantseal_kpi.schema.ROWS`, or parts of it.
        plant: The plant.
        spans: Periods that are computed.
        whole: Keep every row.
        cache: What was condensed before of parts with a ``key``; new ones are put in. It changes
            no figure. The caller bounds it.
    """
    wanted = [(a - CONTEXT_NS, b + CONTEXT_NS) for a, b in spans]
    tags = pl.Series("tag", plant_tags(plant), dtype=pl.UInt32)
    mine = pl.col("tag").is_in(tags.implode())
    parts = _meeting(rows, wanted)
    lazy = [check_rows(p.rows).filter(mine & _within(p, wanted)) for p in parts]
    links = {p.link for p in plant.points} | {
        p.source_link for p in plant.points if p.source_link is not None
    }
    source = Source(plant, spans, lazy, whole)
    kept = {} if cache is None or whole else cache
    of = hashlib.sha256(f"{plant.model_dump_json()}{list(spans)}".encode()).hexdigest()
    keys = [(of, p.key) if p.key else None for p in parts]
    source.marks = _marks(lazy, links, keys, kept)
    known = [_still(kept.get(k), p, source.marks) for k, p in zip(keys, parts, strict=True)]
    fresh = _collected([source._lazy(i) for i, k in enumerate(known) if k is None])
    for i, (key, part) in enumerate(zip(keys, parts, strict=True)):
        chunk = known[i]
        if chunk is None:
            frame = next(fresh)
            reach = (_end(frame, "min"), _end(frame, "max")) if frame.height else None
            done = source._condensed(frame)
            chunk = known[i] = Kept(done, reach, _around(part, source.marks, done.shift))
            if key is not None:
                kept[key] = chunk
        source.done.append(chunk.done)
    groups = _apart([k.reach for k in known if k is not None])
    if len(groups) < len(lazy):
        # The same row may lie in two of them, and stretches of one would hide rows of the other.
        source.chunks = [pl.concat([lazy[i] for i in g]) for g in groups]
        source.done = [
            source.done[g[0]] if len(g) == 1 else source._condensed(_read(source._lazy(n)))
            for n, g in enumerate(groups)
        ]
    return source


def _read(rows: pl.LazyFrame) -> pl.DataFrame:
    return rows.collect(engine="streaming")


def _within(part: Part, wanted: Sequence[Span]) -> pl.Expr:
    """Return True for the rows of a part with a time in one of the spans ``wanted``."""
    if any(a <= part.start and part.end < b for a, b in wanted):
        return pl.any_horizontal(pl.col("t_source", "t_receive").is_not_null())
    return pl.any_horizontal([in_span(*s) for s in wanted])


def _still(kept: Kept | pl.DataFrame | None, part: Part, marks: Mapping[int, Ints]) -> Kept | None:
    """Return what was kept of a part if it would be the same today."""
    if isinstance(kept, Kept) and kept.marks == _around(part, marks, kept.done.shift):
        return kept
    return None


def _around(part: Part, marks: Mapping[int, Ints], shift: int) -> str:
    """Return a digest of the sessions that can reach into a part whose lags go up to ``shift``."""
    low, high = part.start - shift - 2 * PAD_NS, part.end + shift + 2 * PAD_NS
    here = [f"{tag}:{t[(t >= low) & (t <= high)].tolist()}" for tag, t in sorted(marks.items())]
    return hashlib.sha256(";".join(here).encode()).hexdigest()


def _end(frame: pl.DataFrame, which: Literal["min", "max"]) -> int:
    seq = frame["seq"].min() if which == "min" else frame["seq"].max()
    return int(seq)  # type: ignore[arg-type]


def _meeting(rows: Rows, spans: Sequence[Span]) -> list[Part]:
    if isinstance(rows, pl.LazyFrame):
        return [Part(-(2**63), 2**63, rows)]
    if not rows:
        raise ValueError("rows: got no part, expected at least one, if only an empty frame")
    wanted = [p for p in rows if any(p.start < b and p.end >= a for a, b in spans)]
    return wanted or [Part(rows[0].start, rows[0].end, rows[0].rows.clear())]


def _collected(lazy: Sequence[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """Yield each frame, the next one being read meanwhile."""
    if not lazy:
        return
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(_read, lazy[0])
        for following in [*lazy[1:], None]:
            frame = ahead.result()
            if following is not None:
                ahead = pool.submit(_read, following)
            yield frame


def _marks(
    lazy: Sequence[pl.LazyFrame], links: set[int], keys: Sequence[Hashable], kept: Cache
) -> dict[int, Ints]:
    """Return the times [ns] of births, deaths and gaps by link tag, sorted."""
    wanted = pl.Series(sorted(links), dtype=pl.UInt32)
    found = []
    for f, key in zip(lazy, keys, strict=True):
        before = None if key is None else kept.get((key, "marks"))
        if not isinstance(before, pl.DataFrame):
            before = _read(
                f.filter(pl.col("tag").is_in(wanted.implode()), pl.col("kind").is_in(_SESSION))
                .select("tag", "t_source", "t_server", "t_receive")
            )  # fmt: skip
            if key is not None:
                kept[key, "marks"] = before
        found.append(before)
    times = pl.concat(
        [f.select("tag", at=t) for f in found for t in ("t_source", "t_server", "t_receive")]
    ).drop_nulls().unique().sort("tag", "at")  # fmt: skip
    return {
        int(tag): part["at"].to_numpy() for (tag,), part in times.partition_by(
            "tag", as_dict=True, maintain_order=True).items()
    }  # fmt: skip


def _apart(reach: Sequence[tuple[int, int] | None]) -> list[list[int]]:
    """Return the chunks in groups whose ranges of sequence numbers do not overlap.

    Example:
        >>> _apart([(0, 5), (9, 12), (5, 7), None])
        [[0, 2], [1], [3]]
    """
    order = sorted((r[0], r[1], i) for i, r in enumerate(reach) if r is not None)
    groups: list[list[int]] = []
    end = -1
    for low, high, i in order:
        if groups and low <= end:
            groups[-1].append(i)
        else:
            groups.append([i])
        end = max(end, high)
    return [*groups, *([i] for i, r in enumerate(reach) if r is None)]


def in_span(start: int, end: int) -> pl.Expr:
    """Return True for a row whose source or receive time lies in [start, end) [ns]."""
    return pl.any_horizontal(
        pl.col(t).is_between(start, end, closed="left").fill_null(False)
        for t in ("t_source", "t_receive")
    )


def plant_tags(plant: Plant) -> list[int]:
    """Return the ids of all tags that the figures use, link tags included."""
    tags = {p.tag for p in plant.points} | {p.link for p in plant.points}
    return sorted(tags | {p.source_link for p in plant.points if p.source_link is not None})


def doubtful(rows: pl.DataFrame, seen: Readings, limit_ns: int) -> pl.DataFrame:
    """Return ``chunk``, ``after`` of the stretches that must be looked at row by row after all.

    A stretch stands when no other row of its tag lies within it, by either order of time, and when
    all of it is timely by the offset that its session turned out to have.
    """
    columns = ["chunk", "after"]
    if "chunk" not in rows.columns:
        return pl.DataFrame(schema={"chunk": pl.UInt32, "after": pl.UInt64})
    joined = pl.col("after").is_not_null()
    apart = (pl.col("seq").shift(1) != pl.col("after")) | (pl.col("tag").shift(1) != pl.col("tag"))
    early, late = pl.col("lag_low") - pl.col("offset"), pl.col("lag_high") - pl.col("offset")
    trusted = pl.col("offset").abs() <= CLOCK_LIMIT
    untimely = (trusted & ((early < -EARLY_NS) | (late > limit_ns))).fill_null(False)
    dated = seen.values.filter(
        (pl.col("mode") != "polled") & pl.col("t_source").is_not_null() & ~has(Flag.FIRST)
    )
    orders = (("at", seen.values), ("happened", seen.values), ("t_source", dated))
    bad = [
        values.sort("tag", by, "seq").filter(joined & (apart.fill_null(True) | untimely))
        for by, values in orders
    ]
    # A row that ends a stretch and turned out to repeat another one takes the stretch with it.
    lost = rows.filter(joined).join(seen.values.select("seq"), on="seq", how="anti")
    return pl.concat([b.select(columns) for b in (*bad, lost)]).unique()
