"""The running gateway: one loop that commits, acknowledges, watches, and ends in order.

The order that must not change: rows are committed (1), then acknowledged (2), then counted (3).
Every change of the journal is made by this loop; only sealing runs beside it, under the journal's
own lock.
"""

import logging
import math
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Literal

from plantseal import status
from plantseal.config import PlantFile
from plantseal.journal import Journal, Submitted
from plantseal.opening import open_store
from plantseal.pipe import Beat, Born, Bye, Message, Note, Rows, Turn
from plantseal.run.crew import Heard, Worker, crew
from plantseal.run.outage import death, long_outages
from plantseal.run.ready import Ready, alone, lasting, make_ready
from plantseal.run.sealing import Sealer
from plantseal.run.signals import stopped_by_signals
from plantseal.run.summary import Summary
from plantseal.run.tally import Tally

COMMIT_S: Final = 0.1
"""Group commit: at most one in this time [s] …"""
COMMIT_ROWS: Final = 100_000
"""… unless so many rows wait."""
STOP_S: Final = 4.0
"""Time for the workers to end in order; who has not by then is killed [s]."""
MAX_SILENT_ROWS: Final = 100_000
"""Slots that a new worker closes one by one; more become one gap row."""
WATCH_S: Final = 1.0
"""How often workers are looked at and status.json is written [s]."""
TICK_S: Final = 0.25

_log = logging.getLogger("plantseal.run")


