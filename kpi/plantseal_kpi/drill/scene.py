"""One side of a drill-down: the study, and windows in which the rows asked for are all there.

The figures are made of condensed rows. A drill-down shows every row of a few tags, so it opens
chunk after chunk: in one window the chunk's rows of those tags are whole, everything else stays
condensed. Leaving rows out changes no figure, so each window says of its rows what all would; memory
is that of the condensed period and one chunk of a few tags.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from plantseal_kpi.calendar import Span
from plantseal_kpi.plant import Equipment, Plant, Point
from plantseal_kpi.report import Result
from plantseal_kpi.rows.condense import Condensed
from plantseal_kpi.rows.lines import CONTEXT_NS
from plantseal_kpi.rows.marks import LAGS, marked
from plantseal_kpi.rows.source import Source, in_span
from plantseal_kpi.rows.window import Window, window
from plantseal_kpi.study import Study

MOST_ROWS: Final = 250_000
"""So many rows are opened at once, or one chunk of the caller's."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A study with the rows that it was made of.

    Attributes:
        limit: At most so many entries are kept of each frame.
    """

    study: Study
    source: Source
    limit: int

    @property
    def window(self) -> Window:
        """The condensed window."""
        return self.study.window

    @property
    def plant(self) -> Plant:
        """The plant."""
        return self.study.window.plant

    @property
    def span(self) -> Span:
        """The period [ns]."""
        return self.study.window.start, self.study.window.end

    def figure(self, metric: str, scope: str) -> Result | None:
        """Return a figure of the study."""
        return next((r for r in self.study.results if (r.metric, r.scope) == (metric, scope)), None)

    def equipment(self, scope: str) -> list[Equipment]:
        """Return the machines of a scope; a shift's scope names them before the ``@``."""
        name = scope.split("@")[0]
        return [e for e in self.plant.equipment if name in ("plant", e.id)]

    def points(self, ids: Collection[str], roles: Sequence[str] = ()) -> list[Point]:
        """Return the points of machines with one of the roles, by tag."""
        mine = (p for p in self.plant.points if p.equipment in ids and p.role != "link")
        return sorted((p for p in mine if not roles or p.role in roles), key=lambda p: p.tag)

    def opened(self, points: Sequence[Point]) -> Iterator[tuple[Window, pl.DataFrame]]:
        """Yield windows, each with those rows of ``points`` and their links that are whole in it."""
        left = list(points)
        while left:
            near = self._connected(_links(left[0]))
            mine = [p for p in left if near & _links(p)]
            left = [p for p in left if p not in mine]
            asked = {t for p in mine for t in _links(p)} | {p.tag for p in mine}
            whole = near | {p.tag for p in self.plant.points if near & _links(p)}
            for group in self._groups(whole):
                source = self._open(group, whole)
                w = window(source, self.plant, self.span, prefer=self.window.origin)
                shown = [self._rows(i, asked) for i in group]
                yield w, pl.concat(shown).unique("seq", keep="any").sort("seq")

    def _near(self) -> pl.Expr:
        return in_span(self.span[0] - CONTEXT_NS, self.span[1] + CONTEXT_NS)

    def _rows(self, chunk: int, tags: Collection[int]) -> pl.DataFrame:
        mine = self.source.chunks[chunk].filter(pl.col("tag").is_in(list(tags)) & self._near())
        return mine.collect(engine="streaming")

    def _groups(self, tags: Collection[int]) -> list[list[int]]:
        groups: list[list[int]] = []
        held = 0
        for i, chunk in enumerate(self.source.chunks):
            mine = chunk.filter(pl.col("tag").is_in(list(tags)) & self._near())
            n = int(mine.select(pl.len()).collect(engine="streaming").item())
            if not n:
                continue
            if not groups or held + n > MOST_ROWS:
                groups.append([])
                held = 0
            groups[-1].append(i)
            held += n
        return groups

    def _connected(self, links: set[int]) -> set[int]:
        """Return the links whose clocks and signs of life concern the same tags as ``links``."""
        found = set(links)
        while True:
            more = {t for p in self.plant.points if found & _links(p) for t in _links(p)} - found
            if not more:
                return found
            found |= more

    def _open(self, group: Sequence[int], tags: Collection[int]) -> Source:
        """Return the source with the rows of ``tags`` in the chunks ``group`` whole.

        They become chunks of their own; what stays condensed is of other links, so nothing that was
        counted of them has to be counted again.
        """
        mine = pl.col("tag").is_in(list(tags))
        chunks, done = list(self.source.chunks), list(self.source.done)
        for i in group:
            rest, opened = self.source.chunks[i].filter(~mine), self.source.chunks[i].filter(mine)
            kept = done[i]
            chunks[i] = rest
            done[i] = Condensed(
                kept.rows.filter(~mine), kept.lags.filter(~pl.col("link").is_in(list(tags)))
            )
            chunks.append(opened)
            all_rows = marked(opened.filter(self._near()).collect(engine="streaming"))
            done.append(Condensed(all_rows, pl.DataFrame(schema=LAGS)))
        spare = {i: set(s) for i, s in self.source.spare.items()}
        return Source(
            self.plant, self.source.spans, chunks, done=done, spare=spare, marks=self.source.marks
        )


def _links(p: Point) -> set[int]:
    return {p.link, p.link if p.source_link is None else p.source_link}
