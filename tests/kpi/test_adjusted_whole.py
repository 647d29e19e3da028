"""Days that a meter knows whole, and days that a gap reaches into."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import birth, frame, machine, plant, point, row

from plantseal_kpi.energy.whole import HOUR_NS, known_whole, slices
from plantseal_kpi.rows.by_span import amount_in
from plantseal_kpi.rows.window import window
from plantseal_kpi.schema import Kind

DAY = 24 * HOUR_NS
START = 19_676 * DAY  # 2023-11-15
SPANS = [(START + i * DAY, START + (i + 1) * DAY) for i in range(4)]
MINUTES = 60 * 10**9


def whole(rows, **more):
    p = plant([machine()], [point(1, role="energy", unit="Wh", period_ms=600_000, **more)])
    w = window(frame(rows), p, (SPANS[0][0], SPANS[-1][1]))
    meter = w.plant.points[0]
    return known_whole(w, [meter], "Wh", SPANS, partial(amount_in, w, meter))


def polled(lost=()):
    """A reading every ten minutes, 1 Wh more each time, but not in the hours ``lost``."""
    times = range(START, SPANS[-1][1] + 1, 10 * MINUTES)
    return [
        row(1, t, 5000 + i)
        for i, t in enumerate(times)
        if not any(a * HOUR_NS < t - START < b * HOUR_NS for a, b in lost)
    ]


def test_whole_days_are_known():
    assert whole(polled()) == [144] * 4


@pytest.mark.parametrize(
    ("lost", "known"),
    [
        ((10, 13), [144] * 4),  # within a day the register bridges it
        ((20, 28), [None, None, 144, 144]),  # across midnight it lands in the wrong day
        ((23, 25), [144, 144, 144, 144]),  # less than a tenth of a day
        ((30, 90), [144, None, None, None]),
        ((-1, 20), [None, 144, 144, 144]),  # begins late
        ((80, 97), [144, 144, 144, None]),  # ends early
    ],
)
def test_a_gap_hides_the_days_that_it_reaches_into(lost, known):
    got = whole(polled([lost]))
    assert [x is None for x in got] == [x is None for x in known]
    if lost == (10, 13):
        assert got == known


def test_silence_of_a_living_device_is_no_gap():
    """A subscribed register that stands still over two nights, with keep-alives."""
    alive = [birth(100, START - HOUR_NS)]
    alive += [
        row(100, t, kind=Kind.KEEPALIVE) for t in range(START - HOUR_NS, SPANS[-1][1], 5 * MINUTES)
    ]
    told = [row(1, START - HOUR_NS, 70)]
    told += [
        row(1, START + i * DAY + h * HOUR_NS, 70 + 10 * i + h - 8)
        for i in range(4)
        for h in range(8, 18)
    ]
    known = {"mode": "subscribed", "protocol": "opcua", "keepalive_ms": 300_000}
    assert whole(alive + told, **known) == [9, 10, 10, 10]
    # Without the signs of life nobody knows what happened at night.
    assert None in whole(told, **known)


def test_slices_follow_the_local_day():
    summer = (1_711_839_600 * 10**9, 1_711_922_400 * 10**9)  # 2024-03-31 in Berlin: 23 hours
    assert len(slices(summer, "Europe/Berlin")) == 23
    month = (1_709_247_600 * 10**9, 1_711_922_400 * 10**9)
    cut = slices(month, "Europe/Berlin")
    assert (len(cut), cut[0][0], cut[-1]) == (31, month[0], summer)
    assert slices((0, 10), "UTC", 4) == [(0, 4), (4, 8), (8, 10)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 98), st.integers(1, 30)), max_size=3))
def test_what_is_known_is_never_far_from_the_truth(gaps):
    """Whatever is lost, a day that counts as known is within a tenth of the register's own truth."""
    got = whole(polled([(a, a + n) for a, n in gaps]))
    assert all(x is None or abs(x - 144) <= 30 for x in got)
    if not gaps:
        assert got == [144] * 4
