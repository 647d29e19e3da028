"""Pieces, amounts, states and labels by span, against a reading of the definitions by hand."""

import itertools
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, plant, point, row

from plantseal_kpi.plant import Carrier
from plantseal_kpi.rows.by_span import amount_in, label_spans, pieces_in, state_ns_in
from plantseal_kpi.rows.daily import DAILY, daily_of
from plantseal_kpi.rows.tally import Tally, times_of
from plantseal_kpi.rows.window import window
from plantseal_kpi.units import OF_CARRIER

N = 60
SPAN = (T0, T0 + 10 * N * SECOND)
STATES = {"RUN": "producing", "IDLE": "idle"}
POINTS = [point(role="state"), point(2, role="count_total"), point(3, role="energy", unit="kWh")]
edges = st.lists(st.integers(-2, 10 * N + 2), min_size=2, max_size=8).map(sorted)


def a_window(said, counts):
    p = plant([machine(states=STATES, stale_s=15)], POINTS)
    rows = [row(1, at(10 * i), s) for i, s in enumerate(said) if s is not None]
    rows += [row(t, at(10 * i), n) for i, n in enumerate(counts) for t in (2, 3) if n is not None]
    return window(frame(rows), p, SPAN), p


def spans_of(seconds):
    return [(at(a), at(b)) for a, b in itertools.pairwise(seconds)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(("RUN", "IDLE", "ODD", None)), min_size=N, max_size=N), edges)
def test_states_are_those_of_each_second(said, seconds):
    w, p = a_window(said, [])
    rows = {10 * i: s for i, s in enumerate(said) if s is not None}

    def state(second):
        told = [t for t in rows if t <= second]
        if not told or second - told[-1] >= 15 or not 0 <= second < 10 * N:
            return "unknown"
        return STATES.get(rows[told[-1]], "unknown")

    for (a, b), found in zip(
        itertools.pairwise(seconds),
        state_ns_in(w, p.equipment[0], spans_of(seconds)), strict=True,
    ):  # fmt: skip
        expected = [state(s) for s in range(a, b)]
        for name in ("producing", "idle", "unknown"):
            assert found.get(name, 0) == expected.count(name) * SECOND
    joined = label_spans(w, p.points[0])
    assert all(b > a for a, b in joined.select("start", "end").rows())
    known = sum(b - a for a, b in joined.select("start", "end").rows())
    heard = [s for s in range(10 * N) if any(0 <= s - t < 15 for t in rows)]
    assert known == len(heard) * SECOND


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=N, max_size=N), edges)
def test_pieces_belong_to_the_moment_of_the_later_reading(steps, seconds):
    total, counts = 5, []
    for step in steps:
        total += step or 0
        counts.append(None if step is None else total)
    w, p = a_window([], counts)
    read = [(10 * i, n) for i, n in enumerate(counts) if n is not None]
    pairs = list(itertools.pairwise(read))
    for (a, b), n, wh in zip(
        itertools.pairwise(seconds),
        pieces_in(w, p.equipment[0], "count_total", spans_of(seconds)),
        amount_in(w, p.points[2], spans_of(seconds)), strict=True,
    ):  # fmt: skip
        known = any(s < b and e > a for (s, _), (e, _) in pairs) and b > a
        expected = sum(y - x for (_, x), (e, y) in pairs if a < e <= b)
        assert n == (expected if known else None)
        assert wh == (1000 * expected if known else None)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8),
    st.integers(-5, 55), st.integers(-5, 55),
)  # fmt: skip
def test_times_within_a_span(spans, a, b):
    inside = {t for x, y in spans for t in range(x, y)}
    assert times_of(spans).within((a, b)) == len(inside & set(range(a, b)))


def test_sums_of_a_counter_hold_more_than_64_bits():
    told = Tally([1, 2], [0, 2**62, 2**64], times_of([(0, 2)]), [], [], {})
    assert told.counted((0, 2)) == 2**64
    assert told.counted((5, 9)) is None


def test_a_machine_without_any_reading_has_a_day_of_nulls():
    w, _ = a_window([], [])
    [day] = daily_of(w).to_dicts()
    assert list(day) == list(DAILY)
    assert (day["made"], day["energy_wh"], day["ns_producing"]) == (None, None, 0)
    assert day["ns_unknown"] == day["required_ns"] == 10 * N * SECOND


def test_every_carrier_has_a_base_unit():
    assert set(OF_CARRIER) == set(get_args(Carrier))
