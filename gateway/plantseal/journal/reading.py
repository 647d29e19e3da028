"""Reading a store: the log, the rows not yet sealed, texts, tags, progress. Takes no lock on it.

Every read fetches a bounded page under the journal's own lock, so that a reader may be slow, and a
thread that writes through the same journal is not disturbed.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plantseal.journal.columns import decode
from plantseal.journal.database import FILE, explain
from plantseal.journal.records import Block, JournalError, Progress, SegmentInfo
from plantseal.log import FIRST_PREV, line_digest

_PAGE: Final = 1_000
_BLOCK: Final = "entry, seq0, n, rows_sha256, text0, text_n, texts_sha256, wall_ns"
_SEGMENT: Final = "path, size, sha256, seq0, n, t_min, t_max"


class Reader:
    """What can be read of a store, beside a writer or not.

    Attributes:
        root: Directory of the store.
        path: Its SQLite file.
    """

    def __init__(self, root: Path, db: sqlite3.Connection) -> None:
        self.root = root
        self.path = root / FILE
        self._db = db
        self._lock = threading.RLock()
        self._closed = False

    def _select(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._closed:
                raise JournalError(f"{self.path}: the journal is closed")
            try:
                return self._db.execute(sql, parameters).fetchall()
            except sqlite3.Error as e:
                raise explain(self.path, e) from e

    def _pages(self, table: str, columns: str, key: str, start: int) -> Iterator[tuple[Any, ...]]:
        sql = f"SELECT {key}, {columns} FROM {table} WHERE {key}>=? ORDER BY {key} LIMIT ?"  # noqa: S608  names of our own
        while page := self._select(sql, (start, _PAGE)):
            for row in page:
                yield row[1:]
            start = page[-1][0] + 1

    @property
    def origin(self) -> str:
        """Return the name of the log, which is that of the key that signs it."""
        return self._meta("origin")

    @property
    def vkey(self) -> str:
        """Return the verifier key named in the genesis entry."""
        return self._meta("vkey")

    def _meta(self, key: str) -> str:
        found = self._select("SELECT value FROM meta WHERE key=?", (key,))
        if not found:
            raise JournalError(f"{self.path}: no {key}; the store was never completed, remove it")
        return str(found[0][0])

    @property
    def size(self) -> int:
        """Return the number of log entries."""
        return int(self._select("SELECT COALESCE(MAX(i)+1, 0) FROM log")[0][0])

    def head(self) -> str:
        """Return the SHA-256 of the last log line in hex, 64 zeros for an empty log."""
        found = self._select("SELECT line FROM log ORDER BY i DESC LIMIT 1")
        return line_digest(found[0][0]) if found else FIRST_PREV

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the log's lines ``[start, stop)`` as bytes, without line feeds."""
        end = self.size if stop is None else stop
        for index, line in self._pages("log", "i, line", "i", start):
            if index >= end:
                return
            yield line

    def checkpoint(self) -> bytes | None:
        """Return the latest signed checkpoint, None before the first."""
        found = self._select("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
        return found[0][0] if found else None

    def config(self, sha256: str) -> bytes:
        """Return a configuration, or a ledger that one names, by its digest: the bytes hashed.

        Raises:
            JournalError: The store has none with that digest.
        """
        found = self._select("SELECT body FROM configs WHERE sha256=?", (sha256,))
        if not found:
            raise JournalError(f"{self.path}: no configuration or ledger {sha256}")
        return bytes(found[0][0])

    def config_in_force(self) -> tuple[str, bytes] | None:
        """Return digest and bytes of the configuration in force, None before the first."""
        found = self._select("SELECT value FROM meta WHERE key='config_sha256'")
        return (found[0][0], self.config(found[0][0])) if found else None

    def known_tags(self) -> dict[str, int]:
        """Return every tag id ever given, by name."""
        return dict(self._select("SELECT name, id FROM tags ORDER BY id"))

    def progress(self) -> dict[tuple[str, int], Progress]:
        """Return how far each (source, group) had come; group -1 is the source itself."""
        found = self._select("SELECT source, grp, slot, t_ns FROM progress")
        return {(source, group): Progress(slot, t_ns) for source, group, slot, t_ns in found}

    def blocks(self, start_seq: int = 0) -> Iterator[Block]:
        """Yield the closed blocks from the one that begins at ``start_seq`` on, in order."""
        for row in self._pages("blocks", _BLOCK, "seq0", start_seq):
            yield Block(*row)

    def segments(self) -> list[SegmentInfo]:
        """Return the sealed segments, in order of their rows."""
        found = self._select(f"SELECT {_SEGMENT} FROM segments ORDER BY seq0")  # noqa: S608
        return [SegmentInfo(*row) for row in found]

    def sealed_end(self) -> int:
        """Return the sequence number that follows the last sealed row."""
        return int(self._select("SELECT COALESCE(MAX(seq0+n), 0) FROM segments")[0][0])

    def next_seq(self) -> int:
        """Return the sequence number that the next row will get: the number of rows so far."""
        last = "SELECT seq0+n AS e FROM {} ORDER BY seq0 DESC LIMIT 1"
        ends = [self._select(last.format(table)) for table in ("batches", "blocks")]
        return max((int(found[0][0]) for found in ends if found), default=0)

    def stored_bytes(self, seq0: int, end: int) -> int:
        """Return how many bytes the unsealed rows ``[seq0, end)`` take in the database."""
        sql = "SELECT COALESCE(SUM(LENGTH(body)), 0) FROM batches WHERE seq0>=? AND seq0<?"
        return int(self._select(sql, (seq0, end))[0][0])

    def tail(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.void]]:
        """Yield the rows ``[start, stop)`` still in the journal, a record at a time, in order.

        Rows that were sealed and deleted are not there; sealing may delete more meanwhile, so a
        reader compares the first ``seq`` with what it asked for. Bounds lie on records: block
        bounds always do.

        Raises:
            JournalError: A record is damaged.
        """
        sql = "SELECT seq0, n, body FROM batches WHERE seq0>=? ORDER BY seq0 LIMIT 1"
        while found := self._select(sql, (start,)):
            seq0, n, body = found[0]
            if stop is not None and seq0 >= stop:
                return
            try:
                yield decode(body, seq0, n)
            except ValueError as e:
                raise JournalError(f"{self.path}: {e}; keep the file, restore a copy") from e
            start = seq0 + n

    def texts(self, ix0: int, n: int) -> list[bytes]:
        """Return the texts ``[ix0, ix0 + n)``, exact bytes, in order of their indices.

        Raises:
            JournalError: One of them is not in the table.
        """
        sql = "SELECT body FROM texts WHERE ix>=? AND ix<? ORDER BY ix"
        found = [bytes(row[0]) for row in self._select(sql, (ix0, ix0 + n))]
        if len(found) != n:
            raise JournalError(f"{self.path}: {len(found)} texts from {ix0} on, expected {n}")
        return found

    def text_count(self) -> int:
        """Return how many texts the store has; their indices run from 0."""
        return int(self._select("SELECT COALESCE(MAX(ix)+1, 0) FROM texts")[0][0])

    def texts_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """Return the texts with the given indices, exact bytes, by index.

        Raises:
            JournalError: One of them is not in the table.
        """
        found: dict[int, bytes] = {}
        for at in range(0, len(indices), _PAGE):
            page = tuple(indices[at : at + _PAGE])
            marks = ",".join("?" * len(page))
            found.update(self._select(f"SELECT ix, body FROM texts WHERE ix IN ({marks})", page))  # noqa: S608
        if missing := set(indices) - found.keys():
            raise JournalError(f"{self.path}: text {min(missing)} is missing; restore a copy")
        return found
