"""Rows of a period in flat memory: read part by part, each condensed before the next one is read.

What :mod:`plantseal_kpi.rows.condense` leaves out is decided within one part, before the clock
offsets of all parts are known. :func:`doubtful` finds afterwards the stretches for which that was
too early; their tags are then read again row by row. So every figure is that of all rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from plantseal_kpi.calendar import Span
from plantseal_kpi.plant import Plant
from plantseal_kpi.rows.condense import Condensed, condense
from plantseal_kpi.rows.coverage import EARLY_NS
from plantseal_kpi.rows.lines import CONTEXT_NS, lines
from plantseal_kpi.rows.marks import LAGS, marked
from plantseal_kpi.rows.parts import Rows
from plantseal_kpi.rows.readings import CLOCK_LIMIT, Readings, has
from plantseal_kpi.rows.stretches import Ints
from plantseal_kpi.schema import Flag, Kind, check_rows

_SESSION = (Kind.BIRTH, Kind.DEATH, Kind.GAP, Kind.SEQ_GAP)


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

    @property
    def lags(self) -> pl.DataFrame:
        """Lags of the rows left out, as :data:`LAGS`."""
        return pl.concat([c.lags for c in self.done])

    def again(self, doubts: pl.DataFrame) -> None:
        """Read the stretches ``doubts`` (chunk, after) again, row by row."""
        for chunk, first in doubts.iter_rows():
            self.spare.setdefault(chunk, set()).add(first)
        self.__dict__.pop("rows", None)
        for chunk in sorted(set(doubts["chunk"].to_list())):
            frame = self.chunks[chunk].collect(engine="streaming")
            self.done[chunk] = self._condensed(frame, sorted(self.spare[chunk]))

    def _condensed(self, frame: pl.DataFrame, spare: Sequence[int] = ()) -> Condensed:
        if self.whole:
            return Condensed(marked(frame), pl.DataFrame(schema=LAGS))
        return condense(frame, self.plant, lines(self.plant, self.spans), self.marks, spare)


def read(rows: Rows, plant: Plant, spans: Sequence[Span], *, whole: bool = False) -> Source:
    """Return the rows of the plant's tags around ``spans`` [ns], condensed.

    Args:
        rows: Frame as :data:`plantseal_kpi.schema.ROWS`, or parts of it.
        plant: The plant.
        spans: Periods that are computed.
        whole: Keep every row.
    """
    wanted = [(a - CONTEXT_NS, b + CONTEXT_NS) for a, b in spans]
    used = pl.any_horizontal([in_span(*s) for s in wanted])
    tags = pl.Series("tag", plant_tags(plant), dtype=pl.UInt32)
    chosen = pl.col("tag").is_in(tags.implode()) & used
    lazy = [check_rows(f).filter(chosen) for f in _meeting(rows, wanted)]
    links = {p.link for p in plant.points} | {
        p.source_link for p in plant.points if p.source_link is not None
    }
    source = Source(plant, spans, lazy, whole)
    source.marks = _marks(lazy, links)
    reach: list[tuple[int, int] | None] = []
    for frame in _collected(lazy):
        reach.append((_end(frame, "min"), _end(frame, "max")) if frame.height else None)
        source.done.append(source._condensed(frame))
    groups = _apart(reach)
    if len(groups) < len(lazy):
        # The same row may lie in two of them, and stretches of one would hide rows of the other.
        source.chunks = [pl.concat([lazy[i] for i in g]) for g in groups]
        source.done = [
            source.done[g[0]] if len(g) == 1 else source._condensed(c.collect(engine="streaming"))
            for g, c in zip(groups, source.chunks, strict=True)
        ]
    return source


def _end(frame: pl.DataFrame, which: Literal["min", "max"]) -> int:
    seq = frame["seq"].min() if which == "min" else frame["seq"].max()
    return int(seq)  # type: ignore[arg-type]


def _meeting(rows: Rows, spans: Sequence[Span]) -> list[pl.LazyFrame]:
    if isinstance(rows, pl.LazyFrame):
        return [rows]
    if not rows:
        raise ValueError("rows: got no part, expected at least one, if only an empty frame")
    wanted = [p.rows for p in rows if any(p.start < b and p.end >= a for a, b in spans)]
    return wanted or [rows[0].rows.clear()]


def _collected(lazy: Sequence[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """Yield each frame, the next one being read meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(lazy[0].collect, engine="streaming")
        for following in [*lazy[1:], None]:
            frame = ahead.result()
            if following is not None:
                ahead = pool.submit(following.collect, engine="streaming")
            yield frame


def _marks(lazy: Sequence[pl.LazyFrame], links: set[int]) -> dict[int, Ints]:
    """Return the times [ns] of births, deaths and gaps by link tag, sorted."""
    wanted = pl.Series(sorted(links), dtype=pl.UInt32)
    found = [
        f.filter(pl.col("tag").is_in(wanted.implode()) & pl.col("kind").is_in(list(_SESSION)))
        .select("tag", "t_source", "t_server", "t_receive")
        .collect(engine="streaming")
        for f in lazy
    ]
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
