"""The adjusted baseline: published digits, a slow oracle, hostile data."""

import random
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal_kpi.energy.adjusted import Step, adjusted
from plantseal_kpi.energy.least_squares import effective, fitted, lag_one, sum_variance
from plantseal_kpi.energy.per_unit import energy_per_unit_reduction, energy_utilisation_gain
from plantseal_kpi.energy.sufficiency import broken, flags

# Golden vector G1, definitions 3.3 (t and MWh).
P0 = (420, 450, 480, 500, 520, 540, 560, 510, 490, 470, 530, 550)
E0 = (312, 324, 339, 351, 358, 372, 379, 356, 343, 337, 366, 374)
P1 = (560, 580, 600, 590, 610, 620, 640, 600, 590, 570, 615, 630)
E1 = (349, 358, 364, 362, 368, 374, 381, 366, 361, 353, 371, 377)
MWH = 10**6


def steps(energy, *drivers, first=0):
    return [
        Step(f"s{first + i}", first + i, e, tuple(None if x is None else Fraction(x) for x in row))
        for i, (e, *row) in enumerate(zip(energy, *drivers, strict=True))
    ]


def g1():
    before = steps([e * MWH for e in E0], P0)
    after = steps([e * MWH for e in E1], P1, first=24)
    return before, after, adjusted(before, after, Fraction(12))


def test_the_golden_vector_to_its_last_digit():
    before, after, found = g1()
    a, b = found.fit.coefficients
    assert round(a / MWH, 6) == Fraction("104.271084")
    assert round(b / MWH, 7) == Fraction("0.4916523")
    assert round(found.fit.r2, 7) == Fraction("0.9945682")
    assert round(found.cv_rmse * 100, 7) == Fraction("0.4556559")
    assert found.nmbe == 0
    assert round(found.expected / MWH, 6) == Fraction("4793.608003")
    assert found.actual == 4384 * MWH
    assert round(found.saving / MWH, 6) == Fraction("409.608003")
    assert round(found.share * 100, 6) == Fraction("8.544879")
    gain = Fraction(*energy_utilisation_gain((round(found.expected), 1), (found.actual, 1)))
    assert round(gain * 100, 6) == Fraction("9.343248")
    assert round(found.t, 7) == Fraction("1.8124611")
    half = found.t * found.error
    assert round(half / MWH, 6) == Fraction("28.470151")
    ends = [(found.saving + s * half) / found.expected * 100 for s in (-1, 1)]
    assert [round(x, 6) for x in ends] == [Fraction("7.950960"), Fraction("9.138798")]
    assert [f.data["n"] for f in flags(before, after, found, ["t"], "month")] == ["3"]
    assert broken(before, after, "month") == []


def test_the_raw_form_of_the_same_data_promises_half_as_much_again():
    before, after = (sum(E0), sum(P0)), (sum(E1), sum(P1))
    assert round(Fraction(*energy_per_unit_reduction(before, after)) * 100, 4) == Fraction(
        "13.0143"
    )
    assert round(Fraction(*energy_utilisation_gain(before, after)) * 100, 4) == Fraction("14.9614")


def test_volume_alone_saves_nothing():
    volumes = range(400, 640, 20)
    before = steps([100_000 + 500 * p for p in volumes], volumes)
    after = steps([100_000 + 500 * p for p in (675,) * 12], (675,) * 12, first=12)
    found = adjusted(before, after, Fraction(12))
    assert (found.saving, found.bound(-1), found.bound(1), found.error) == (0, 0, 0, 0)
    raw = energy_utilisation_gain((100_000 + 500 * 500, 500), (100_000 + 500 * 675, 675))
    assert round(Fraction(*raw) * 100, 2) == Fraction("8.00")


def test_the_cross_check_of_caltrack_by_its_formula_read_slowly():
    *_, found = g1()
    residuals = [e - found.fit.predicted([1, p]) / MWH for e, p in zip(E0, P0, strict=True)]
    with localcontext() as c:
        c.prec = 40
        sse = sum((Decimal(r.numerator) / r.denominator) ** 2 for r in residuals)
        cv = (sse / 10).sqrt() / (Decimal(sum(E0)) / 12)
        rho = (
            sum(
                Decimal(a.numerator) / a.denominator * Decimal(b.numerator) / b.denominator
                for a, b in pairwise(residuals)
            )
            / sse
        )
        independent = min(Decimal(12), 12 * (1 - rho) / (1 + rho))
        poly = Decimal("-0.00022") * 144 + Decimal("0.03306") * 12 + Decimal("0.94054")
        spread = (12 / independent * (1 + 2 / independent) / 12).sqrt()
        share = Decimal("409.6080034423407917383820998") / Decimal("4793.608003442340791738382100")
        fsu = Decimal("1.81246112281") * poly * cv * spread / share
    assert float(found.fsu("month")) == pytest.approx(float(fsu), rel=1e-9)


numbers = st.integers(-(10**6), 10**6)


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9), st.data())
def test_least_squares_by_its_definition(points, data):
    rows = [(1, x) for x, _ in points]
    observed = [y for _, y in points]
    fit = fitted(rows, observed)
    if len({x for x, _ in points}) == 1:
        assert fit is None
        return
    # The closed forms of a straight line, written with means; and no other line is better.
    n = len(points)
    mx, my = Fraction(sum(x for x, _ in points), n), Fraction(sum(observed), n)
    sxx = sum((x - mx) ** 2 for x, _ in points)
    b = sum((x - mx) * (y - my) for x, y in points) / sxx
    assert fit.coefficients == (my - b * mx, b)
    assert sum(fit.residuals) == 0
    other = [data.draw(st.fractions(-3, 3)) + c for c in fit.coefficients]
    worse = sum((y - other[0] - other[1] * x) ** 2 for x, y in points)
    assert fit.sse == sum(r * r for r in fit.residuals) <= worse
    # The textbook variance of a sum of predictions of a straight line.
    new = data.draw(st.lists(numbers, min_size=1, max_size=4))
    m, mean = len(new), Fraction(sum(new), len(new))
    wanted = fit.sse / (n - 2) * (m + m * m * (Fraction(1, n) + (mean - mx) ** 2 / sxx))
    assert sum_variance(fit, [(1, x) for x in new]) == wanted


