"""自动数采率: parameters of the plan with enough upload of their own; what is by hand counts 0."""

import pytest
from plantseal_testing_kpi import at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.schema import Flag

SECONDS = 1000


def figures(parameters, until, *, rows=None, machines=None, **more):
    """A report of parameters (id, tag or None, kind); ``until`` says when each tag falls silent."""
    points = [point(tag, role="parameter") for tag in sorted({t for _, t, _ in parameters if t})]
    plan = [
        {"id": name, "name": name, "point": tag and f"m1.t{tag}", "kind": kind}
        for name, tag, kind in parameters
    ]
    told = [row(tag, at(t), t) for tag, end in until.items() for t in range(0, end, 10)]
    p = plant(machines or [machine()], points, process={"parameters": plan}, **more)
    report = evaluate(frame(told if rows is None else rows).lazy(), p, period(SECONDS))
    return {r.metric: r for r in report.results if r.scope == "plant"}


def codes(result):
    return {f.code for f in result.findings}


THREE = [("t", 1, "原料"), ("p", 2, "关键工艺"), ("ph", None, "成品检测")]


@pytest.mark.parametrize(
    ("silent", "collected"), [(900, "2"), (890, "1")]
)  # 900 + 1 s after the last value make 0.901, 890 + 1 make 0.891
def test_nine_tenths_of_the_time_are_enough(silent, collected):
    r = figures(THREE, {1: SECONDS, 2: silent})["process_data_auto_collection_rate"]
    assert (r.numerator, r.denominator) == (collected, "3")
    assert r.parts["U p"] == f"0.{silent + 1}"
    assert r.parts["by_hand"] == "1"
    assert r.parts["U ph"] == "by hand"
    assert {"collection.by_hand"} <= codes(r)
    assert ("collection.low" in codes(r)) == (collected == "1")


def test_the_mean_stands_beside():
    r = figures(THREE, {1: SECONDS, 2: 490})["process_data_auto_collection_rate"]
    assert r.parts["mean_upload_rate"] == "0.497"  # (1 + 0.491 + 0) / 3


def test_kinds_of_data_collected():
    r = figures(THREE, {1: SECONDS, 2: 100})["quality_alert_data_kinds"]
    assert (r.parts["members"], r.numerator, r.denominator) == ("原料", "1", "3")
    assert len([f for f in r.findings if f.code == "collection.kind"]) == 2


def test_a_point_that_does_not_exist_counts_as_nothing():
    plan = [{"id": "t", "name": "t", "point": "nowhere"}]
    p = plant([machine()], [point()], process={"parameters": plan})
    rows = [row(1, at(t), t) for t in range(0, 600, 10)]
    report = evaluate(frame(rows).lazy(), p, period(600))
    r = next(r for r in report.results if r.metric == "process_data_auto_collection_rate")
    assert (r.value, "collection.no_point" in codes(r)) == ("0", True)


def test_parameters_of_a_machine_that_was_not_planned_are_left_out():
    stop = {"stops": [{"period": period(SECONDS).model_dump(), "reason": "r"}]}
    r = figures(THREE[:2], {}, calendar=stop)["process_data_auto_collection_rate"]
    assert (r.value, r.denominator, "collection.unplanned" in codes(r)) == (None, "0", True)


def test_without_a_plan_there_is_no_rate_and_it_says_so():
    r = figures([], {})["process_data_auto_collection_rate"]
    assert (r.value, codes(r)) == (None, {"figure.none"})


def test_records_without_receive_times_show_no_collection():
    rows = [row(1, None, t, t_source=at(t), flags=int(Flag.IMPORTED)) for t in range(0, 1000, 10)]
    for metric in ("process_data_auto_collection_rate", "quality_alert_data_kinds"):
        r = figures(THREE, {}, rows=rows)[metric]
        assert (r.value, codes(r)) == (None, {"upload.no_receive_times"})


def test_the_notice_is_answered():
    more = {"project": {"track": "smart_factory", "mode": "process", "build": "renovation"}}
    points = [point(1, role="parameter")]
    plan = [{"id": "t", "name": "t", "point": "m1.t1", "kind": k} for k in ("原料",)]
    rows = [row(1, at(t), t) for t in range(0, SECONDS, 10)]
    p = plant([machine()], points, process={"parameters": plan}, **more)
    report = evaluate(frame(rows).lazy(), p, period(SECONDS))
    judged = {v.criterion: v.outcome for v in report.verdicts}
    assert judged["cq2020.m.process.2a"] == "PASS"
    assert judged["cq2020.m.process.2b"] == "FAIL"
    assert judged["cq2020.m.process.3a"] == "NOT_ASSESSABLE"
