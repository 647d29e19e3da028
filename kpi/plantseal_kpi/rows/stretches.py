"""Which rows of a tag can be left out: the inside of stretches in which nothing changes.

Two neighbouring rows of a tag are *linked* when both are plain good values and no figure can tell
whether a row lay between them: the gap is within the freshness limit, state and label stay, a
counter goes on plausibly, no edge of the calendar or of a session lies near. A row linked on both
sides is left out; the first and last row of each stretch stay. Whatever is odd is kept as it is.

Only comparisons are made here: a float that decides wrongly keeps a row too many, never changes a
figure. Source of the rules that make a row matter: definitions 4.1 to 4.3.
"""

from collections.abc import Sequence
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
class Block:
    """Rows of some tags, one tag after the other, each in the order of its time.

    Attributes:
        lines: What decides, tag by tag; all agree in ``polled``, ``by`` and ``still``, and polled
            ones in ``period_ns``.
        begins: Position of the first row of each tag, and the number of rows.
        key: Times by which the rows are ordered, see :func:`order_key`.
        source: Source times [ns], :data:`ABSENT` where there is none.
        receive: Receive times, the same way.
        plain: 0, or for good values that came straight from the device 1 (live) or 2 (imported).
        slot: Begin of the poll slot [ns]; empty if not polled.
        integer: Integer values, 0 where there is none.
        whole: True where there is an integer.
        real: Float values, NaN where there is none.
        same: True where a row says the same as the one before it.
    """

    lines: Sequence[Line]
    begins: Ints
    key: Ints
    source: Ints
    receive: Ints
    plain: NDArray[np.int8]
    slot: Ints
    integer: Ints
    whole: Mask
    real: NDArray[np.float64]
    same: Mask

    def each(self, name: str) -> Any:
        """Return an attribute of the lines: one number, or one for each row but the first."""
        values = [getattr(line, name) for line in self.lines]
        if values.count(values[0]) == len(values):
            return values[0]
        return np.repeat(np.array(values), np.diff(self.begins))[1:]


def order_key(line: Line, source: Ints, receive: Ints) -> Ints:
    """Return the time by which the rows of a tag are ordered [ns]."""
    first, other = (receive, source) if line.polled else (source, receive)
    missing = first == ABSENT
    return np.where(missing, other, first) if missing.any() else first


def linked(b: Block) -> Mask:
    """Return for each row but the first whether it is linked to the one before it."""
    line = b.lines[0]
    joints = b.begins[1:-1] - 1
    alike = b.plain[1:] == b.plain[:-1]
    alike &= b.plain[1:] > 0
    with np.errstate(over="ignore", invalid="ignore"):
        elapsed = np.diff(b.key)
        link = alike & (_timely(b, elapsed) if line.polled else _steady(b, elapsed))
        # Of two rows of one moment only one may count: neither begins or ends a stretch.
        tied = elapsed == 0
        tied[joints] = False
        if tied.any():
            link[1:] &= ~tied[:-1]
            link[:-1] &= ~tied[1:]
        if line.by == "label" or line.still:
            link &= b.same[1:]
        if line.by == "count":
            link &= _goes_on(b, elapsed)
    link[joints] = False
    found: Mask = link
    return found


def _timely(b: Block, elapsed: Ints) -> Mask:
    """Return where two polls were heard in time, in one slot or in the next."""
    heard = b.receive != ABSENT
    good = heard & (b.receive - b.slot <= b.lines[0].late_ns)
    # Where both were heard the key is the time of reception.
    slots = np.diff(b.slot)
    on = (slots == 0) | (slots == b.lines[0].period_ns)
    return np.asarray(good[1:] & good[:-1] & on & (elapsed > 0) & (elapsed <= b.each("gap_ns")))


