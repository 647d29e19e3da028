"""Sealing beside the running gateway, in a thread of its own: a full segment takes seconds."""

import logging
import threading
import time
from typing import Final

from plantseal.journal import Journal, JournalError

EVERY_S: Final = 30.0
"""How often it is looked whether there is something to seal [s]."""
PATIENCE_S: Final = 2.0
"""How long the end of the gateway waits for a segment being written; the next start redoes it [s]."""

_log = logging.getLogger("plantseal.run")


class Sealer:
    """Seals what is full or of a day that ended; the journal's own lock orders it with the rows."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread: threading.Thread | None = None
        self._due_s = time.monotonic() + EVERY_S
        self._failed = ""

    def tick(self) -> None:
        """Begin sealing when it is time and none is under way."""
        now_s = time.monotonic()
        if now_s < self._due_s or (self._thread is not None and self._thread.is_alive()):
            return
        self._due_s = now_s + EVERY_S
        self._thread = threading.Thread(target=self._seal, name="seal", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait a little for what is under way."""
        if self._thread is not None:
            self._thread.join(PATIENCE_S)

    def _seal(self) -> None:
        from plantseal.segments import seal  # loads polars: not before there is a reason

        try:
            for segment in seal(self._journal):
                _log.info("sealed path=%s rows=%d", segment.path, segment.n)
            self._failed = ""
        except (
            JournalError
        ) as error:  # rows stay in the journal; a disk that fails ends the commits
            if str(error) != self._failed:
                _log.error("segment not sealed reason=%r", str(error))
            self._failed = str(error)
