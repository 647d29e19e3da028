"""OEE and its neighbours: the examples of definitions 2.3, and the chain from rows to figure."""

from fractions import Fraction
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import (
    BAD,
    SECOND,
    at,
    frame,
    machine,
    period,
    plant,
    point,
    row,
)  # fmt: skip

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.machines import oee
from plantseal_kpi.machines.oee import Output, Times
from plantseal_kpi.rows.states import state_durations
from plantseal_kpi.schema import Kind


def ratio(terms):
    return float(Fraction(*terms))


def test_v1_of_the_flux_library():
    t, products = Times(8 * 3600, 3 * 3600), [Output(30, 240, 236)]
    assert ratio(oee.availability(t)) == 0.375
    assert ratio(oee.effectiveness(t, products)) == 0.6666666666666666
    assert ratio(oee.quality(products)) == 0.9833333333333333
    assert ratio(oee.oee(t, products)) == 0.24583333333333332


def test_mixed_products_are_weighted_by_planned_run_time():
    t = Times(28_800, 26_000)
    products = [Output(30, 400, 380), Output(20, 500, 495), Output(12, 150, 149)]
    a, e, q = oee.availability(t), oee.effectiveness(t, products), oee.quality(products)
    assert [round(ratio(x), 6) for x in (a, e, q)] == [0.902778, 0.915385, 0.970084]
    assert round(ratio(oee.oee(t, products)), 6) == 0.801667
    assert Fraction(*a) * Fraction(*e) * Fraction(*q) == Fraction(*oee.oee(t, products))


def test_shifts_are_summed_before_the_division():
    earned, planned = 20_160 + 1_800 + 23_040, 28_800 + 3_600 + 28_800
    whole = oee.oee(Times(planned, 1), [Output(1, earned, earned)])
    assert round(ratio(whole), 6) == 0.735294


def test_bounds_for_unknown_time():
    low, high = oee.availability_bounds(Times(28_800, 24_000, unknown=1_800))
    assert (round(ratio(low), 4), round(ratio(high), 4)) == (0.8333, 0.8958)


@pytest.mark.parametrize(
    ("times", "products", "whole", "speed", "good"),
    [
        (Times(0, 0), [Output(1, 0, 0)], None, None, None),
        (Times(100, 0), [Output(1, 0, 0)], (0, 100), None, None),
        (Times(100, 0), [Output(1, 5, 5)], None, None, (5, 5)),
    ],
)
def test_edge_cases(times, products, whole, speed, good):
    assert oee.oee(times, products) == whole
    assert oee.effectiveness(times, products) == speed
    assert oee.quality(products) == good


def workshop(rows, seconds, points=None, **more):
    m = machine(
        ideal_cycle_s="30", states={"RUN": "producing", "IDLE": "idle", "SET": "setup"},
        **{"stale_s": 60} | more,
    )  # fmt: skip
    given_points = points or [
        point(1, role="state"), point(2, role="count_total"), point(3, role="count_good"),
    ]  # fmt: skip
    return evaluate(frame(rows).lazy(), plant([m], given_points), period(seconds))


def figure(report, metric, scope="plant"):
    return next(r for r in report.results if r.metric == metric and r.scope == scope)


def v1_rows():
    rows = []
    for t in range(-10, 28_800 + 1, 10):
        rows.append(row(1, at(t), "RUN" if 0 <= t < 10_800 else "IDLE"))
        made = 0 if t < 0 else min(240, 240 * t // 10_800)
        rows.append(row(2, at(t), 1000 + made))
        rows.append(row(3, at(t), 500 + made - min(4, made)))
    return rows


def test_v1_from_rows_to_figure():
    report = workshop(v1_rows(), 28_800)
    assert figure(report, "oee").numerator == str(30 * 236 * SECOND)
    assert figure(report, "oee").value == "0.245833333333"
    assert figure(report, "availability").value == "0.375"
    assert figure(report, "availability").coverage == "1"
    assert figure(report, "defect_rate").numerator == "4"
    assert figure(report, "utilisation", "m1").value == "0.375"


def test_pieces_without_running_time_contradict():
    rows = [row(1, at(t), "IDLE") for t in range(0, 600, 10)]
    rows += [row(tag, at(t), t) for t in range(0, 600, 10) for tag in (2, 3)]
    report = workshop(rows, 600)
    assert figure(report, "oee", "m1").value is None
    assert any(f.code == "oee.contradiction" for f in figure(report, "oee", "m1").findings)


def test_a_state_is_known_as_long_as_the_machine_lives():
    points = [point(1, role="state", mode="subscribed"), point(2, mode="subscribed")]
    rows = [row(1, at(0), "RUN")] + [row(2, at(t), t) for t in range(0, 1000, 50)]
    rows += [row(2, at(t), t) for t in range(2000, 3600, 50)]
    a = figure(workshop(rows, 3600, points), "availability")
    # alive 0..1010 and 2000..3600: the last value before the silence is at 950, believed for 60 s
    assert (a.parts["producing_ns"], a.parts["unknown_ns"]) == (
        str(2610 * SECOND),
        str(990 * SECOND),
    )
    assert a.parts["low"] == a.value == "0.725"
    assert a.parts["high"] == "1"


def test_what_the_map_does_not_know_and_bad_rows_are_unknown():
    rows = [
        row(1, at(0), "RUN"), row(1, at(100), "DANCING"), row(1, at(200), status=BAD),
        row(1, at(300), kind=Kind.SLOT, status=BAD), row(1, at(400), "IDLE"),
    ]  # fmt: skip
    points = [point(1, role="state", mode="published")]
    a = figure(workshop(rows, 600, points, stale_s=None), "availability")
    # without staleness the machine lives from its first to its last record, at 400 s
    assert a.parts == {
        "producing_ns": str(100 * SECOND), "unknown_ns": str(500 * SECOND),
        "low": "0.166666666667", "high": "1",
    }  # fmt: skip


names = st.sampled_from(["ACTIVE", "READY", None])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), names), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_durations_equal_a_loop(events, shuffle):
    hours = 3600 * SECOND
    rows = [
        row(1, None, v, t_source=t * hours, status=0 if v else BAD) | {"seq": i}
        for i, (t, v) in enumerate(events)
    ]
    ordered = sorted(rows, key=lambda r: (r["t_source"], r["seq"]))
    slow: dict = {}
    for a, b in pairwise(ordered):
        for hour in range(a["t_source"] // hours, b["t_source"] // hours):
            key = (hour // 24, a["text"] or "UNAVAILABLE")
            slow[key] = slow.get(key, 0) + hours
    shuffle.shuffle(rows)
    got = state_durations(pl.DataFrame(rows, schema=frame([]).schema, orient="row"), [1])
    days = got.select(pl.col("day").to_physical(), "state", "ns").rows()
    assert {(d, s): ns for d, s, ns in days} == slow
