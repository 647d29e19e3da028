"""What was used of each carrier, in kgce and kg CO2: meters, bills, silence, factors."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_kpi import at, frame, machine, period, plant, point, row

from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.business.schema import framed
from plantseal_kpi.calendar import period_span
from plantseal_kpi.energy.bills import Bill, backward, billed, bills_of
from plantseal_kpi.energy.carriers import sources
from plantseal_kpi.energy.comprehensive import comprehensive_results
from plantseal_kpi.machines.production import machines
from plantseal_kpi.rows.window import window

HOURS = 6
GAS = {"heating_values": {"natural_gas": {"mj": "36", "citation": "gas report"}}}
DAY0 = date(2023, 11, 14)  # of T0, in UTC


def register(tag, rate, first=500, hours=HOURS):
    return [row(tag, at(t), first + rate * t // 10) for t in range(0, hours * 3600 + 1, 10)]


def figures(points, rows, *, energy=None, bills=None, span=None):
    p = plant([machine()], points, energy=energy or {})
    w = window(frame(rows), p, span or period_span(period(HOURS * 3600)))
    found = {r.metric: r for r in comprehensive_results(w, machines(w), bills)}
    assert list(found) == [
        "comprehensive_energy",
        "comprehensive_energy_per_unit",
        "carbon_emissions",
    ]
    return found


def days(n):
    """The span of ``n`` local days from the day of T0 on."""
    start = int(datetime(2023, 11, 14, tzinfo=UTC).timestamp()) * 10**9
    return start, start + n * 86_400 * 10**9


def ledger(*records):
    return framed(records, SCHEMAS["energy_bills"])


def bill(start=0, days=30, quantity="300", unit="kWh", carrier="electricity", meter="grid"):
    first = DAY0 + timedelta(days=start)
    return {
        "meter": meter, "carrier": carrier, "start": first, "end": first + timedelta(days=days),
        "quantity": quantity, "unit": unit,
    }  # fmt: skip


def codes(r):
    return [f.code for f in r.findings]


def test_each_carrier_times_its_factor():
    points = [
        point(1, role="energy", unit="kWh"),
        point(2, role="energy", unit="m3", carrier="natural_gas"),
        point(3, role="energy", unit="MJ", carrier="heat"),
        point(4, role="energy", unit="kg", carrier="diesel"),
        point(5, role="count_good"),
    ]
    rows = [r for tag in range(1, 6) for r in register(tag, tag)]
    own = {"heat": {"value": "0.11", "year": 2023, "citation": "supplier"}}
    found = figures(points, rows, energy=GAS | {"carbon_factors": own})
    n = HOURS * 360  # readings' steps
    kwh, m3, mj, kg, pieces = (n * tag for tag in range(1, 6))
    heat_wh = round(Fraction(mj * 10**4, 36))
    coal = (
        kwh * Fraction("0.1229") + m3 * 36 / Fraction("29.3076")
        + heat_wh * Fraction("0.03412") * 36 / 10**4 + kg * Fraction("1.4571")
    )  # fmt: skip
    energy = found["comprehensive_energy"]
    assert abs(Fraction(int(energy.numerator), int(energy.denominator)) - coal) < Fraction(1, 100)
    assert energy.parts["natural_gas_mL"] == str(m3 * 10**6)
    assert energy.parts["diesel_g"] == str(kg * 1000)
    assert (energy.unit, energy.coverage) == ("kgce", "1")
    each = found["comprehensive_energy_per_unit"]
    assert Fraction(int(each.numerator), int(each.denominator)) == (
        Fraction(int(energy.numerator), int(energy.denominator)) / pieces
    )
    carbon = found["carbon_emissions"]
    co2 = (
        kwh * Fraction("0.5306") + m3 * Fraction("2.1622") * 36 / Fraction("38.931")
        + heat_wh * Fraction("0.11") * 36 / 10**4 + kg * Fraction("3.0959")
    )  # fmt: skip
    assert abs(Fraction(int(carbon.numerator), int(carbon.denominator)) - co2) < Fraction(1, 100)
    assert carbon.parts["factor_years"] == "2023"
    cited = [f.message for f in energy.findings if f.code == "energy.factor"]
    assert len(cited) == 4
    assert "gas report" in cited[1]
    assert "GB/T 2589" in cited[0]


def test_a_range_gives_bounds_and_no_figure():
    points = [
        point(2, role="energy", unit="m3", carrier="natural_gas"),
        point(5, role="count_good"),
    ]
    found = figures(points, register(2, 1) + register(5, 1))
    n = HOURS * 360
    energy = found["comprehensive_energy"]
    assert (energy.value, energy.numerator) == (None, None)
    assert (Fraction(energy.low), Fraction(energy.high)) == (
        n * Fraction("1.1"),
        n * Fraction("1.33"),
    )
    each = found["comprehensive_energy_per_unit"]
    assert (each.value, each.low, each.high) == (None, "1.1", "1.33")
    assert "energy.factor_range" in codes(each)


def test_a_silent_meter_is_not_zero():
    points = [
        point(1, role="energy", unit="kWh"),
        point(2, role="energy", unit="kg", carrier="lpg"),
    ]
    energy = figures(points, register(1, 1))["comprehensive_energy"]
    assert energy.value is None
    silent = next(f for f in energy.findings if f.code == "energy.silent")
    assert "m1.t2" in silent.message
    assert Fraction(energy.parts["electricity_kgce"]) == HOURS * 360 * Fraction("0.1229")
    assert energy.coverage == "0.5"


def test_without_any_meter_the_figure_is_null():
    found = figures([], [])
    assert [r.value for r in found.values()] == [None] * 3
    assert all("figure.none" in codes(r) for r in found.values())


def test_a_year_without_a_grid_factor_leaves_carbon_alone_null():
    points = [point(1, role="energy", unit="kWh")]
    grid = {"grid": "chongqing", "grid_year": 2023}
    found = figures(points, register(1, 1), energy=grid)
    assert found["comprehensive_energy"].value is not None
    assert found["carbon_emissions"].value is None
    assert "energy.no_carbon_factor" in codes(found["carbon_emissions"])


def test_bills_count_where_there_is_no_meter_and_only_check_where_there_is():
    paid = ledger(bill(quantity="2400", days=30))
    only = figures([], [], bills=paid, span=days(2))["comprehensive_energy"]
    assert only.parts["electricity_Wh"] == str(2_400_000 * 2 // 30)
    assert (only.parts["meters"], only.coverage) == ("grid", "1")
    metered = figures([point(1, role="energy", unit="kWh")], register(1, 1), bills=paid)
    beside = metered["comprehensive_energy"]
    assert beside.parts["electricity_Wh"] == str(HOURS * 360 * 1000)
    assert "energy.bills_beside" in codes(beside)
    dead = figures([point(1, role="energy", unit="kWh")], [], bills=paid, span=days(1))
    assert "energy.bills_instead" in codes(dead["comprehensive_energy"])
    assert dead["comprehensive_energy"].parts["electricity_Wh"] == "80000"


def test_bills_cannot_tell_parts_of_days():
    part = figures([], [], bills=ledger(bill()))["comprehensive_energy"]
    assert part.value is None
    assert "energy.bill_days" in codes(part)


def test_wrong_bills_are_named_and_left_out():
    usable, found = bills_of(
        ledger(
            bill(0), bill(30, meter="a", unit="m3"), bill(30, meter="b", quantity="-5"),
            bill(30), bill(45), bill(100, days=100),
        ),
        "electricity",
    )  # fmt: skip
    assert [b.start - DAY0 for b in usable] == [timedelta(0), timedelta(days=100)]
    assert [f.code for f in found] == [
        "energy.bill_unit", "energy.bill_wrong", "energy.bill_overlap", "energy.bill_overlap",
        "energy.bill_length",
    ]  # fmt: skip
    assert "expected one of 'Wh', 'kWh'" in found[0].message
    assert bills_of(None, "heat") == ([], [])
    water, _ = bills_of(ledger(bill(carrier="fresh_water", unit="t")), "fresh_water")
    assert water[0].amount == 300 * 10**6


def test_two_meters_of_which_one_has_no_bill_are_not_known():
    usable, _ = bills_of(ledger(bill(0), bill(60, meter="b")), "electricity")
    assert billed(usable, (DAY0, DAY0 + timedelta(days=10))).amount is None
    assert billed([], (DAY0, DAY0 + timedelta(days=10))).amount is None


lengths = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(lengths, st.integers(0, 10**12), st.integers(0, 200), st.integers(1, 90))
def test_spreading_by_days_as_one_would_by_hand(days, amount, start, length):
    first, bills, by_day = date(2023, 12, 1), [], {}
    for i, n in enumerate(days):
        bills.append(Bill("m", first, first + timedelta(days=n), Fraction(amount + i)))
        for k in range(n):
            by_day[first + timedelta(days=k)] = Fraction(amount + i, n)
        first += timedelta(days=n)
    a = date(2023, 11, 15) + timedelta(days=start)
    step = a, a + timedelta(days=length)
    found = billed(bills, step)
    inside = [by_day[d] for k in range(length) if (d := a + timedelta(days=k)) in by_day]
    assert found.amount == (round(sum(inside)) if inside else None)
    assert (found.billed_days, found.days) == (len(inside), length)
    cut = [b for b in bills if not (b.end <= step[0] or b.start >= step[1])]
    assert found.allocated == any(b.start < step[0] or b.end > step[1] for b in cut)


def test_backward_readings_leave_no_day_out():
    read = [date(2023, 12, 28), date(2024, 1, 28), date(2024, 2, 26)]
    spans = backward(read)
    assert spans == [
        (date(2023, 12, 29), date(2024, 1, 29)),
        (date(2024, 1, 29), date(2024, 2, 27)),
    ]
    assert backward(read[:1]) == []


def test_the_order_of_rows_and_points_changes_nothing():
    points = [
        point(1, role="energy", unit="kWh"),
        point(2, role="energy", unit="kWh", equipment="m1"),
    ]
    rows = register(1, 3) + register(2, 7)
    one = figures(points, rows, bills=ledger(bill(0), bill(30)))
    two = figures(points[::-1], rows, bills=ledger(bill(30), bill(0)))
    assert one == two


@pytest.mark.parametrize("carrier", ["electricity", "natural_gas", "diesel"])
def test_sources_come_in_the_order_of_the_carriers(carrier):
    points = [
        point(1, role="energy", unit="kg", carrier="diesel"),
        point(2, role="energy", unit="kWh"),
        point(3, role="energy_interval", unit="m3", carrier="natural_gas"),
    ]
    p = plant([machine()], points)
    w = window(frame([]), p, period_span(period(60)))
    listed = [s.carrier for s in sources(w, None)]
    assert carrier in listed
    assert listed == ["electricity", "natural_gas", "diesel"]
