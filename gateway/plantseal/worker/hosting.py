"""One source, kept alive: connect, run, and after a loss wait and connect anew, until stopped.

This is the one place where whatever a device makes a protocol library raise is caught. Meanwhile
every poll slot that passes is closed with the reason, so that silence is a row too.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from plantseal import canonical
from plantseal.config import BoundSource
from plantseal.pipe import Born, Note, State, Turn
from plantseal.worker.losses import BackOff, Loss, loss_of, no_session, readable, stalled
from plantseal.worker.outbox import Outbox
from plantseal_connectors.registry import connectors
from plantseal_connectors.rows import Kind, RowList
from plantseal_connectors.source import Birth, Source, SourcePlan
from plantseal_connectors.status import BAD_NOT_CONNECTED, BAD_SHUTDOWN

OPEN_S: Final = 15.0
"""Time for a session to be established [s]."""
CLOSE_S: Final = 5.0
"""Time for a source to let go, as its contract says [s]."""
TICK_S: Final = 0.5
"""How often passed slots are closed while the device is away [s]."""
STALL_S: Final = 60.0
"""A connected source that closes no slot for so long, and three periods, is taken for hung [s]."""
MAX_BACKLOG: Final = 16
"""With so many batches not durable, passed slots are left open for the next tick."""
_LOG_ERROR: Final = 40


class Unstoppable(Exception):
    """A source does not end when cancelled: the process cannot be trusted any more."""


def device_of(birth: Birth) -> dict[str, Any]:
    """Return what a BIRTH row says, as JSON values; 64-bit numbers are strings.

    Example:
        >>> device_of(Birth("modbus://10.0.0.7:502", {"vendor": "Acrel"}))["identity"]
        {'vendor': 'Acrel'}
    """
    offset = birth.clock_offset_ns
    return {
        "endpoint": readable(birth.endpoint),
        "identity": {readable(k): readable(v) for k, v in birth.identity.items()},
        "security": readable(birth.security),
        "authenticated": birth.authenticated,
        "clock_offset_ns": None if offset is None else str(offset),
        "limits": {readable(k): str(v) for k, v in birth.limits.items()},
        "refused": {str(tag): f"0x{status:08X}" for tag, status in birth.refused.items()},
    }


@dataclass(slots=True)
class Hosted:
    """A source with its poll groups, across all its sessions.

    Attributes:
        plan: What each new Source is built from; its groups know the slots closed.
        build: Makes a Source.
        outbox: Where rows go.
        tell: Takes a message for the gateway; never waits.
        stop: Set when the worker is to end.
    """

    plan: SourcePlan
    build: Callable[[SourcePlan], Source]
    outbox: Outbox
    tell: Callable[[Born | Turn | Note], None]
    stop: asyncio.Event
    _status: int = BAD_NOT_CONNECTED
    _born_ns: int | None = None
    _faulted: str = ""
    _backoff: BackOff = field(default_factory=BackOff)

    @classmethod
    def of(
        cls,
        source: BoundSource,
        closed: Mapping[int, int],
        outbox: Outbox,
        tell: Callable[[Born | Turn | Note], None],
        stop: asyncio.Event,
    ) -> "Hosted":
        """Return the source as the configuration describes it."""
        build = connectors()[source.connector].build
        return cls(source.plan(closed), build, outbox, tell, stop)

    async def run(self) -> None:
        """Keep the source going until ``stop`` is set; then end its session in order.

        Raises:
            Unstoppable: A task of the source does not end.
        """
        self._close_passed(BAD_SHUTDOWN)  # the slots of the time before this process
        self._turn("connecting")
        while not self.stop.is_set():
            began = time.monotonic()
            loss = await self._session()
            if loss is None:
                break
            self._status = loss.status
            self._report(loss)
            wait_s = self._backoff.after(loss, time.monotonic() - began)
            next_try_ns = time.time_ns() + int(wait_s * 1e9)
            self._turn(loss.state, loss.detail, loss.remedy, next_try_ns)
            await self._pass(wait_s)
        self._turn("stopped")

    async def _session(self) -> Loss | None:
        """Build, open, run and close one Source; return why it ended, None when stopped."""
        device: Source | None = None
        self._born_ns = None
        loss: Loss | None = None
        try:
            device = self.build(self.plan)
            birth = await self._opened(device.open())
            if birth is None:
                loss = None if self.stop.is_set() else no_session(OPEN_S)
            else:
                self._birth(birth)
                loss = await self._running(device)
        except Unstoppable:
            raise
        except Exception as error:  # noqa: BLE001  decoders of untrusted bytes raise anything
            loss = loss_of(error)
        if device is not None:
            await self._closed(device)
        self._death(loss)
        return loss

    async def _opened(self, opening: Awaitable[Birth]) -> Birth | None:
        """Return the birth; None after 15 s, or when stopped meanwhile."""
        task = asyncio.ensure_future(opening)
        deadline = time.monotonic() + OPEN_S
        while not task.done() and not self.stop.is_set() and time.monotonic() < deadline:
            self._close_passed(self._status)
            await self._first_of(task, TICK_S)
        if not task.done():
            await _ended(task, CLOSE_S)
        return None if task.cancelled() else task.result()

    async def _running(self, device: Source) -> Loss | None:
        """Run until the source ends, hangs or is to stop; return why, None when stopped."""
        self._close_passed(self._status)
        self._turn("up")
        task = asyncio.ensure_future(device.run(self.outbox))
        loss: Loss | None = None
        while not task.done() and not self.stop.is_set():
            await self._first_of(task, TICK_S)
            if not task.done() and self._is_stalled():
                loss = stalled(STALL_S)
                break
        if not task.done():
            await _ended(task, CLOSE_S)
        error = None if task.cancelled() else task.exception()
        if self.stop.is_set():
            return None
        if loss is None and error is not None:
            loss = loss_of(error)
        return loss or Loss("backing off", BAD_NOT_CONNECTED, "the session ended by itself")

    async def _closed(self, device: Source) -> None:
        task = asyncio.ensure_future(device.close())
        await asyncio.wait([task], timeout=CLOSE_S)
        if not task.done():
            await _ended(task, CLOSE_S)
        elif not task.cancelled():
            task.exception()  # retrieved: the contract says it never raises, the session is over

    async def _first_of(self, task: "asyncio.Future[Any]", within_s: float) -> None:
        stopping = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait(
                [task, stopping], timeout=within_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()

    async def _pass(self, wait_s: float) -> None:
        """Wait, closing the slots that pass."""
        deadline = time.monotonic() + wait_s
        while (left_s := deadline - time.monotonic()) > 0 and not self.stop.is_set():
            self._close_passed(self._status)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), min(TICK_S, left_s))

    def _close_passed(self, status: int) -> None:
        """Close every slot that has passed; the one that runs now stays open."""
        for group in self.plan.groups:
            while group.closed + 1 < group.current() and self.outbox.backlog < MAX_BACKLOG:
                if batch := group.close_missed(group.current(), status):
                    self.outbox.post(batch)

    def _is_stalled(self) -> bool:
        if self.outbox.backlog:  # then it is the journal that is slow
            return False
        return any(
            g.tags and g.now() - (g.closed + 1) * g.period_ns > STALL_S * 1e9 + 3 * g.period_ns
            for g in self.plan.groups
        )

    def _birth(self, birth: Birth) -> None:
        now_ns = self._born_ns = time.time_ns()
        device = device_of(birth)
        rows = RowList()
        text = canonical.dumps(device).decode()
        rows.add(tag=self.plan.links[""], t_receive=now_ns, value=text, kind=Kind.BIRTH)
        self.outbox.post(rows.batch())
        self.tell(Born(self.plan.id, device))

    def _death(self, loss: Loss | None) -> None:
        if self._born_ns is None:
            return
        rows = RowList()
        rows.add(
            tag=self.plan.links[""],
            t_receive=time.time_ns(),
            t_source=max(self._born_ns, self.outbox.alive_ns),
            status=BAD_SHUTDOWN if loss is None else loss.status,
            kind=Kind.DEATH,
        )
        self.outbox.post(rows.batch())

    def _turn(
        self, state: State, detail: str = "", remedy: str = "", next_try_ns: int | None = None
    ) -> None:
        turn = Turn(self.plan.id, state, time.time_ns(), detail, remedy, next_try_ns)
        self.tell(turn)

    def _report(self, loss: Loss) -> None:
        """Log the traceback of an unforeseen fault, once until another one comes."""
        if loss.trace and loss.detail != self._faulted:
            text = f"source={self.plan.id} unforeseen fault\n{loss.trace}"
            self.tell(Note(_LOG_ERROR, "plantseal.worker", text[:20_000]))
        self._faulted = loss.detail if loss.trace else self._faulted


async def _ended(task: "asyncio.Future[Any]", within_s: float) -> None:
    """Cancel ``task`` and return once it has ended.

    Raises:
        Unstoppable: It does not.
    """
    task.cancel()
    await asyncio.wait([task], timeout=within_s)
    if not task.done():
        raise Unstoppable(f"{task!r} goes on after it was cancelled")
