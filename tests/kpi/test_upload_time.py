"""Where the time of the window went: shifts, and planned stops by reason."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_kpi import frame, machine, plant, point

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.intervals import length
from plantseal_kpi.machines.upload_time import excluded_by_reason
from plantseal_kpi.plant import Period

START = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = 3600 * 10**9


def stop(reason, start, end, *equipment):
    hours = {"start": START + timedelta(hours=start), "end": START + timedelta(hours=end)}
    return {"period": hours, "reason": reason, "equipment": equipment}


def test_each_reason_and_the_unused_part_of_the_window_are_printed():
    calendar = {
        "shifts": [{"name": "早班", "start": "08:00", "end": "16:00"}],
        "stops": [stop("年度保养", 7, 10), stop("停电", 9, 12, "m2")],
    }
    p = plant([machine(), machine("m2")], [point()], calendar=calendar)
    report = evaluate(frame([]).lazy(), p, Period(start=START, end=START + timedelta(days=1)))
    parts = next(r for r in report.results if r.metric == "upload_rate").parts
    assert parts["window_ns"] == str(48 * HOUR)
    assert parts["unused_share"] == "0.666666666667"
    # 2 h of both machines; of the 3 h of m2 one lies in the stop listed before it
    assert parts["excluded_share 年度保养"] == "0.25"
    assert parts["excluded_share 停电"] == "0.125"
    assert parts["exclusion_share"] == "0.375"


stops = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(-5, 30), st.integers(1, 20)), max_size=6
)


@given(stops)
def test_each_hour_has_one_reason(listed):
    calendar = {"stops": [stop(reason, a, a + n) for reason, a, n in listed]}
    p = plant([machine()], calendar=calendar)
    zero = int(START.timestamp()) * 10**9
    shifts = [(zero, zero + 8 * HOUR), (zero + 12 * HOUR, zero + 20 * HOUR)]
    slow: dict[str, int] = {}
    for hour in (*range(8), *range(12, 20)):
        reason = next((r for r, a, n in listed if a <= hour < a + n), None)
        if reason:
            slow[reason] = slow.get(reason, 0) + HOUR
    got = excluded_by_reason(p, "m1", shifts)
    assert got == slow
    assert sum(got.values()) <= length(shifts)
