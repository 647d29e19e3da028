"""Loops in automatic: net, gross, at a limit, unknown; the plan's mistakes."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate

SECONDS = 600


def part(start, end):
    begin = datetime.fromtimestamp(T0 // SECOND, UTC)
    return {"start": begin + timedelta(seconds=start), "end": begin + timedelta(seconds=end)}


def rate(loops, rows, exclusions=(), *, modes=None, scale="1", tags=None, **more):
    """The figure of loops given as (id, mode tag, output tag or None)."""
    points = []
    for _, mode, output in loops:
        points.append(point(mode, role="loop_mode"))
        if output is not None:
            points.append(point(output, role="loop_output", scale=scale))
    plan = [
        {"id": name, "mode": f"m1.t{mode}", "output": output and f"m1.t{output}"}
        for name, mode, output in loops
    ]
    listed = [
        {"loop": name, "period": part(a, b), "reason": "工艺停用"} for name, a, b in exclusions
    ]
    process = {"loops": plan, "exclusions": listed}
    p = plant([machine()], points, process=process, **more)
    report = evaluate(frame(rows).lazy(), p, period(SECONDS))
    return next(r for r in report.results if r.metric == "auto_control_in_service_rate")


def polled(tag, value, until=SECONDS):
    return [row(tag, at(t), value(t)) for t in range(-10, until, 10)]


def codes(result):
    return {f.code for f in result.findings}


def test_the_worked_example_of_200_loops():
    loops = [(f"L{i}", 1000 + i, 2000 + i) for i in range(200)]
    rows = []
    for i, (_, mode, output) in enumerate(loops):
        rows += polled(mode, lambda t, auto=i < 188: "AUTO" if auto else "MAN")
        rows += polled(output, lambda t: 50.0)
    r = rate(loops, rows, [(f"L{i}", 0, SECONDS) for i in range(188, 200)])
    assert (r.value, r.parts["gross"]) == ("1", "0.94")
    assert (r.parts["exclusion_share"], r.parts["loops_excluded"]) == ("0.06", "12")
    assert "loops.exclusions" in codes(r)
    assert "工艺停用" in r.findings[-1].message


@pytest.mark.parametrize(
    ("output", "value"),
    [(1.0, "0"), (1.01, "1"), (98.99, "1"), (99.0, "0"), (100.0, "0"), (0.0, "0"), (50, "1")],
)
def test_a_valve_at_its_limit_controls_nothing(output, value):
    rows = polled(1, lambda t: "CAS") + polled(2, lambda t: output)
    r = rate([("L", 1, 2)], rows)
    assert (r.value, r.parts["auto_without_output_check"]) == (value, "1")


def test_the_range_is_in_the_unit_of_the_point():
    rows = polled(1, lambda t: "AUTO") + polled(2, lambda t: 500 if t < 300 else 1000)
    assert rate([("L", 1, 2)], rows, scale="0.1").value == "0.5"


def test_manual_bad_and_silent_time_is_not_in_service():
    rows = polled(1, lambda t: "AUTO" if t < 200 else "MAN" if t < 400 else None)
    rows += polled(2, lambda t: 50.0)
    r = rate([("L", 1, 2)], rows)
    assert (r.value, r.low, r.high) == ("0.333333333333", "0.333333333333", "0.666666666667")
    assert r.coverage == "0.666666666667"


def test_a_loop_without_output_is_not_shown_to_control():
    r = rate([("L", 1, None)], polled(1, lambda t: "AUTO"))
    assert (r.value, r.high, r.parts["auto_without_output_check"]) == ("0", "1", "1")
    assert "loops.no_output" in codes(r)


def test_exclusions_over_a_tenth_are_notable():
    rows = polled(1, lambda t: "AUTO" if t < 500 else "MAN") + polled(2, lambda t: 50.0)
    r = rate([("L", 1, 2)], rows, [("L", 500, 700), ("other", 0, 10)])
    assert (r.value, r.parts["gross"]) == ("1", "0.833333333333")
    assert {"loops.exclusions_notable", "loops.unknown"} <= codes(r)


def test_time_that_is_not_planned_is_not_required():
    stop = {"stops": [{"period": part(300, 600), "reason": "r"}]}
    rows = polled(1, lambda t: "AUTO" if t < 300 else "MAN") + polled(2, lambda t: 50.0)
    r = rate([("L", 1, 2)], rows, calendar=stop)
    assert (r.value, r.denominator) == ("1", str(300 * SECOND))


def test_a_plan_without_loops_or_with_a_wrong_name_says_so():
    assert codes(rate([], [])) == {"figure.none"}
    p = plant([machine()], [], process={"loops": [{"id": "L", "mode": "nothing"}]})
    report = evaluate(frame([]).lazy(), p, period(SECONDS))
    r = next(r for r in report.results if r.metric == "auto_control_in_service_rate")
    assert (r.value, "loops.no_mode" in codes(r)) == (None, True)


modes = st.lists(st.sampled_from(["AUTO", "MAN", "CAS", None]), min_size=60, max_size=60)
outputs = st.lists(st.sampled_from([0.5, 1.0, 50.0, 99.5, None]), min_size=60, max_size=60)
holes = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), max_size=3)


@settings(max_examples=40, deadline=None)
@given(modes, outputs, holes)
def test_equal_to_a_walk_over_ten_seconds(mode, output, excluded):
    rows = [row(1, at(10 * i), v) for i, v in enumerate(mode)]
    rows += [row(2, at(10 * i), v) for i, v in enumerate(output)]
    alive = [m is not None or o is not None for m, o in zip(mode, output, strict=True)]
    out = {i for a, n in excluded for i in range(a, min(60, a + n))}
    # a sign of life is believed for 60 s, as stale_s says
    heard = {i + k for i in range(60) if alive[i] for k in range(6)}
    service = [
        i for i in range(60)
        if i in heard and mode[i] in ("AUTO", "CAS") and output[i] == 50.0
    ]  # fmt: skip
    r = rate([("L", 1, 2)], rows, [("L", 10 * a, 10 * (a + n)) for a, n in excluded])
    net, gross = [i for i in service if i not in out], 60 - len(out)
    assert (r.numerator, r.denominator) == (str(len(net) * 10 * SECOND), str(gross * 10 * SECOND))
    assert Fraction(r.parts["gross"]).limit_denominator(60) == Fraction(len(service), 60)


def test_time_in_which_a_loop_was_not_heard_of_is_named():
    rows = [row(1, at(t), "AUTO") for t in range(-10, 301, 10)]
    rows += [row(2, at(t), 50) for t in range(-10, 301, 10)]
    r = rate([("a", 1, 2)], rows)
    silent = next(f for f in r.findings if f.code == "loops.unread")
    assert silent.data["unknown_ns"] == r.parts["unknown_ns"] != "0"
    assert silent.data["loops"] == "a"
    assert r.value != r.high
