"""Clocks in the log: read, never set, and a step of the wall clock is said."""

import re
import sqlite3
import time
from pathlib import Path

import pytest
from plantseal_testing_store import check_store, new_store, numbered, submitted

from plantseal.clock import boot_id, read_clock


def test_a_reading_lies_between_two_others_and_says_what_the_kernel_knows() -> None:
    before, boot_before = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    reading = read_clock()
    assert before <= reading.wall_ns <= time.time_ns()
    assert boot_before <= reading.boot_ns <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    known = [reading.synced, reading.offset_ns, reading.max_error_ns]
    assert all(x is None for x in known) or all(x is not None for x in known)
    assert reading.max_error_ns is None or reading.max_error_ns >= 0
    assert re.fullmatch(r"[0-9a-f-]{36}|", boot_id())
    assert boot_id() == boot_id()


@pytest.mark.parametrize(("step_s", "logged"), [(0, 0), (-3_600, 1), (2, 1)])
def test_a_wall_clock_that_was_set_between_two_blocks_is_logged(
    tmp_path: Path, step_s: int, logged: int
) -> None:
    journal = new_store(tmp_path)
    journal.append(submitted(numbered(0, 1)))
    journal.close_block()
    with sqlite3.connect(journal.path) as db:  # as if that block had been closed by another clock
        db.execute("UPDATE blocks SET wall_ns = wall_ns - ?", (step_s * 10**9,))
    db.close()
    journal.append(submitted(numbered(1, 1)))
    journal.close()
    clocks = [e for e in check_store(tmp_path) if e["t"] == "clock"]
    assert len(clocks) == logged
    for entry in clocks:
        assert abs(int(str(entry["step_ns"])) - step_s * 10**9) < 10**9
