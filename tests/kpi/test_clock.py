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
    assert (found["availability"].value, found["availability"].coverage) == ("0", "0")


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
