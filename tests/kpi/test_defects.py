"""Defect rate: variants, what judges the pieces, and what the counters cannot see."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate

ROLES = {"total": "count_total", "good": "count_good", "scrap": "count_scrap"}


def figure(counts, metric="defect_rate", scope="plant", ledgers=None, **more):
    """A figure of machines whose counters end at ``counts``, a mapping by counter."""
    points, rows = [], []
    for tag, (name, end) in enumerate(counts.items(), 1):
        points.append(point(tag, role=ROLES[name]))
        rows += [row(tag, at(t), end * max(0, t) // 600) for t in range(-10, 601, 10)]
    p = plant([machine()], points, **more)
    report = evaluate(frame(rows).lazy(), p, period(600), ledgers=ledgers)
    return next(r for r in report.results if r.metric == metric and r.scope == scope)


def codes(result):
    return {f.code for f in result.findings}


ALL = {"total": 100, "good": 90, "scrap": 4}


@pytest.mark.parametrize(("variant", "n"), [("first_pass", "10"), ("scrap", "4")])
def test_the_variant_is_the_plants_choice(variant, n):
    r = figure(ALL, quality={"variant": variant})
    assert (r.numerator, r.denominator, r.parts["variant"]) == (n, "100", variant)


def test_scrap_without_a_counter_of_it_is_no_figure():
    r = figure({"total": 100, "good": 90}, quality={"variant": "scrap"})
    assert r.value is None
    assert "a counter of scrap" in r.findings[-1].message
    assert figure({"total": 100, "good": 90}, "rework_ratio").value is None


def test_made_less_scrap_sees_no_rework_and_says_so():
    r = figure({"total": 100, "scrap": 4})
    assert (r.numerator, "defects.rework_unseen" in codes(r)) == ("4", True)
    assert figure({"total": 100, "scrap": 4}, "rework_ratio").value is None


def test_more_scrapped_than_not_good_drops_the_scrap_counter_only():
    r = figure(ALL | {"scrap": 11})
    assert (r.numerator, "counter.scrap" in codes(r)) == ("10", True)
    assert figure(ALL | {"scrap": 11}, "scrap_ratio").value is None


def moment(seconds):
    return datetime.fromtimestamp(T0 // SECOND, UTC) + timedelta(seconds=seconds)


def inspections(*records):
    schema = {"part": pl.String, "inspection": pl.String, "time": pl.Datetime("ns", "UTC"),
              "passed": pl.Boolean}  # fmt: skip
    rows = [(part, kind, moment(t), passed) for part, kind, t, passed in records]
    return {"inspections": pl.DataFrame(rows, schema=schema, orient="row")}


TWICE = inspections(
    ("p1", "a", 10, False), ("p1", "a", 20, True),  # reworked and accepted: still a defect
    ("p2", "a", 30, True), ("p2", "b", 31, False), ("p3", "a", 40, True), ("p3", "b", 41, True),
    ("p4", "a", -1, False), ("p5", "a", 600, False),  # outside the period
)  # fmt: skip


@pytest.mark.parametrize(("chosen", "n", "d"), [("a", "1", "3"), ("b", "1", "2")])
def test_the_inspection_that_counts_is_chosen_and_the_counters_stand_beside(chosen, n, d):
    r = figure(ALL, ledgers=TWICE, quality={"inspection": chosen})
    assert (r.numerator, r.denominator) == (n, d)
    assert (r.parts["counters_defective"], r.parts["counters_made"]) == ("10", "100")
    assert r.parts["inspection"] == chosen
    assert figure(ALL, ledgers=TWICE, scope="m1", quality={"inspection": chosen}).numerator == "10"


def test_two_inspections_and_no_choice_give_no_figure():
    r = figure(ALL, ledgers=TWICE)
    assert r.value is None
    assert any("inspection" in f.message for f in r.findings)


def test_lots_are_summed():
    lots = pl.DataFrame(
        [("l1", moment(1), 100, 3), ("l2", moment(2), 50, 0), ("l3", moment(700), 10, 9)],
        schema={"lot": pl.String, "time": pl.Datetime("ns", "UTC"), "inspected": pl.Int64,
                "defective": pl.Int64}, orient="row",
    )  # fmt: skip
    r = figure(ALL, ledgers={"lots": lots})
    assert (r.numerator, r.denominator, r.parts["judged_by"]) == ("3", "150", "lot_defect_rate/1")


def test_a_ledger_of_first_judgements_answers_no_question_about_scrap():
    lots = pl.DataFrame(
        [("l1", moment(1), 100, 3)],
        schema={"lot": pl.String, "time": pl.Datetime("ns", "UTC"), "inspected": pl.Int64,
                "defective": pl.Int64}, orient="row",
    )  # fmt: skip
    quality = {"variant": "scrap"}
    r = figure(ALL, ledgers={"lots": lots}, quality=quality)
    assert (r.numerator, r.denominator, r.parts["judged_by"]) == ("4", "100", "counters")
    assert "defects.ledger_unused" in codes(r)
    r = figure({"total": 100, "good": 90}, ledgers={"lots": lots}, quality=quality)
    assert r.value is None
    assert {"unassessable.defects.variant", "figure.none"} <= codes(r)
