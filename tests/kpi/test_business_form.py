"""The form of 〔2021〕114号 附件5 and every business improvement, through the whole evaluation."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from plantseal_testing_kpi import frame
from plantseal_testing_ledgers import HOUR, ledger, month_ends, shop, year
from ruamel.yaml import YAML

from plantseal_kpi.business import orders, projects
from plantseal_kpi.business.figures import IMPROVEMENTS, METRICS, business_results
from plantseal_kpi.business.forms import term
from plantseal_kpi.business.survival import survival_median
from plantseal_kpi.calendar import period_span
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.metrics import BY_FACT, CATALOGUE
from plantseal_kpi.report import ratio

CRITERIA = Path(__file__).parents[2] / ".." / "shared" / "design" / "criteria.yaml"
FIELDS = (
    "key_equipment_numeric_control_rate", "key_equipment_networking_rate",
    "production_efficiency_gain", "resource_utilisation_gain", "rd_cycle_reduction",
    "operating_cost_reduction", "defect_rate_reduction", "staff_optimisation_ratio",
    "overall_equipment_utilisation_gain", "inventory_turnover_gain",
    "platform_connected_enterprises", "on_time_delivery_gain", "order_cycle_reduction",
    "logistics_cost_share_reduction",
)  # fmt: skip


@pytest.mark.parametrize("fact", FIELDS)
def test_every_cell_of_the_form_has_a_metric(fact):
    assert BY_FACT[fact].id in CATALOGUE


def test_the_cells_are_those_of_the_notice():
    if not CRITERIA.exists():
        pytest.skip("criteria.yaml of the design documents is not beside this checkout")
    listed = YAML(typ="safe").load(CRITERIA)["effectiveness_fields_2021"]
    assert [field["metric"] for field in listed] == list(FIELDS)


def test_every_improvement_is_of_a_figure_and_in_the_catalogue():
    ids = {m.id for m in METRICS}
    for change in IMPROVEMENTS:
        assert {change.metric, change.of} <= ids
        assert change.form is CATALOGUE[change.metric].function
        assert change.version == CATALOGUE[change.metric].version
        assert change.formula.format(n0=1, d0=2, n1=3, d1=4)


def two_years():
    """Before: 2022; after: 2023, better by a known part in every figure."""
    ends = [*month_ends(2022), *month_ends(2023)]
    stock_days = [date(2021, 12, 31), *ends]
    late = lambda d, i: d + timedelta(10 if i % (5 if d.year == 2022 else 10) == 0 else 0)  # noqa: E731
    orders = [
        {"order": f"o{d}{i}", "line": "1", "confirmed": d - timedelta(20 if d.year == 2022 else 18),
         "promised_first": d, "promised": None, "ordered": 1,
         "delivered": late(d, i) if d.month < 12 else d, "delivered_quantity": 1}
        for d in ends for i in range(20)
    ]  # fmt: skip
    return {
        "costs": ledger("costs", *[
            {"entry": f"{d}{k}", "date": d, "account": "1", "kind": k, "amount": n,
             "amount_baseline_prices": None if d.year == 2022 else n}
            for d in ends for k, n in (
                ("materials", 900 if d.year == 2022 else 720),
                ("logistics", 100 if d.year == 2022 else 80 - 8))]),
        "output": ledger("output", *[
            {"date": d, "product": "p", "good": 10, "standard": HOUR} for d in ends]),
        "projects": ledger("projects", *[
            {"project": f"{y}-{i}", "cls": "a", "approved": date(y, 1, 1),
             "released": date(y, 1, 1) + timedelta(n), "cancelled": None}
            for y, n in ((2022, 200), (2023, 170)) for i in range(5)]),
        "inventory": ledger("inventory", *[
            {"date": d, "item": "all", "value": 100 if d.year < 2023 else 80, "pieces": None}
            for d in stock_days]),
        "finance": ledger("finance", *[
            {"date": d, "item": "cogs", "amount": 50} for d in ends]),
        "orders": ledger("orders", *orders),
        "staff": ledger("staff", *[
            {"date": d, "kind": "line", "persons": 10 if d.year == 2022 else 8} for d in ends]),
        "materials": ledger("materials", *[
            {"date": d, "kind": k, "material": "m", "mass": n} for d in ends
            for k, n in (("input", 100), ("good_product", 80 if d.year == 2022 else 88))]),
        "partners": ledger("partners", {
            "exchange": "1", "uscc": "91350100M000100Y43", "authenticated": True,
            "time": datetime(2023, 5, 1, tzinfo=UTC)}),
    }  # fmt: skip


WANTED = {
    "operating_cost_reduction": 1 - Fraction(792, 1000),
    "logistics_cost_share_reduction": 1 - Fraction(72, 792) / Fraction(1, 10),
    "rd_cycle_reduction": Fraction(15, 100),
    # thirteen month ends: twelve of 2023 at 80 and the last of 2022 at 100
    "inventory_turnover_gain": Fraction(100 * 13, 80 * 12 + 100) - 1,
    "on_time_delivery_gain": Fraction(240 - 22, 240) / Fraction(240 - 44, 240) - 1,
    "order_cycle_reduction": Fraction(1, 10),
    "staff_optimisation_ratio": Fraction(1, 5),
    "resource_utilisation_gain": Fraction(1, 10),
}


def test_improvements_of_two_known_years_are_what_they_were_made_to_be():
    ledgers = two_years()
    plant = shop(baseline={"kind": "pre_project", "period": year(2022).model_dump(mode="json")})
    sides = [
        {r.metric: r for r in business_results(plant, period_span(year(y)), ledgers)}
        for y in (2022, 2023)
    ]
    for change in IMPROVEMENTS:
        if change.metric not in WANTED:
            continue
        before, after = (
            (int(s[change.of].numerator), int(s[change.of].denominator)) for s in sides
        )
        assert Fraction(*change.form(before, after)) == WANTED[change.metric], change.metric
        assert all(
            sides[0][change.of].parts[p] == sides[1][change.of].parts[p] for p in change.same
        )


def test_the_sample_of_a_median_gives_that_median():
    span, ledgers = period_span(year(2023)), two_years()
    found = {r.metric: r for r in business_results(shop(), span, ledgers)}
    t = term(shop(), span)
    cycles = projects.durations(shop(), t, ledgers), orders.durations(t, ledgers)
    for metric, sample in zip(("rd_cycle", "order_cycle"), cycles, strict=True):
        assert survival_median(sample) == Fraction(found[metric].value)


def test_evaluate_gives_the_business_figures_without_a_single_row():
    plant = shop(baseline={"kind": "pre_project", "period": year(2022).model_dump(mode="json")})
    report = evaluate(frame([]).lazy(), plant, year(2023), ledgers=two_years())
    found = {r.metric: r for r in report.results if r.scope == "plant"}
    assert found["operating_cost"].value == "79.2"
    assert found["connected_partners"].value == "1"
    assert found["equipment_software_investment"].value is None
    assert [f.code for f in found["equipment_software_investment"].findings] == ["ledger.missing"]


def test_a_plant_without_ledgers_has_no_business_figures():
    assert business_results(shop(), period_span(year(2023)), {}) == []


def test_evaluate_gives_the_improvements_of_two_known_years():
    plant = shop(baseline={"kind": "pre_project", "period": year(2022).model_dump(mode="json")})
    report = evaluate(frame([]).lazy(), plant, year(2023), ledgers=two_years())
    found = {r.metric: r.value for r in report.results if r.scope == "plant"}
    for metric, wanted in WANTED.items():
        assert found[metric] == ratio(*wanted.as_integer_ratio()), metric
