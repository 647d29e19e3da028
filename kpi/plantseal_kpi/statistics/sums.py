"""How sure a ratio of sums is: OEE and production efficiency over shifts.

R = sum X / sum Y over J shifts is a ratio, no share: its variance is that of X - R Y (linearised), and
the change R1 / R0 is judged on the log scale. Where good shifts follow good ones, a moving-block
bootstrap with blocks of one week takes its place.

Source: W. G. Cochran, Sampling Techniques (1977) 6.3 (linearised variance); H. R. Kuensch, Ann. Stat.
17 (1989) 1217 (moving blocks); definitions 3.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from plantseal_kpi.statistics.bootstrap import LEVEL, ratio_draws, tails
from plantseal_kpi.statistics.exact import exp, ln, normal_quantile, sqrt

METHOD: Final = "log_ratio_of_sums/1"
METHOD_BLOCKS: Final = "moving_block_bootstrap/1"
Pairs = Sequence[tuple[int, int]]
"""X and Y of each shift, in the order of time."""


@dataclass(frozen=True, slots=True)
class Change:
    """The interval of R1 / R0; each end holds with the level by itself.

    Attributes:
        method: Id and version of the formula.
        low: Lower end.
        high: Upper end.
        rho: Lag-1 correlation of the shifts after and before.
        block: Shifts in a block; 0 without blocks.
    """

    method: str
    low: Fraction
    high: Fraction
    rho: tuple[Fraction, Fraction | None]
    block: int = 0


def relative_variance(pairs: Pairs) -> Fraction | None:
    """Return the variance of R over R squared; None below two shifts, or where X or Y adds up to 0.

    Example:
        >>> relative_variance([(1, 2), (1, 2), (1, 2)]), relative_variance([(1, 1)])
        (Fraction(0, 1), None)
    """
    j, x, y = len(pairs), sum(x for x, _ in pairs), sum(y for _, y in pairs)
    if j < 2 or x <= 0 or y <= 0:
        return None
    # sum (X - R Y)^2 / (J (J-1) Ybar^2) / R^2 with R = x/y, kept whole: (X y - x Y)^2 / (x y)^2 y^2.
    off = sum((a * y - x * b) ** 2 for a, b in pairs)
    return Fraction(off * j, (j - 1) * x * x * y * y)


def lag1(values: Sequence[Fraction | int]) -> Fraction:
    """Return the lag-1 autocorrelation of values around their mean; 0 where nothing varies.

    Example:
        >>> lag1([1, -1, 1, -1])
        Fraction(-3, 4)
    """
    if len(values) < 2:
        return Fraction(0)
    mean = Fraction(sum(values)) / len(values)
    off = [v - mean for v in values]
    total = sum(d * d for d in off)
    return sum((a * b for a, b in pairwise(off)), Fraction(0)) / total if total else Fraction(0)


def correlation(pairs: Pairs) -> Fraction:
    """Return the lag-1 correlation of X - R Y over the shifts."""
    x, y = sum(x for x, _ in pairs), sum(y for _, y in pairs)
    return lag1([a * y - x * b for a, b in pairs])


def correlated(pairs: Pairs) -> bool:
    """Return True where shifts follow each other too alike: rho > z(0.95) / sqrt(J)."""
    rho = correlation(pairs)
    return rho > 0 and rho * rho * len(pairs) > normal_quantile(LEVEL) ** 2


def change_interval(after: Pairs, before: Pairs | None, block: int) -> Change | None:
    """Return the interval of R1 / R0.

    Args:
        after: Shifts of the period, by time.
        before: Shifts of the time before; None where R0 is a cited figure: then of R1 over itself,
            for the caller to divide.
        block: Shifts in a week.

    Returns:
        None where a side has fewer than two shifts, or nothing was earned in it.

    Example:
        >>> steady = change_interval([(6, 8), (6, 8)], [(5, 8), (5, 8)], 21)
        >>> steady.low == steady.high and round(float(steady.low), 12)
        1.2
    """
    sides = [after] if before is None else [after, before]
    variances = [relative_variance(s) for s in sides]
    known = [v for v in variances if v is not None]
    if len(known) < len(sides):
        return None
    rho = (correlation(after), None if before is None else correlation(before))
    if any(correlated(s) for s in sides):
        return _blocks(after, before, block, rho)
    half = normal_quantile(LEVEL) * sqrt(sum(known, Fraction(0)))
    middle = ln(_ratio(after) / (1 if before is None else _ratio(before)))
    return Change(METHOD, exp(middle - half), exp(middle + half), rho)


def _ratio(pairs: Pairs) -> Fraction:
    return Fraction(sum(x for x, _ in pairs), sum(y for _, y in pairs))


def _blocks(
    after: Pairs, before: Pairs | None, block: int, rho: tuple[Fraction, Fraction | None]
) -> Change | None:
    drawn = ratio_draws(after, before, block)
    low, high = tails(drawn)
    if low is None or high is None:
        return None
    return Change(METHOD_BLOCKS, low, high, rho, block)