def _steady(b: Block, elapsed: Ints) -> Mask:
    """Return where two values lie within the gap, sent and heard with about the same lag."""
    gap = b.each("gap_ns")
    heard, own = b.receive != ABSENT, b.source != ABSENT
    apart = np.diff(b.receive)
    near = (apart > 0) & (apart <= gap)
    # Where both have a source time the key is that; where neither has, that of reception.
    close = (elapsed > 0) & (elapsed <= gap)
    told = heard[1:] & heard[:-1]
    steady = told & near & (np.abs(apart - elapsed) <= STEADY_NS)
    if not heard.all():
        steady |= ~(heard[1:] | heard[:-1])
    both = own[1:] & own[:-1] & close & steady
    if own.all():
        return np.asarray(both)
    return np.asarray(both | (~(own[1:] | own[:-1]) & told & near))


def _goes_on(b: Block, elapsed: Ints) -> Mask:
    """Return where a counter steps up plausibly, or stays at 0."""
    is_float = ~(b.whole | np.isnan(b.real))
    least, most, rate = b.each("least"), b.each("most"), b.each("rate")
    slack = b.each("slack")
    value, rise = b.integer.astype(np.float64), np.diff(b.integer)
    kind: Mask | bool = True
    if is_float.any():
        value = np.where(is_float, b.real, value)
        kind = is_float[1:] == is_float[:-1]
        rise = np.where(is_float[1:], np.diff(value), rise)
        slack = np.where(is_float[1:], b.each("slack_real"), slack)
    after, before = value[1:], value[:-1]
    usable = (after >= 0) & (after < most) & (before >= 0) & (before < most)
    # A reading of 0 may be a false zero; next to another 0 it is the same one.
    alike = ((after > least) & (before > least)) | ((after == 0) & (before == 0))
    plausible = (rise == 0) | (rise <= 0.99 * (rate * elapsed.astype(np.float64)) + slack)
    plausible |= np.asarray(rate == np.inf)
    return np.asarray(kind & usable & alike & (rise >= 0) & plausible)


@dataclass(frozen=True, slots=True)
class Near:
    """Moments around which the rows of a tag are kept [ns].

    Attributes:
        low: Links of rows before it stay.
        high: Links of rows after it stay.
        around: So many rows more to either side.
        within: No stretch may hold one of these; sorted.
        parts: Rows left out are counted apart between these; sorted.
    """

    low: Ints
    high: Ints
    around: Ints
    within: Ints
    parts: Ints


def unlink_near(link: Mask, b: Block, near: Sequence[Near]) -> None:
    """Take away the links around the moments of each tag."""
    lows, highs = [], []
    for n, begin, end in zip(near, b.begins[:-1], b.begins[1:], strict=True):
        if not len(n.low):
            continue
        key, most = b.key[begin:end], end - begin - 1
        low = np.searchsorted(key, n.low, side="left") - 1 - n.around
        high = np.searchsorted(key, n.high, side="right") + n.around
        lows.append(np.minimum(np.maximum(low, 0), most) + begin)
        highs.append(np.minimum(np.maximum(high, 0), most) + begin)
    if not lows:
        return
    edges = np.bincount(np.concatenate(lows), minlength=len(link) + 1)
    edges -= np.bincount(np.concatenate(highs), minlength=len(link) + 1)
    link &= np.cumsum(edges[: len(link)]) == 0


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


def crossing(b: Block, s: Stretches, near: Sequence[Near], tags: Ints) -> Mask:
    """Return which stretches have a moment of their tag within, by either of their times.

    Args:
        b: The rows.
        s: The stretches.
        near: By tag.
        tags: Position in ``near`` of each stretch, rising.
    """
    out = np.zeros(len(s.first), dtype=np.bool_)
    ends = np.searchsorted(tags, np.arange(len(near) + 1))
    reach = [(t[s.first], t[s.last]) for t in (b.source, b.receive)]
    for i, n in enumerate(near):
        mine = slice(int(ends[i]), int(ends[i + 1]))
        if not len(n.within) or mine.start == mine.stop:
            continue
        for low, high in ((a[mine], z[mine]) for a, z in reach):
            known = (low != ABSENT) & (high != ABSENT)
            inside = np.searchsorted(n.within, low - PAD_NS) < np.searchsorted(
                n.within, high + PAD_NS, side="right"
            )
            out[mine] |= known & inside
    return out
