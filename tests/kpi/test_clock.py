"""Clocks that are set while a session lasts, and what a new subscription says again."""

import pytest
from plantseal_testing_kpi import at, birth, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.schema import Flag, Kind

STATES = {"RUN": "producing", "IDLE": "idle"}
SUBSCRIBED = {
    "mode": "subscribed", "protocol": "opcua", "keepalive_ms": 10_000, "publishing_ms": 1_000,
}  # fmt: skip
YEAR = 365 * 86_400


def figures(rows, **more):
    p = plant([machine(states=STATES)], [point(1, role="state", **SUBSCRIBED | more)])
    report = evaluate(frame(rows).lazy(), p, period(3600))
    return {r.metric: r for r in report.results if r.scope == "plant"}


def beats(start, end):
    return [row(100, at(t), kind=Kind.KEEPALIVE) for t in range(start, end, 10)]


def switching(fast_by):
    """RUN and IDLE by turns of ten seconds, the clock ahead by ``fast_by(n)`` seconds."""
    states = [
        row(1, at(10 * n), "RUN" if n % 2 else "IDLE", t_source=at(10 * n + fast_by(n)))
        for n in range(360)
    ]
    return [birth(100, at(0), product="x"), *beats(0, 3600), *states]


@pytest.mark.parametrize("step_s", [40, -41, 700, -9 * YEAR])
def test_a_clock_set_within_a_session_moves_no_state(step_s):
    found = figures(switching(lambda n: step_s if n >= 200 else 0))
    assert found["availability"].value == "0.5"
    assert found["upload_rate"].value == "1"
    [step] = [f for f in found["upload_rate"].findings if f.code.startswith("clock")]
    assert step.code == "clock.step"
    assert f"{abs(step_s)}.000 s {'ahead of' if step_s > 0 else 'behind'}" in step.message
    assert "source s:" in step.message


def test_a_few_late_values_are_no_step_of_the_clock():
    late = {100, 101, 102}
    found = figures(switching(lambda n: -121 if n in late else 0))
    codes = {f.code for f in found["upload_rate"].findings}
    assert "upload.late" in codes
    assert not codes & {"clock.step", "clock.offset"}


def test_what_a_new_subscription_repeats_is_heard_now_and_no_duplicate():
    first = int(Flag.FIRST)
    rows = [
        birth(100, at(0), product="x"), row(1, at(0), "RUN", t_source=at(-5), flags=first),
        *beats(0, 1800),
        row(100, at(2400), kind=Kind.GAP, t_source=at(1800), t_server=at(2400)),
        birth(100, at(2400), product="x"), row(1, at(2400), "RUN", t_source=at(-5), flags=first),
        *beats(2400, 3600),
    ]  # fmt: skip
    found = figures(rows)
    # evidence ends with the last keep-alive's freshness or the gap, whichever comes first
    assert found["upload_rate"].value == found["availability"].value == "0.833333333333"
    assert not any(f.code == "rows.duplicates" for f in found["upload_rate"].findings)


def test_a_retained_value_is_no_sign_of_life():
    retained = [
        row(1, at(10 * n), "RUN", t_source=at(10 * n), flags=int(Flag.RETAINED)) for n in range(360)
    ]
    found = figures(retained, mode="published", protocol="mqtt")
    assert (found["availability"].value, found["availability"].coverage) == (None, "0")


def test_a_stored_value_counts_at_its_own_time():
    # an hour of states, all delivered at its end out of the device's store
    stored = [
        row(1, at(3600), "RUN" if n % 2 else "IDLE", t_source=at(10 * n),
            flags=int(Flag.HISTORICAL))
        for n in range(360)
    ]  # fmt: skip
    found = figures(stored, mode="published", protocol="sparkplug")
    assert found["availability"].value == "0.5"
    assert found["upload_rate"].value == "0"


def test_a_value_received_before_an_outage_does_not_speak_for_the_time_after_it():
    """The median delay of the session is 200 ms; the last value came after 10 ms."""
    values = [row(1, at(t + 0.2), "RUN" if t % 20 else "IDLE", t_source=at(t))
              for t in range(0, 100, 10)]  # fmt: skip
    rows = [
        birth(100, at(0), product="x"), *values, row(1, at(100.01), "RUN", t_source=at(100)),
        row(100, at(2000), kind=Kind.GAP, t_source=at(100.01), t_server=at(2000)),
        birth(100, at(2000), product="x"), *beats(2000, 3600),
        row(1, at(2000.01), "RUN", t_source=at(100), flags=int(Flag.FIRST)),
    ]  # fmt: skip
    found = figures(rows)
    unknown_ns = int(found["availability"].parts["unknown_ns"])
    assert unknown_ns >= at(2000) - at(100.01)
    assert float(found["upload_rate"].value) <= 1 - 1899.9 / 3600


def test_a_count_that_changes_while_a_subscription_is_made_does_not_run_backwards():
    """Piece 36 is finished after the first value was sampled and before it arrives."""
    counted = {**SUBSCRIBED, "unit": "piece"}
    p = plant(
        [machine(states=STATES)],
        [point(1, role="count_total", **counted), point(2, role="count_good", **counted)],
    )
    rows = [birth(100, at(0), product="x"), *beats(0, 3600)]
    for tag in (1, 2):
        rows += [row(tag, at(t + 0.1), t // 10, t_source=at(t)) for t in range(10, 360, 10)]
        rows += [
            row(tag, at(400.1), 35, t_source=at(350), flags=int(Flag.FIRST)),
            row(tag, at(400.2), 36, t_source=at(400.05)),
            row(tag, at(410.1), 37, t_source=at(410)),
        ]
    report = evaluate(frame(rows).lazy(), p, period(3600))
    made = next(r for r in report.results if r.metric == "defect_rate" and r.scope == "m1")
    assert made.denominator == "36"  # 37 less the first reading, which only begins the count
    assert not [f for f in made.findings if "reset" in f.code]


def test_a_backlog_sent_after_a_reconnection_happened_when_its_source_says_so():
    """Three seconds of lag in one session, right before and after: no clock was wrong."""
    rows = [birth(100, at(-5))]
    told = [(i / 10, i / 10) for i in range(-50, 270)]
    told += [(i / 10, i / 10 + 3) for i in range(270, 320)]
    told += [(i / 10, max(35, i / 10)) for i in range(320, 600)]
    rows += [birth(100, at(30)), birth(100, at(35))]
    rows += [row(1, at(r), 1000 + round(s * 10) + 100, t_source=at(s)) for s, r in told]
    meter = point(
        1, role="energy", unit="Wh", mode="published", protocol="sparkplug", period_ms=1000,
        keepalive_ms=5000,
    )  # fmt: skip
    p = plant([machine(stale_s=5)], [meter], notices=())
    report = evaluate(frame(rows).lazy(), p, period(50))
    [energy] = [r for r in report.results if r.metric == "energy" and r.scope == "m1"]
    assert (energy.numerator, energy.findings) == ("500", ())
