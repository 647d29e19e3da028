"""``check`` and ``read --once``: the sources in this process, for a moment; nothing goes to disk."""

import asyncio
import contextlib
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
from plantseal_connectors.status import (
    BAD_RESOURCE_UNAVAILABLE,
    BAD_TIMEOUT,
    BAD_WAITING_FOR_INITIAL_DATA,
)
from plantseal_connectors.status import text as status_text
from plantseal_connectors.tags import Tag

T = TypeVar("T")
_NOT_ASKED: Final = (BAD_WAITING_FOR_INITIAL_DATA, BAD_RESOURCE_UNAVAILABLE)
CLOSE_S: Final = 5.0
POLL_S: Final = 4.0
"""How long ``check`` waits for a polled device to answer [s]."""


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What came of connecting to a source once.

    Attributes:
        ok: Connected, the device knows every tag, and a polled device answered a poll.
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
        reason: Why its source could not be read at all, and what to do; empty otherwise.
    """

    tag: str
    value: Shown
    unit: str
    status: str
    t_source: int | None
    latency_ms: float | None
    reason: str = ""


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
    for source in sources:  # loading a protocol library takes longer than some devices may take
        with contextlib.suppress(ValueError, TypeError, ImportError):  # told where it is used
            _build(source)
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
    async def connected(device: Source, birth: Birth) -> SourceCheck:
        names = {t.id: t.spec.name for t in source.tags}
        who = ", ".join(f"{k} {v}" for k, v in birth.identity.items())
        parts = [readable(birth.endpoint), readable(who), f"security {readable(birth.security)}"]
        if birth.clock_offset_ns is not None:
            parts.append(f"its clock is {birth.clock_offset_ns / 1e6:+.1f} ms off ours")
        remedy = ""
        refused = [f"{names.get(t, t)} ({status_text(s)})" for t, s in birth.refused.items()]
        if refused:
            parts.append(f"{len(refused)} of {len(source.tags)} tags refused: {_few(refused)}")
            remedy = "compare the addresses in the tag table with the device"
        elif source.polled and (silence := await _silence(source, device)):
            parts.append(silence)
            remedy = "check unit ids, addresses, and that this port is the device's"
        return SourceCheck(source.id, not remedy, "; ".join(p for p in parts if p), remedy)

    found = await _attempt(source, connected)
    if isinstance(found, SourceCheck):
        return found
    return SourceCheck(source.id, False, found.detail, found.remedy)


async def _silence(source: BoundSource, device: Source) -> str:
    """Return which polled tags of a device that takes connections cannot be read; empty if none.

    A Modbus gateway, or a stranger's server, takes the connection whoever is asked for behind it.
    """
    first = _FirstRows({t.id: t for t in source.polled})
    await first.of(device, POLL_S)
    silent = [r for t in source.polled if (r := first.reading(t, BAD_TIMEOUT)).latency_ms is None]
    if not silent:
        return ""
    if len(silent) == len(source.polled):
        return "connected, but no tag can be read: " + _few(sorted({r.status for r in silent}))
    named = [f"{r.tag} ({r.status})" for r in silent]
    return f"{len(silent)} of {len(source.polled)} polled tags cannot be read: {_few(named)}"


def _few(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


async def _read(source: BoundSource, timeout_s: float) -> list[Reading]:
    first = _FirstRows({t.id: t for t in source.tags})

    async def collect(device: Source, _birth: Birth) -> None:
        await first.of(device, began_s + timeout_s - time.monotonic())

    began_s = time.monotonic()
    found = await _attempt(source, collect)
    if found is None:
        return [first.reading(t, BAD_WAITING_FOR_INITIAL_DATA) for t in source.tags]
    reason = f"{source.id}: " + " → ".join(x for x in (found.detail, found.remedy) if x)
    return [first.reading(t, found.status, reason) for t in source.tags]


@dataclass(slots=True)
class _FirstRows:
    """A sink that keeps the first value of each tag, else the first slot without an answer.

    Slots that passed before the first poll say nothing of the device and are left out.
    """

    tags: dict[int, Tag]
    began_ns: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    _rows: dict[int, tuple[np.void, bytes]] = field(default_factory=dict)

    async def of(self, device: Source, within_s: float) -> None:
        """Run an open source until every tag was heard of, at most ``within_s`` seconds.

        Raises:
            Exception: Whatever ends the source.
        """
        self.began_ns = time.time_ns()
        running = asyncio.ensure_future(device.run(self))
        complete = asyncio.ensure_future(self.complete.wait())
        try:
            await asyncio.wait(
                [running, complete],
                timeout=max(0.0, within_s),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if running.done():
                running.result()
        finally:
            complete.cancel()
            running.cancel()
            await asyncio.wait([running], timeout=CLOSE_S)

    async def put(self, batch: Batch) -> None:
        for row in batch.rows:
            kind, tag = int(row["kind"]), int(row["tag"])
            if tag not in self.tags or kind not in (Kind.VALUE, Kind.SLOT):
                continue
            if kind == Kind.SLOT and int(row["status"]) in _NOT_ASKED:
                continue
            known = self._rows.get(tag)
            if known is None or (kind == Kind.VALUE and known[0]["kind"] == Kind.SLOT):
                is_text = int(row["vtype"]) in (VType.TEXT, VType.BYTES)
                self._rows[tag] = (row.copy(), batch.texts[int(row["value"])] if is_text else b"")
        if len(self._rows) == len(self.tags):
            self.complete.set()

    def reading(self, tag: Tag, missing: int, reason: str = "") -> Reading:
        name, unit = tag.spec.name, tag.spec.unit
        if tag.id not in self._rows:
            return Reading(name, None, unit, status_text(missing), None, None, reason)
        row, text = self._rows[tag.id]
        status, t_source = status_text(int(row["status"])), int(row["t_source"])
        if row["kind"] == Kind.SLOT:
            return Reading(name, None, unit, status, None, None, reason)
        return Reading(
            name,
            reading(row, text, tag.spec.scale),
            unit,
            status,
            None if t_source == ABSENT else t_source,
            max(0.0, (int(row["t_receive"]) - self.began_ns) / 1e6),
        )
