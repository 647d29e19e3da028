"""Counters: what is added, what is flagged, what is never guessed."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plantseal_kpi.rows.counters import LIMITS, counter_delta, counter_steps
from plantseal_kpi.units import base_units, factor, round_exactly


def steps(readings, register_max=None, rate=None, spacing=1):
    values = pl.DataFrame(
        {
            "tag": [1] * len(readings),
            "at": [i * spacing for i in range(len(readings))],
            "seq": list(range(len(readings))),
            "base": readings,
        },
        schema={"tag": pl.UInt32, "at": pl.Int64, "seq": pl.UInt64, "base": pl.Int64},
    )
    limits = pl.DataFrame([(1, register_max, rate, 1)], schema=LIMITS, orient="row")
    return counter_steps(values, limits)


def test_a_decrease_is_a_reset_and_adds_nothing_silently():
    # The vector of TimescaleDB's counter_agg: 100 with "reset = + current", of which 50 are known.
    s = steps([10, 20, 30, 20, 10, 20, 10, 30, 10])
    assert s["delta"].sum() == 50
    assert s["lower"].sum() == 100
    assert (s["flag"] == "reset").sum() == 4


def test_two_values_and_back():
    s = steps([10, 20, 10])
    assert (s["delta"].sum(), s["lower"].sum()) == (10, 20)


def test_the_promql_example_is_600_at_least_never_760():
    assert steps([100, 200, 300, 200, 300, 400])["lower"].sum() == 600


@pytest.mark.parametrize(
    ("readings", "flag", "delta"),
    [
        ([950, 20], "rollover", 70),
        ([900, 20], "reset", None),  # not above 90 %
        ([950, 100], "reset", None),  # not below 10 %
    ],
)
def test_rollover_only_near_both_ends(readings, flag, delta):
    s = steps(readings, register_max=1000)
    assert s.select("delta", "flag").row(0) == (delta, flag)


def test_rollover_beyond_the_rated_maximum_is_a_reset():
    hour = 3600 * 10**9
    assert steps([950, 20], 1000, rate=10, spacing=hour)["flag"].item() == "reset"
    assert steps([950, 20], 1000, rate=100, spacing=hour)["flag"].item() == "rollover"


def test_a_false_zero_is_bridged_and_flagged():
    s = steps([100, 0, 0, 101, 103])
    assert s["delta"].sum() == 3
    assert sorted(s["flag"]) == ["", "", "false_zero", "false_zero"]


def test_a_true_reset_to_zero_is_no_false_zero():
    s = steps([100, 0, 1, 2])
    assert s["flag"].to_list() == ["reset", "", ""]
    assert s["delta"].sum() == 2


def test_beyond_the_rated_power_is_left_out():
    hour = 3600 * 10**9
    s = steps([0, 5_000, 505_000], rate=10_000, spacing=hour)
    assert s.select("delta", "flag").rows() == [(5_000, ""), (None, "implausible")]


def test_order_of_rows_does_not_matter():
    readings = [10, 20, 30, 20, 10, 0, 40]
    values = pl.DataFrame(
        {"tag": [1] * 7, "at": list(range(7)), "seq": list(range(7)), "base": readings},
        schema={"tag": pl.UInt32, "at": pl.Int64, "seq": pl.UInt64, "base": pl.Int64},
    )
    assert counter_steps(values).equals(counter_steps(values.reverse()))


@given(st.lists(st.integers(0, 50), max_size=30))
def test_known_differences_equal_a_loop(readings):
    kept = []
    for i, r in enumerate(readings):
        earlier = [x for x in readings[:i] if x]
        later = [x for x in readings[i + 1 :] if x]
        if r == 0 and earlier and later and later[0] >= earlier[-1]:
            continue
        kept.append(r)
    known = sum(max(0, b - a) for a, b in pairwise(kept))
    assert (steps(readings)["delta"].sum() or 0) == known


def test_by_tag_and_day():
    day = 86_400 * 10**9
    values = pl.DataFrame(
        {
            "tag": [1] * 4,
            "at": [1, 2, day + 1, day + 5],
            "seq": [0, 1, 2, 3],
            "base": [5, 7, 9, 20],
        },
        schema={"tag": pl.UInt32, "at": pl.Int64, "seq": pl.UInt64, "base": pl.Int64},
    )
    got = counter_delta(values).drop("day").rows()
    assert got == [(1, 5, 7, 2, 2, 0), (1, 9, 20, 11, 2, 0)]


numbers = st.integers(-(2**62), 2**62)
scales = st.decimals("0.0001", "1000", places=4).filter(lambda d: d > 0)


@given(numbers, scales)
@example(5, Decimal("0.5"))
@example(-5, Decimal("0.5"))
def test_integers_are_rounded_half_even_once(value, scale):
    by = Fraction(scale)
    got = pl.DataFrame(
        {"value_i": [value], "value_f": [None]}, schema={"value_i": pl.Int64, "value_f": pl.Float64}
    ).select(base_units(by)).item()  # fmt: skip
    exact = round_exactly(value, by)
    assert got == (exact if -(2**63) <= exact < 2**63 else None)


@given(st.floats(-1e12, 1e12), scales)
@example(3162.5, Decimal(1))
@example(3.1625, Decimal(1000))
def test_floats_are_rounded_half_even_once(value, scale):
    by = factor("kWh", scale, "Wh")
    got = pl.DataFrame(
        {"value_i": [None], "value_f": [value]}, schema={"value_i": pl.Int64, "value_f": pl.Float64}
    ).select(base_units(by)).item()  # fmt: skip
    assert got == round_exactly(value, by)


def test_no_number_is_no_reading():
    frame = pl.DataFrame({"value_i": [None] * 3, "value_f": [float("nan"), float("inf"), None]},
                         schema={"value_i": pl.Int64, "value_f": pl.Float64})  # fmt: skip
    assert frame.select(base_units(Fraction(10))).to_series().to_list() == [None] * 3


def test_a_unit_that_measures_something_else_is_refused():
    with pytest.raises(ValueError, match="got 'bar', expected one of 'Wh', 'kWh'"):
        factor("bar", Decimal(1), "Wh")
