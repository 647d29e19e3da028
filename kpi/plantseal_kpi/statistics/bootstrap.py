"""Bootstrap with whole numbers and a stated seed: ratios of sums by blocks, ratios of medians.

Source: B. Efron, Ann. Stat. 7 (1979) 1 (percentile interval); H. R. Kuensch, Ann. Stat. 17 (1989) 1217
(moving blocks); definitions 3.5.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Final, TypeVar

from plantseal_kpi.statistics.generator import below, splitmix64

METHOD_MEDIANS: Final = "bootstrap_median_ratio/1"
LEVEL: Final = Fraction(95, 100)
DRAWS: Final = 1999
SEED: Final = 20200015
MANY: Final = 2000
Pairs = Sequence[tuple[int, int]]
Draws = Sequence[Fraction | None]
T = TypeVar("T")


def tails(draws: Draws) -> tuple[Fraction | None, Fraction | None]:
    """Return the order statistics that leave 1 - level on either side; None counts as the greatest.

    Example:
        >>> tails([Fraction(n) for n in range(1, 20)])
        (Fraction(1, 1), Fraction(19, 1))
    """
    known = sorted(d for d in draws if d is not None)
    ordered = [*known, *[None] * (len(draws) - len(known))]
    k = max(1, int((1 - LEVEL) * (len(draws) + 1)))
    return ordered[k - 1], ordered[-k]


def ratio_draws(after: Pairs, before: Pairs | None, block: int) -> list[Fraction | None]:
    """Return R1 / R0 of resampled sums, R = sum X / sum Y, in blocks of ``block`` neighbours.

    Args:
        after: X and Y of each shift, by time.
        before: The same of the time before; None for R1 alone.
        block: Shifts in a block; of a shorter series, half of it.

    Returns:
        One ratio a draw; None where nothing was earned before or planned after.
    """
    source = splitmix64(SEED)
    then = None if before is None else _Blocks(before, block)
    now = _Blocks(after, block)
    out = []
    for _ in range(DRAWS):
        x1, y1 = now.drawn(source)
        x0, y0 = (1, 1) if then is None else then.drawn(source)
        out.append(Fraction(x1 * y0, y1 * x0) if y1 and x0 else None)
    return out


class _Blocks:
    """Sums over blocks of a series, drawn at random until it is as long as it was."""

    def __init__(self, pairs: Pairs, block: int) -> None:
        self.length = len(pairs)
        self.block = max(1, min(block, self.length // 2))
        self.x = [0, *accumulate(x for x, _ in pairs)]
        self.y = [0, *accumulate(y for _, y in pairs)]

    def drawn(self, source: Iterator[int]) -> tuple[int, int]:
        x = y = 0
        left = self.length
        while left:
            start = below(self.length - self.block + 1, source)
            end = start + min(self.block, left)
            x += self.x[end] - self.x[start]
            y += self.y[end] - self.y[start]
            left -= end - start
        return x, y


def draws_for(size: int) -> int:
    """Return how many samples are drawn of so many values: fewer of many, to end in time.

    Example:
        >>> draws_for(40), draws_for(100_000)
        (1999, 199)
    """
    return DRAWS if size <= MANY else DRAWS // 10


def statistic_ratio_draws(
    after: Sequence[T], before: Sequence[T], statistic: Callable[[Sequence[T]], Fraction | None]
) -> list[Fraction | None]:
    """Return statistic(after) / statistic(before) of samples drawn with replacement.

    A sample without the statistic (a median of projects most of which are open) counts as the
    greatest ratio: what is not known speaks against the claim that times fell.

    Args:
        after: Durations of the period.
        before: Durations of the time before.
        statistic: E.g. the median.
    """
    source = splitmix64(SEED)
    out: list[Fraction | None] = []
    for _ in range(draws_for(len(after) + len(before))):
        m1 = statistic(_sample(after, source))
        m0 = statistic(_sample(before, source))
        out.append(None if m1 is None or not m0 else m1 / m0)
    return out


def _sample(values: Sequence[T], source: Iterator[int]) -> list[T]:
    n = len(values)
    return [values[below(n, source)] for _ in range(n)]


def median(values: Sequence[int]) -> Fraction | None:
    """Return the median; the mean of the two middle values of an even number; None of nothing.

    Example:
        >>> median([3, 1, 2, 10])
        Fraction(5, 2)
    """
    ordered, n = sorted(values), len(values)
    if not n:
        return None
    return Fraction(ordered[(n - 1) // 2] + ordered[n // 2], 2)
