"""Roots, logarithms and quantiles in decimal arithmetic of 50 digits: the same on every machine.

Everything takes and returns ``Fraction``, so that callers stay exact: a value is the true one rounded
to 50 significant digits. No binary float and no libm takes part. ``decimal`` itself gives ``sqrt``,
``exp`` and ``ln`` correctly rounded; the rest are series of positive terms, computed with digits to
spare.

Source: definitions 2, conventions; series from Abramowitz and Stegun, Handbook of Mathematical
Functions, 4.4.42 (arctangent), 26.2.11 (normal), 26.7.3 and 26.7.4 (Student).
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache

from plantseal_kpi.report import ratio

DIGITS = 50
Exact = Fraction | int
_OUT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_GUARD = 20


def digits(x: Exact) -> str:
    """Return a number as text of 12 significant digits.

    Example:
        >>> digits(Fraction(2, 3)), digits(-5)
        ('0.666666666667', '-5')
    """
    exact = Fraction(x)
    return ratio(exact.numerator, exact.denominator) or "0"


def sqrt(x: Exact) -> Fraction:
    """Return the square root of ``x``; raises ValueError below 0.

    Example:
        >>> digits(sqrt(2)), sqrt(Fraction(9, 4))
        ('1.41421356237', Fraction(3, 2))
    """
    exact = Fraction(x)
    if exact < 0:
        raise ValueError(f"square root of {digits(exact)}: expected 0 or more")
    return _rounded(_context(0).sqrt(_decimal(exact, _context(0))))


def exp(x: Exact) -> Fraction:
    """Return e to the power ``x``.

    Example:
        >>> digits(exp(1))
        '2.71828182846'
    """
    # The error of x grows by its size; the integer digits of x are digits lost.
    c = _context(len(str(abs(int(x)))))
    return _rounded(c.exp(_decimal(Fraction(x), c)))


def ln(x: Exact) -> Fraction:
    """Return the natural logarithm of ``x``; raises ValueError at or below 0.

    Example:
        >>> digits(ln(2))
        '0.69314718056'
    """
    exact = Fraction(x)
    if exact <= 0:
        raise ValueError(f"logarithm of {digits(exact)}: expected more than 0")
    # Near 1 the logarithm is as small as the distance from 1: as many digits are lost.
    near = abs(exact - 1)
    lost = len(str(int(1 / near))) if 0 < near < 1 else 0
    c = _context(lost)
    return _rounded(c.ln(_decimal(exact, c)))


@cache
def normal_cdf(x: Exact) -> Fraction:
    """Return the probability that a standard normal variable is at most ``x``.

    Example:
        >>> digits(normal_cdf(Fraction("1.96")))
        '0.975002104852'
    """
    exact = Fraction(x)
    c = _context(_tail_digits(exact))
    return _rounded(_normal(_decimal(exact, c), c))


@cache
def normal_quantile(p: Fraction) -> Fraction:
    """Return ``z`` with :func:`normal_cdf` (z) = ``p``; raises ValueError outside (0, 1).

    Example:
        >>> digits(normal_quantile(Fraction("0.95")))
        '1.64485362695'
    """
    _check_share(p)
    if p == Fraction(1, 2):
        return Fraction(0)
    if p < Fraction(1, 2):
        return -normal_quantile(1 - p)
    # Concave above 0: Newton's steps from 0 rise to the root and never pass it.
    c = _context(len(str(int(1 / (1 - p)))))
    wanted, z = _decimal(p, c), Decimal(0)
    while True:
        step = c.divide(c.subtract(wanted, _normal(z, c)), _density(z, c))
        z = c.add(z, step)
        if abs(step) <= _least(z):
            return _rounded(z)


@cache
def t_cdf(x: Exact, df: int) -> Fraction:
    """Return the probability that Student's t with ``df`` degrees of freedom is at most ``x``.

    Raises ValueError for less than one degree of freedom.

    Example:
        >>> digits(t_cdf(1, 1))
        '0.75'
    """
    _check_df(df)
    exact = Fraction(x)
    c = _context(_GUARD + len(str(abs(int(exact)))) * df)
    return _rounded(_student(_decimal(exact, c), df, c))


@cache
def t_quantile(p: Fraction, df: int) -> Fraction:
    """Return ``t`` with :func:`t_cdf` (t, df) = ``p``.

    Raises ValueError for ``p`` outside (0, 1) or less than one degree of freedom.

    Example:
        >>> digits(t_quantile(Fraction("0.95"), 10))
        '1.81246112281'
    """
    _check_share(p)
    _check_df(df)
    if p == Fraction(1, 2):
        return Fraction(0)
    if p < Fraction(1, 2):
        return -t_quantile(1 - p, df)
    c = _context(_GUARD + len(str(int(1 / (1 - p)))))
    wanted, t = _decimal(p, c), Decimal(0)
    scale = _student_scale(df, c)
    while True:
        bell = c.power(c.add(1, c.divide(c.multiply(t, t), df)), c.divide(-(df + 1), 2))
        step = c.divide(c.subtract(wanted, _student(t, df, c)), c.multiply(scale, bell))
        t = c.add(t, step)
        if abs(step) <= _least(t):
            return _rounded(t)


@cache
def pi(precision: int = DIGITS) -> Decimal:
    """Return the circle number to ``precision`` significant digits, by Machin's formula.

    Example:
        >>> str(pi())[:14]
        '3.141592653589'
    """
    c = Context(prec=precision + 10, rounding=ROUND_HALF_EVEN)
    fifth = _arctan_series(c.divide(1, 5), c)
    small = _arctan_series(c.divide(1, 239), c)
    machin = c.subtract(c.multiply(16, fifth), c.multiply(4, small))
    return Context(prec=precision, rounding=ROUND_HALF_EVEN).plus(machin)


def _context(more: int) -> Context:
    return Context(
        prec=DIGITS + _GUARD + more, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999
    )


def _decimal(x: Fraction, c: Context) -> Decimal:
    return c.divide(Decimal(x.numerator), Decimal(x.denominator))


def _rounded(x: Decimal) -> Fraction:
    return Fraction(_OUT.plus(x))


def _least(x: Decimal) -> Decimal:
    """Return a step too small to matter in 50 digits of ``x``."""
    return Decimal(1).scaleb(x.adjusted() - DIGITS - _GUARD // 4)


def _check_share(p: Fraction) -> None:
    if not 0 < p < 1:
        raise ValueError(f"probability {digits(p)}: expected more than 0 and less than 1")


def _check_df(df: int) -> None:
    if df < 1:
        raise ValueError(f"{df} degrees of freedom: expected 1 or more")


def _tail_digits(x: Fraction) -> int:
    """Return how many digits a tail probability loses against 1, about x^2 / (2 ln 10)."""
    return int(x * x * Fraction(22, 100)) + 5 if x < 0 else 0


def _density(x: Decimal, c: Context) -> Decimal:
    bell = c.exp(c.divide(c.multiply(x, x), -2))
    return c.divide(bell, c.sqrt(c.multiply(2, pi(c.prec))))


def _normal(x: Decimal, c: Context) -> Decimal:
    """Return 1/2 + density(x) (x + x^3/3 + x^5/(3 5) + ...): A and S 26.2.11."""
    square, term, total, k = c.multiply(x, x), x, x, 1
    while term and term.adjusted() > total.adjusted() - c.prec:
        k += 2
        term = c.divide(c.multiply(term, square), k)
        total = c.add(total, term)
    return c.add(Decimal("0.5"), c.multiply(_density(x, c), total))


def _student(x: Decimal, df: int, c: Context) -> Decimal:
    """Return the distribution function as a finite sum: A and S 26.7.3 (odd), 26.7.4 (even)."""
    root = c.sqrt(Decimal(df))
    norm = c.sqrt(c.add(df, c.multiply(x, x)))
    sine, cosine = c.divide(x, norm), c.divide(root, norm)
    square = c.multiply(cosine, cosine)
    term = cosine if df % 2 else Decimal(1)
    total, first = Decimal(0), 2 if df % 2 else 1
    for k in range(first, df, 2):
        total = c.add(total, term)
        term = c.divide(c.multiply(c.multiply(term, square), k), k + 1)
    if df % 2 == 0:
        return c.divide(c.add(1, c.multiply(sine, total)), 2)
    angle = c.add(_arctan(c.divide(x, root), c), c.multiply(sine, total))
    return c.add(Decimal("0.5"), c.divide(angle, pi(c.prec)))


def _student_scale(df: int, c: Context) -> Decimal:
    """Return the density at 0: gamma((df+1)/2) / (sqrt(df pi) gamma(df/2))."""
    scale = c.divide(1, pi(c.prec)) if df % 2 else c.divide(1, c.sqrt(Decimal(8)))
    # From df = 1 (1/pi) and df = 2 (1/sqrt(8)) upwards: gamma(x+1) = x gamma(x), twice.
    unscaled = c.multiply(scale, c.sqrt(Decimal(1 if df % 2 else 2)))
    for k in range(1 if df % 2 else 2, df, 2):
        unscaled = c.divide(c.multiply(unscaled, k + 1), k)
    return c.divide(unscaled, c.sqrt(Decimal(df)))


def _arctan(x: Decimal, c: Context) -> Decimal:
    # Halving the angle three times brings any argument below 0.2.
    halved = x
    for _ in range(3):
        under = c.add(1, c.sqrt(c.add(1, c.multiply(halved, halved))))
        halved = c.divide(halved, under)
    return c.multiply(8, _arctan_series(halved, c))


def _arctan_series(x: Decimal, c: Context) -> Decimal:
    """Return arctan x by Euler's series, whose terms have one sign: A and S 4.4.42, rearranged."""
    square = c.multiply(x, x)
    under = c.add(1, square)
    term = total = c.divide(x, under)
    k = 1
    while term and term.adjusted() > total.adjusted() - c.prec:
        term = c.divide(c.multiply(c.multiply(term, square), 2 * k), c.multiply(2 * k + 1, under))
        total = c.add(total, term)
        k += 1
    return total
