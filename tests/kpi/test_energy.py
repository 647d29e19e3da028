"""Energy from registers and interval values, and the improvement against a baseline."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, period, plant, point, row

from plantseal_kpi.energy import per_unit as energy
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.machines import defects, efficiency
from plantseal_kpi.plant import Period
from plantseal_kpi.schema import Flag


def figure(report, metric, scope="plant"):
    return next(r for r in report.results if r.metric == metric and r.scope == scope)


def test_up_and_down_are_two_numbers():
    gain = Fraction(*energy.energy_utilisation_gain((108, 100), (100, 100)))
    cut = Fraction(*energy.energy_per_unit_reduction((108, 100), (100, 100)))
    assert gain == Fraction(8, 100)
    assert float(cut) == pytest.approx(0.07407, abs=5e-6)
    assert Fraction(*efficiency.production_efficiency_gain((1, 1), (11, 10))) == Fraction(1, 10)
    assert Fraction(*defects.defect_rate_reduction((300, 10_000), (255, 10_000))) == Fraction(
        15, 100
    )


def test_an_interval_value_belongs_to_the_time_before_it():
    quarter = 900
    points = [
        point(1, role="energy_interval", mode="imported", period_ms=900_000, unit="kWh",
              protocol="recorded"),
    ]  # fmt: skip
    flags = int(Flag.IMPORTED)
    rows = [row(1, None, 1.0, t_source=at(0), flags=flags)]  # ends where the period begins
    rows += [
        row(1, None, 2.01, t_source=at(quarter * i), flags=flags) for i in range(1, 97)
    ]  # the last one, of midnight, belongs to the day before it
    rows += [row(1, None, 4.0, t_source=at(86_400 + quarter), flags=flags)]
    report = evaluate(frame(rows).lazy(), plant([machine()], points), period(86_400))
    total = figure(report, "energy")
    assert (total.numerator, total.unit, total.origin) == (str(96 * 2010), "Wh", "imported")
    assert not any(f.code == "energy.intervals" for f in total.findings)


def test_a_register_is_exact_past_32_bits():
    points = [point(1, role="energy", unit="kWh", scale="0.01")]
    first = 2**40 + 1
    rows = [row(1, at(t), first + 3 * t) for t in range(0, 3601, 10)]
    report = evaluate(frame(rows).lazy(), plant([machine()], points), period(3600))
    assert figure(report, "energy").numerator == str(3 * 3600 * 10)


def test_a_long_silence_before_the_period_is_not_its_energy():
    points = [point(1, role="energy", unit="kWh")]
    rows = [row(1, at(-7200), 100), row(1, at(5), 150), row(1, at(15), 151)]
    total = figure(evaluate(frame(rows).lazy(), plant([machine()], points), period(3600)), "energy")
    assert total.numerator == "1000"
    assert [f.data["amount"] for f in total.findings] == ["50000"]


def before_and_after(e0, good0, e1, good1):
    """Rows of an hour before the project (imported) and an hour after (live)."""
    start = -30 * 86_400
    rows = []
    for base, flags, e, good in ((start, int(Flag.IMPORTED), e0, good0), (0, 0, e1, good1)):
        for t in (0, 3600):
            live = None if flags else at(base + t)
            source = at(base + t)
            more = {"t_source": source, "flags": flags}
            rows.append(row(1, live, 5000 + e * t // 3600, **more))
            rows.append(row(2, live, 70 + good * t // 3600, **more))
            rows.append(row(3, live, 90 + 1000 * t // 3600, **more))
    points = [
        point(1, role="energy", unit="Wh", period_ms=3_600_000, mode="published"),
        point(2, role="count_good", period_ms=3_600_000, mode="published"),
        point(3, role="count_total", period_ms=3_600_000, mode="published"),
    ]  # fmt: skip
    then = Period(
        start=datetime.fromtimestamp(T0 // SECOND + start, UTC),
        end=datetime.fromtimestamp(T0 // SECOND + start + 3600, UTC),
    )
    baseline = {"kind": "pre_project", "period": then}
    p = plant([machine(ideal_cycle_s=3)], points, baseline=baseline)
    return evaluate(frame(rows).lazy(), p, period(3600))


def test_the_improvement_is_measured_against_imported_records():
    report = before_and_after(e0=108_000, good0=900, e1=100_000, good1=900)
    gain = figure(report, "energy_utilisation_gain")
    assert (gain.value, gain.origin) == ("0.08", "mixed")
    assert gain.parts["energy_per_unit_reduction"] == "0.0740740740741"
    assert {f.code for f in gain.findings} >= {"energy.raw", "baseline.origin"}
    verdict = next(v for v in report.verdicts if v.criterion == "cq2020.w5.energy")
    assert (verdict.outcome, verdict.figure) == ("PASS_POINT", "8")
    assert verdict.reasons[0].code == "criteria.no_interval"


def test_just_below_the_threshold_fails():
    report = before_and_after(e0=107_999, good0=900, e1=100_000, good1=900)
    verdict = next(v for v in report.verdicts if v.criterion == "cq2020.w5.energy")
    assert (verdict.outcome, verdict.figure) == ("FAIL", "7.999")


def test_defects_and_efficiency_improve_together():
    report = before_and_after(e0=1, good0=900, e1=1, good1=990)
    assert figure(report, "defect_rate_reduction").value == "0.9"
    assert figure(report, "production_efficiency_gain").value == "0.1"
    assert figure(report, "defect_rate").value == "0.01"


def test_without_a_baseline_there_is_no_improvement():
    report = evaluate(frame([]).lazy(), plant([machine()]), period(60))
    gain = figure(report, "energy_utilisation_gain")
    assert gain.value is None
    assert any(f.code == "baseline.missing" for f in gain.findings)


def test_a_cited_figure_serves_a_new_build():
    points = [point(1, role="energy", unit="Wh"), point(2, role="count_good")]
    rows = [row(tag, at(t), t) for t in range(0, 3601, 10) for tag in (1, 2)]
    baseline = {
        "kind": "industry_average", "citation": "yearbook 2023, p. 7", "figures": {"energy_per_unit": "1.1"},
    }  # fmt: skip
    report = evaluate(
        frame(rows).lazy(), plant([machine()], points, baseline=baseline), period(3600)
    )
    assert figure(report, "energy_utilisation_gain").value == "0.1"
