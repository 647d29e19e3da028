"""The sink of one source inside a worker: rows go to the gateway, ``put`` returns once durable.

A batch that was handed over is sent even when the ``put`` is cancelled, and batches keep their
order: a poll slot marked closed by its source can therefore not get lost between two sources.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from plantseal.pipe import Rows
from plantseal_connectors.rows import ABSENT, ROW, Batch, Kind

MAX_UNACKED: Final = 64
"""Batches of one source sent and not yet durable; with more, ``put`` waits."""
MAX_UNACKED_BYTES: Final = 16 * 2**20
"""Bytes of one source sent and not yet durable; one batch may exceed it alone."""

_SILENT: Final = (int(Kind.SLOT), int(Kind.DEATH), int(Kind.GAP))


@dataclass(frozen=True, slots=True)
class _Parcel:
    batch: Batch
    size: int
    durable: "asyncio.Future[None]"


@dataclass(slots=True)
class Outbox:
    """A :class:`plantseal_connectors.source.RowSink` that ends at the pipe.

    Attributes:
        source: Source id.
        send: Takes a message for the gateway; never waits.
        alive_ns: When the device was last heard from [ns since the epoch]; 0 before.
        sent: Number of the last batch sent.
    """

    source: str
    send: Callable[[Rows], None]
    alive_ns: int = 0
    sent: int = 0
    _waiting: deque[_Parcel] = field(default_factory=deque)
    _unacked: deque[tuple[int, _Parcel]] = field(default_factory=deque)
    _unacked_bytes: int = 0

    async def put(self, batch: Batch) -> None:
        """Return once ``batch`` is durable.

        Raises:
            TypeError: The rows are not of the row's dtype.
        """
        await self.post(batch)

    def post(self, batch: Batch) -> "asyncio.Future[None]":
        """Hand over ``batch`` without waiting; the future is done once it is durable.

        Raises:
            TypeError: The rows are not of the row's dtype.
        """
        if batch.rows.dtype != ROW or batch.rows.ndim != 1:
            raise TypeError(f"source {self.source}: got rows of {batch.rows.dtype}, expected ROW")
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not len(batch.rows):
            durable.set_result(None)
            return durable
        self._note_life(batch)
        size = batch.rows.nbytes + sum(map(len, batch.texts))
        self._waiting.append(_Parcel(batch, size, durable))
        self._pump()
        return durable

    @property
    def backlog(self) -> int:
        """Return how many batches are not durable yet."""
        return len(self._waiting) + len(self._unacked)

    def acknowledged(self, upto: int) -> None:
        """Note that every batch up to this number is durable."""
        while self._unacked and self._unacked[0][0] <= upto:
            _, parcel = self._unacked.popleft()
            self._unacked_bytes -= parcel.size
            if not parcel.durable.done():  # a cancelled put has nobody to tell
                parcel.durable.set_result(None)
        self._pump()

    async def settle(self, within_s: float) -> bool:
        """Return True once everything handed over is durable, False after ``within_s`` seconds."""
        deadline = time.monotonic() + within_s
        while self.backlog and time.monotonic() < deadline:
            last = (self._waiting or [self._unacked[-1][1]])[-1]
            if last.durable.done():  # cancelled, but still on its way
                await asyncio.sleep(0.01)
            else:
                await asyncio.wait([last.durable], timeout=deadline - time.monotonic())
        return not self.backlog

    def _pump(self) -> None:
        while self._waiting:
            parcel = self._waiting[0]
            full = self._unacked_bytes + parcel.size > MAX_UNACKED_BYTES
            if len(self._unacked) >= MAX_UNACKED or (self._unacked and full):
                return
            self._waiting.popleft()
            self.sent += 1
            self._unacked.append((self.sent, parcel))
            self._unacked_bytes += parcel.size
            self.send(Rows(self.source, self.sent, parcel.batch))

    def _note_life(self, batch: Batch) -> None:
        heard = batch.rows["t_receive"][~np.isin(batch.rows["kind"], _SILENT)]
        if len(heard) and (latest := int(heard.max())) != ABSENT:
            self.alive_ns = max(self.alive_ns, latest)
