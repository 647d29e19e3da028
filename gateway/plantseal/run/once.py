"""``check`` and ``read --once``: the sources in this process, for a moment; nothing goes to disk."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np

from plantseal.config import RECORDED, Bound, BoundSource
from plantseal.run.tally import Shown, reading
from plantseal.worker import OPEN_S, Loss, loss_of, no_session, readable
from plantseal_connectors.registry import connectors
from plantseal_connectors.rows import ABSENT, Batch, Kind, VType
from plantseal_connectors.source import Birth, Source
from plantseal_connectors.status import BAD_WAITING_FOR_INITIAL_DATA
from plantseal_connectors.status import text as status_text
from plantseal_connectors.tags import Tag

T = TypeVar("T")
CLOSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What came of connecting to a source once.

    Attributes:
        ok: Connected, and the device knows every tag.
        detail: Who answered and how, or why nobody did.
        remedy: What to do about it; empty when nothing is.
    """

    id: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one tag, as shown to a person.

    Attributes:
        tag: Name.
        value: In the tag's unit; None when there is none.
        unit: Unit of the value.
        status: Status in words.
        t_source: Time the device gave [ns since the epoch]; None if it gave none.
        latency_ms: From the first question to the answer [ms]; None when there was no answer.
    """

    tag: str
    value: Shown
    unit: str
    status: str
    t_source: int | None
    latency_ms: float | None


def check_connect(bound: Bound) -> list[SourceCheck]:
    """Open every source once, all at the same time, and close it again.

    Returns:
        One result a source, in the order of the file; recorded data is left out.
    """
    return asyncio.run(_all(_running(bound), _check))


def read_once(bound: Bound, timeout_s: float = 10.0) -> list[Reading]:
    """Return the first reading of every tag, in the order of the file.

    A tag without an answer within ``timeout_s`` seconds has no latency, and the status tells why.
    """

    async def read(source: BoundSource) -> list[Reading]:
        return await _read(source, timeout_s)

    return [r for found in asyncio.run(_all(_running(bound), read)) for r in found]


def _running(bound: Bound) -> list[BoundSource]:
    return [s for s in bound.sources if s.connector != RECORDED]


async def _all(
    sources: Sequence[BoundSource], of: Callable[[BoundSource], Awaitable[T]]
) -> list[T]:
    return list(await asyncio.gather(*(of(s) for s in sources)))


def _build(source: BoundSource) -> Source:
    """Return a Source whose present poll slots are still to be polled: nobody waits for the next."""
    now_ns = time.time_ns()
    open_slots = {i: now_ns // (p * 1_000_000) - 1 for i, p in enumerate(source.periods_ms)}
    return connectors()[source.connector].build(source.plan(open_slots))


async def _attempt(source: BoundSource, act: Callable[[Source, Birth], Awaitable[T]]) -> T | Loss:
    """Open a source, act, and close it; return why instead, when it cannot be read."""
    device: Source | None = None
    try:
        device = _build(source)
        async with asyncio.timeout(OPEN_S):
            birth = await device.open()
        return await act(device, birth)
    except TimeoutError:
        return no_session(OPEN_S)
    except Exception as error:  # noqa: BLE001  decoders of untrusted bytes raise anything
        return loss_of(error)
    finally:
        if device is not None:
            await asyncio.wait([asyncio.ensure_future(device.close())], timeout=CLOSE_S)


async def _check(source: BoundSource) -> SourceCheck:
    async def connected(_device: Source, birth: Birth) -> SourceCheck:
        names = {t.id: t.spec.name for t in source.tags}
        who = ", ".join(f"{k} {v}" for k, v in birth.identity.items())
        parts = [readable(birth.endpoint), readable(who), f"security {readable(birth.security)}"]
        if birth.clock_offset_ns is not None:
            parts.append(f"its clock is {birth.clock_offset_ns / 1e6:+.1f} ms off ours")
        refused = [f"{names.get(t, t)} ({status_text(s)})" for t, s in birth.refused.items()]
        if refused:
            parts.append(f"{len(refused)} of {len(source.tags)} tags refused: {_few(refused)}")
        remedy = "compare the addresses in the tag table with the device" if refused else ""
        return SourceCheck(source.id, not refused, "; ".join(p for p in parts if p), remedy)

    found = await _attempt(source, connected)
    if isinstance(found, SourceCheck):
        return found
    return SourceCheck(source.id, False, found.detail, found.remedy)


def _few(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


async def _read(source: BoundSource, timeout_s: float) -> list[Reading]:
    first = _FirstRows({t.id: t for t in source.tags})

    async def collect(device: Source, _birth: Birth) -> None:
        first.began_ns = time.time_ns()
        running = asyncio.ensure_future(device.run(first))
        complete = asyncio.ensure_future(first.complete.wait())
        left_s = max(0.0, began_s + timeout_s - time.monotonic())
        try:
            await asyncio.wait(
                [running, complete], timeout=left_s, return_when=asyncio.FIRST_COMPLETED
            )
            if running.done():
                running.result()
        finally:
            complete.cancel()
            running.cancel()
            await asyncio.wait([running], timeout=CLOSE_S)

    began_s = time.monotonic()
    found = await _attempt(source, collect)
    missing = BAD_WAITING_FOR_INITIAL_DATA if found is None else found.status
    return [first.reading(t, missing) for t in source.tags]


@dataclass(slots=True)
class _FirstRows:
    """A sink that keeps the first value of each tag, else the first slot without an answer."""

    tags: dict[int, Tag]
    began_ns: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    _rows: dict[int, tuple[np.void, bytes]] = field(default_factory=dict)

    async def put(self, batch: Batch) -> None:
        for row in batch.rows:
            kind, tag = int(row["kind"]), int(row["tag"])
            if tag not in self.tags or kind not in (Kind.VALUE, Kind.SLOT):
                continue
            known = self._rows.get(tag)
            if known is None or (kind == Kind.VALUE and known[0]["kind"] == Kind.SLOT):
                is_text = int(row["vtype"]) in (VType.TEXT, VType.BYTES)
                self._rows[tag] = (row.copy(), batch.texts[int(row["value"])] if is_text else b"")
        if len(self._rows) == len(self.tags):
            self.complete.set()

    def reading(self, tag: Tag, missing: int) -> Reading:
        name, unit = tag.spec.name, tag.spec.unit
        if tag.id not in self._rows:
            return Reading(name, None, unit, status_text(missing), None, None)
        row, text = self._rows[tag.id]
        status, t_source = status_text(int(row["status"])), int(row["t_source"])
        if row["kind"] == Kind.SLOT:
            return Reading(name, None, unit, status, None, None)
        return Reading(
            name,
            reading(row, text, tag.spec.scale),
            unit,
            status,
            None if t_source == ABSENT else t_source,
            max(0.0, (int(row["t_receive"]) - self.began_ns) / 1e6),
        )
