"""The energy gain of a plant: from rows and ledgers to the adjusted figure, or to the raw one."""

import itertools
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from plantseal_testing_kpi import frame, machine, plant, point, row

from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.business.schema import framed
from plantseal_kpi.calendar import ns, period_span
from plantseal_kpi.energy.gain import adjusted_gain
from plantseal_kpi.energy.per_unit import energy_results
from plantseal_kpi.energy.series import whole_steps
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.machines.production import machines
from plantseal_kpi.plant import Period
from plantseal_kpi.rows.window import window
from plantseal_kpi.schema import Flag
from plantseal_kpi.study import Study

ZONE = ZoneInfo("Asia/Shanghai")
MONTH_MS = 31 * 86_400_000
# Golden vector G1, definitions 3.3: tons and MWh of twelve months before and after.
P0 = (420, 450, 480, 500, 520, 540, 560, 510, 490, 470, 530, 550)
E0 = (312, 324, 339, 351, 358, 372, 379, 356, 343, 337, 366, 374)
P1 = (560, 580, 600, 590, 610, 620, 640, 600, 590, 570, 615, 630)
E1 = (349, 358, 364, 362, 368, 374, 381, 366, 361, 353, 371, 377)
BEFORE, AFTER = (
    (datetime(y, 1, 1, tzinfo=ZONE), datetime(y + 1, 1, 1, tzinfo=ZONE)) for y in (2023, 2025)
)
POINTS = [
    point(1, role="energy", unit="MWh", mode="imported", protocol="recorded", period_ms=MONTH_MS),
    point(2, role="count_good", mode="imported", protocol="recorded", period_ms=MONTH_MS),
]  # fmt: skip
MODEL = {"adjustment": {"step": "month"}}


