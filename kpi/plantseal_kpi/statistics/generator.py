"""A generator of whole numbers with a stated seed: the same on every machine.

Source: G. L. Steele, D. Lea and C. H. Flood, OOPSLA 2014, SplitMix64; D. Lemire, ACM Trans. Model.
Comput. Simul. 29 (2019), numbers below a limit.
"""

from collections.abc import Iterator

_MASK = 2**64 - 1


def splitmix64(seed: int) -> Iterator[int]:
    """Yield numbers of 64 bits.

    Example:
        >>> next(splitmix64(1234567))
        6457827717110365317
    """
    state = seed & _MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        yield z ^ (z >> 31)


def below(limit: int, source: Iterator[int]) -> int:
    """Return the next number from 0 to ``limit`` - 1, all equally likely.

    Example:
        >>> source = splitmix64(1)
        >>> [below(6, source) for _ in range(5)]
        [3, 4, 5, 2, 2]
    """
    # The first numbers of the shortest products are one too many for some results: drop them.
    least = (1 << 64) % limit
    while True:
        product = next(source) * limit
        if product & _MASK >= least:
            return product >> 64
