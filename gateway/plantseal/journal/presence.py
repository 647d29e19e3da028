"""Which processes write to a store now: each holds a shared lock that dies with it.

So a process that opens the store and finds itself alone knows that rows outside any block are left
over from a crash, and not the open block of a neighbour. The kernel drops the lock on kill -9. A
child made by ``fork`` would keep it: worker processes are spawned.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from plantseal.journal.records import JournalError

FILE: Final = "journal.lock"


class Presence:
    """This process among the writers of a store."""

    __slots__ = ("_handle",)

    def __init__(self, root: Path) -> None:
        try:
            self._handle: int | None = os.open(root / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as e:
            raise JournalError(f"{root / FILE}: cannot be opened: {e.strerror}") from e

    def alone(self) -> bool:
        """Return True when no other process writes; False leaves no lock held at all."""
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def stay(self) -> None:
        """Hold the lock that tells others of this process."""
        self._lock(fcntl.LOCK_SH)

    def _lock(self, how: int) -> bool:
        if self._handle is None:
            return False
        try:
            fcntl.flock(self._handle, how)
        except BlockingIOError:
            return False
        return True

    def leave(self) -> None:
        """Release the lock; harmless when done twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
