"""Costs, stock, people, material: each against a count on paper, and what a missing month does."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_ledgers import HOUR, codes, figures, ledger, month_ends, shop, year

from plantseal_kpi.business import costs, inventory, resources, staff
from plantseal_kpi.business.figures import business_results
from plantseal_kpi.calendar import period_span
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Result

BASE = {"kind": "pre_project", "period": year(2022).model_dump(mode="json")}


def cost(i, day, amount, priced=None, account="5001", kind="materials"):
    return {"entry": f"{day}/{i}", "date": day, "account": account, "kind": kind,
            "amount": amount, "amount_baseline_prices": priced}  # fmt: skip


def booked(number, amount, priced, kind="materials"):
    return [cost(kind, d, amount, priced, kind=kind) for d in month_ends(number)]


def made(number, good, standard=HOUR):
    return [{"date": d, "product": "p", "good": good, "standard": standard}
            for d in month_ends(number)]  # fmt: skip


def test_cost_per_standard_hour_at_the_prices_of_the_baseline():
    rows = [*booked(2022, 100_000, None), *booked(2022, 25_000, None, "logistics"),
            *booked(2023, 120_000, 90_000), *booked(2023, 20_000, 16_000, "logistics")]  # fmt: skip
    ledgers = {"costs": ledger("costs", *rows),
               "output": ledger("output", *made(2022, 10), *made(2023, 10))}  # fmt: skip
    plant = shop(baseline=BASE)
    then, now = (figures(plant, year(y), **ledgers) for y in (2022, 2023))
    assert then["operating_cost"].value == "12500"
    assert now["operating_cost"].value == "10600"
    assert now["operating_cost_actual_prices"].value == "14000"
    assert Fraction(*costs.operating_cost_reduction(terms(then["operating_cost"]),
                    terms(now["operating_cost"]))) == 1 - Fraction(10600, 12500)  # fmt: skip
    assert (then["logistics_cost_share"].value, now["logistics_cost_share"].value) == (
        "0.2", "0.142857142857"
    )  # fmt: skip
    assert now["operating_cost"].parts["accounts"] == "5001"
    assert codes(now["operating_cost"]) == set()


def terms(r: Result) -> tuple[int, int]:
    assert r.numerator is not None
    assert r.denominator is not None
    return int(r.numerator), int(r.denominator)


def test_prices_that_are_not_taken_out_are_not_a_saving():
    rows = [*booked(2023, 100, 90)[:11], cost(1, date(2023, 12, 31), 100)]
    ledgers = {"costs": ledger("costs", *rows), "output": ledger("output", *made(2023, 10))}
    found = figures(shop(baseline=BASE), year(2023), **ledgers)
    assert found["operating_cost"].value is None
    assert "unassessable.costs.prices" in codes(found["operating_cost"])
    assert found["operating_cost_actual_prices"].value == "10"


def test_a_missing_month_is_named_and_makes_the_figure_null():
    ledgers = {"costs": ledger("costs", *booked(2023, 100, 90)[1:]),
               "output": ledger("output", *made(2023, 10)[:-1])}  # fmt: skip
    found = figures(shop(), year(2023), **ledgers)
    for metric in ("operating_cost", "operating_cost_actual_prices", "logistics_cost_share"):
        assert found[metric].value is None
    gaps = [f.data for f in found["operating_cost"].findings
            if f.code == "unassessable.ledger.months"]  # fmt: skip
    assert gaps == [
        {"ledger": "costs", "months": "2023-01"},
        {"ledger": "output", "months": "2023-12"},
    ]


def test_no_logistics_booking_is_not_a_share_of_zero():
    ledgers = {"costs": ledger("costs", *booked(2023, 100, 90))}
    found = figures(shop(), year(2023), **ledgers)["logistics_cost_share"]
    assert (found.value, codes(found)) == (None, {"costs.logistics"})
    zero = [*booked(2023, 100, 90), cost(0, date(2023, 5, 1), 0, 0, kind="logistics")]
    told = figures(shop(), year(2023), costs=ledger("costs", *zero))["logistics_cost_share"]
    assert (told.value, codes(told)) == ("0", set())


def test_a_baseline_that_reaches_into_the_reported_year_does_not_excuse_its_prices():
    base = {"start": "2022-01-01T00:00:00Z", "end": "2023-01-02T00:00:00Z"}
    plant = shop(baseline={"kind": "pre_project", "period": base})
    ledgers = {"costs": ledger("costs", *booked(2023, 100, None)),
               "output": ledger("output", *made(2023, 10))}  # fmt: skip
    found = figures(plant, year(2023), **ledgers)["operating_cost"]
    assert (found.value, "unassessable.costs.prices" in codes(found)) == (None, True)


def test_only_the_accounts_of_the_project_and_one_that_is_not_there():
    rows = [*booked(2023, 100, 100), *[
        cost(9, d, 900, 900, account="6001") for d in month_ends(2023)
    ]]  # fmt: skip
    plant = shop(business={"cost_accounts": ["5001", "5009"]})
    found = figures(plant, year(2023), costs=ledger("costs", *rows),
                    output=ledger("output", *made(2023, 1)))["operating_cost"]  # fmt: skip
    assert (found.value, found.parts["accounts"]) == ("100", "5001")
    assert [f.data["accounts"] for f in found.findings if f.code == "costs.account"] == ["5009"]


def test_a_part_of_a_month_is_said():
    period = Period(
        start=datetime(2023, 1, 1, tzinfo=UTC), end=datetime(2023, 1, 31, 1, tzinfo=UTC)
    )
    found = figures(shop(), period, costs=ledger("costs", *booked(2023, 1, 1)),
                    output=ledger("output", *made(2023, 1)))["operating_cost"]  # fmt: skip
    assert "point_only.ledger.part_month" in codes(found)


def test_the_standard_time_of_a_product_may_not_move():
    rows = [*made(2022, 10), *made(2023, 10, HOUR + 1)]
    found = figures(shop(), year(2023), costs=ledger("costs", *booked(2023, 1, 1)),
                    output=ledger("output", *rows))["operating_cost"]  # fmt: skip
    assert found.value is None
    moved = [f for f in found.findings if f.code == "unassessable.output.standard"]
    assert [f.data["product"] for f in moved] == ["p"]


BOOKINGS = st.lists(
    st.tuples(st.dates(date(2022, 12, 30), date(2024, 1, 2)), st.integers(-(2**62), 2**62),
              st.sampled_from(sorted(["materials", "logistics", "labour"]))), max_size=20,
)  # fmt: skip


@given(BOOKINGS, st.integers(1, 10**6))
def test_costs_equal_a_slow_sum_past_64_bits(drawn, good):
    rows = [cost(i, d, n, n, kind=k) for i, (d, n, k) in enumerate(drawn)]
    rows += [cost(f"m{i}", d, 5, 5, kind="logistics") for i, d in enumerate(month_ends(2023))]
    found = figures(shop(), year(2023), costs=ledger("costs", *rows),
                    output=ledger("output", *made(2023, good)))  # fmt: skip
    inside = [r for r in rows if r["date"].year == 2023]
    total = sum(r["amount"] for r in inside)
    assert found["operating_cost"].numerator == str(total * HOUR)
    assert found["operating_cost"].denominator == str(12 * good * HOUR)
    share = found["logistics_cost_share"]
    assert share.numerator == str(sum(r["amount"] for r in inside if r["kind"] == "logistics"))
    assert share.denominator == str(total)


def stock(number, values, item="all", column="value"):
    days = [date(number - 1, 12, 31), *month_ends(number)]
    return [{"date": d, "item": item, column: v} for d, v in zip(days, values, strict=False)]


def cogs(number, amount):
    return [{"date": d, "item": "cogs", "amount": amount} for d in month_ends(number)]


def test_turns_over_thirteen_month_ends():
    values = [130, *[100] * 11, 70]
    ledgers = {"inventory": ledger("inventory", *stock(2023, values)),
               "finance": ledger("finance", *cogs(2023, 50))}  # fmt: skip
    found = figures(shop(), year(2023), **ledgers)["inventory_turns"]
    assert (found.value, found.parts["points"]) == ("6", "13")
    assert Fraction(*inventory.inventory_turnover_gain((6, 1), (15, 2))) == Fraction(1, 4)


def test_two_convenient_points_are_not_thirteen():
    rows = [stock(2023, [100] * 13)[i] for i in (0, 12)]
    ledgers = {
        "inventory": ledger("inventory", *rows),
        "finance": ledger("finance", *cogs(2023, 50)),
    }
    found = figures(shop(), year(2023), **ledgers)["inventory_turns"]
    assert found.value is None
    assert [f.data["missing"] for f in found.findings] == [
        ",".join(str(d) for d in month_ends(2023)[:11])
    ]
    half = Period(start=datetime(2023, 1, 1, tzinfo=UTC), end=datetime(2023, 7, 1, tzinfo=UTC))
    short = figures(
        shop(), half, **(ledgers | {"inventory": ledger("inventory", *stock(2023, [1] * 13))})
    )
    assert short["inventory_turns"].value is None
    assert "unassessable.inventory.period" in codes(short["inventory_turns"])


def test_a_kind_of_stock_that_comes_and_goes_is_named_and_never_taken_for_none():
    rows = [*stock(2023, [10] * 13, "raw"), stock(2023, [5], "wip")[0]]
    ledgers = {
        "inventory": ledger("inventory", *rows),
        "finance": ledger("finance", *cogs(2023, 13)),
    }
    found = figures(shop(), year(2023), **ledgers)["inventory_turns"]
    assert found.value is None
    kinds = [f for f in found.findings if f.code == "unassessable.inventory.kinds"]
    assert [f.data["items"] for f in kinds] == ["wip"]


def test_turns_in_pieces():
    plant = shop(business={"turnover": "throughput"})
    ledgers = {"inventory": ledger("inventory", *stock(2023, [24] * 13, column="pieces")),
               "output": ledger("output", *made(2023, 10))}  # fmt: skip
    found = figures(plant, year(2023), **ledgers)["inventory_turns"]
    assert (found.value, found.parts["turnover"]) == ("5", "throughput")


def people(number, line, office=0):
    return [{"date": d, "kind": k, "persons": n} for d in month_ends(number)
            for k, n in (("line", line), ("office", office))]  # fmt: skip


def test_people_per_standard_hour_and_the_three_efficiencies():
    ledgers = {
        "staff": ledger("staff", *people(2022, 10, 5), *people(2023, 9, 5)),
        "output": ledger("output", *made(2022, 100), *made(2023, 120)),
        "labour": ledger("labour", *[{"date": d, "group": "a", "worked": 150 * HOUR}
                                     for d in month_ends(2023)]),
        "value_added": ledger("value_added", *[{"date": d, "amount": 7_000}
                                               for d in month_ends(2023)]),
    }  # fmt: skip
    then, now = (figures(shop(), year(y), **ledgers) for y in (2022, 2023))
    assert (then["line_staff"].value, now["line_staff"].value) == ("0.1", "0.075")
    cut = staff.staff_optimisation_ratio(terms(then["line_staff"]), terms(now["line_staff"]))
    assert Fraction(*cut) == Fraction(1, 4)
    assert now["efficiency_per_labour_hour"].value == "0.8"
    assert now["labour_productivity"].value == "6000"  # 84000 fen over 14 people
    assert Fraction(*staff.labour_productivity_gain((6000, 1), (6600, 1))) == Fraction(1, 10)
    assert Fraction(*staff.labour_hour_efficiency_gain((4, 5), (9, 10))) == Fraction(1, 8)
    assert then["labour_productivity"].value is None
    assert "unassessable.ledger.months" in codes(then["labour_productivity"])


def test_a_month_without_a_head_count_is_not_a_month_without_people():
    ledgers = {"staff": ledger("staff", *people(2023, 9)[2:]),
               "output": ledger("output", *made(2023, 120))}  # fmt: skip
    found = figures(shop(), year(2023), **ledgers)["line_staff"]
    assert (found.value, "unassessable.ledger.months" in codes(found)) == (None, True)


def weighed(number, kind, grams):
    return [
        {"date": d, "kind": kind, "material": "steel", "mass": grams} for d in month_ends(number)
    ]


@pytest.mark.parametrize(("resource", "value"), [("material", "0.9"), ("waste", "0.25")])
def test_resource_says_which_of_its_two_meanings(resource, value):
    rows = [*weighed(2023, "input", 10), *weighed(2023, "good_product", 9),
            *weighed(2023, "waste_generated", 4), *weighed(2023, "waste_reused", 1)]  # fmt: skip
    plant = shop(business={"resource": resource})
    found = figures(plant, year(2023), materials=ledger("materials", *rows))["resource_utilisation"]
    assert (found.value, found.parts["resource"]) == (value, resource)
    assert Fraction(*resources.resource_utilisation_gain((9, 10), (99, 100))) == Fraction(1, 10)


def test_no_reuse_on_record_is_not_a_reuse_of_zero():
    plant = shop(business={"resource": "waste"})
    rows = weighed(2023, "waste_generated", 4)
    found = figures(plant, year(2023), materials=ledger("materials", *rows))["resource_utilisation"]
    assert (found.value, codes(found)) == (None, {"unassessable.materials.kind"})


def test_more_mass_out_than_in_is_flagged():
    rows = [*weighed(2023, "input", 10), *weighed(2023, "good_product", 11)]
    found = figures(shop(), year(2023), materials=ledger("materials", *rows))[
        "resource_utilisation"
    ]
    assert (found.value, codes(found)) == ("1.1", {"materials.balance"})


@pytest.mark.parametrize(("coverage", "fit"), [("0.9", True), ("0.899", False), (None, False)])
def test_counters_stand_for_a_periods_output_only_where_they_cover_it(coverage, fit):
    earned = Result(metric="production_efficiency", version=1, scope="plant", unit="1",
                    numerator=str(10 * HOUR), denominator=str(20 * HOUR), value="0.5",
                    coverage=coverage)  # fmt: skip
    rows = ledger("costs", *booked(2023, 100_000, 100_000))
    found = business_results(shop(), period_span(year(2023)), {"costs": rows}, [earned])
    cost_of = next(r for r in found if r.metric == "operating_cost")
    assert cost_of.value is not None
    assert ("unassessable.output.coverage" in codes(cost_of)) is not fit
