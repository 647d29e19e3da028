"""Factors as data: cited, possible, chosen by the plan; the slips found in public code refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plantseal_kpi.energy.comprehensive import carbon_emissions, comprehensive_energy
from plantseal_kpi.energy.factor_table import BASE, Factors, load_factors, per_of
from plantseal_kpi.energy.factors import carbon_factor, coal_factor
from plantseal_kpi.plant import EnergyPlan
from plantseal_kpi.units import OF_CARRIER

TABLE = {  # definitions 2.5
    "raw_coal": "0.7143", "washed_coal": "0.9000", "coke": "0.9714", "crude_oil": "1.4286",
    "fuel_oil": "1.4286", "petrol": "1.4714", "kerosene": "1.4714", "diesel": "1.4571",
    "lpg": "1.7143", "lng": "1.7572", "heat": "0.03412", "electricity": "0.1229",
    "fresh_water": "0.2571", "compressed_air": "0.0400", "oxygen": "0.4000",
}  # fmt: skip


def plan(**more):
    return EnergyPlan.model_validate(more)


def per_unit(chosen, carrier):
    """The factor per unit of the table, as a person reads it."""
    return None if chosen.value is None else chosen.value * BASE[per_of(carrier)][1]


def altered(where, carrier, **fields):
    """The file with one row changed, as data."""
    data = load_factors().model_dump()
    row = next(r for r in data[where] if r["carrier"] == carrier)
    row.update(fields)
    return data


@pytest.mark.parametrize(("carrier", "value"), TABLE.items())
def test_the_table_of_the_definitions(carrier, value):
    chosen = coal_factor(plan(), carrier)
    assert per_unit(chosen, carrier) == Fraction(value)
    assert value in chosen.note.message
    assert "GB/T 2589" in chosen.note.message
    assert "state" in chosen.note.message


def test_editions_that_differ_both_stand():
    water = [coal_factor(plan(edition=e), "fresh_water") for e in ("2008", "2020")]
    assert [per_unit(c, "fresh_water") for c in water] == [Fraction("0.0857"), Fraction("0.2571")]
    assert "2008" in water[0].note.message
    assert coal_factor(plan(edition="2008"), "lng").note.code == "energy.no_factor"


def test_a_printed_range_is_not_a_factor():
    gas = coal_factor(plan(), "natural_gas")
    assert gas.value is None
    assert (gas.low * 10**6, gas.high * 10**6) == (Fraction("1.1"), Fraction("1.33"))
    assert gas.note.code == "energy.factor_range"
    for kind, value in (("oilfield", "1.3300"), ("gasfield", "1.2143")):
        assert per_unit(coal_factor(plan(natural_gas=kind), "natural_gas"), "natural_gas") == (
            Fraction(value)
        )


@pytest.mark.parametrize(
    ("mj", "kgce"), [("35.544", "1.2128"), ("38.931", "1.3284")]
)  # definitions 2.5, recomputed there
def test_a_measured_calorific_value_wins(mj, kgce):
    measured = {"natural_gas": {"mj": mj, "citation": "gas report 2025-03"}}
    chosen = coal_factor(plan(natural_gas="oilfield", heating_values=measured), "natural_gas")
    assert round(per_unit(chosen, "natural_gas"), 4) == Fraction(kgce)
    assert "gas report 2025-03" in chosen.note.message
    carbon = carbon_factor(plan(heating_values=measured), "natural_gas")
    wanted = Fraction(mj) / Fraction("38.931") * Fraction("2.1622")
    assert carbon.value * 10**6 == wanted


def test_electricity_is_counted_one_way_or_the_other():
    assert Fraction("3.6") / Fraction("29.3076") == pytest.approx(Fraction("0.12284"), abs=5e-6)
    assert "当量值" in coal_factor(plan(), "electricity").note.message
    lacking = coal_factor(plan(electricity="primary"), "electricity")
    assert (lacking.value, lacking.note.code) == (None, "energy.no_factor")
    rate = {"value": "0.3015", "year": 2024, "citation": "bulletin of the power statistics 2024"}
    primary = coal_factor(plan(electricity="primary", supply_coal_rate=rate), "electricity")
    assert (primary.value * 1000, primary.year) == (Fraction("0.3015"), "2024")
    assert "等价值" in primary.note.message


def test_the_equivalent_value_is_refused_as_primary():
    rate = {"value": "0.1229", "year": 2024, "citation": "a public repository"}
    chosen = coal_factor(plan(electricity="primary", supply_coal_rate=rate), "electricity")
    assert (chosen.value, chosen.note.code) == (None, "energy.factor_refused")
    assert "0.1229 is the 当量值" in chosen.note.message
    with pytest.raises(ValidationError, match=r"0\.1229 is the 当量值"):
        Factors.model_validate(altered("coal", "electricity", accounting="primary", mj=None))


@pytest.mark.parametrize(
    ("carrier", "fields", "text"),
    [
        # Errors found in public code (definitions 2.5).
        ("natural_gas", {"kgce": "0.0013", "mj": None}, "thousandfold"),
        ("heat", {"kgce": "0.0000341", "mj": None}, "thousandfold"),  # 0.0341 kgce/GJ
        ("heat", {"kgce": "0.0341", "mj": "36"}, "36 MJ are"),
        ("heat", {"per": "kg"}, "expected per MJ"),
        ("raw_coal", {"kgce": "0.9"}, "20.908 MJ are 0.7134"),
        ("fresh_water", {"kgce": "257.1"}, "expected 0.0500 to 0.5000"),
        ("diesel", {"kgce": "14571"}, "expected"),
    ],
)
def test_an_impossible_factor_is_refused_on_loading(carrier, fields, text):
    with pytest.raises(ValidationError, match=text):
        Factors.model_validate(altered("coal", carrier, **fields))


def test_an_impossible_measured_value_gives_no_factor():
    slip = {"natural_gas": {"mj": "0.038931", "citation": "report"}}
    chosen = coal_factor(plan(heating_values=slip), "natural_gas")
    assert (chosen.value, chosen.note.code) == (None, "energy.factor_refused")
    assert "thousandfold" in chosen.note.message


@pytest.mark.parametrize(
    ("grid", "year", "value"),
    [
        ("national", 2021, "0.5568"), ("national", 2022, "0.5366"), ("national", 2023, "0.5306"),
        ("national_without_traded_non_fossil", 2023, "0.6096"), ("national_fossil", 2023, "0.8273"),
        ("chongqing", 2021, "0.4743"), ("chongqing", 2022, "0.5227"),
        ("sichuan", 2021, "0.1255"), ("sichuan", 2022, "0.1404"), ("sichuan", 2023, "0.1564"),
    ],
)  # fmt: skip
def test_grid_factors_by_region_and_year(grid, year, value):
    chosen = carbon_factor(plan(grid=grid, grid_year=year), "electricity")
    assert (chosen.value * 1000, chosen.year) == (Fraction(value), str(year))
    assert grid in chosen.note.message


def test_a_year_that_is_not_in_the_table_is_not_replaced_by_another():
    chosen = carbon_factor(plan(grid="chongqing", grid_year=2023), "electricity")
    assert (chosen.value, chosen.note.code) == (None, "energy.no_carbon_factor")
    assert "chongqing 2022" in chosen.note.message


def test_the_carbon_of_gas_from_its_inputs():
    for oxidation, printed in (("0.99", "2.1622"), ("0.995", "2.1731")):
        carbon = Fraction("389.31") / 10**4 * Fraction("15.3") * Fraction(oxidation) * 44 / 12
        assert round(carbon, 4) == Fraction(printed)
        chosen = carbon_factor(plan(gas_oxidation=oxidation), "natural_gas")
        assert chosen.value * 10**6 == Fraction(printed)
    assert [per_unit(carbon_factor(plan(), c), c) for c in ("diesel", "petrol")] == [
        Fraction("3.0959"),
        Fraction("2.9251"),
    ]


def test_a_carrier_without_a_carbon_factor_takes_the_plans():
    assert carbon_factor(plan(), "fresh_water").value is None
    own = {"fresh_water": {"value": "0", "year": 2023, "citation": "GB/T 32150 boundary"}}
    chosen = carbon_factor(plan(carbon_factors=own), "fresh_water")
    assert (chosen.value, chosen.note.code) == (0, "energy.factor")


def test_every_carrier_has_limits_and_a_base_unit():
    assert {OF_CARRIER[c] for c in TABLE} == {"Wh", "mL", "g"}
    assert all(BASE[per_of(c)][0] == OF_CARRIER[c] for c in TABLE)
    limited = {x.carrier for x in load_factors().limits}
    assert (
        limited
        == {x.carrier for x in load_factors().coal}
        == {*TABLE, "natural_gas", "coke_oven_gas"}
    )


def test_one_ton_of_coal_equivalent_by_hand():
    """12.34 MWh, 5 GJ of heat and 210 kg of diesel."""
    used = [
        (12_340_000, coal_factor(plan(), "electricity").value),
        (round(Fraction(5 * 10**6, 3600) * 1000), coal_factor(plan(), "heat").value),
        (210_000, coal_factor(plan(), "diesel").value),
    ]
    by_hand = 12340 * 0.1229 + 5000 * 0.03412 + 210 * 1.4571
    assert float(Fraction(*comprehensive_energy(used))) == pytest.approx(by_hand, rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 2**70), st.fractions(0, 10)), max_size=6))
def test_sums_are_exact_in_any_order(used):
    total = sum((a * f for a, f in used), Fraction(0))
    for form in (comprehensive_energy, carbon_emissions):
        assert Fraction(*form(used)) == Fraction(*form(used[::-1])) == total
