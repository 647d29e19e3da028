"""Decimal arithmetic of 50 digits, held against published tables and against identities.

Tables: Student's t as in the NIST/SEMATECH e-Handbook of Statistical Methods,
1.3.6.7.2 (but its t(0.999, 1) and t(0.999, 10) are off in the last digit), and Abramowitz and Stegun,
tables 1.1, 26.1, 26.2 and 26.10.
"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantseal_kpi.statistics import exact

NEAR = Fraction(1, 10**45)


@pytest.mark.parametrize(
    ("found", "published"),
    [
        # A and S table 1.1: sqrt 2, e, ln 2, ln 10 and pi to 25 digits and more.
        (exact.sqrt(2), "1.41421356237309504880168872420969807856967187537694"),
        (exact.exp(1), "2.71828182845904523536028747135266249775724709369995"),
        (exact.ln(2), "0.693147180559945309417232121458176568075500134360255"),
        (exact.ln(10), "2.30258509299404568401799145468436420760110148862877"),
        (Fraction(exact.pi()), "3.14159265358979323846264338327950288419716939937510"),
        # The normal quantiles, OEIS A253267 (z(0.95)) and A220510 (z(0.975)).
        (exact.normal_quantile(Fraction("0.95")), "1.64485362695147271486"),
        (exact.normal_quantile(Fraction("0.975")), "1.95996398454005423552"),
    ],
)
def test_constants(found: Fraction, published: str) -> None:
    last = int(Decimal(published).as_tuple().exponent)
    # The tables cut where we round; our own last digit is the 50th.
    assert abs(found - Fraction(published)) <= Fraction(Decimal(1).scaleb(max(last, -49)))


@pytest.mark.parametrize(
    ("p", "df", "published"),
    [
        # NIST e-Handbook 1.3.6.7.2, critical values of Student's t.
        ("0.90", 1, "3.078"), ("0.95", 1, "6.314"), ("0.975", 1, "12.706"), ("0.999", 1, "318.309"),
        ("0.95", 2, "2.920"), ("0.99", 2, "6.965"), ("0.95", 3, "2.353"), ("0.975", 4, "2.776"),
        ("0.95", 10, "1.812"), ("0.975", 10, "2.228"), ("0.999", 10, "4.144"),
        ("0.95", 11, "1.796"), ("0.95", 30, "1.697"), ("0.975", 100, "1.984"),
        # Definitions 3.3 (G1).
        ("0.95", 10, "1.8124611"),
    ],
)  # fmt: skip
def test_student_quantiles(p: str, df: int, published: str) -> None:
    found = exact.t_quantile(Fraction(p), df)
    half = Fraction(Decimal(5).scaleb(-1 - len(published.split(".")[1])))
    assert abs(found - Fraction(published)) <= half


@pytest.mark.parametrize(
    ("z", "published"),
    [
        # A and S table 26.1: P(x) to 15 decimals; the tail Q(x) to its digits, table 26.2.
        ("1", "0.841344746068543"), ("2", "0.977249868051821"), ("3", "0.998650101968370"),
        ("-1", "0.158655253931457"), ("-5", "0.000000286651572"),
    ],
)  # fmt: skip
def test_normal_distribution(z: str, published: str) -> None:
    assert abs(exact.normal_cdf(Fraction(z)) - Fraction(published)) <= Fraction(1, 10**15)


@pytest.mark.parametrize("df", [1, 2])
def test_student_of_one_and_two_has_a_closed_form(df: int) -> None:
    """Cauchy: t(3/4) = 1. With two degrees: t(p) = (2p-1) / sqrt(2 p (1-p))."""
    p = Fraction(9, 10)
    if df == 1:
        assert abs(exact.t_quantile(Fraction(3, 4), 1) - 1) < NEAR
    else:
        root = exact.sqrt(2 * p * (1 - p))
        assert abs(exact.t_quantile(p, 2) - (2 * p - 1) / root) < NEAR


@given(st.fractions(min_value=Fraction(1, 10**12), max_value=10**12, max_denominator=10**12))
def test_a_root_squared_and_a_logarithm_raised_give_the_number_back(x: Fraction) -> None:
    assert abs(exact.sqrt(x) ** 2 - x) <= x * NEAR
    assert abs(exact.exp(exact.ln(x)) - x) <= x * NEAR


SHARE = st.fractions(Fraction(1, 10**6), 1 - Fraction(1, 10**6), max_denominator=10**6)


@settings(max_examples=20, deadline=None)
@given(SHARE, st.integers(1, 40))
def test_quantiles_invert_the_distributions_and_are_odd(p: Fraction, df: int) -> None:
    assert abs(exact.normal_cdf(exact.normal_quantile(p)) - p) < NEAR
    assert exact.normal_quantile(1 - p) == -exact.normal_quantile(p)
    assert abs(exact.t_cdf(exact.t_quantile(p, df), df) - p) < NEAR
    assert exact.t_quantile(1 - p, df) == -exact.t_quantile(p, df)


@settings(max_examples=10, deadline=None)
@given(st.fractions(-4, 4, max_denominator=8))
def test_the_normal_distribution_is_the_area_under_its_density(x: Fraction) -> None:
    """An oracle of another kind: Simpson's rule, exact in rationals but for the density."""
    n = 200
    h = x / n

    def density(t: Fraction) -> Fraction:
        return exact.exp(-t * t / 2) / exact.sqrt(2 * Fraction(exact.pi()))

    weights = [1, *([4, 2] * (n // 2))[: n - 1], 1]
    area = sum(w * density(h * i) for i, w in enumerate(weights)) * h / 3
    assert abs(Fraction(1, 2) + area - exact.normal_cdf(x)) < Fraction(1, 10**7)


def test_far_tails_keep_their_digits() -> None:
    # A and S table 26.2: -log10 Q(10) = 23.11805, -log10 Q(20) = 88.56010.
    for z, lost in ((10, "23.11805"), (20, "88.56010")):
        tail = -exact.ln(exact.normal_cdf(-z)) / exact.ln(10)
        assert abs(tail - Fraction(lost)) < Fraction(1, 10**5)


def test_what_has_no_value_is_refused() -> None:
    for wrong in (
        lambda: exact.sqrt(-1),
        lambda: exact.ln(0),
        lambda: exact.normal_quantile(Fraction(1)),
        lambda: exact.t_quantile(Fraction(0), 3),
        lambda: exact.t_quantile(Fraction(1, 3), 0),
    ):
        with pytest.raises(ValueError, match="expected"):
            wrong()
