"""Recorded logs keep their order and their times when they are served again."""

import asyncio
import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal_simulators.replay import Event, Mapping, numeric_keys, read_shdr, replay, window


@given(t=st.integers(0, 86_400_000_000), speed=st.integers(1, 10_000))
def test_mapping_back_is_exact_to_one_present_microsecond(t, speed):
    mapping = Mapping(start_us=10**15, begin_us=17 * 10**14, speed=speed)
    back = mapping.log(mapping.present(10**15 + t)) - 10**15
    assert 0 <= t - back < speed


def test_the_state_dump_is_moved_to_the_start_and_order_is_kept(tmp_path):
    log = tmp_path / "day.txt.gz"
    with gzip.open(log, "wt") as f:
        f.write("2018-02-07T00:00:01Z|b|1\n2017-11-09T21:08:09.682978Z|a|UNAVAILABLE\n")
        f.write("2018-02-07T00:00:01Z|c_cond|Fault|9|text\n2018-02-08T00:00:00Z|a|late\n")
    start = 1_517_961_600_000_000  # 2018-02-07T00:00:00Z
    events = window(read_shdr(log), start, start + 86_400_000_000)
    assert [(e.key, e.t_us - start, e.value) for e in events] == [
        ("a", 0, "UNAVAILABLE"),
        ("b", 1_000_000, "1"),
        ("c_cond", 1_000_000, "Fault|9|text"),
    ]
    assert numeric_keys(events) == {"a": True, "b": True, "c_cond": False}


def test_events_are_published_when_due_and_not_before():
    begin = time.time_ns() // 1000 + 20_000
    mapping = Mapping(0, begin, 10)
    seen = []

    async def write(event, due_us):
        seen.append((event.key, time.time_ns() // 1000 - due_us))

    asyncio.run(replay([Event(0, "a", "1"), Event(1_000_000, "b", "2")], mapping, write))
    assert [key for key, _ in seen] == ["a", "b"]
    assert all(late_us >= -3_000 for _, late_us in seen)


def test_a_line_without_two_bars_is_an_error(tmp_path):
    (tmp_path / "x.txt").write_text("2018-02-07T00:00:01Z|b\n")
    with pytest.raises(ValueError, match="not enough values"):
        list(read_shdr(tmp_path / "x.txt"))
