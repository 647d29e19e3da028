"""Sorted moments and spans of one tag, asked for many spans without a frame for each."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from plantseal_kpi.calendar import Span, merged


@dataclass(frozen=True, slots=True)
class Times:
    """Disjoint spans [ns], sorted, with the time before each.

    Attributes:
        starts: Begins.
        ends: Ends.
        before: Summed length of the spans before each, and of all.
    """

    starts: list[int]
    ends: list[int]
    before: list[int]

    def within(self, span: Span) -> int:
        """Return the time that lies in ``span`` [ns].

        Example:
            >>> times_of([(0, 5), (8, 9)]).within((3, 9))
            3
        """
        return max(0, self._until(span[1]) - self._until(span[0]))

    def _until(self, t_ns: int) -> int:
        i = bisect_right(self.starts, t_ns)
        return self.before[i] - max(0, self.ends[i - 1] - t_ns) if i else 0


def times_of(spans: Iterable[Span]) -> Times:
    """Return the time covered by ``spans``, overlaps once."""
    joined = merged(spans)
    lengths = (b - a for a, b in joined)
    return Times([a for a, _ in joined], [b for _, b in joined], [0, *accumulate(lengths)])


@dataclass(frozen=True, slots=True)
class Tally:
    """What a counter counted, moment by moment.

    Attributes:
        at: Moments of the known differences [ns], sorted.
        total: Sum of the differences before each, and of all.
        known: When the counter is known.
        wide: Moments of differences over stretches of which only the ends were kept; their begins
            beside them, in the same order.
        begun: Those begins.
        silent: Moment to begin [ns] of the differences that came after a long silence.
    """

    at: list[int]
    total: list[int]
    known: Times
    wide: list[int]
    begun: list[int]
    silent: Mapping[int, int]

    def counted(self, span: Span, since: int | None = None) -> int | None:
        """Return the amount with its moment in (start, end]; None where nothing is known.

        A difference after a long silence that began before ``since`` [ns] is left out: nobody knows
        how much of it belongs to the time after (definitions 4.1, row "missing").

        Raises:
            ValueError: An edge lies within a stretch of which only the ends were kept.
        """
        for edge in span:
            i = bisect_right(self.wide, edge)
            if i < len(self.wide) and self.begun[i] < edge:
                raise ValueError(
                    f"spans: got an edge at {edge} ns, expected edges of the calendar, hours of "
                    "the period or dates that the plant names; readings between those are not "
                    "kept one by one"
                )
        a, b = (bisect_right(self.at, t) for t in span)
        if b <= a and not self.known.within(span):
            return None
        if since is not None and a < b and self.silent.get(self.at[a], since) < since:
            a += 1
        return self.total[max(a, b)] - self.total[a]
