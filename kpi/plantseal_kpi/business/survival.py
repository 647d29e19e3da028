"""Medians of durations of which some have not ended yet, and plain quantiles; exact.

Source: E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53 (1958) 457; definitions 2.4.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

Duration = tuple[int, bool]
"""How long, and whether it ended then; False: it had lasted that long when last seen."""


def kaplan_meier(durations: Sequence[Duration]) -> list[tuple[int, Fraction]]:
    """Return (time, share that lasts longer) at each time something ended.

    What was last seen at a time counts as still at risk at that time.

    Example:
        >>> [(t, str(s)) for t, s in kaplan_meier([(1, True), (2, False), (3, True)])]
        [(1, '2/3'), (3, '0')]
    """
    left, share, steps = len(durations), Fraction(1), []
    gone, ended = Counter(t for t, _ in durations), Counter(t for t, over in durations if over)
    for t in sorted(gone):
        if ended[t]:
            share *= 1 - Fraction(ended[t], left)
            steps.append((t, share))
        left -= gone[t]
    return steps


def survival_median(durations: Sequence[Duration]) -> Fraction | None:
    """Return the median duration; None where the share that lasts longer never falls below half.

    Where that share is exactly one half over a stretch, its middle: without open durations that is
    the plain median. Where it stays at one half because the rest is open, the end of the stretch
    is not known and neither is the median (R's survfit gives the start; then leaving a project
    open would shorten the figure).

    Example:
        >>> survival_median([(4, True), (8, True)]), survival_median([(4, False)])
        (Fraction(6, 1), None)
    """
    half, at = Fraction(1, 2), None
    for t, share in kaplan_meier(durations):
        if at is not None:
            return Fraction(at + t, 2)
        if share < half:
            return Fraction(t)
        if share == half:
            at = t
    return None


def quantile(values: Sequence[int], share: Fraction) -> int:
    """Return the least value that at least ``share`` of the values do not exceed.

    Raises:
        ValueError: There are no values, or the share is not in (0, 1].

    Example:
        >>> quantile(range(1, 11), Fraction(9, 10))
        9
    """
    if not values or not 0 < share <= 1:
        raise ValueError(f"got {len(values)} values and share {share}, expected some and 0..1")
    place = -(-len(values) * share.numerator // share.denominator)
    return sorted(values)[place - 1]