class Gateway:
    """Acquires from every source of a plant file into its journal, until stopped.

    Args:
        file: As :func:`plantseal.config.load` returns it.
        on_status: Called each second with what also goes into status.json.
    """

    def __init__(
        self, file: PlantFile, *, on_status: Callable[[status.Status], None] | None = None
    ) -> None:
        self._file = file
        self._on_status = on_status
        self._events: queue.SimpleQueue[Heard | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._pending: list[tuple[Worker | None, Rows | Submitted]] = []
        self._pending_rows = 0
        self._rows = self._restarts = 0
        self._last_error = ""

    def stop(self) -> None:
        """End :meth:`run` in order, within five seconds; from any thread or a signal handler."""
        self._stop.set()
        self._events.put(None)

    def run(self, until_s: float | None = None) -> Summary:
        """Run until stopped, or for ``until_s`` seconds; in the main thread SIGTERM and SIGINT stop it.

        Raises:
            AlreadyRunning: Another gateway works on the data directory.
            JournalError: The store cannot be opened, or the disk refused a commit: then nothing
                more is acknowledged, and a new start recovers.
            KeyFileError: The signing key cannot be used.
        """
        with (
            alone(self._file.data_dir),
            stopped_by_signals(self.stop),
            open_store(self._file) as journal,
        ):
            self._begin(journal, make_ready(self._file, journal))
            try:
                self._work(until_s)
            except BaseException as error:
                self._write_status("failed", detail=f"{type(error).__name__}: {error}")
                raise
            finally:
                for worker in self._workers.values():
                    worker.end()
            self._sealer.finish()
            journal.shutdown()
            self._write_status("stopped")
            seconds = time.monotonic() - self._began_s  # the wall clock may have been set
            return Summary.of(seconds, self._rows, self._restarts, self._gaps, self._tally)

    def _begin(self, journal: Journal, ready: Ready) -> None:
        self._journal = journal
        self._started_ns, self._began_s = time.time_ns(), time.monotonic()
        self._marks, self._gaps, self._devices = ready.marks, len(ready.gaps), ready.devices
        self._tally = Tally.of(ready.sources)
        self._workers = crew(ready.sources)
        self._down: set[str] = set()
        self._sealer = Sealer(journal)
        for gap in ready.gaps:
            _log.warning("gap source=%s s=%.3f", gap.source, (gap.until_ns - gap.from_ns) / 1e9)

    def _work(self, until_s: float | None) -> None:
        until_at_s = math.inf if until_s is None else time.monotonic() + until_s
        deadline_s: float | None = None
        committed_s = watched_s = blocked_s = 0.0
        while True:
            self._hear(
                min(TICK_S, WATCH_S)
                if not self._pending
                else committed_s + COMMIT_S - time.monotonic()
            )
            now_s = time.monotonic()
            if now_s - committed_s >= COMMIT_S or self._pending_rows >= COMMIT_ROWS:
                self._commit()
                committed_s = now_s
            if now_s - blocked_s >= min(self._file.evidence.block_s, 55):
                self._journal.close_block()
                blocked_s = now_s
            if deadline_s is None:
                self._start_due(now_s)
            if now_s - watched_s >= WATCH_S:
                self._watch(late_s=now_s - watched_s if watched_s else 0.0)
                watched_s = now_s
            if deadline_s is None and (self._stop.is_set() or now_s >= until_at_s):
                deadline_s = now_s + STOP_S
                self._end_workers()
            if deadline_s is not None and self._all_ended(now_s >= deadline_s):
                break
        self._commit()

    def _hear(self, within_s: float) -> None:
        """Take what the workers said: wait for the first, then all that is there."""
        try:
            heard = self._events.get(timeout=max(0.001, within_s))
            while True:
                if heard is not None and self._workers[heard.worker].life == heard.life:
                    self._take(self._workers[heard.worker], heard.message)
                if self._pending_rows >= COMMIT_ROWS:
                    return
                heard = self._events.get_nowait()
        except queue.Empty:
            return

    def _take(self, worker: Worker, message: Message | None) -> None:
        worker.heard()
        match message:
            case Rows():
                self._pending.append((worker, message))
                self._pending_rows += len(message.batch.rows)
            case Turn():
                self._turn(message)
            case Born(source, device):
                self._born(source, device)
            case Note(level, logger, text):
                logging.getLogger(logger).log(level, "worker=%s %s", worker.name, text)
            case Bye():
                worker.left = True
            case Beat():
                pass
            case _:
                self._gone(worker)

    def _commit(self) -> None:
        if not self._pending:
            return
        taken, self._pending, self._pending_rows = self._pending, [], 0
        items = [m if isinstance(m, Submitted) else Submitted(m.source, m.batch) for _, m in taken]
        self._rows += len(self._journal.append(items))  # 1 durable
        upto: dict[str, tuple[Worker, int]] = {}
        for worker, message in taken:
            if worker is not None and isinstance(message, Rows):
                upto[message.source] = (worker, message.number)
        for worker in self._workers.values():
            mine = {source: number for source, (w, number) in upto.items() if w is worker}
            if mine:
                worker.acknowledge(mine)  # 2 only now may the device forget
        for item in items:
            self._tally.count(item.source, item.batch)  # 3
            self._marks[item.source].update(item.batch.closed)

    def _submit(self, item: Submitted) -> None:
        self._pending.append((None, item))
        self._pending_rows += len(item.batch.rows)

    def _born(self, source: str, device: dict[str, Any]) -> None:
        """Put a device that is new, or another than last time, into the log."""
        known = lasting(device)
        if self._devices.get(source) != known:
            self._devices[source] = known
            self._journal.record("device", {"source": source, **known})
            _log.info("device source=%s endpoint=%s", source, device.get("endpoint"))

    def _turn(self, turn: Turn) -> None:
        """Note a source's state; one line in the log when it goes down and when it is up again."""
        before = self._tally.turn(turn)
        if turn.state == "up":
            lasted = "" if turn.source not in self._down else " again"
            self._down.discard(turn.source)
            _log.info("source up%s source=%s", lasted, turn.source)
        elif turn.state == "refused" and before.state != "refused":
            self._down.add(turn.source)
            _log.error("source refused source=%s detail=%r remedy=%r",
                       turn.source, turn.detail, turn.remedy)  # fmt: skip
        elif turn.state == "backing off" and turn.source not in self._down:
            self._down.add(turn.source)
            _log.warning("source down source=%s detail=%r remedy=%r",
                         turn.source, turn.detail, turn.remedy)  # fmt: skip

    def _gone(self, worker: Worker) -> None:
        """A worker's pipe has ended: what it sent is committed, its sessions are over."""
        code = worker.bury()
        self._commit()
        now_ns = time.time_ns()
        why = f"its worker process {worker.name} ended (exit code {code})"
        for source in worker.sources:
            if self._tally.state(source.id) == "up":
                self._submit(death(source, self._tally.alive_ns(source.id), now_ns))
            if not worker.left:
                self._turn(Turn(source.id, "starting", now_ns, why))
        if worker.left or self._stop.is_set():
            return
        self._restarts += 1
        wait_s = worker.plan_restart()
        _log.error("worker ended worker=%s exit=%s restart_s=%.1f", worker.name, code, wait_s)

    def _start_due(self, now_s: float) -> None:
        for worker in self._workers.values():
            if worker.due_s is not None and now_s >= worker.due_s:
                self._skip_long_outages(worker)
                worker.start(self._marks, self._events)

    def _skip_long_outages(self, worker: Worker) -> None:
        """Close with one gap row what a new worker would close with too many slots."""
        now_ns = time.time_ns()
        for source in worker.sources:
            for gap in long_outages(source, self._marks[source.id], MAX_SILENT_ROWS, now_ns):
                self._submit(gap.submitted(now_ns))
                self._commit()
                self._journal.record("gap", gap.entry("worker"))
                self._gaps += 1

    def _watch(self, late_s: float) -> None:
        for worker in self._workers.values():
            if late_s > 5.0:  # this process stood still
                worker.excuse()
            worker.watch()
        self._sealer.tick()
        self._write_status("stopping" if self._stop.is_set() else "running")

    def _end_workers(self) -> None:
        self._stop.set()
        for worker in self._workers.values():
            worker.stop()

    def _all_ended(self, late: bool) -> bool:
        for worker in self._workers.values():
            if late and not worker.ended and not worker.left:
                worker.kill(f"it did not end within {STOP_S:g} s")
        return all(w.ended or w.left for w in self._workers.values())

    def _write_status(
        self, state: Literal["running", "stopping", "stopped", "failed"], detail: str = ""
    ) -> None:
        now = status.Status(
            written_ns=time.time_ns(),
            state=state,
            pid=0 if state in ("stopped", "failed") else os.getpid(),
            started_ns=self._started_ns,
            rows=self._journal.next_seq() if state != "failed" else 0,
            restarts=self._restarts,
            detail=detail,
            sources=self._tally.sources(),
            tags=self._tally.last_values(),
        )
        try:
            status.write(self._file.data_dir, now)
            self._last_error = ""
        except OSError as error:  # rows matter more than what is said of them
            if str(error) != self._last_error:
                _log.error("status.json cannot be written reason=%r", str(error))
            self._last_error = str(error)
        if self._on_status is not None:
            self._on_status(now)
