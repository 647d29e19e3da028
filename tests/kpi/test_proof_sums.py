"""Ratios of sums, medians and their bootstraps, held against textbook forms and plain loops."""

import statistics
from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plantseal_kpi.business.survival import survival_median
from plantseal_kpi.statistics import bootstrap, sums
from plantseal_kpi.statistics.exact import digits, exp, ln, normal_quantile, sqrt
from plantseal_kpi.statistics.generator import below, splitmix64

PAIRS = st.lists(st.tuples(st.integers(0, 2**53), st.integers(1, 2**53)), min_size=2, max_size=40)


def test_the_generator_is_splitmix64():
    # The reference sequence of seed 1234567, as published on Rosetta Code.
    assert list(islice(splitmix64(1234567), 5)) == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]  # fmt: skip


def test_numbers_below_a_limit_are_even():
    """Chi-squared of 60 000 throws of a die: below 20.5 with 99.9 % (5 degrees of freedom)."""
    source = splitmix64(7)
    thrown = [0] * 6
    for _ in range(60_000):
        thrown[below(6, source)] += 1
    assert sum((n - 10_000) ** 2 for n in thrown) / 10_000 < 20.5
    # A limit just above 2^63 would favour some results twofold without the rejection.
    limit = 3 * 2**62
    low = sum(below(limit, source) < 2**62 for _ in range(30_000))
    assert abs(low - 10_000) < 5 * 82


@given(PAIRS)
def test_the_variance_is_that_of_the_definition(pairs):
    """var = sum (X - R Y)^2 / (J (J-1) Ybar^2), over R^2."""
    assume(sum(x for x, _ in pairs))
    j = len(pairs)
    r = Fraction(sum(x for x, _ in pairs), sum(y for _, y in pairs))
    mean = Fraction(sum(y for _, y in pairs), j)
    wanted = sum((x - r * y) ** 2 for x, y in pairs) / (j * (j - 1) * mean**2) / r**2
    assert sums.relative_variance(pairs) == wanted


@given(PAIRS)
def test_neighbours_alike_are_seen(pairs):
    r = Fraction(sum(x for x, _ in pairs), sum(y for _, y in pairs))
    off = [x - r * y for x, y in pairs]  # their mean is 0 by the definition of R
    total = sum(d * d for d in off)
    wanted = sum(a * b for a, b in pairwise(off)) / total if total else 0
    assert sums.correlation(pairs) == wanted


@given(PAIRS, PAIRS, st.integers(1, 10**9))
def test_the_unit_of_time_does_not_matter(after, before, unit):
    assume(not sums.correlated(after))
    assume(not sums.correlated(before))
    found = sums.change_interval(after, before, 21)
    scaled = sums.change_interval([(x * unit, y * unit) for x, y in after], before, 21)
    assert (found is None) == (scaled is None)
    if found is not None and scaled is not None:
        assert (digits(found.low), digits(found.high)) == (digits(scaled.low), digits(scaled.high))


def test_the_interval_of_independent_shifts():
    after = [(20_160, 28_800), (1_800, 3_600), (23_040, 28_800), (21_000, 28_800)]
    before = [(15_000, 28_800), (18_000, 28_800), (16_000, 28_800), (17_500, 28_800)]
    found = sums.change_interval(after, before, 21)
    assert found is not None
    assert found.method == "log_ratio_of_sums/1"
    v1, v0 = sums.relative_variance(after), sums.relative_variance(before)
    ratio = Fraction(66_000, 90_000) / Fraction(66_500, 115_200)
    half = normal_quantile(Fraction("0.95")) * sqrt(v1 + v0)
    assert digits(found.low) == digits(exp(ln(ratio) - half))
    assert digits(found.low * found.high) == digits(ratio * ratio)


def drifting(n: int, seed: int, level: int) -> list[tuple[int, int]]:
    """Shifts whose output wanders: each is close to the one before it."""
    source, at, out = splitmix64(seed), 0, []
    for _ in range(n):
        at = at * 9 // 10 + below(2001, source) - 1000
        out.append((level + at, 28_800))
    return out


def test_shifts_that_follow_each_other_take_blocks():
    after, before = drifting(200, 1, 20_000), drifting(200, 2, 18_000)
    assert sums.correlated(after)
    found = sums.change_interval(after, before, 21)
    assert found is not None
    assert (found.method, found.block) == ("moving_block_bootstrap/1", 21)
    # Without blocks the neighbours' likeness is lost and the interval is too narrow.
    single = bootstrap.tails(bootstrap.ratio_draws(after, before, 1))
    assert found.high - found.low > Fraction(3, 2) * (single[1] - single[0])
    # The same digits on every machine: the generator and the arithmetic are whole numbers.
    assert (digits(found.low), digits(found.high)) == ("1.07101632687", "1.13032620213")


def test_the_bootstrap_of_independent_shifts_agrees_with_the_variance():
    source = splitmix64(3)
    after = [(18_000 + below(8_000, source), 28_800) for _ in range(300)]
    before = [(15_000 + below(8_000, source), 28_800) for _ in range(300)]
    exact = sums.change_interval(after, before, 21)
    low, high = bootstrap.tails(bootstrap.ratio_draws(after, before, 1))
    width = exact.high - exact.low
    assert abs(low - exact.low) < width / 10
    assert abs(high - exact.high) < width / 10


def test_blocks_are_neighbours_and_as_many_shifts_as_there_were():
    pairs = [(10**k, 1) for k in range(7)]
    for ratio in bootstrap.ratio_draws(pairs, None, 3)[:200]:
        assert ratio is not None
        total = str(int(ratio * 7))
        assert sum(map(int, total)) == 7
    whole = bootstrap.ratio_draws([(1, 2), (3, 4)], None, 21)  # one block a draw would not vary
    assert len(set(whole)) > 1


@pytest.mark.parametrize("pairs", [[], [(1, 1)], [(0, 1), (0, 1)]])
def test_too_little_gives_no_interval(pairs):
    assert sums.change_interval(pairs, [(1, 2), (2, 3)], 7) is None
    assert sums.change_interval([(1, 2), (2, 3)], pairs, 7) is None


def test_tails_are_order_statistics():
    draws = [Fraction(n) for n in range(1, 2000)]
    assert bootstrap.tails(draws[::-1]) == (100, 1900)
    assert bootstrap.tails([*draws[:1899], *[None] * 100]) == (100, None)


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=30))
def test_the_median_is_the_median(values):
    assert bootstrap.median(values) == Fraction(statistics.median(map(Fraction, values)))
    assert bootstrap.median(values) == survival_median([(v, True) for v in values])


def test_the_ratio_of_medians():
    before, after = list(range(100, 140)), list(range(80, 120))
    low, high = bootstrap.tails(bootstrap.statistic_ratio_draws(after, before, bootstrap.median))
    assert low < Fraction(199, 239) < high < 1
    same = bootstrap.statistic_ratio_draws([5, 5], [10, 10], bootstrap.median)
    assert set(same) == {Fraction(1, 2)}


def test_open_projects_leave_the_upper_end_open():
    """What is not known speaks against the claim that times fell."""
    open_ones = [(100, True), (110, True), (90, False), (95, False), (99, False)]
    ended = [(200, True), (210, True), (190, True)]
    low, high = bootstrap.tails(bootstrap.statistic_ratio_draws(open_ones, ended, survival_median))
    assert high is None
    assert low is not None


def test_many_values_take_fewer_draws():
    assert len(bootstrap.statistic_ratio_draws([1] * 1500, [1] * 1500, bootstrap.median)) == 199
