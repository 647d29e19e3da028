"""Score intervals of shares and of the ratio of two shares: defect rates, on-time rates.

The ratio theta = p1 / p0 is in the interval while the score statistic at theta does not exceed z^2.
It holds for rare events and small counts where the log-normal interval (Katz) is poor. Pieces of one
lot are alike: counts are divided by the dispersion of their lots, which widens the interval by its root.

The variance carries the factor N/(N-1) of Miettinen and Nurminen, N all pieces: the published vector
7/34 against 1/34 (1.2086..43.0330, named Koopman there) is of that form; without the factor it would
be 1.2209..42.5757. From a thousand pieces on no shown digit differs.

Source: P. A. R. Koopman, Biometrics 40 (1984) 513; O. Miettinen and M. Nurminen, Stat. Med. 4 (1985)
213; M. W. Fagerland, S. Lydersen and P. Laake, Stat. Methods Med. Res. 24 (2015) 224; E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; for lots J. N. K. Rao
and A. J. Scott, Biometrics 48 (1992) 577; definitions 3.5.
"""

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from plantseal_kpi.statistics.exact import DIGITS, sqrt

METHOD = "koopman_score/1"
METHOD_ONE = "wilson_score/1"
Share = tuple[int, int]
"""Events and pieces: k of n."""
Ends = tuple[Fraction, Fraction | None]
"""Lower and upper end; the upper one is None where the interval is open to above."""

_C = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_STEPS = 120
"""Halvings of the bracket: to 2^-120 of it, 36 digits."""


def ratio_interval(
    after: Share, before: Share, z: Fraction, phi: tuple[Fraction, Fraction] | None = None
) -> Ends:
    """Return the ends of the Koopman interval for (k1/n1) / (k0/n0).

    Args:
        after: Events and pieces of the upper share (k1, n1).
        before: Events and pieces of the lower share (k0, n0).
        z: Normal quantile: 1.96 for 95 % between the ends, 1.645 for 95 % each.
        phi: Dispersion of the lots after and before, by :func:`dispersion`; 1 without lots.

    Returns:
        (low, high). Without events before, nothing bounds the ratio above: high is None; without
        events after, low is 0; without any, both.

    Raises:
        ValueError: There are no pieces, or not 0 <= events <= pieces.

    Example:
        >>> low, high = ratio_interval((7, 34), (1, 34), Fraction("1.959964"))
        >>> round(float(low), 4), round(float(high), 4)
        (1.2086, 43.033)
    """
    _check(after)
    _check(before)
    wide1, wide0 = phi or (Fraction(1), Fraction(1))
    k1, n1 = (_decimal(Fraction(x) / wide1) for x in after)
    k0, n0 = (_decimal(Fraction(x) / wide0) for x in before)
    pieces = after[1] + before[1]
    limit = _decimal(z * z * Fraction(pieces, pieces - 1))

    def outside(theta: Decimal) -> bool:
        return statistic(k1, n1, k0, n0, theta) > limit

    point = _C.divide(_C.multiply(k1, n0), _C.multiply(k0, n1)) if k0 else None
    low = Fraction(0)
    if k1:
        inside = point if point is not None else _inside_from_above(outside)
        low = _end(outside, inside, _C.divide(1, 2))
    if point is None:
        return low, None
    start = point if point else _inside_near_zero(outside)
    return low, _end(outside, start, Decimal(2))


def statistic(k1: Decimal, n1: Decimal, k0: Decimal, n0: Decimal, theta: Decimal) -> Decimal:
    """Return the score statistic of p1 = theta p0: Pearson's chi2 at the likeliest such shares.

    The likeliest p1 is the smaller root of N p^2 - (theta (n1 + k0) + k1 + n0) p + theta (k1 + k0),
    N = n1 + n0.
    """
    both, events = _C.add(n1, n0), _C.add(k1, k0)
    b = _C.add(_C.multiply(theta, _C.add(n1, k0)), _C.add(k1, n0))
    product = _C.multiply(theta, events)
    root = _C.sqrt(
        max(
            Decimal(0),
            _C.subtract(_C.multiply(b, b), _C.multiply(4, _C.multiply(both, product))),
        )
    )
    p1 = _C.divide(_C.multiply(2, product), _C.add(b, root))
    p0 = _C.divide(p1, theta)
    return _C.add(_chi2(k1, n1, p1), _chi2(k0, n0, p0))


