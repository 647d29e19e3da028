"""The factory's figures agree with counting its events one by one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from plantseal_simulators.plant import Machine, truth


@given(seed=st.integers(0, 50), start=st.integers(0, 60_000), length=st.integers(1, 90_000))
def test_truth_equals_counting_millisecond_by_millisecond(seed, start, length):
    machine, end = Machine("m", seed), start + length
    slow = {"RUN": 0, "SETUP": 0, "IDLE": 0, "ALARM": 0}
    marks = [start, *(t for t, _ in machine.changes(start, end)), end]
    for a, b in pairwise(marks):
        slow[machine.state(a)] += b - a
    found = truth(machine, start, end)
    assert found.state_ms == slow
    assert found.total == len(list(machine.piece_times(start, end)))
    assert found.good + found.scrap == found.total


@given(seed=st.integers(0, 50), t=st.integers(0, 100_000))
def test_run_time_equals_the_sum_of_run_milliseconds_of_a_fresh_machine(seed, t):
    machine = Machine("m", seed)
    step = max(1, t // 200)
    assert machine.run_ms(t) == Machine("m", seed).run_ms(t)
    assert 0 <= machine.run_ms(t + step) - machine.run_ms(t) <= step


def test_two_seeds_are_two_shifts():
    assert list(Machine("m", 1).changes(0, 60_000)) != list(Machine("m", 2).changes(0, 60_000))
