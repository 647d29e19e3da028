"""What is not known is never a figure: dead meters, lost counters, readings that are no numbers."""

import math
from datetime import UTC, datetime

import pytest
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.schema import Flag

IMPORTED = int(Flag.IMPORTED)
BEFORE = -30 * 86_400
DAY = 86_400


def report_of(rows, machines, points, seconds=3600, **more):
    return evaluate(frame(rows).lazy(), plant(machines, points, **more), period(seconds))


def figure(report, metric):
    return next(r for r in report.results if r.metric == metric and r.scope == "plant")


def codes(result):
    return {f.code for f in result.findings}


def polled(tag, values, every=60):
    return [row(tag, at(every * i), v) for i, v in enumerate(values)]


def two_meters(stops_at):
    """A day as the day before the project was, but the second meter dies at reading ``stops_at``."""
    counters = ((1, "m1", "energy", 100), (2, "m1", "count_total", 120), (3, "m1", "count_good", 96),
                (4, "m2", "energy", 100))  # fmt: skip
    points, rows = [], []
    for tag, e, role, per_hour in counters:
        unit = "kWh" if role == "energy" else ""
        points.append(point(tag, e, role=role, unit=unit, period_ms=60_000))
        points.append(
            point(tag + 10, e, role=role, unit=unit, mode="imported", protocol="recorded",
                  period_ms=3_600_000)
        )  # fmt: skip
        rows += [
            row(tag + 10, None, 1000 + per_hour * h, t_source=at(BEFORE + 3600 * h), flags=IMPORTED)
            for h in range(25)
        ]
        minutes = [5000 + per_hour * i // 60 for i in range(1441)]
        rows += polled(tag, minutes[: stops_at if tag == 4 else None])
    start, end = (datetime.fromtimestamp(T0 // SECOND + BEFORE + t, UTC) for t in (0, DAY))
    return report_of(
        rows, [machine("m1", ideal_cycle_s="20"), machine("m2")], points, DAY,
        baseline={"kind": "pre_project", "period": {"start": start, "end": end}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stops_at", "outcome", "coverage"),
    [(1441, "FAIL", "1"), (2, "NOT_ASSESSABLE", "0.500347222222"), (0, "NOT_ASSESSABLE", "0.5")],
)
def test_a_dead_meter_saves_no_energy(stops_at, outcome, coverage):
    report = two_meters(stops_at)
    verdict = next(v for v in report.verdicts if v.criterion == "cq2020.w5.energy")
    assert (verdict.outcome, verdict.coverage) == (outcome, coverage)
    if stops_at == 0:
        assert figure(report, "energy_per_unit").value is None
        assert "no energy is known of m2" in " ".join(r.message for r in verdict.reasons)
        assert "baseline.boundary" in codes(figure(report, "energy_utilisation_gain"))


def test_the_gain_shows_its_numbers():
    assert figure(two_meters(1441), "energy_utilisation_gain").formula == (
        "e0 / e1 - 1 with e0 = 4800000 / 2304 Wh per good piece, e1 = 4800000 / 2304"
    )


@pytest.mark.parametrize(
    "readings",
    [
        [2**63 - 3, 2**63 - 1],  # beyond 64 bits in Wh
        [1e300, 2e300],
        [math.nan, math.inf],
        ["a", "b"],
        [7],
    ],
)
def test_readings_without_a_known_difference_give_no_energy(readings):
    found = figure(
        report_of(polled(1, readings), [machine()], [point(role="energy", unit="kWh")]), "energy"
    )
    assert (found.value, found.coverage) == (None, "0")
    assert "counter.silent" in codes(found)
    assert ("counter.unreadable" in codes(found)) == (readings != [7])


def test_a_unit_that_measures_no_energy_gives_none():
    found = figure(
        report_of(polled(1, [1, 2]), [machine()], [point(role="energy", unit="kW")]), "energy"
    )
    assert found.value is None
    assert "counter.unit" in codes(found)


def test_sums_and_differences_hold_more_than_64_bits():
    points = [point(t, role="energy", unit="Wh") for t in (1, 2, 3)]
    rows = [r for t in (1, 2, 3) for r in polled(t, [0, 2**62])]
    assert figure(report_of(rows, [machine()], points), "energy").numerator == str(3 * 2**62)
    wide = figure(report_of(polled(1, [-(2**62) - 1, 2**62]), [machine()], points[:1]), "energy")
    assert "counter.implausible" in codes(wide)


def test_an_interval_below_zero_or_without_number_is_left_out():
    meter = point(role="energy_interval", unit="kWh", period_ms=900_000, mode="imported")
    values = [1.0, math.nan, -2.0, 1.0]
    rows = [
        row(1, None, v, t_source=at(900 * (i + 1)), flags=IMPORTED) for i, v in enumerate(values)
    ]
    found = figure(report_of(rows, [machine()], [meter]), "energy")
    assert (found.value, found.coverage) == ("2000", "0.5")
    assert codes(found) == {"counter.unreadable", "energy.implausible", "energy.intervals"}


@pytest.mark.parametrize(
    ("total", "good", "scrap", "why"),
    [
        ([0, 5, 10], [0, 6, 12], None, "12 good pieces of 10 made"),
        ([0, 5, 10], None, [0, 6, 20], "-10 good pieces of 10 made"),
        ([0, 50, 5, 10], [0, 48, 48, 53], None, "lost 1 and 0 steps"),
    ],
)
def test_counters_that_contradict_give_no_defect_rate(total, good, scrap, why):
    series = {"count_total": total, "count_good": good, "count_scrap": scrap}
    points, rows = [], []
    for tag, (role, values) in enumerate(series.items(), 1):
        if values is not None:
            points.append(point(tag, role=role, period_ms=60_000))
            rows += polled(tag, values)
    found = figure(report_of(rows, [machine(ideal_cycle_s="1")], points), "defect_rate")
    assert found.value is None
    assert why in " ".join(f.message for f in found.findings)


def test_a_figure_that_cannot_be_had_says_why():
    report = report_of([], [machine()], [])
    missing = [r for r in report.results if r.value is None]
    assert {"oee", "availability", "defect_rate", "energy"} <= {r.metric for r in missing}
    assert [r.metric for r in missing if not r.findings] == []


def test_the_plants_lower_bound_holds_its_meters_lower_bounds():
    found = figure(
        report_of(polled(1, [10, 11, 1, 2]), [machine()], [point(role="energy", unit="kWh")]),
        "energy",
    )
    assert (found.value, found.parts["at_least_wh"]) == ("2000", "3000")


def test_imported_receive_times_prove_no_upload():
    rows = [row(1, at(10 * i), i, t_source=at(10 * i), flags=IMPORTED) for i in range(360)]
    report = report_of(rows, [machine()], [point()])
    verdict = next(v for v in report.verdicts if v.criterion == "cq2020.w2.upload_rate")
    assert (verdict.outcome, verdict.figure) == ("NOT_ASSESSABLE", "100")
    assert verdict.reasons[0].code == "criteria.not_witnessed"
