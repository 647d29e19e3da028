"""Slots: absolute, each closed once, and batches that outlive the poll that made them."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal_connectors.rows import Batch, Kind
from plantseal_connectors.slots import MAX_PENDING, MAX_ROWS_A_BATCH, Pipeline, PollGroup
from plantseal_connectors.status import (
    BAD_NOT_CONNECTED,
    BAD_RESOURCE_UNAVAILABLE,
    BAD_WAITING_FOR_INITIAL_DATA,
)
from plantseal_connectors.tags import Tag, TagSpec

TAGS = tuple(
    Tag(i, TagSpec(name=f"t{i}", equipment="m", address="x", period_ms=10)) for i in (3, 5)
)


class Clock:
    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


def empty() -> Batch:
    return Batch(PollGroup(0, 1, TAGS, 0, Clock(0)).silent_rows(np.array([1]), 0))


@given(period=st.integers(10**7, 10**11), ahead=st.integers(0, 5_000))
def test_missed_slots_are_closed_once_in_order(period: int, ahead: int) -> None:
    clock = Clock(1_000 * period)
    group = PollGroup(4, period, TAGS, closed=1_000, now=clock)
    clock.now_ns += ahead * period
    slots: list[int] = []
    while batch := group.close_missed(group.current(), BAD_NOT_CONNECTED):
        assert len(batch.rows) <= MAX_ROWS_A_BATCH
        assert batch.closed == ((4, group.closed),)
        assert set(batch.rows["status"].tolist()) == {BAD_NOT_CONNECTED}
        assert set(batch.rows["kind"].tolist()) == {Kind.SLOT}
        for t in TAGS:
            of_tag = batch.rows[batch.rows["tag"] == t.id]["src_seq"].tolist()
            assert of_tag == sorted(of_tag)
        slots += batch.rows[batch.rows["tag"] == 3]["src_seq"].tolist()
    assert slots == list(range(1_001, 1_000 + ahead))
    group.close(group.closed + 1)
    with pytest.raises(ValueError, match="follows"):
        group.close(group.closed)


def test_ticks_close_what_a_slow_poll_swallowed_and_never_drift() -> None:
    async def scenario() -> None:
        period = 20_000_000
        group = PollGroup.start(0, period, TAGS)
        closed: list[tuple[int, bool]] = []

        async def put(batch: Batch) -> None:
            assert set(batch.rows["status"].tolist()) == {BAD_RESOURCE_UNAVAILABLE}
            closed.extend((s, False) for s in sorted(set(batch.rows["src_seq"].tolist())))

        polls = 0
        async for slot in group.ticks(put):
            assert slot <= group.current()
            polls += 1
            if polls == 3:
                await asyncio.sleep(0.07)
            group.close(slot)
            closed.append((slot & 0xFFFFFFFF, True))
            if polls == 8:
                break
        numbers = [slot for slot, _ in closed]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert sum(not polled for _, polled in closed) >= 2

    asyncio.run(scenario())


def test_slots_that_passed_while_the_source_connected_say_so() -> None:
    async def scenario() -> None:
        group = PollGroup.start(0, 20_000_000, TAGS)
        await asyncio.sleep(0.05)
        batches: list[Batch] = []

        async def put(batch: Batch) -> None:
            batches.append(batch)

        async for slot in group.ticks(put):
            group.close(slot)
            break
        assert {s for b in batches for s in b.rows["status"].tolist()} == {
            BAD_WAITING_FOR_INITIAL_DATA
        }

    asyncio.run(scenario())


def test_however_many_tags_share_a_slot_a_batch_of_passed_slots_stays_small() -> None:
    tags = tuple(Tag(i, TAGS[0].spec) for i in range(1, 10_001))
    group = PollGroup(0, 1_000_000_000, tags, closed=1_000, now=Clock(1_100 * 1_000_000_000))
    batches = []
    while batch := group.close_missed(group.current(), BAD_RESOURCE_UNAVAILABLE):
        batches.append(batch)
    assert max(len(b.rows) for b in batches) <= MAX_ROWS_A_BATCH
    assert sum(len(b.rows) for b in batches) == 99 * 10_000
    assert [b.closed[0][1] for b in batches][-1] == group.closed == 1_099


def test_a_cancelled_poll_does_not_lose_the_batch_it_handed_over() -> None:
    async def scenario() -> None:
        durable: list[Batch] = []

        async def sink(batch: Batch) -> None:
            await asyncio.sleep(0.05)
            durable.append(batch)

        pipeline = Pipeline(sink)

        async def poll() -> None:
            while True:
                await pipeline.put(empty())

        task = asyncio.create_task(poll())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pipeline.drain(2)
        assert len(durable) == MAX_PENDING + 1  # bounded, and none of them lost

    asyncio.run(scenario())


def test_order_is_kept_and_a_sink_that_fails_is_heard_of() -> None:
    async def scenario() -> None:
        seen: list[Batch] = []

        async def sink(batch: Batch) -> None:
            await asyncio.sleep(0)
            seen.append(batch)
            if len(seen) == 3:
                raise OSError("disk full")

        pipeline = Pipeline(sink)
        batches = [empty() for _ in range(3)]
        for batch in batches:
            await pipeline.put(batch)
        with pytest.raises(OSError, match="disk full"):
            await pipeline.drain(1)
        assert all(a is b for a, b in zip(seen, batches, strict=True))

    asyncio.run(scenario())


def test_a_sink_that_hangs_is_given_up() -> None:
    async def scenario() -> None:
        pipeline = Pipeline(lambda _batch: asyncio.Event().wait())  # type: ignore[arg-type,return-value]
        await pipeline.put(empty())
        async with asyncio.timeout(1):
            await pipeline.drain(0.05)

    asyncio.run(scenario())
