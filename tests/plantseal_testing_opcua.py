"""What OPC UA tests share: a server on a thread of its own, a sink that remembers."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import numpy as np

from plantseal_connectors.opcua import OpcUaSettings, connector
from plantseal_connectors.rows import ROW, Batch, Kind, VType
from plantseal_connectors.source import Birth, Source, SourcePlan
from plantseal_connectors.tags import Tag, TagSpec
from plantseal_simulators.opcua import OpcUaSimulator

LINK = 99
T = TypeVar("T")


class Hosted:
    """A simulated server on its own thread and loop, as far from the client as can be."""

    def __init__(self, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.sim = self.do(OpcUaSimulator.start(**options))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stop(self) -> None:
        self.do(self.sim.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Recorder:
    """A sink that remembers; `gate` holds commits back."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.waiting = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Event()

    async def put(self, batch: Batch) -> None:
        self.waiting += 1
        self._changed.set()
        await self.gate.wait()
        self.waiting -= 1
        self.batches.append(batch)
        self._changed.set()

    def rows(self, tag: int | None = None, kind: Kind | None = None) -> np.ndarray:
        found = np.concatenate([b.rows for b in self.batches] or [np.zeros(0, ROW)])
        if tag is not None:
            found = found[found["tag"] == tag]
        return found if kind is None else found[found["kind"] == kind]

    def values(self, tag: int) -> list[object]:
        return [
            value_of(row, batch)
            for batch in self.batches
            for row in batch.rows
            if row["tag"] == tag and row["kind"] == Kind.VALUE
        ]

    async def until(self, true: Callable[[], bool], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                self._changed.clear()
                await self._changed.wait()


def value_of(row: Any, batch: Batch) -> object:
    bits = row["value"]
    match VType(row["vtype"]):
        case VType.NULL:
            return None
        case VType.BOOL:
            return bool(bits)
        case VType.I64:
            return int(bits.view(np.int64))
        case VType.U64:
            return int(bits)
        case VType.F64:
            return float(bits.view(np.float64))
        case VType.TEXT:
            return batch.texts[int(bits)].decode()
        case VType.BYTES:
            return batch.texts[int(bits)]


def plan_of(endpoint: str, addresses: list[str], **settings: Any) -> SourcePlan:
    """Tags are numbered from 1 in the order of their addresses."""
    options = {"publishing_ms": 50, "keepalive_s": 0.2} | settings
    tags = tuple(
        Tag(i, TagSpec(name=f"t{i}", equipment="m", address=address))
        for i, address in enumerate(addresses, 1)
    )
    return SourcePlan("s", OpcUaSettings(endpoint=endpoint, **options), tags, (), {"": LINK})


@contextlib.asynccontextmanager
async def running(plan: SourcePlan, sink: Recorder) -> AsyncIterator[tuple[Birth, asyncio.Task]]:
    source: Source = connector.build(plan)
    try:
        birth = await source.open()
        task = asyncio.create_task(source.run(sink))
        try:
            yield birth, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        await source.close()