def test_a_column_that_follows_from_others_gives_no_model():
    rows = [(1, x, 2 * x + 3) for x in range(9)]
    assert fitted(rows, range(9)) is None
    assert fitted([(1, 1), (1, 2)], [1, 2]) is None
    assert fitted([], []) is None


def test_the_bound_holds_as_often_as_it_says():
    """Of 400 plants that save nothing, about 5 % must seem, at the 95 % bound, to save something."""
    r = random.Random(20260101)
    wrong = 0
    for _ in range(400):
        made = [r.randrange(400, 600) for _ in range(24)]
        used = [round(1e5 + 500 * p + r.gauss(0, 9000)) for p in made]
        found = adjusted(
            steps(used[:12], made[:12]), steps(used[12:], made[12:], first=12), Fraction(12)
        )
        wrong += found.bound(-1) > 0
    assert 8 <= wrong <= 34  # binomial(400, 0.05): 20, four standard deviations


def test_neighbours_across_a_gap_are_no_neighbours():
    e = [Fraction(x) for x in (1, -1, 1, -1)]
    assert lag_one(e) == Fraction(-3, 4)
    assert lag_one(e, [False, True, False, True]) == Fraction(-1, 2)
    assert lag_one([Fraction(0)] * 3) == 0
    assert effective(10, Fraction(-1)) == 10
    assert effective(365, Fraction(9, 10)) == Fraction(365, 19)


def test_correlated_residuals_widen_the_bound():
    drift = [0, 6, 9, 9, 6, 0, -6, -9, -9, -6, 0, 3]
    before = steps([1000 + 2 * p + d for p, d in zip(P0, drift, strict=True)], P0)
    after = steps([1000 + 2 * p for p in P1], P1, first=12)
    found = adjusted(before, after, Fraction(12))
    assert found.rho > Fraction(1, 2)
    assert found.n_effective < 5
    plain = sum_variance(found.fit, [s.row for s in after])
    assert found.error**2 > 2 * plain


def test_what_is_not_known_is_left_out_on_both_sides():
    before, after, whole = g1()
    holes = [*after[:5], Step("x", 30, None, (Fraction(600),)), Step("y", 31, 5, (None,))]
    found = adjusted(before, holes, Fraction(12))
    assert (found.m, found.actual) == (5, sum(E1[:5]) * MWH)
    assert found.expected < whole.expected
    assert adjusted(before, holes[5:], Fraction(1)) is None


def test_the_rules_that_break_the_model_are_named():
    before, after, _ = g1()
    codes = lambda b, a, size="month": [f.code for f in broken(b, a, size)]  # noqa: E731
    assert codes(before[:11], after) == ["model.baseline_length"]
    assert codes(before, after, "day") == ["model.baseline_length"]
    lost = [Step(s.label, s.index, None, s.drivers) for s in before[:2]]
    assert codes([*lost, *before[2:]], after) == ["model.baseline_missing"]
    assert codes([*lost[:1], *before[1:]], after) == []  # one of twelve is below 10 %
    assert codes(before, []) == ["model.reporting_missing"]
    assert codes(steps(E0, [7] * 12), after) == ["model.driver_constant"]


def test_flags_stand_beside_and_remove_nothing():
    strange = steps([*E0[:11], 3000], P0)
    after = steps(E1, P1, first=12)
    found = adjusted(strange, after, Fraction(12))
    codes = [f.code for f in flags(strange, after, found, ["t"], "month")]
    assert {"model.outlier", "model.fit", "model.extrapolation"} <= set(codes)
    assert found.fit.n == 12
    falling = steps([1000 - p for p in P0], P0)
    down = adjusted(falling, steps([400] * 12, P0, first=12), Fraction(12))
    assert "model.sign" in [f.code for f in flags(falling, after, down, ["t"], "month")]


def test_zero_is_a_reading():
    before = steps([0, 10, 20, 30, 40, 50], [0, 1, 2, 3, 4, 5])
    found = adjusted(before, steps([0, 5], [0, 1], first=6), Fraction(2))
    assert (found.fit.n, found.m, found.expected, found.actual) == (6, 2, 10, 5)
    nothing = adjusted(before, steps([0], [0], first=6), Fraction(1))
    assert (nothing.bound(-1), nothing.share) == (None, None)


@given(st.permutations(range(12)))
def test_the_order_of_columns_and_units_changes_no_digit(order):
    """A model of two drivers gives the same sum whichever is named first."""
    other = [P0[i] for i in order]
    rows, now = list(zip(P0, other, strict=True)), list(zip(P1, P0, strict=True))
    if list(order) == sorted(order):
        return
    one = adjusted(steps(E0, P0, other), steps(E1, *zip(*now, strict=True)), Fraction(12))
    two = adjusted(
        steps(E0, other, P0), steps(E1, *reversed(list(zip(*now, strict=True)))), Fraction(12)
    )
    assert (one is None) == (two is None), rows
    if one is not None:
        assert (one.expected, one.bound(-1)) == (two.expected, two.bound(-1))
