"""A Modbus source on a simulator, and the rows it delivers."""

import asyncio
import contextlib
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plantseal_connectors.modbus import ModbusSettings, connector
from plantseal_connectors.rows import ROW, Batch, Kind
from plantseal_connectors.slots import PollGroup
from plantseal_connectors.source import Birth, SourcePlan
from plantseal_connectors.tags import Tag, TagSpec
from plantseal_simulators.modbus import ModbusSimulator

PERIOD_NS = 25_000_000


def tag(number: int, address: str, kind: str = "", **more: object) -> Tag:
    return Tag(
        number,
        TagSpec(name=f"t{number}", equipment="m", address=address, type=kind, **more),  # type: ignore[arg-type]
    )


@dataclass
class Journal:
    """Takes batches as the gateway's writer would: each put ends after a commit."""

    commit_s: float = 0.0
    batches: list[Batch] = field(default_factory=list)

    async def put(self, batch: Batch) -> None:
        await asyncio.sleep(self.commit_s)
        self.batches.append(batch)

    @property
    def rows(self) -> NDArray[np.void]:
        return np.concatenate([b.rows for b in self.batches] or [np.zeros(0, ROW)])

    def of(self, number: int) -> NDArray[np.void]:
        rows = self.rows
        return rows[rows["tag"] == number]

    def good(self, number: int) -> NDArray[np.void]:
        rows = self.of(number)
        return rows[(rows["status"] == 0) & (rows["kind"] == Kind.VALUE)]

    def statuses(self, number: int) -> Counter[int]:
        return Counter(self.of(number)["status"].tolist())

    def assert_each_slot_closed_once(self, tags: tuple[Tag, ...]) -> None:
        marks = [slot for b in self.batches for _, slot in b.closed]
        assert marks == sorted(set(marks)), "marks must rise"
        for t in tags:
            slots = self.of(t.id)["src_seq"].tolist()
            assert slots == list(range(slots[0], slots[0] + len(slots))), t
            assert slots[-1] == marks[-1] & 0xFFFFFFFF


@dataclass
class Rig:
    """One source polling one group, as the runtime builds it."""

    settings: ModbusSettings
    tags: tuple[Tag, ...]
    journal: Journal = field(default_factory=Journal)
    period_ns: int = PERIOD_NS

    def __post_init__(self) -> None:
        self.group = PollGroup.start(0, self.period_ns, self.tags)
        self.birth: Birth | None = None

    async def run(
        self, until: Callable[[Journal], bool] | None = None, within_s: float = 8.0
    ) -> None:
        """Open and run a new source until ``until`` holds; raises what the source raises."""
        source = connector.build(SourcePlan("s", self.settings, self.tags, (self.group,), {"": 99}))
        try:
            self.birth = await source.open()
            running = asyncio.create_task(source.run(self.journal))
            try:
                async with asyncio.timeout(within_s):
                    while not running.done():
                        if until and until(self.journal):
                            break
                        await asyncio.sleep(0.005)
            finally:
                if not running.done():
                    running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running
        finally:
            await source.close()


def slots(number: int) -> Callable[[Journal], bool]:
    """Until so many slots are closed."""
    return lambda journal: len({s for b in journal.batches for _, s in b.closed}) >= number


def simulated(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test with a fresh simulator as its argument ``server``."""
    signature = inspect.signature(test)

    def run(**given: object) -> None:
        async def scenario() -> None:
            server = await ModbusSimulator.start()
            try:
                await test(server, **given)
            finally:
                await server.stop()

        asyncio.run(scenario())

    run.__name__ = getattr(test, "__name__", "test")
    run.__doc__ = test.__doc__
    marks = getattr(test, "pytestmark", [])
    run.pytestmark = marks  # type: ignore[attr-defined]
    rest = [p for p in signature.parameters.values() if p.name != "server"]
    run.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
    return run


def enough_good(number: int, *tags: int) -> Callable[[Journal], bool]:
    """Until each of these tags has so many good values."""
    return lambda journal: all(len(journal.good(t)) >= number for t in tags)
