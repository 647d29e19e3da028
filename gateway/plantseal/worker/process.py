"""The worker process: threads for the pipe, one event loop for all its sources, limits, a clean end.

It ignores SIGTERM and SIGINT, which a service manager or a terminal sends to every process of the
group: the gateway tells it when to stop. When the gateway is gone it ends at once, for nothing it
could still do would be kept.
"""

import asyncio
import contextlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from plantseal.config import BoundSource
from plantseal.pipe import Ack, Beat, Bye, Channel, FrameError, Message, Note, Stop, encode
from plantseal.worker.hosting import Hosted, Unstoppable
from plantseal.worker.outbox import Outbox

BEAT_S: Final = 1.0
"""How often a worker says that its event loop turns [s]."""
CLOCK_STEP_NS: Final = 1_000_000_000
"""A wall clock that was set by more than this ends the worker, in order [ns]."""
SETTLE_S: Final = 3.0
"""Time at the end for the last rows to become durable [s]."""

_ORPHANED: Final = 71
_UNSTOPPABLE: Final = 70


def main(
    connection: Connection,
    sources: Sequence[BoundSource],
    closed: Mapping[str, Mapping[int, int]],
    growth_bytes: int,
) -> None:
    """Host ``sources`` until told to stop; the target of the process.

    Args:
        connection: The worker's end of the pipe.
        sources: What to host, none of them recorded data.
        closed: Last slot closed, by source and poll group.
        growth_bytes: How much its address space may grow; a decoder that wants more gets a
            MemoryError.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _limit_memory(growth_bytes)
    pipe = _Pipe(Channel(connection))
    root = logging.getLogger()
    root.addHandler(logging.NullHandler())  # what libraries say of each lost frame is not news
    ours = logging.getLogger("plantseal_connectors")
    ours.addHandler(_ToGateway(pipe.send))
    asyncio.run(_serve(pipe, sources, closed))
    pipe.finish()


def _limit_memory(growth_bytes: int) -> None:
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):  # not Linux: the gateway's look at the resident size remains
        return
    limit = pages * resource.getpagesize() + growth_bytes
    with contextlib.suppress(ValueError, OSError):  # a lower hard limit is in force already
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


class _ToGateway(logging.Handler):
    """Warnings of the connectors go to the gateway's log, which one place formats."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Note(record.levelno, record.name, self.format(record)[:20_000]))


class _Pipe:
    """The worker's end: a thread that sends, so that nobody waits, and a thread that receives."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name="send", daemon=True)
        self._sender.start()

    def send(self, message: Message) -> None:
        """Queue a message; how many can wait is bounded by the window of each outbox."""
        self._outgoing.put(encode(message))

    def finish(self) -> None:
        """Return once everything queued was sent."""
        self._outgoing.put(None)
        self._sender.join()

    def _send_all(self) -> None:
        while (frame := self._outgoing.get()) is not None:
            try:
                self._channel.send(frame)
            except OSError:
                os._exit(_ORPHANED)

    def listen(self, loop: asyncio.AbstractEventLoop, hear: "_Hear") -> None:
        """Start the thread that hands every message of the gateway to ``hear`` on the loop."""
        threading.Thread(target=self._receive_all, args=(loop, hear), daemon=True).start()

    def _receive_all(self, loop: asyncio.AbstractEventLoop, hear: "_Hear") -> None:
        while True:
            try:
                message = self._channel.receive()
            except (EOFError, OSError, FrameError):
                os._exit(_ORPHANED)  # from this thread, so even when the event loop hangs
            try:
                loop.call_soon_threadsafe(hear, message)
            except RuntimeError:  # the loop has ended, and with it the process soon
                return


class _Hear:
    """What a message of the gateway does."""

    def __init__(self, outboxes: Mapping[str, Outbox], stop: asyncio.Event) -> None:
        self._outboxes, self._stop = outboxes, stop

    def __call__(self, message: Message) -> None:
        match message:
            case Ack(upto):
                for source, number in upto.items():
                    self._outboxes[source].acknowledged(number)
            case Stop():
                self._stop.set()
            case _:
                raise FrameError(f"the gateway never sends {type(message).__name__}")


async def _serve(
    pipe: _Pipe, sources: Sequence[BoundSource], closed: Mapping[str, Mapping[int, int]]
) -> None:
    stop = asyncio.Event()
    outboxes = {s.id: Outbox(s.id, pipe.send) for s in sources}
    pipe.listen(asyncio.get_running_loop(), _Hear(outboxes, stop))
    beating = asyncio.create_task(_beat(pipe))
    clock = _Clock()
    watching = asyncio.create_task(clock.watch(stop))
    hosted = [Hosted.of(s, closed.get(s.id, {}), outboxes[s.id], pipe.send, stop) for s in sources]
    try:
        async with asyncio.TaskGroup() as group:  # one that fails here is a fault of ours: all end
            for source in hosted:
                group.create_task(source.run())
    except* Unstoppable as errors:
        pipe.send(Note(logging.ERROR, __name__, f"worker ends: {errors.exceptions[0]}"))
        pipe.finish()
        os._exit(_UNSTOPPABLE)  # a task that does not end would keep the event loop for ever
    beating.cancel()
    watching.cancel()
    await asyncio.gather(*(box.settle(SETTLE_S) for box in outboxes.values()))
    if clock.stepped_ns:  # no Bye: the gateway starts another, which counts on the new time
        step = f"the clock was set by {clock.stepped_ns / 1e9:+.3f} s; poll slots are counted anew"
        pipe.send(Note(logging.WARNING, __name__, step))
        return
    pipe.send(Bye())


class _Clock:
    """Sees that the wall clock was set; poll slots are counted on one that no step moves.

    A machine that boots without a battery may think it 1970 until it finds a time server: its rows
    must not go on in 1970 for ever.
    """

    def __init__(self) -> None:
        self._began_ns = time.time_ns() - time.monotonic_ns()
        self.stepped_ns = 0

    async def watch(self, stop: asyncio.Event) -> None:
        """Set ``stop`` when the wall clock has been set by more than ``CLOCK_STEP_NS`` in all."""
        while not stop.is_set():
            await asyncio.sleep(BEAT_S)
            moved_ns = time.time_ns() - time.monotonic_ns() - self._began_ns
            if abs(moved_ns) > CLOCK_STEP_NS and not stop.is_set():
                self.stepped_ns = moved_ns
                stop.set()


async def _beat(pipe: _Pipe) -> None:
    while True:
        pipe.send(Beat())
        await asyncio.sleep(BEAT_S)
