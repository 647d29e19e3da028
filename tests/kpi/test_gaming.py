"""Definitions 4.5: every known move to game a figure is tried, and fails or is shown."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from plantseal_testing_kpi import BAD, SECOND, T0, at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Report
from plantseal_kpi.versions import Version

HOUR = 3600
STATES = {"RUN": "producing", "IDLE": "idle"}
START = datetime.fromtimestamp(T0 // SECOND, UTC)


def moment(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def workshop(**more) -> Plant:
    """Two machines with state and counts; press has an outage that the rows below show."""
    equipment = [
        machine(m, states=STATES, ideal_cycle_s=30, stale_s=60) for m in ("lathe", "press")
    ]
    points = [
        point(tag, m, role=role)
        for m, first in (("lathe", 1), ("press", 4))
        for tag, role in enumerate(("state", "count_total", "count_good"), first)
    ]
    return plant(more.pop("equipment", equipment), more.pop("points", points), **more)


def shift(seconds: int = 4 * HOUR) -> list[dict[str, object]]:
    """Four hours: the lathe always runs, the press is away for the second hour."""
    rows = []
    for t in range(-10, seconds + 1, 10):
        made = max(0, t) // 40
        for first in (1, 4):
            if first == 4 and HOUR <= t < 2 * HOUR:
                continue
            rows += [
                row(first, at(t), "RUN"),
                row(first + 1, at(t), 1000 + made),
                row(first + 2, at(t), 1000 + made - made // 10),
            ]
    return rows


def judged(*versions: tuple[float, Plant], rows=None, seconds: int = 4 * HOUR) -> Report:
    """The report of the shift; versions with the hours from its begin at which they came."""
    logged = [
        Version(T0 + round(h * HOUR) * SECOND, str(i), p) for i, (h, p) in enumerate(versions)
    ]
    return evaluate(frame(rows or shift()).lazy(), logged, period(seconds))


def figure(report: Report, metric: str, scope: str = "plant"):
    return next(r for r in report.results if r.metric == metric and r.scope == scope)


def codes(report: Report) -> set[str]:
    return {f.code for f in report.findings}


@pytest.fixture(scope="module")
def honest() -> Report:
    return judged((-1, workshop()))


def same_figures(one: Report, other: Report) -> bool:
    return [r.model_dump() for r in one.results] == [r.model_dump() for r in other.results]


# poll faster, replay, duplicate


def test_the_same_rows_sent_again_gain_nothing(honest):
    again = judged((-1, workshop()), rows=[r for r in shift() for _ in range(3)])
    for metric in ("upload_rate", "oee", "defect_rate"):
        assert figure(again, metric).value == figure(honest, metric).value
    assert figure(honest, "upload_rate").value.startswith("0.875")


def test_polling_faster_where_it_works_gains_nothing(honest):
    more = [row(1, at(t + 0.5 * n), "RUN") for t in range(0, 4 * HOUR, 10) for n in range(1, 20)]
    faster = judged((-1, workshop()), rows=shift() + more)
    assert figure(faster, "upload_rate").value == figure(honest, "upload_rate").value


# register only good machines or trivial points


@pytest.mark.parametrize(
    ("move", "where"),
    [
        ({"equipment": [machine("lathe", states=STATES, ideal_cycle_s=30, stale_s=60)],
          "points": [point(1, "lathe", role="state")]}, "equipment[press]"),
        ({"points": [point(1, "lathe", role="state"), point(4, "press", role="state",
                                                            required=False)]},
         "points[press.t4].required"),
    ],
)  # fmt: skip
def test_what_is_struck_from_the_register_counts_to_the_end_of_the_period(honest, move, where):
    report = judged((-1, workshop()), (1.5, workshop(**move)))
    assert same_figures(report, honest)
    assert where in {f.data["where"] for f in report.findings if f.code == "config.changed"}


def test_and_counts_from_the_next_period_on():
    only = workshop(
        equipment=[machine("lathe", states=STATES, ideal_cycle_s=30, stale_s=60)],
        points=[point(tag, "lathe") for tag in (1, 2, 3)],
    )
    report = judged((-1, only))
    assert figure(report, "upload_rate").value == "1"
    assert {r.scope for r in report.results} == {"plant", "lathe"}


# long T_p


def test_a_longer_poll_period_entered_while_it_runs_does_not_count(honest):
    slow = [p.model_copy(update={"period_ms": 3_600_000}) for p in workshop().points]
    report = judged((-1, workshop()), (0.5, workshop(points=[p.model_dump() for p in slow])))
    assert same_figures(report, honest)


def test_a_poll_period_longer_than_its_class_allows_is_shown():
    slow = [p.model_copy(update={"period_ms": 3_600_000}) for p in workshop().points]
    report = judged((-1, workshop(points=[p.model_dump() for p in slow])))
    assert "upload.period_capped" in {f.code for f in figure(report, "upload_rate").findings}


# relabel outages as planned


def stopped(*equipment: str) -> dict[str, object]:
    stop = {
        "period": {"start": moment(HOUR), "end": moment(2 * HOUR)},
        "reason": "保养",
        "equipment": equipment,
    }
    return {"calendar": {"stops": [stop]}}


def test_an_outage_called_planned_afterwards_stays_an_outage(honest):
    report = judged((-1, workshop()), (3, workshop(**stopped("press"))))
    assert figure(report, "upload_rate").value == figure(honest, "upload_rate").value
    assert "calendar.stop_late" in codes(report)


def test_a_stop_announced_counts_and_the_gross_figure_stands_beside():
    report = judged((-1, workshop()), (0.5, workshop(**stopped("press"))))
    rate = figure(report, "upload_rate")
    assert rate.value == "1"
    gross = {k: v for k, v in rate.parts.items() if "around_the_clock" in k or "24x7" in k}
    assert gross, sorted(rate.parts)
    assert "calendar.stop_late" not in codes(report)


# choose the best window


def test_a_period_chosen_afterwards_is_shown_beside_all_that_were_declared():
    windows = [
        {"id": w, "period": {"start": moment(a), "end": moment(b)}}
        for w, a, b in (("w1", 0, 4 * HOUR), ("w2", 4 * HOUR, 8 * HOUR))
    ]
    declared = (-1, workshop(windows=windows))
    report = judged(declared)
    assert report.window == "w1"
    assert [(w.id, w.reported) for w in report.windows] == [("w1", True), ("w2", False)]
    best = judged(declared, seconds=HOUR)  # the hour before the outage
    assert figure(best, "upload_rate").value == "1"
    assert best.window is None
    assert "window.undeclared" in codes(best)
    assert [w.id for w in best.windows] == ["w1", "w2"]


# slow the PRU table, or move scrap to rework


def test_a_longer_ideal_cycle_entered_while_it_runs_does_not_count(honest):
    slow = [
        e.model_copy(update={"ideal_cycle_s": Decimal(60)}).model_dump()
        for e in workshop().equipment
    ]
    report = judged((-1, workshop()), (2, workshop(equipment=slow)))
    assert same_figures(report, honest)
    changed = {f.data["where"] for f in report.findings if f.code == "config.changed"}
    assert changed == {f"equipment[{m}].ideal_cycle_s" for m in ("lathe", "press")}


def test_another_way_to_count_defects_entered_while_it_runs_does_not_count(honest):
    report = judged((-1, workshop()), (2, workshop(quality={"variant": "scrap"})))
    assert same_figures(report, honest)
    assert [f.data["where"] for f in report.findings if f.code == "config.changed"] == [
        "quality.variant"
    ]


def test_both_sides_of_a_comparison_use_one_cycle_table():
    """A slower table makes before and after better alike: the gain stays what it was."""
    before = {"kind": "pre_project", "period": {"start": moment(0), "end": moment(2 * HOUR)}}
    rows = [r | {"flags": 1} for r in shift(2 * HOUR) if r["tag"] <= 3] + [
        r | {"t_receive": r["t_receive"] + 200 * HOUR * SECOND} for r in shift() if r["tag"] <= 3
    ]
    gains = []
    for cycle in (30, 36):
        m = machine("lathe", states=STATES, ideal_cycle_s=cycle, stale_s=60)
        points = [p for p in workshop().points if p.equipment == "lathe"]
        p = plant([m], [x.model_dump() for x in points], baseline=before)
        later = evaluate(
            frame(rows).lazy(),
            [Version(T0, "a", p)],
            period(4 * HOUR).model_copy(
                update={k: START + timedelta(hours=h) for k, h in (("start", 200), ("end", 204))}
            ),
        )
        gains.append(figure(later, "production_efficiency_gain").value)
    assert gains[0] is not None
    assert gains[0] == gains[1]


# replace the meter between periods


def meter(readings, **more) -> Report:
    """An hour of a meter's register; readings in kWh, one every ten seconds."""
    m = machine("m", production=False, cls="other")
    p = plant([m], [point(1, "m", role="energy", unit="kWh")], **more)
    rows = [row(1, at(10 * i), float(x)) for i, x in enumerate(readings)]
    return evaluate(frame(rows).lazy(), [Version(T0 - 1, "a", p)], period(HOUR))


