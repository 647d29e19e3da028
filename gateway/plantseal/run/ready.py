"""From a plant file to an open journal with everything in it that must stand before the first row."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from plantseal import status
from plantseal.config import RECORDED, Bound, BoundSource, PlantFile, bind, tag_names
from plantseal.journal import Journal
from plantseal.opening import LOCK
from plantseal.run.outage import Gap, Schedule, resume


class AlreadyRunning(OSError):
    """Another gateway works on the same data directory."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What the gateway starts with.

    Attributes:
        sources: Sources that have a device, in the order of the file.
        marks: Last slot closed, by source and poll group.
        gaps: What was missed since the last row; already in the journal.
        devices: By source, the identity last put into the log.
    """

    bound: Bound
    sources: tuple[BoundSource, ...]
    marks: dict[str, dict[int, int]]
    gaps: tuple[Gap, ...]
    devices: dict[str, object]


@contextlib.contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Be the only gateway on a data directory; the kernel ends the claim with the process.

    Raises:
        AlreadyRunning: There is one; the message names its process.
        OSError: The directory cannot be made or written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OSError(
            f"{data_dir}: cannot be used as the data directory: {os.strerror(error.errno or 0)}; "
            "data_dir in the plant file must name a directory that this user may write"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            raise AlreadyRunning(
                f"{data_dir}: another gateway (process {pid}) works here; stop it first"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def make_ready(file: PlantFile, journal: Journal) -> Ready:
    """Configure the journal and account for the time in which the gateway did not run.

    Raises:
        JournalError: The disk refuses.
    """
    in_force = journal.config_in_force()
    before = Schedule() if in_force is None else Schedule.of(in_force[1])
    reason = "stopped" if _ended_in_order(journal, file.data_dir) else "crashed"
    bound = bind(file, journal.tag_ids(tag_names(file)))
    journal.configure(bound.canonical, bound.ledgers)
    sources = tuple(s for s in bound.sources if s.connector != RECORDED)
    progress, now_ns = journal.progress(), time.time_ns()
    resumed = {s.id: resume(s, progress, before, now_ns) for s in sources}
    gaps = tuple(gap for r in resumed.values() for gap in r.gaps)
    if gaps:
        journal.append([gap.submitted(now_ns) for gap in gaps])  # 1 the rows, with their marks
        for gap in gaps:
            journal.record("gap", gap.entry(reason))  # 2 a crash before it leaves the rows to tell
    marks = {source: dict(r.marks) for source, r in resumed.items()}
    return Ready(bound, sources, marks, gaps, _devices(journal))


def _ended_in_order(journal: Journal, data_dir: Path) -> bool:
    """Return whether the gateway before this one was stopped rather than killed."""
    left = status.read(data_dir)
    if left is not None:  # the store may have been opened by an import since
        return left.state == "stopped"
    for line in reversed(list(journal.entries(max(0, journal.size - 8)))):
        if (entry := json.loads(line))["t"] == "boot":
            return bool(entry["clean"])
    return True


def _devices(journal: Journal) -> dict[str, object]:
    found: dict[str, object] = {}
    for line in journal.entries():
        if b'"t":"device"' in line and (entry := json.loads(line))["t"] == "device":
            found[entry["source"]] = lasting(entry)
    return found


def lasting(device: Mapping[str, object]) -> dict[str, object]:
    """Return the part of a device's birth that changes only when the device does."""
    return {k: device.get(k) for k in ("endpoint", "identity", "security", "authenticated")}
