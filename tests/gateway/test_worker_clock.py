"""A wall clock that is set ends a worker, so that the next counts its slots on the new time."""

import asyncio
import time

import pytest

from plantseal.worker import process
from plantseal.worker.process import CLOCK_STEP_NS, _Clock


@pytest.mark.parametrize("step_ns", [3_600 * 10**9, -3_600 * 10**9, 56 * 365 * 86_400 * 10**9])
def test_a_step_of_the_wall_clock_stops_the_worker(
    step_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BEAT_S", 0.01)
    true = time.time_ns

    async def scenario() -> None:
        stop, clock = asyncio.Event(), _Clock()
        watching = asyncio.create_task(clock.watch(stop))
        await asyncio.sleep(0.05)
        assert not stop.is_set(), "a clock that goes right ends nothing"
        monkeypatch.setattr(time, "time_ns", lambda: true() + CLOCK_STEP_NS // 2)
        await asyncio.sleep(0.05)
        assert not stop.is_set(), "nor does a small correction"
        monkeypatch.setattr(time, "time_ns", lambda: true() + step_ns)
        await asyncio.wait_for(watching, 2)
        assert stop.is_set()
        assert abs(clock.stepped_ns - step_ns) < 10**9

    asyncio.run(scenario())