def months(year):
    return [datetime(year + m // 12, m % 12 + 1, 1, tzinfo=ZONE) for m in range(13)]


def readings(tag, moments, used, first=1000):
    """Readings of a register at each moment, imported."""
    total, out = first, []
    for moment, more in zip(moments, (0, *used), strict=True):
        total += more
        out.append(row(tag, None, total, t_source=ns(moment), flags=int(Flag.IMPORTED)))
    return out


def year_rows(year, used, made):
    return readings(1, months(year), used) + readings(2, months(year), made)


def works(p, rows, span, ledgers=None):
    """One side of the comparison."""
    w = window(frame(rows), p, period_span(Period(start=span[0], end=span[1])), prefer="imported")
    worked = tuple(machines(w))
    return Study(w, ledgers or {}, worked, tuple(energy_results(w, worked)))


def gain(rows, *, points=POINTS, energy=MODEL, spans=(BEFORE, AFTER), ledgers=None, **more):
    p = plant([machine()], points, zone="Asia/Shanghai", energy=energy, **more)
    before, now = (works(p, rows, s, ledgers) for s in spans)
    return adjusted_gain(now, before)


def codes(r):
    return [f.code for f in r.findings]


def test_the_golden_vector_from_monthly_readings():
    r = gain(year_rows(2023, E0, P0) + year_rows(2025, E1, P1))
    assert r.value == "0.0934324824361"
    assert (r.numerator, r.denominator) == ("409608003", "4384000000")
    assert (r.interval.method, r.interval.level) == ("ols_sum_prediction/1", "0.95")
    low, high = Fraction(r.interval.low), Fraction(r.interval.high)
    assert [round(x * 100, 4) for x in (low, high)] == [Fraction("8.6938"), Fraction("9.9927")]
    assert r.parts["form"] == "adjusted"
    assert r.parts["raw_gain"][:8] == "0.149614"
    assert r.parts["energy_per_unit_reduction"][:8] == "0.130143"
    assert r.parts["r2"][:9] == "0.9945681"
    assert r.parts["caltrack_fsu"][:6] == "0.0393"
    assert [f.data.get("n") for f in r.findings if f.code == "model.extrapolation"] == ["3"]
    assert "energy.raw" not in codes(r)
    assert "E_adj = 4793608003 Wh" in r.formula
    assert r.coverage == "1"


def test_without_a_model_the_raw_form_says_that_it_is_raw():
    r = gain(year_rows(2023, E0, P0) + year_rows(2025, E1, P1), energy={})
    assert r.value[:8] == "0.149614"
    assert r.interval is None
    assert r.parts["form"] == "raw"
    assert codes(r)[0] == "energy.raw"


def test_a_short_baseline_gives_the_raw_form_and_the_reason():
    rows = year_rows(2023, E0, P0) + year_rows(2025, E1, P1)
    r = gain(rows, spans=((months(2023)[2], BEFORE[1]), AFTER))
    assert (r.interval, r.parts["form"]) == (None, "raw")
    assert codes(r)[:2] == ["energy.raw", "model.baseline_length"]
    assert r.value is not None


def test_a_month_without_a_reading_is_left_out_and_so_is_the_one_that_bridges_it():
    rows = year_rows(2023, E0, P0) + year_rows(2025, E1, P1)
    lost = ns(months(2025)[5])
    r = gain([x for x in rows if not (x["tag"] == 1 and x["t_source"] == lost)])
    masked = next(f for f in r.findings if f.code == "model.masked")
    assert masked.message.endswith("2025-05, 2025-06")
    assert (r.interval.data["m"], r.interval.data["n"]) == ("10", "12")
    assert int(r.parts["actual"]) == sum(e for i, e in enumerate(E1) if i not in (4, 5)) * 10**6
    assert Fraction(r.coverage) < 1


def test_another_meter_after_the_works_is_a_finding():
    points = [*POINTS, POINTS[0] | {"tag": 3, "name": "m1.t3"}]
    rows = year_rows(2023, E0, P0) + year_rows(2025, E1, P1)
    r = gain(rows + readings(3, months(2025), E1), points=points)
    assert r.parts["form"] == "raw"
    assert "model.baseline_missing" in codes(r)


def test_the_works_are_cut_out_of_both_sides():
    base = {
        "kind": "pre_project",
        "period": {"start": BEFORE[0], "end": BEFORE[1]},
        "works": {"start": "2023-11-20T00:00:00+08:00", "end": "2025-02-10T00:00:00+08:00"},
    }
    p = plant([machine()], POINTS, zone="Asia/Shanghai", baseline=base)
    labels = [
        n for span in (BEFORE, AFTER) for n, *_ in whole_steps(p, tuple(map(ns, span)), "month")
    ]
    assert labels[:10] == [f"2023-{m:02}" for m in range(1, 11)]
    assert labels[10:] == [f"2025-{m:02}" for m in range(3, 13)]


@pytest.mark.parametrize(
    ("start", "end", "step", "n"),
    [
        ("2024-01-31T00:00:00+08:00", "2024-03-02T00:00:00+08:00", "month", 1),  # February
        ("2024-02-01T00:00:00+08:00", "2024-02-29T00:00:00+08:00", "month", 0),  # lacks a day
        ("2023-12-01T00:00:00+08:00", "2024-02-01T00:00:00+08:00", "month", 2),  # over new year
        ("2024-02-28T12:00:00+08:00", "2024-03-01T12:00:00+08:00", "day", 1),
        ("1970-01-01T00:00:00+08:00", "1970-01-03T00:00:00+08:00", "day", 2),
    ],
)
def test_part_steps_are_dropped(start, end, step, n):
    p = plant([machine()], POINTS, zone="Asia/Shanghai")
    span = tuple(ns(datetime.fromisoformat(t)) for t in (start, end))
    found = whole_steps(p, span, step)
    assert len(found) == n
    assert [b[1] - a[1] for a, b in itertools.pairwise(found)] == [1] * max(0, n - 1)


def bills(rows):
    return framed(
        [r | {"carrier": "electricity", "unit": "MWh"} for r in rows], SCHEMAS["energy_bills"]
    )


def monthly_bills(year, used, shift=0):
    cut = [m.date() + timedelta(days=shift) for m in months(year)]
    return [
        {"meter": "grid", "start": a, "end": b, "quantity": str(q)}
        for a, b, q in zip(cut, cut[1:], used, strict=False)
    ]


def test_bills_serve_where_there_is_no_meter():
    made = readings(2, months(2023), P0) + readings(2, months(2025), P1)
    ledger = bills(monthly_bills(2023, E0) + monthly_bills(2025, E1))
    r = gain(made, points=POINTS[1:], ledgers={"energy_bills": ledger})
    assert (r.value, r.parts["meters"]) == ("0.0934324824361", "grid")
    assert "energy.allocated" in codes(r)


def test_bills_cannot_tell_days_apart():
    made = readings(2, months(2023), P0) + readings(2, months(2025), P1)
    ledger = bills(monthly_bills(2023, E0) + monthly_bills(2025, E1))
    model = {"adjustment": {"step": "day"}}
    r = gain(made, points=POINTS[1:], energy=model, ledgers={"energy_bills": ledger})
    assert "model.bills_by_day" in codes(r)
    assert r.interval is None


def test_degree_days_and_drivers_come_from_their_ledgers():
    """E = 90 + 0.5 t + 0.01 x degree days + 2 x shifts a month, exactly; 10 % less afterwards."""
    mean = {}
    day = date(2023, 1, 1)
    while day < date(2026, 1, 1):
        mean[day] = Fraction(10 + (day.toordinal() * 7) % 23)
        day += timedelta(days=1)
    shifts = [60, 62, 58, 66, 61, 63, 59, 70, 57, 64, 65, 56]

    def energy(year, made):
        out = []
        for i, (a, b) in enumerate(zip(months(year), months(year)[1:], strict=False)):
            days = [a.date() + timedelta(days=k) for k in range((b.date() - a.date()).days)]
            cdd = sum(max(Fraction(0), mean[d] - 18) for d in days)
            out.append(90_000 + 500 * made[i] + 10 * cdd + 2000 * shifts[i])
        return out

    before, expected = energy(2023, P0), energy(2025, P1)
    after = [x * 9 // 10 for x in expected]
    points = [POINTS[0] | {"unit": "kWh"}, POINTS[1]]
    weather = framed([{"date": d, "mean_c": str(t)} for d, t in mean.items()], SCHEMAS["weather"])
    listed = [
        {"date": (m - timedelta(days=1)).date(), "name": "shifts", "value": str(n)}
        for year in (2023, 2025) for m, n in zip(months(year)[1:], shifts, strict=True)
    ]  # fmt: skip
    drivers = framed(listed, SCHEMAS["drivers"])
    model = {
        "adjustment": {
            "step": "month",
            "drivers": [
                {"name": "output"},
                {"name": "cooling", "of": "cdd", "base_c": "18"},
                {"name": "shifts", "of": "ledger"},
            ],
        }
    }
    rows = year_rows(2023, map(int, before), P0) + year_rows(2025, map(int, after), P1)
    r = gain(rows, points=points, energy=model, ledgers={"weather": weather, "drivers": drivers})
    wanted = Fraction(int(sum(expected)), int(sum(map(int, after)))) - 1
    assert abs(Fraction(r.value) - wanted) < Fraction(1, 10**10)
    assert (r.parts["b_output"], r.parts["b_shifts"]) == ("500000", "2000000")
    assert r.parts["b_cooling"] == "10000"
    lost = weather.filter(pl.col("date") != date(2025, 7, 5))
    masked = gain(rows, points=points, energy=model, ledgers={"weather": lost, "drivers": drivers})
    assert next(f for f in masked.findings if f.code == "model.masked").message.endswith("2025-07")
    none = gain(rows, points=points, energy=model)
    assert (none.parts["form"], "model.no_driver" in codes(none)) == ("raw", True)


def test_several_carriers_are_added_as_coal_equivalent():
    gas = point(3, role="energy", unit="m3", carrier="natural_gas", mode="imported",
                protocol="recorded", period_ms=MONTH_MS)  # fmt: skip
    energy = MODEL | {"heating_values": {"natural_gas": {"mj": "36", "citation": "report"}}}
    rows = year_rows(2023, E0, P0) + year_rows(2025, E1, P1)
    rows += readings(3, months(2023), [1000] * 12) + readings(3, months(2025), [1000] * 12)
    r = gain(rows, points=[*POINTS, gas], energy=energy)
    assert r.parts["unit"] == "g ce"
    coal = Fraction("0.1229") * sum(E1) * 1000 + 12_000 * 36 / Fraction("29.3076")
    assert abs(int(r.parts["actual"]) - coal * 1000) <= 6  # rounded once a month
    no_factor = gain(rows, points=[*POINTS, gas])
    assert "energy.factor_range" in codes(no_factor)
    assert no_factor.parts["form"] == "raw"
    assert "energy.raw_electricity" in codes(no_factor)


def test_nothing_at_all_is_null_and_says_why():
    r = gain([], spans=(BEFORE, AFTER))
    assert (r.value, r.interval) == (None, None)
    assert "energy.raw" in codes(r)


def test_the_committee_sees_the_bound_and_not_the_point_alone():
    base = {
        "kind": "pre_project",
        "period": {"start": BEFORE[0], "end": BEFORE[1]},
        "works": {"start": BEFORE[1], "end": AFTER[0]},
    }
    rows = frame(year_rows(2023, E0, P0) + year_rows(2025, E1, P1)).lazy()

    def verdict(energy):
        p = plant([machine()], POINTS, zone="Asia/Shanghai", energy=energy, baseline=base)
        report = evaluate(rows, p, Period(start=AFTER[0], end=AFTER[1]))
        return next(v for v in report.verdicts if v.criterion == "cq2020.w5.energy")

    proven, raw = verdict(MODEL), verdict({})
    assert (proven.figure, proven.bound) == ("9.34324824361", "8.69383787734")
    assert proven.outcome == "PASS"
    assert (raw.outcome, raw.figure[:6]) == ("PASS_POINT", "14.961")
    assert raw.bound is None


def test_a_plant_that_meters_gas_alone_has_a_gain_too():
    gas = POINTS[0] | {"unit": "m3", "carrier": "natural_gas"}
    base = {"kind": "pre_project", "period": {"start": BEFORE[0], "end": BEFORE[1]}}
    p = plant([machine()], [gas, POINTS[1]], zone="Asia/Shanghai", energy=MODEL, baseline=base)
    rows = frame(year_rows(2023, E0, P0) + year_rows(2025, E1, P1)).lazy()
    report = evaluate(rows, p, Period(start=AFTER[0], end=AFTER[1]))
    found = {r.metric: r for r in report.results if r.scope == "plant"}
    r = found["energy_utilisation_gain"]
    assert (r.value, r.parts["unit"]) == ("0.0934324824361", "mL")
    assert found["energy"].value is None
    assert Fraction(found["comprehensive_energy"].low) == Fraction(11, 10) * sum(E1)