REPLACED = [1000 + i / 10 for i in range(181)] + [i / 10 for i in range(180)]


def test_energy_is_not_counted_across_a_meter_that_was_replaced():
    energy = figure(meter(REPLACED), "energy")
    counted = sum(b - a for a, b in pairwise(REPLACED) if b >= a)
    assert int(energy.numerator) <= counted * 1000 + 1
    assert energy.findings  # that a register went back is said
    assert energy.coverage != "1"


def test_a_registered_change_closes_the_old_register_and_opens_the_new():
    change = {"point": "m.t1", "at": moment(1805), "last": "1018.05", "first": "0",
              "document": "WO-7"}  # fmt: skip
    energy = figure(meter(REPLACED, meters=[change]), "energy")
    assert energy.value == "35950"  # 18.05 kWh of the old, 17.9 kWh of the new


# frozen gateway repeating values


def test_a_frozen_device_repeating_its_values_is_not_covered():
    points = [point(1, "m1", role="state"), point(2, "m1", role="heartbeat")]
    p = plant([machine(states=STATES)], points)
    rows = [
        r
        for i in range(361)
        for r in (row(1, at(10 * i), "RUN"), row(2, at(10 * i), i % 2 if i < 180 else 0))
    ]
    report = evaluate(frame(rows).lazy(), [Version(T0 - 1, "a", p)], period(HOUR))
    assert float(figure(report, "upload_rate").value) < 0.52


# mean of ratios


def test_the_plants_figure_is_a_ratio_of_sums():
    equipment = [
        machine("big", states=STATES, ideal_cycle_s=100, stale_s=60),
        machine("small", states=STATES, ideal_cycle_s=1, stale_s=60),
    ]
    points = [p.model_dump() | {"equipment": {"lathe": "big", "press": "small"}[p.equipment]}
              for p in workshop().points]  # fmt: skip
    report = judged((-1, plant(equipment, points)))
    one, two, whole = (figure(report, "oee", s) for s in ("big", "small", "plant"))
    assert int(whole.numerator) == int(one.numerator) + int(two.numerator)
    assert int(whole.denominator) == int(one.denominator) + int(two.denominator)


# bad values, to look alive


def test_a_device_that_answers_with_errors_is_not_covered():
    rows = [r if r["tag"] < 4 else r | {"status": BAD, "vtype": 0, "text": None, "value_i": None}
            for r in shift()]  # fmt: skip
    report = judged((-1, workshop()), rows=rows)
    assert figure(report, "upload_rate", "press").numerator == "0"
