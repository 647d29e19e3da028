"""The worker processes: started, listened to, watched, ended and started again.

A worker that says nothing for ten seconds hangs, one whose resident size passes the limit is
bloated; both are killed, which is safe, for what was not acknowledged was never promised to anyone.
"""

import contextlib
import logging
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from plantseal import worker as process
from plantseal.config import BoundSource
from plantseal.pipe import Ack, Channel, FrameError, Message, Stop, Unwritable

SILENCE_S: Final = 10.0
"""A worker not heard of for so long hangs [s]."""
START_S: Final = 60.0
"""The same before its first word: it has to load its libraries, on a slow disk [s]."""
MAX_RESIDENT: Final = 2**30
"""Resident size at which a worker is ended [bytes]."""
MAX_GROWTH: Final = 2 * 2**30
"""Address space that a worker may add to what it starts with [bytes]."""
STEADY_S: Final = 60.0
"""A worker that lived so long begins the back-off of its restarts anew [s]."""
FIRST_WAIT_S: Final = 0.5
MAX_WAIT_S: Final = 30.0

_log = logging.getLogger("plantseal.run")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came from a worker: a message, or None when its pipe has ended."""

    worker: str
    life: int
    message: Message | None


@dataclass(slots=True)
class Worker:
    """One worker process across its lives.

    Attributes:
        name: As in plant.yaml.
        sources: What it hosts.
        life: Number of its present life, from 1.
        due_s: Monotonic time of the next start; None while it runs or is not wanted any more.
        ended: Its pipe has ended and its process is gone.
        left: It said that everything was sent.
    """

    name: str
    sources: tuple[BoundSource, ...]
    life: int = 0
    due_s: float | None = 0.0
    ended: bool = True
    left: bool = False
    _process: BaseProcess | None = None
    _channel: Channel | None = None
    _heard_s: float = 0.0
    _began_s: float = 0.0
    _failures: int = 0
    _killed: bool = False

    @property
    def pid(self) -> int | None:
        """Return the process id; None while it does not run."""
        return None if self._process is None or self.ended else self._process.pid

    def start(
        self, closed: Mapping[str, Mapping[int, int]], events: "queue.SimpleQueue[Heard | None]"
    ) -> None:
        """Start a process; what it says comes to ``events``."""
        context = multiprocessing.get_context("spawn")  # a fork would inherit locks and sockets
        ours, theirs = context.Pipe()
        mine = {s.id: dict(closed.get(s.id, {})) for s in self.sources}
        self._process = context.Process(
            target=process.main,
            args=(theirs, self.sources, mine, MAX_GROWTH),
            name=f"plantseal-{self.name}",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._channel = Channel(ours)
        self.life += 1
        self.due_s, self.ended, self.left, self._killed = None, False, False, False
        self._began_s = time.monotonic()
        self._heard_s = self._began_s + START_S - SILENCE_S
        listening = (self.name, self.life, self._channel, events)
        threading.Thread(target=_listen, args=listening, daemon=True).start()

    def heard(self) -> None:
        """Note that it said something."""
        self._heard_s = time.monotonic()

    def excuse(self) -> None:
        """Let its silence begin anew: it was the gateway that did not listen."""
        self._heard_s = max(self._heard_s, time.monotonic())

    def acknowledge(self, upto: Mapping[str, int]) -> None:
        """Tell it what is durable; a worker that does not read is killed."""
        self._tell(Ack(dict(upto)))

    def stop(self) -> None:
        """Tell it to end in order."""
        self.due_s = None
        if not self.ended:
            self._tell(Stop())

    def _tell(self, message: Ack | Stop) -> None:
        if self._channel is None or self.ended:
            return
        try:
            self._channel.send_at_once(message)
        except Unwritable:
            self.kill("it does not read what it is told")
        except OSError:
            pass  # it is gone; the end of its pipe says so

    def watch(self) -> None:
        """Kill it when it hangs or is bloated."""
        if self.ended or self._process is None:
            return
        silent_s = time.monotonic() - self._heard_s
        if silent_s > SILENCE_S:
            self.kill(f"not heard of for {silent_s:.0f} s")
        elif (size := resident_bytes(self._process.pid)) > MAX_RESIDENT:
            self.kill(f"{size >> 20} MiB resident, allowed {MAX_RESIDENT >> 20}")

    def kill(self, why: str) -> None:
        """End it at once; the end of its pipe follows as an event."""
        if not self.ended and not self._killed and self._process is not None:
            _log.error("worker killed worker=%s reason=%r", self.name, why)
            self._killed = True
            self._process.kill()

    def end(self) -> None:
        """See it off: one that left in order has a second to be gone, any other is killed."""
        if self.left and self._process is not None:
            self._process.join(1.0)
        elif not self.ended:
            self.kill("the gateway ends")
        self.bury()

    def bury(self) -> int | None:
        """Wait for the process that is gone, and return its exit code."""
        code = None
        if self._process is not None:
            self._process.join(0.2)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(1.0)
            code = self._process.exitcode
            with contextlib.suppress(ValueError):  # still there: in a system call that never ends
                self._process.close()
        if self._channel is not None:
            self._channel.close()
        self.ended, self._process, self._channel = True, None, None
        return code

    def plan_restart(self) -> float:
        """Return the seconds after which it is started again: 0.5, doubling to 30."""
        if time.monotonic() - self._began_s >= STEADY_S:
            self._failures = 0
        wait_s = min(MAX_WAIT_S, FIRST_WAIT_S * (1 << min(self._failures, 10)))
        self._failures += 1
        self.due_s = time.monotonic() + wait_s
        return wait_s


def crew(sources: Sequence[BoundSource]) -> dict[str, Worker]:
    """Return one worker for each name that the sources use, none started."""
    names = dict.fromkeys(s.worker for s in sources)
    return {n: Worker(n, tuple(s for s in sources if s.worker == n)) for n in names}


def resident_bytes(pid: int | None) -> int:
    """Return the resident size of a process; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _listen(
    name: str, life: int, channel: Channel, events: "queue.SimpleQueue[Heard | None]"
) -> None:
    while True:
        try:
            message = channel.receive()
        except FrameError as error:
            _log.error("worker sent no frame worker=%s reason=%r", name, str(error))
            break
        except (EOFError, OSError):
            break
        events.put(Heard(name, life, message))
    events.put(Heard(name, life, None))
