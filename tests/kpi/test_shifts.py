"""Shifts: whose time it is, on which production day, and OEE as the ratio of sums over them."""

from datetime import UTC, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import SECOND, frame, machine, plant, point, row

from plantseal_kpi.calendar import common, merged, ns, planned_spans, shifts_of
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.intervals import length
from plantseal_kpi.machines.shifts import shift_work
from plantseal_kpi.machines.work import machines
from plantseal_kpi.plant import Period
from plantseal_kpi.rows.window import window

HOUR = 3600 * SECOND
DAY_AND_NIGHT = [
    {"name": "早班", "start": "08:00", "end": "20:00"},
    {"name": "夜班", "start": "20:00", "end": "08:00"},
]


def instant(text):
    return ns(datetime.fromisoformat(text))


def listed(zone, calendar, start, end):
    p = plant([machine()], zone=zone, calendar=calendar)
    return [
        (day.isoformat(), name, (b - a) / HOUR)
        for day, name, a, b in shifts_of(p, (instant(start), instant(end)))
    ]


def test_a_shift_over_midnight_and_new_year_is_of_the_day_on_which_it_began():
    got = listed("Asia/Shanghai", {"shifts": DAY_AND_NIGHT},
                 "2026-12-31T08:00:00+08:00", "2027-01-01T20:00:00+08:00")  # fmt: skip
    assert got == [
        ("2026-12-31", "早班", 12),
        ("2026-12-31", "夜班", 12),
        ("2027-01-01", "早班", 12),
    ]


def test_a_period_that_begins_within_a_night_shift_holds_its_rest():
    got = listed("Asia/Shanghai", {"shifts": DAY_AND_NIGHT},
                 "2026-11-25T00:00:00+08:00", "2026-11-25T09:00:00+08:00")  # fmt: skip
    assert got == [("2026-11-24", "夜班", 8), ("2026-11-25", "早班", 1)]


@pytest.mark.parametrize(("day", "hours"), [("2021-03-27", 11), ("2021-10-30", 13)])
def test_a_night_of_daylight_saving(day, hours):
    start = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    got = listed("Europe/Berlin", {"shifts": DAY_AND_NIGHT[1:]},
                 start.isoformat(), (start + timedelta(days=1)).isoformat())  # fmt: skip
    assert got == [(day, "夜班", hours)]


def test_overlapping_shifts_share_no_time():
    shifts = [{"name": "a", "start": "06:00", "end": "14:30"},
              {"name": "b", "start": "14:00", "end": "22:30"},
              {"name": "within", "start": "15:00", "end": "16:00"}]  # fmt: skip
    got = listed(
        "UTC", {"shifts": shifts}, "2026-11-24T00:00:00+00:00", "2026-11-25T00:00:00+00:00"
    )
    assert got == [("2026-11-24", "a", 8.5), ("2026-11-24", "b", 8)]


def test_without_shifts_a_local_day_is_one():
    got = listed("Asia/Shanghai", {"holidays": ["2026-11-25"]},
                 "2026-11-24T12:00:00+08:00", "2026-11-26T06:00:00+08:00")  # fmt: skip
    assert got == [("2026-11-24", "", 12), ("2026-11-26", "", 6)]


times = st.tuples(st.integers(0, 23), st.sampled_from([0, 30])).map(lambda t: time(*t))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(times, times), max_size=4),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns"]),
    st.integers(0, 400 * 48),
    st.integers(1, 10 * 48),
)
def test_shifts_are_disjoint_and_make_up_the_planned_time(shifts, zone, begin, half_hours):
    calendar = {
        "shifts": [{"name": str(i), "start": a, "end": b} for i, (a, b) in enumerate(shifts)]
    }
    p = plant([machine()], zone=zone, calendar=calendar)
    first = ns(datetime(2020, 12, 1, tzinfo=UTC)) + begin * HOUR // 2
    span = first, first + half_hours * HOUR // 2
    spans = [(a, b) for _, _, a, b in shifts_of(p, span)]
    assert sum(b - a for a, b in spans) == length(merged(spans))
    assert merged(spans) == planned_spans(p, "m1", span)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8),
)
def test_common_time_equals_sets_of_moments(a, b):
    def moments(spans):
        return {t for start, end in spans for t in range(start, end)}

    got = common(a, b)
    assert moments(got) == moments(a) & moments(b)
    assert got == merged(got)


# ── OEE over shifts: the worked example of definitions 2.3 ──────────────────────────────────

START = datetime(2026, 11, 24, tzinfo=UTC)
THREE = [
    {"name": "一", "start": "00:00", "end": "08:00"},
    {"name": "二", "start": "08:00", "end": "09:00"},
    {"name": "三", "start": "09:00", "end": "17:00"},
]
EARNED = {"一": 20_160, "二": 1_800, "三": 23_040}


def worked_example():
    """PRU 60 s: 336, 30 and 384 good pieces in the three shifts, a reading a minute."""
    begin, hours = ns(START), {"一": (0, 8), "二": (8, 9), "三": (9, 17)}
    rows, made = [], 0
    for name, (a, b) in hours.items():
        target = EARNED[name] // 60
        for minute in range(a * 60, b * 60):
            done = made + target * (minute - a * 60) // ((b - a) * 60)
            t = begin + minute * 60 * SECOND
            rows += [row(1, t, "RUN"), row(2, t, done), row(3, t, done)]
        made += target
    rows += [row(tag, begin + 17 * HOUR, made) for tag in (2, 3)]
    m = machine(ideal_cycle_s="60", states={"RUN": "producing"})
    roles = {1: "state", 2: "count_total", 3: "count_good"}
    points = [point(t, role=r, period_ms=60_000, keepalive_ms=60_000) for t, r in roles.items()]
    p = plant([m], points, calendar={"shifts": THREE})
    return frame(rows), p, Period(start=START, end=START + timedelta(days=1))


def test_the_worked_example_of_three_shifts():
    rows, p, period = worked_example()
    report = evaluate(rows.lazy(), p, period)
    found = {r.scope: r for r in report.results if r.metric == "oee"}
    assert found["plant"].value == "0.735294117647"
    each = [found[f"plant@2026-11-24/{s}"] for s in EARNED]
    # a piece counted at the very edge belongs to the shift that ends there
    assert [int(r.numerator) // SECOND for r in each] == list(EARNED.values())
    mean = sum(Fraction(int(r.numerator), int(r.denominator)) for r in each) / 3
    assert round(float(mean), 6) == 0.666667


def test_the_sums_of_shifts_are_the_sums_of_the_period():
    rows, p, period = worked_example()
    w = window(rows, p, (ns(period.start), ns(period.end)))
    worked = machines(w)
    shifts = shift_work(w, worked)
    assert sum(x.earned_ns for x in shifts) == worked[0].earned_ns == 45_000 * SECOND
    assert sum(x.times.pbt for x in shifts) == worked[0].planned_ns
    assert sum(x.times.apt for x in shifts) == worked[0].times.apt
    assert [(x.day.isoformat(), x.shift) for x in shifts] == [("2026-11-24", s) for s in EARNED]
