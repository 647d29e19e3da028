"""Medians of R&D cycles and orders: published survival data, and slow second ways to the figure."""

import statistics
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_ledgers import codes, figures, ledger, shop, year

from plantseal_kpi.business import orders, projects
from plantseal_kpi.business.survival import kaplan_meier, quantile, survival_median

# Miller, Survival Analysis (1981), acute myelogenous leukaemia; the `aml` data of R's survival
# package, whose survfit prints medians 31 and 23 and the shares below.
MAINTAINED = [
    (9, True), (13, True), (13, False), (18, True), (23, True), (28, False), (31, True),
    (34, True), (45, False), (48, True), (161, False),
]  # fmt: skip
NOT_MAINTAINED = [
    (5, True), (5, True), (8, True), (8, True), (12, True), (16, False), (23, True), (27, True),
    (30, True), (33, True), (43, True), (45, True),
]  # fmt: skip
DURATIONS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=9)


def test_published_survival_data():
    steps = [(t, f"{float(s):.3f}") for t, s in kaplan_meier(MAINTAINED)]
    assert steps == [
        (9, "0.909"), (13, "0.818"), (18, "0.716"), (23, "0.614"), (31, "0.491"), (34, "0.368"),
        (48, "0.184"),
    ]  # fmt: skip
    assert (survival_median(MAINTAINED), survival_median(NOT_MAINTAINED)) == (31, 23)


def redistributed(durations):
    """Efron (1967): every piece has one share; what was lost from sight gives its to the right."""
    ordered = sorted(durations, key=lambda d: (d[0], not d[1]))
    mass = [Fraction(1, len(ordered))] * len(ordered)
    for i, (_, over) in enumerate(ordered):
        right = len(ordered) - i - 1
        if not over and right:
            each, mass[i] = mass[i] / right, Fraction(0)
            mass[i + 1 :] = [m + each for m in mass[i + 1 :]]
    ends = sorted({t for t, over in ordered if over})
    return [
        (t, 1 - sum(m for m, (d, over) in zip(mass, ordered, strict=True) if over and d <= t))
        for t in ends
    ]


@given(DURATIONS)
def test_shares_equal_redistribution_to_the_right(durations):
    assert kaplan_meier(durations) == redistributed(durations)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12))
def test_without_open_durations_it_is_the_plain_median(days):
    assert survival_median([(d, True) for d in days]) == Fraction(statistics.median(days))


@given(DURATIONS)
def test_leaving_a_project_open_never_shortens_the_median(durations):
    whole = survival_median(durations)
    for i, (d, over) in enumerate(durations):
        if over:
            later = survival_median([*durations[:i], (d, False), *durations[i + 1 :]])
            assert later is None or whole is None or later >= whole


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12), st.integers(1, 100))
def test_a_quantile_is_the_least_value_that_reaches_the_share(values, percent):
    got = quantile(values, Fraction(percent, 100))
    reach = [v for v in values if sum(x <= v for x in values) * 100 >= percent * len(values)]
    assert got == min(reach)


def test_no_values_have_no_quantile():
    with pytest.raises(ValueError, match="got 0 values"):
        quantile([], Fraction(1, 2))


def project(name, approved, released=None, cls="a", cancelled=None):
    return {"project": name, "cls": cls, "approved": approved, "released": released,
            "cancelled": cancelled}  # fmt: skip


PROJECTS = (
    project("before", date(2022, 1, 1), date(2022, 12, 31)),  # released before the year
    project("p1", date(2022, 12, 1), date(2023, 1, 1)),  # 31 days, on the first day
    project("p2", date(2023, 1, 1), date(2023, 4, 11)),  # 100
    project("p3", date(2023, 2, 1), date(2024, 1, 1)),  # released the day after: open, 334
    project("p6", date(2023, 1, 1), date(2023, 12, 31)),  # 364
    project("p4", date(2023, 6, 1)),  # open, 214
    project("p5", date(2023, 7, 1), cancelled=date(2023, 7, 31)),  # lost from sight after 30
    project("after", date(2024, 1, 1)),
)


def test_the_sample_of_a_year_and_its_dates():
    found = figures(shop(), year(2023), projects=ledger("projects", *PROJECTS))["rd_cycle"]
    # six at risk: 30 lost, 31 ends (4/5 last longer), 100 ends (3/5), 214 and 334 open, 364 ends
    assert (found.value, found.numerator, found.denominator) == ("364", "364", "1")
    assert (found.parts["released"], found.parts["open"]) == ("3", "3")
    assert found.parts["dates"] == (
        "p1 2022-12-01 to 2023-01-01; p2 2023-01-01 to 2023-04-11; p6 2023-01-01 to 2023-12-31; "
        "p3 2023-02-01 to 2024-01-01 (not released); p4 2023-06-01 to 2024-01-01 (not released); "
        "p5 2023-07-01 to 2023-07-31 (not released)"
    )
    assert codes(found) == {"projects.few"}


def test_classes_are_not_mixed_in_silence():
    rows = [project("a1", date(2023, 1, 1), date(2023, 1, 11)),
            project("b1", date(2023, 1, 1), date(2023, 2, 1), cls="b")]  # fmt: skip
    mixed = figures(shop(), year(2023), projects=ledger("projects", *rows))["rd_cycle"]
    assert mixed.value == "20.5"
    assert "projects.classes" in codes(mixed)
    assert (mixed.parts["median_a_d"], mixed.parts["median_b_d"]) == ("10", "31")
    chosen = shop(business={"project_class": "b"})
    one = figures(chosen, year(2023), projects=ledger("projects", *rows))["rd_cycle"]
    assert (one.value, one.parts["classes"]) == ("31", "b")