def _chi2(k: Decimal, n: Decimal, p: Decimal) -> Decimal:
    expected = _C.multiply(n, p)
    off = _C.subtract(k, expected)
    spread = _C.multiply(expected, _C.subtract(1, p))
    # At a share of 0 or 1 that fits, nothing is off; rounding may leave the last digits of it.
    if spread <= Decimal(1).scaleb(10 - DIGITS):
        return Decimal(0) if abs(off) <= Decimal(1).scaleb(15 - DIGITS) else Decimal("Infinity")
    return _C.divide(_C.multiply(off, off), spread)


def _end(outside: Callable[[Decimal], bool], inside: Decimal, factor: Decimal) -> Fraction:
    """Return where the interval ends from a point inside, going by ``factor``, then by halves."""
    a, b = inside, _C.multiply(inside, factor)
    while not outside(b):
        a, b = b, _C.multiply(b, factor)
    for _ in range(_STEPS):
        middle = _C.divide(_C.add(a, b), 2)
        if outside(middle):
            b = middle
        else:
            a = middle
    return Fraction(_C.divide(_C.add(a, b), 2))


def _inside_from_above(outside: Callable[[Decimal], bool]) -> Decimal:
    """Return a ratio inside an interval that is open to above."""
    theta = Decimal(1)
    while outside(theta):
        theta = _C.multiply(theta, 2)
    return theta


def _inside_near_zero(outside: Callable[[Decimal], bool]) -> Decimal:
    """Return a ratio inside an interval that begins at 0."""
    theta = Decimal(1)
    while outside(theta):
        theta = _C.divide(theta, 2)
    return theta


def share_interval(share: Share, z: Fraction, phi: Fraction | None = None) -> Ends:
    """Return the ends of the Wilson interval of one share, where the other side is a cited figure.

    Raises:
        ValueError: There are no pieces, or not 0 <= events <= pieces.

    Example:
        >>> low, high = share_interval((0, 10), Fraction("1.959964"))
        >>> low, round(float(high), 4)
        (Fraction(0, 1), 0.2775)
    """
    _check(share)
    k, n = (Fraction(x) / (phi or 1) for x in share)
    p, square = k / n, z * z
    middle = (p + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    return (middle - half if k else Fraction(0), middle + half if k < n else Fraction(1))


def dispersion(lots: Iterable[Share]) -> Fraction:
    """Return how much more the lots differ than independent pieces would: Pearson chi2 / (lots - 1).

    At least 1; exactly 1 for fewer than two lots with pieces, or no event or nothing else in any.

    Example:
        >>> dispersion([(5, 100), (5, 100)]), dispersion([(0, 10), (10, 10)])
        (Fraction(1, 1), Fraction(20, 1))
    """
    filled = [(k, n) for k, n in lots if n]
    pieces = sum(n for _, n in filled)
    events = sum(k for k, _ in filled)
    if len(filled) < 2 or not 0 < events < pieces:
        return Fraction(1)
    p = Fraction(events, pieces)
    square = sum(Fraction(k - n * p) ** 2 / n for k, n in filled)
    chi2 = Fraction(square) / (p * (1 - p))
    return max(Fraction(1), chi2 / (len(filled) - 1))


def _check(share: Share) -> None:
    k, n = share
    if not (n > 0 and 0 <= k <= n):
        raise ValueError(f"{k} of {n} pieces: expected at least one piece and 0 to {n} events")


def _decimal(x: Fraction) -> Decimal:
    return _C.divide(Decimal(x.numerator), Decimal(x.denominator))
