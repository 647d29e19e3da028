"""The score interval of a ratio of shares, against published numbers and a slow oracle."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plantseal_kpi.statistics.exact import normal_quantile
from plantseal_kpi.statistics.sample_size import advice, pieces_needed
from plantseal_kpi.statistics.score import dispersion, ratio_interval, share_interval

TWO_SIDED = normal_quantile(Fraction("0.975"))
ONE_SIDED = normal_quantile(Fraction("0.95"))


@pytest.mark.parametrize(
    ("after", "before", "z", "low", "high"),
    [
        # V9: statsmodels test_proportion.py, after Fagerland et al. 2015.
        ((7, 34), (1, 34), TWO_SIDED, "1.2086", "43.0330"),
        # Definitions 3.5.
        ((255, 10_000), (300, 10_000), TWO_SIDED, "0.7211", "1.0019"),
        ((2550, 100_000), (3000, 100_000), TWO_SIDED, "0.8069", "0.8954"),
        ((2550, 100_000), (3000, 100_000), ONE_SIDED, None, "0.888"),
    ],
)
def test_published_intervals(after, before, z, low, high):
    found = ratio_interval(after, before, z)
    for end, said in zip(found, (low, high), strict=True):
        if said is not None:
            half = Fraction(1, 2 * 10 ** len(said.split(".")[1]))
            assert abs(end - Fraction(said)) <= half


def oracle(k1: int, n1: int, k0: int, n0: int, theta: Fraction) -> Fraction:
    """Koopman's statistic as he wrote it, its share found by halving the score equation."""
    low, high = Fraction(0), min(Fraction(1), theta)
    for _ in range(70):
        p = (low + high) / 2
        # The derivative of the log-likelihood under p1 = theta p0 falls from + to -.
        slope = (k1 + k0) * (1 - p) * (theta - p) - (n1 - k1) * p * (theta - p)
        slope -= (n0 - k0) * p * (1 - p)
        low, high = (p, high) if slope > 0 else (low, p)
    p = (low + high) / 2
    koopman = (k1 - n1 * p) ** 2 / (n1 * p * (1 - p))
    koopman *= 1 + Fraction(n1) * (theta - p) / (n0 * (1 - p))
    return koopman * Fraction(n1 + n0 - 1, n1 + n0)  # Miettinen and Nurminen's factor


COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=60, deadline=None)
@given(COUNTS, COUNTS, st.sampled_from([TWO_SIDED, ONE_SIDED]))
def test_at_each_end_the_statistic_is_what_was_asked(after, before, z):
    assume(0 < after[0] < after[1] and 0 < before[0] < before[1])
    low, high = ratio_interval(after, before, z)
    assert low < Fraction(after[0] * before[1], before[0] * after[1]) < high
    for end in (low, high):
        assert abs(oracle(*after, *before, end) - z * z) < Fraction(1, 10**9)


@settings(max_examples=60, deadline=None)
@given(COUNTS, COUNTS)
def test_the_ends_are_ordered_and_turn_over_with_the_sides(after, before):
    low, high = ratio_interval(after, before, ONE_SIDED)
    back_low, back_high = ratio_interval(before, after, ONE_SIDED)
    wider = ratio_interval(after, before, TWO_SIDED)
    assert 0 <= wider[0] <= low
    assert (high is None) == (before[0] == 0)
    assert (low == 0) == (after[0] == 0)
    if high is not None:
        assert low < high <= wider[1]
        assert abs(high * back_low - 1) < Fraction(1, 10**20) or not back_low
    if back_high is not None and low:
        assert abs(low * back_high - 1) < Fraction(1, 10**20)


def test_no_event_leaves_an_end_open():
    assert ratio_interval((0, 10), (0, 10), ONE_SIDED) == (0, None)
    low, high = ratio_interval((0, 100), (10, 100), ONE_SIDED)
    assert low == 0
    assert Fraction(1, 10) < high < Fraction(1, 3)
    low, high = ratio_interval((10, 100), (0, 100), ONE_SIDED)
    assert (low > 3, high) == (True, None)
    low, high = ratio_interval((5, 5), (5, 5), ONE_SIDED)  # all bad: the ratio may be about 1
    assert low < 1 < high


