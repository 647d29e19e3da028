"""Which rows of a tag can be left out: the inside of stretches in which nothing changes.

Two neighbouring rows of a tag are *linked* when both are plain good values and no figure can tell
whether a row lay between them: the gap is within the freshness limit, state and label stay, a
counter goes on plausibly, no edge of the calendar or of a session lies near. A row linked on both
sides is left out; the first and last row of each stretch stay. Whatever is odd is kept as it is.

Only comparisons are made here: a float that decides wrongly keeps a row too many, never changes a
figure. Source of the rules that make a row matter: definitions 4.1 to 4.3.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

ABSENT: Final = -(2**63)
"""Stands for a time or value that is not there."""
SECOND: Final = 10**9
PAD_NS: Final = 2 * SECOND
"""Linked rows keep so far away from every edge: the clock offset is not known yet."""
STEADY_NS: Final = SECOND
"""The lag of linked rows differs by no more; see :mod:`plantseal_kpi.rows.sessions`."""
AROUND: Final = 10
"""Rows kept on either side of a lag that is out of the usual, one more than a clock step needs."""


@dataclass(frozen=True, slots=True)
class Line:
    """What decides of the rows of one tag.

    Attributes:
        gap_ns: Longest gap over which evidence of life holds [ns].
        polled: Polled points happen when they are received.
        period_ns: Length of a poll slot [ns].
        late_ns: A slot is timely until so long after its begin [ns].
        by: ``label``: a change of value matters; ``count``: a counter; ``life``: evidence only;
            ``each``: every row matters.
        rate: Rated maximum of a counter [raw counts per ns]; infinite: none.
        slack: What an integer reading may rise beyond it [raw counts]; one count is allowed.
        slack_real: The same of a float reading, less the rounding of both.
        least: Raw reading above which base units are not 0.
        most: Raw reading below which base units are sure to fit.
        still: A counter whose every change must keep its moment.
    """

    gap_ns: int
    polled: bool
    period_ns: int
    late_ns: int
    by: str
    rate: float = float("inf")
    slack: float = 0.49
    slack_real: float = -0.5
    least: float = 1.0
    most: float = 2.0**62
    still: bool = False


@dataclass(frozen=True, slots=True)
class TagRows:
    """Rows of one tag in the order of their time.

    Attributes:
        source: Source times [ns], :data:`ABSENT` where there is none.
        receive: Receive times, the same way.
        plain: 0, or for good values that came straight from the device 1 (live) or 2 (imported).
        slot: Begin of the poll slot [ns].
        integer: Integer values, 0 where there is none.
        real: Float values, NaN where there is none.
        same: True where a row (but the first) says the same as the one before it.
    """

    source: Ints
    receive: Ints
    plain: NDArray[np.int8]
    slot: Ints
    integer: Ints
    real: NDArray[np.float64]
    same: Mask

    @property
    def own(self) -> Mask:
        """Return where the source gave a time."""
        return np.asarray(self.source != ABSENT)


def order_key(line: Line, source: Ints, receive: Ints) -> Ints:
    """Return the time by which the rows of a tag are ordered [ns]."""
    if line.polled:
        return np.where(receive != ABSENT, receive, source)
    return np.where(source != ABSENT, source, receive)


def linked(line: Line, rows: TagRows) -> Mask:
    """Return for each row but the first whether it is linked to the one before it."""
    if line.by == "each" or len(rows.plain) < 2:
        return np.zeros(max(0, len(rows.plain) - 1), dtype=np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        alike = (rows.plain[1:] > 0) & (rows.plain[1:] == rows.plain[:-1])
        link = alike & _in_time(line, rows)
        # Of two rows of one moment only one may count: neither begins or ends a stretch.
        key = order_key(line, rows.source, rows.receive)
        tied = key[1:] == key[:-1]
        link[1:] &= ~tied[:-1]
        link[:-1] &= ~tied[1:]
        if line.by == "label" or line.still:
            link &= rows.same[1:]
        if line.by == "count":
            link &= _goes_on(line, rows)
    return np.asarray(link)


def _in_time(line: Line, rows: TagRows) -> Mask:
    apart = np.diff(rows.receive)
    heard = rows.receive != ABSENT
    told = heard[1:] & heard[:-1]
    near = (apart > 0) & (apart <= line.gap_ns)
    if line.polled:
        timely = rows.receive - rows.slot <= line.late_ns
        slots = np.diff(rows.slot)
        on = (slots == 0) | (slots == line.period_ns)
        return np.asarray(told & near & on & timely[1:] & timely[:-1])
    own = rows.own
    dated = own[1:] & own[:-1]
    moved = np.diff(rows.source)
    neither = ~own[1:] & ~own[:-1]
    steady = np.abs(apart - moved) <= STEADY_NS
    silent = ~heard[1:] & ~heard[:-1]
    close = (moved > 0) & (moved <= line.gap_ns)
    both = dated & close & (silent | (told & near & steady))
    return np.asarray(both | (neither & told & near))


def _goes_on(line: Line, rows: TagRows) -> Mask:
    """Return where a counter steps up plausibly, or stays at 0."""
    elapsed = np.diff(order_key(line, rows.source, rows.receive)).astype(np.float64)
    is_float = ~np.isnan(rows.real)
    value = np.where(is_float, rows.real, rows.integer.astype(np.float64))
    usable = (value >= 0) & (value < line.most)
    both = usable[1:] & usable[:-1] & (is_float[1:] == is_float[:-1])
    # A reading of 0 may be a false zero; next to another 0 it is the same one.
    zero, above = value == 0, value > line.least
    alike = (zero[1:] & zero[:-1]) | (above[1:] & above[:-1])
    rise = np.where(is_float[1:], np.diff(value), np.diff(rows.integer))
    slack = np.where(is_float[1:], line.slack_real, line.slack)
    plausible = (rise == 0) | (rise <= 0.99 * (line.rate * elapsed) + slack)
    if line.rate == np.inf:
        plausible = rise >= 0
    return np.asarray(both & alike & (rise >= 0) & plausible)


def unlink_near(link: Mask, key: Ints, moments: Ints, pad_ns: int, around: int = 0) -> None:
    """Take away the links around ``moments`` [ns], ``pad_ns`` and ``around`` rows to either side."""
    if not len(link) or not len(moments):
        return
    low = np.searchsorted(key, moments - pad_ns, side="left") - 1 - around
    high = np.searchsorted(key, moments + pad_ns, side="right") + around
    edges = np.zeros(len(link) + 1, dtype=np.int64)
    np.add.at(edges, np.clip(low, 0, len(link)), 1)
    np.add.at(edges, np.clip(high, 0, len(link)), -1)
    link &= np.cumsum(edges)[:-1] == 0


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of linked rows: positions of the first and last row of each.

    Attributes:
        first: Position of the first row.
        last: Position of the last row; between them everything is left out.
    """

    first: NDArray[Any]
    last: NDArray[Any]


def stretches(link: Mask) -> Stretches:
    """Return the stretches of at least three rows.

    Example:
        >>> s = stretches(np.array([True, True, False, True]))
        >>> s.first.tolist(), s.last.tolist()
        ([0], [2])
    """
    edges = np.diff(np.concatenate(([0], link.astype(np.int8), [0])))
    first, last = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    long = last - first > 1
    return Stretches(first[long], last[long])


def crossing(rows: TagRows, s: Stretches, moments: Ints, pad_ns: int) -> Mask:
    """Return which stretches have one of the sorted ``moments`` within, by either of their times."""
    if not len(moments) or not len(s.first):
        return np.zeros(len(s.first), dtype=np.bool_)
    out = np.zeros(len(s.first), dtype=np.bool_)
    for times in (rows.source, rows.receive):
        low, high = times[s.first], times[s.last]
        known = (low != ABSENT) & (high != ABSENT)
        inside = np.searchsorted(moments, low - pad_ns) < np.searchsorted(
            moments, high + pad_ns, side="right"
        )
        out |= known & inside
    return out
