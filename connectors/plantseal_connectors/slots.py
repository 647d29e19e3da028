"""Poll slots: absolute, aligned to the epoch, each closed with exactly one row per tag.

Slot ``n`` of period ``p`` begins at ``n * p`` ns since the epoch. An overrun closes the slots it
swallowed with a status of their own; the schedule never drifts. A :class:`PollGroup` outlives the
Source that polls it, so a slot that passed while the device was away is closed by the runtime.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plantseal_connectors.rows import ABSENT, ROW, Batch, Kind
from plantseal_connectors.status import BAD_RESOURCE_UNAVAILABLE, BAD_WAITING_FOR_INITIAL_DATA
from plantseal_connectors.tags import Tag

Put = Callable[[Batch], Awaitable[None]]

MAX_ROWS_A_BATCH = 50_000
"""Rows in which passed slots are closed at a time: an outage of days takes bounded memory."""


def _anchored_clock() -> Callable[[], int]:
    """Return a clock [ns since the epoch] that a step of the wall clock does not move."""
    anchor = time.time_ns() - time.monotonic_ns()
    return lambda: anchor + time.monotonic_ns()


@dataclass(slots=True)
class PollGroup:
    """The tags of one source that share a period, and the last slot closed.

    Attributes:
        index: Group number within the source.
        period_ns: Slot length [ns].
        tags: Tags polled together.
        closed: Number of the last slot closed.
        now: Clock [ns since the epoch]; slots are counted on it.
    """

    index: int
    period_ns: int
    tags: tuple[Tag, ...]
    closed: int
    now: Callable[[], int]

    @classmethod
    def start(
        cls, index: int, period_ns: int, tags: tuple[Tag, ...], closed: int | None = None
    ) -> "PollGroup":
        """Return a group whose first slot is the next to begin, or follows ``closed``."""
        now = _anchored_clock()
        last = now() // period_ns
        return cls(index, period_ns, tags, last if closed is None else closed, now)

    def current(self) -> int:
        """Return the number of the slot that is running now."""
        return self.now() // self.period_ns

    def wait_s(self) -> float:
        """Return the seconds until the next slot that is not closed begins; 0 if it has begun."""
        return max(0, (self.closed + 1) * self.period_ns - self.now()) / 1e9

    def close(self, slot: int) -> tuple[int, int]:
        """Mark ``slot`` closed and return the mark that its batch carries.

        Raises:
            ValueError: The slot is not the one after the last closed.
        """
        if slot != self.closed + 1:
            raise ValueError(f"group {self.index}: slot {slot} follows {self.closed}")
        self.closed = slot
        return (self.index, slot)

    def close_missed(self, until: int, status: int) -> Batch | None:
        """Close open slots before ``until`` with SLOT rows; None when none is open.

        At most 50,000 rows at a time, but one slot at least: call it until it returns None.
        """
        step = max(1, MAX_ROWS_A_BATCH // max(1, len(self.tags)))
        first, last = self.closed + 1, min(until - 1, self.closed + step)
        if last < first or not self.tags:
            self.closed = max(self.closed, last)
            return None
        rows = self.silent_rows(np.arange(first, last + 1), status)
        self.closed = last
        return Batch(rows, closed=((self.index, last),))

    async def ticks(self, put: Put) -> AsyncIterator[int]:
        """Yield the number of each slot once it has begun, for ever; the caller closes it.

        Slots that passed while the caller was busy are closed first, with
        ``BAD_RESOURCE_UNAVAILABLE``: the poll before them took too long. Those before the first
        that is polled, when the source was still connecting, get ``BAD_WAITING_FOR_INITIAL_DATA``.
        """
        status = BAD_WAITING_FOR_INITIAL_DATA
        while True:
            if (wait_s := self.wait_s()) > 0:
                await asyncio.sleep(wait_s)
                continue  # a timer may fire early: look again
            slot = self.current()
            while self.closed + 1 < slot:
                if missed := self.close_missed(slot, status):
                    await put(missed)
            status = BAD_RESOURCE_UNAVAILABLE
            yield slot

    def silent_rows(self, slots: NDArray[np.int64], status: int) -> NDArray[np.void]:
        """Return one SLOT row per tag and slot, in slot order."""
        rows = np.zeros(len(slots) * len(self.tags), dtype=ROW)
        rows["tag"] = np.tile(np.array([t.id for t in self.tags], dtype="<u4"), len(slots))
        rows["status"] = status
        rows["t_source"] = rows["t_server"] = ABSENT
        rows["t_receive"] = self.now()
        rows["src_seq"] = np.repeat(slots & 0xFFFFFFFF, len(self.tags))
        rows["kind"] = Kind.SLOT
        return rows


MAX_PENDING = 64
"""Batches handed over and not yet durable; with more, the polls wait and slots are overrun."""


@dataclass(slots=True)
class Pipeline:
    """Batches on their way to a sink, so that a poll does not wait for the commit of the last.

    A batch handed over here is delivered even when the poll that made it is cancelled: its slot
    counts as closed from then on.

    Attributes:
        sink: Where the batches go; returns once a batch is durable.
    """

    sink: Put
    _pending: deque[asyncio.Task[None]] = field(default_factory=deque)

    async def put(self, batch: Batch) -> None:
        """Hand over ``batch``; waits only while ``MAX_PENDING`` batches are under way.

        Raises:
            Exception: Whatever the sink raised for an earlier batch.
        """
        self._pending.append(asyncio.create_task(self._deliver(batch)))
        while self._pending and (len(self._pending) > MAX_PENDING or self._pending[0].done()):
            oldest = self._pending[0]
            await asyncio.shield(oldest)  # cancelling the poll must not cancel the delivery
            if self._pending and self._pending[0] is oldest:
                self._pending.popleft()

    async def _deliver(self, batch: Batch) -> None:
        await self.sink(batch)

    async def drain(self, within_s: float) -> None:
        """Wait for every batch under way, at most ``within_s`` seconds, then give them up.

        Raises:
            Exception: Whatever the sink raised for one of them.
        """
        tasks, self._pending = list(self._pending), deque()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=within_s)
        for task in late:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