@pytest.mark.parametrize("wrong", [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(wrong):
    with pytest.raises(ValueError, match="expected at least one piece"):
        ratio_interval(wrong, (1, 2), ONE_SIDED)
    with pytest.raises(ValueError, match="expected at least one piece"):
        share_interval(wrong, ONE_SIDED)


def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says():
    """Exact coverage over all outcomes of two samples of 15, no simulation."""
    n, p1, p0 = 15, Fraction(1, 5), Fraction(3, 10)
    inside = Fraction(0)
    for k1 in range(n + 1):
        for k0 in range(n + 1):
            low, high = ratio_interval((k1, n), (k0, n), TWO_SIDED)
            if low <= p1 / p0 and (high is None or p1 / p0 <= high):
                inside += (
                    comb(n, k1) * p1**k1 * (1 - p1) ** (n - k1)
                    * comb(n, k0) * p0**k0 * (1 - p0) ** (n - k0)
                )  # fmt: skip
    assert Fraction(94, 100) < inside < Fraction(99, 100)


def test_one_share_by_wilson():
    # Brown, Cai and DasGupta, Stat. Sci. 16 (2001) 101: n = 10, no event: upper end 0.2775.
    assert round(share_interval((0, 10), TWO_SIDED)[1], 4) == Fraction("0.2775")
    low, high = share_interval((81, 263), TWO_SIDED)  # Newcombe 1998, table I: 0.2553..0.3662
    assert (round(low, 4), round(high, 4)) == (Fraction("0.2553"), Fraction("0.3662"))
    assert share_interval((10, 10), TWO_SIDED)[1] == 1


def test_lots_that_differ_widen_the_interval():
    even, uneven = [(5, 100)] * 10, [(0, 100), (10, 100)] * 5
    assert dispersion(even) == 1
    # Pearson: 10 x 25 / (100 x 0.05 x 0.95) / 9.
    assert dispersion(uneven) == Fraction(250) / (100 * Fraction(5, 100) * Fraction(95, 100)) / 9
    narrow = ratio_interval((50, 1000), (70, 1000), ONE_SIDED)
    wide = ratio_interval((50, 1000), (70, 1000), ONE_SIDED, (dispersion(uneven), Fraction(1)))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert dispersion([]) == dispersion([(3, 5)]) == dispersion([(0, 5), (0, 5)]) == 1


@pytest.mark.parametrize(
    ("cut", "needed"),
    [
        ("0.15", (133_505, 408_086, 2_055_567)),
        ("0.20", (32_533, 99_382, 500_475)),
        ("0.30", (7_729, 23_577, 118_669)),
        ("0.50", (1_754, 5_333, 26_807)),
    ],
)
def test_the_table_of_sample_sizes(cut, needed):
    """Definitions 3.5, all twelve cells."""
    rates = (Fraction("0.03"), Fraction("0.01"), Fraction("0.002"))
    found = tuple(pieces_needed(rate, Fraction(cut), Fraction("0.10")) for rate in rates)
    assert found == needed


def test_no_number_of_pieces_shows_a_cut_that_is_not_there():
    assert pieces_needed(Fraction("0.03"), Fraction("0.10"), Fraction("0.10")) is None
    assert advice("d", (300, 10_000), (280, 10_000), Fraction("0.10"), Fraction(1)) is None
    assert advice("d", (0, 10), (0, 10), Fraction("0.10"), Fraction(1)) is None
    said = advice("d", (300, 10_000), (255, 10_000), Fraction("0.10"), Fraction(2))
    assert said is not None
    assert said.data["n"] == "267011"  # 2 x 133 505.4
    assert "to show a cut of 10 %" in said.message
