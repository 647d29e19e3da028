"""What a writer keeps in memory: the end of the log and the open block, both rolling digests.

It is always what the database says: loaded at the first transaction, brought up to date when
another process has written, thrown away when a transaction fails.
"""

import hashlib
import sqlite3
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from plantseal import merkle
from plantseal.journal.columns import decode
from plantseal.journal.texts import Recent
from plantseal.log import Head, line_digest

if TYPE_CHECKING:
    from hashlib import _Hash

_WARM_TEXTS = 4_096


def boot_clock_ns() -> int:
    """Return the time since the machine booted [ns]; no step of the wall clock moves it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class OpenBlock:
    """The rows and texts that no block entry covers yet.

    Attributes:
        seq0: First sequence number of the block.
        n: Rows in it so far.
        text0: Index of the first text that is new in it.
        text_n: Texts new in it so far.
        since_ns: Boot clock when its first row was seen here [ns]; 0 while it is empty.
    """

    seq0: int = 0
    text0: int = 0
    n: int = 0
    text_n: int = 0
    since_ns: int = 0
    _rows: "_Hash" = field(default_factory=hashlib.sha256)
    _texts: "_Hash" = field(default_factory=hashlib.sha256)

    @property
    def next_seq(self) -> int:
        """Return the sequence number of the next row."""
        return self.seq0 + self.n

    @property
    def next_text(self) -> int:
        """Return the index of the next new text."""
        return self.text0 + self.text_n

    def add_rows(self, rows: NDArray[np.void]) -> None:
        """Count canonical rows, numbered and in order."""
        self._rows.update(np.ascontiguousarray(rows).view(np.uint8).data)
        self.since_ns = self.since_ns or boot_clock_ns()
        self.n += len(rows)

    def add_texts(self, texts: Iterable[bytes]) -> None:
        """Count new texts, in the order of their indices."""
        for text in texts:
            self._texts.update(struct.pack("<L", len(text)) + text)
            self.text_n += 1

    def digests(self) -> tuple[str, str]:
        """Return the SHA-256 of the rows and of the texts so far, in hex."""
        return self._rows.hexdigest(), self._texts.hexdigest()

    def next_block(self) -> "OpenBlock":
        """Return the empty block that follows."""
        return OpenBlock(seq0=self.next_seq, text0=self.next_text)


@dataclass(slots=True)
class State:
    """What the next row, entry and block are made from.

    Attributes:
        head: End of the log.
        block: The open block.
        recent: Indices of the texts used last.
        config: Index of the ``config`` entry in force and its digest; None before the first.
        version: SQLite's ``data_version`` at which this was true.
    """

    head: Head
    block: OpenBlock = field(default_factory=OpenBlock)
    recent: Recent = field(default_factory=Recent)
    config: tuple[int, str] | None = None
    version: int = -1


def load(db: sqlite3.Connection) -> State:
    """Return the state of a store; reads the log from its last checkpoint on.

    Raises:
        ValueError: A stored batch is damaged.
        sqlite3.Error: The database cannot be read.
    """
    state = State(head=_resume(db))
    floor = db.execute("SELECT MAX(ix) FROM texts").fetchone()[0]
    if floor is not None:
        warm = (max(0, floor - _WARM_TEXTS),)
        for index, body in db.execute("SELECT ix, body FROM texts WHERE ix >= ? ORDER BY ix", warm):
            state.recent.put(body, index)
    catch_up(db, state)
    return state


def _resume(db: sqlite3.Connection) -> Head:
    query = "SELECT size, subtrees FROM checkpoints ORDER BY size DESC LIMIT 1"
    found = db.execute(query).fetchone()
    if found is None:
        return Head()
    size, packed = found
    tree = merkle.Tree.resume(size, [packed[i : i + 32] for i in range(0, len(packed), 32)])
    last = db.execute("SELECT line FROM log WHERE i=?", (size - 1,)).fetchone()
    if last is None:
        raise ValueError(f"log: entry {size - 1} is missing, but a checkpoint covers it")
    return Head(line_digest(last[0]), tree)


def catch_up(db: sqlite3.Connection, state: State) -> None:
    """Bring ``state`` up to what the database holds now; inside a transaction of the caller.

    Raises:
        ValueError: A stored batch is damaged.
        sqlite3.Error: The database cannot be read.
    """
    for index, line in db.execute(
        "SELECT i, line FROM log WHERE i>=? ORDER BY i", (state.head.size,)
    ):
        if index != state.head.size:
            raise ValueError(f"log: entry {state.head.size} is missing, found {index}")
        state.head.follow(line)
    config = dict(db.execute("SELECT key, value FROM meta WHERE key LIKE 'config_%'").fetchall())
    if config:
        state.config = (int(config["config_index"]), config["config_sha256"])
    ends = "SELECT seq0+n, text0+text_n FROM blocks ORDER BY seq0 DESC LIMIT 1"
    closed, texts_closed = db.execute(ends).fetchone() or (0, 0)
    if closed > state.block.seq0 or texts_closed > state.block.text0:
        state.block = OpenBlock(seq0=closed, text0=texts_closed)
    for index, body in db.execute(
        "SELECT ix, body FROM texts WHERE ix>=? ORDER BY ix", (state.block.next_text,)
    ):
        state.recent.put(body, index)
        state.block.add_texts([body])
    for seq0, n, body in db.execute(
        "SELECT seq0, n, body FROM batches WHERE seq0>=? ORDER BY seq0", (state.block.next_seq,)
    ):
        if seq0 != state.block.next_seq:
            raise ValueError(f"batches: row {state.block.next_seq} is missing, found {seq0}")
        state.block.add_rows(decode(body, seq0, n))