def test_a_median_that_is_not_reached_is_null_and_says_so():
    rows = [project("a", date(2023, 1, 1), date(2023, 2, 1)), project("b", date(2022, 1, 1)),
            project("c", date(2022, 1, 1))]  # fmt: skip
    found = figures(shop(), year(2023), projects=ledger("projects", *rows))["rd_cycle"]
    assert found.value is None
    assert {"projects.median", "projects.few"} <= codes(found)
    empty = figures(shop(), year(2023), projects=ledger("projects"))["rd_cycle"]
    assert (empty.value, codes(empty)) == (None, {"ledger.empty"})


def order(name, line, confirmed, promised_first, delivered=None, *, ordered=10, quantity=None,
          promised=None):  # fmt: skip
    full = ordered if delivered is not None else None
    return {"order": name, "line": str(line), "confirmed": confirmed,
            "promised_first": promised_first, "promised": promised, "ordered": ordered,
            "delivered": delivered,
            "delivered_quantity": full if quantity is None else quantity}  # fmt: skip


def test_on_time_is_in_full_by_the_first_promise():
    day = date(2023, 5, 10)
    rows = [
        order("in_time", 1, date(2023, 5, 1), day, day),
        order("late", 1, date(2023, 5, 1), day, day + timedelta(1)),
        order("short", 1, date(2023, 5, 1), day, day, quantity=9),
        order("moved", 1, date(2023, 5, 1), day, date(2023, 6, 1), promised=date(2023, 6, 30)),
        order("open", 1, date(2023, 5, 1), date(2023, 12, 31)),
        order("due_later", 1, date(2023, 5, 1), date(2024, 1, 1), day),
        order("due_before", 1, date(2022, 5, 1), date(2022, 12, 31), date(2023, 5, 1)),
    ]
    found = figures(shop(), year(2023), orders=ledger("orders", *rows))
    rate = found["on_time_delivery"]
    assert (rate.numerator, rate.denominator) == ("1", "5")
    assert (rate.parts["promised_anew"], rate.parts["on_time_by_later_promise"]) == ("1", "1")
    assert rate.parts["open"] == "2"
    assert codes(rate) == {"orders.promised_anew", "orders.months"}
    bare = next(f for f in rate.findings if f.code == "orders.months")
    assert bare.data["months"].split(",") == [f"2023-{m:02d}" for m in range(1, 12) if m != 5]
    cycle = found["order_cycle"]
    assert cycle.parts["n"] == "5"  # in_time 9, late 10, moved 31, due_later 9, due_before 365
    assert (cycle.value, cycle.parts["p90_d"], cycle.parts["open"]) == ("10", "365", "2")


def test_an_order_takes_as_long_as_its_last_line():
    rows = [
        order("a", 1, date(2023, 1, 1), date(2023, 2, 1), date(2023, 1, 3)),
        order("a", 2, date(2023, 1, 2), date(2023, 2, 1), date(2023, 1, 21)),
        order("b", 1, date(2023, 1, 1), date(2023, 2, 1), date(2023, 1, 3)),
        order("b", 2, date(2023, 1, 1), date(2023, 2, 1)),
    ]
    found = figures(shop(), year(2023), orders=ledger("orders", *rows))["order_cycle"]
    assert (found.value, found.parts["n"], found.parts["open"]) == ("20", "1", "1")
    assert codes(found) == {"orders.open"}


DAYS = st.dates(date(2022, 12, 1), date(2024, 1, 31))
LINES = st.lists(
    st.tuples(st.sampled_from("abc"), DAYS, DAYS, st.none() | DAYS, st.integers(9, 11)), max_size=8
)


@given(LINES)
def test_orders_equal_a_slow_count(drawn):
    rows = [
        order(name, i, min(confirmed, delivered or confirmed), due, delivered, quantity=n)
        for i, (name, confirmed, due, delivered, n) in enumerate(drawn)
    ]
    found = figures(shop(), year(2023), orders=ledger("orders", *rows))
    due = [r for r in rows if date(2023, 1, 1) <= r["promised_first"] < date(2024, 1, 1)]
    good = [r for r in due if r["delivered"] and r["delivered"] <= r["promised_first"]
            and r["delivered_quantity"] >= 10]  # fmt: skip
    rate = found["on_time_delivery"]
    assert (rate.numerator, rate.denominator) == (str(len(good)), str(len(due)))
    assert (rate.value is None) == (not due)
    days = []
    for name in "abc":
        mine = [r for r in rows if r["order"] == name]
        if mine and all(r["delivered"] and r["delivered_quantity"] >= 10 for r in mine):
            last = max(r["delivered"] for r in mine)
            if last.year == 2023:
                days.append((last - min(r["confirmed"] for r in mine)).days)
    cycle = found["order_cycle"]
    wanted = Fraction(statistics.median(days)) if days else None
    assert (Fraction(cycle.value) if cycle.value else None) == wanted


def test_improvements_of_times():
    assert Fraction(*projects.rd_cycle_reduction((200, 1), (361, 2))) == Fraction(39, 400)
    assert Fraction(*orders.order_cycle_reduction((10, 1), (9, 1))) == Fraction(1, 10)
    assert Fraction(*orders.on_time_delivery_gain((80, 100), (440, 500))) == Fraction(1, 10)
