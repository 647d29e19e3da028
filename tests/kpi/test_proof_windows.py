"""Which windows may be compared: each rule of definitions 3.5, broken one at a time."""

from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_kpi import machine, plant

from plantseal_kpi.calendar import ns
from plantseal_kpi.proof.windows import (
    months_of,
    overlap,
    overlap_findings,
    whole_months,
    window_findings,
)

ZONE = "Asia/Shanghai"


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


def span(start, end):
    return ns(instant(start)), ns(instant(end))


def found(base, works, reported):
    given = {
        "kind": "pre_project",
        "period": dict(zip(("start", "end"), map(instant, base), strict=True)),
    }
    if works:
        given["works"] = dict(zip(("start", "end"), map(instant, works), strict=True))
    p = plant([machine()], baseline=given).model_copy(update={"zone": ZONE})
    return [f.code for f in window_findings(p, span(*reported))]


YEAR = ("2022-01-01", "2023-01-01")
WORKS = ("2023-01-01", "2023-03-01")
AFTER = ("2023-03-01", "2024-03-01")


def test_a_year_before_and_a_year_after_the_works_is_fine():
    assert found(YEAR, WORKS, AFTER) == []


@pytest.mark.parametrize(
    ("base", "works", "reported", "codes"),
    [
        (YEAR, None, AFTER, ["point_only.baseline.works"]),
        (("2022-01-02", "2023-01-02"), WORKS, AFTER, ["unassessable.baseline.works"]),
        (YEAR, WORKS, ("2023-02-28", "2024-02-28"), ["unassessable.reporting.works"]),
        (YEAR, None, ("2022-12-31", "2023-12-31"),
         ["unassessable.baseline.overlap", "point_only.baseline.works"]),
        (("2021-01-01", "2022-01-01"), WORKS, AFTER, ["baseline.gap"]),
        (("2022-11-01", "2023-01-01"), WORKS, AFTER, ["point_only.baseline.short"]),
        (YEAR, WORKS, ("2023-03-01", "2023-05-31"), ["point_only.reporting.short"]),
        (YEAR, WORKS, ("2023-03-01", "2023-06-01"), ["point_only.baseline.months"]),
        (("2022-10-01", "2023-01-01"), WORKS, ("2023-10-01", "2024-01-01"), ["baseline.season"]),
        (("2022-10-01", "2023-01-01"), WORKS, ("2023-09-01", "2023-12-01"),
         ["point_only.baseline.months"]),
    ],
)  # fmt: skip
def test_each_rule(base, works, reported, codes):
    assert found(base, works, reported) == codes


def test_without_a_period_before_there_is_nothing_to_compare_in_time():
    cited = {"kind": "industry_average", "citation": "yearbook 2023, p. 7"}
    assert window_findings(plant([machine()], baseline=cited), (0, 1)) == []
    assert window_findings(plant([machine()]), (0, 1)) == []


@given(st.dates(date(1970, 1, 2), date(2100, 1, 1)), st.integers(1, 800))
def test_months_counted_day_by_day(first, days):
    """A slow oracle: walk the days."""
    start = datetime.combine(first, datetime.min.time(), ZoneInfo("UTC"))
    begin = ns(start)
    end = begin + days * 86_400 * 10**9
    touched: dict[tuple[int, int], int] = {}
    for i in range(days):
        day = date.fromordinal(first.toordinal() + i)
        touched[day.year, day.month] = touched.get((day.year, day.month), 0) + 1
    assert months_of((begin, end), "UTC") == {m for (_, m), n in touched.items() if n > 1}
    last = date.fromordinal(first.toordinal() + days)
    whole = (last.year - first.year) * 12 + last.month - first.month
    month_ends = date.fromordinal(last.toordinal() + 1).month != last.month
    if last.day < first.day and not month_ends:
        whole -= 1
    assert whole_months((begin, end), "UTC") == whole


PRODUCTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2**53), max_size=6)


@given(PRODUCTS, PRODUCTS)
def test_the_overlap_is_a_share_and_the_same_both_ways(before, after):
    share = overlap(before, after, {})
    assert share == overlap(after, before, {})
    if share is not None:
        assert 0 <= share <= 1
        assert (share == 1) == (
            {k for k, v in before.items() if v} == {k for k, v in after.items() if v}
        )
    # All products in one family overlap wholly.
    one = overlap(before, after, dict.fromkeys("abcdef", "f"))
    assert one == (1 if any(before.values()) and any(after.values()) else None)


def test_less_than_four_fifths_of_the_hours_in_common_is_not_assessable():
    codes = [
        [f.code for f in overlap_findings(*case)]
        for case in (
            ({"a": 100}, {"a": 80, "b": 20}, {}),
            ({"a": 100}, {"a": 79, "b": 21}, {}),
            ({"a": 100}, {"a": 79, "b": 21}, {"a": "shaft", "b": "shaft"}),
            ({"a": 100}, {}, {}),
            ({}, {}, {}),
        )
    ]
    assert codes == [
        ["baseline.families"], ["unassessable.baseline.families"], ["baseline.families"],
        ["point_only.baseline.families"], [],
    ]  # fmt: skip
    assert overlap({"a": 100}, {"a": 80, "b": 20}, {}) == Fraction(4, 5)
