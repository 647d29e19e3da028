"""The journal: every row is durable here before anybody is told that it arrived.

``append`` returns after COMMIT and an fsync, so only then may a device forget. Methods may be
called from any thread; one runs at a time. Worker processes are spawned, never forked, while a
journal is open.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plantseal import canonical
from plantseal.clock import read_clock
from plantseal.journal.blocks import add_entry, close_block, set_meta, sign_head
from plantseal.journal.columns import MAX_ROWS, encode
from plantseal.journal.records import JournalError, SegmentInfo, Submitted
from plantseal.journal.state import State, boot_clock_ns
from plantseal.journal.texts import assign
from plantseal.journal.writer import Writer
from plantseal_connectors.rows import ABSENT, ROW, VType

BLOCK_NS: Final = 50 * 10**9
"""Age at which the open block is due [ns]; a tick late, it is still closed within the minute."""

BLOCK_ROWS: Final = 250_000
"""Rows at which a block is closed by the append that reaches them; eight make a full segment."""

_OWN_ENTRIES: Final = frozenset(
    {"genesis", "config", "block", "segment", "boot", "recovery", "clock"}
)


class Journal(Writer):
    """A store: rows, log, texts and tags of one gateway, in one directory.

    Use as a context manager, or ``close`` it; a store left otherwise counts as crashed.
    """

    def append(self, batches: Sequence[Submitted]) -> range:
        """Return the sequence numbers given to the rows, in order; they are durable by then.

        One transaction. Rows are numbered, texts get log-wide indices, a null row's value bits
        and the filler byte become zero, and closed poll slots are noted as progress.

        Raises:
            ValueError: Rows of another dtype, an unknown value type, or a text that is not there.
            JournalError: The disk refuses (final), or the journal cannot be written.
        """
        with self._writing() as state:
            first = state.block.next_seq
            new_texts: list[bytes] = []
            parts = []
            for item in batches:
                rows = _checked(item)
                at = state.block.next_text + len(new_texts)
                new_texts += assign(rows, item.batch.texts, state.recent, at)
                parts.append(rows)
                self._note_progress(item)
            rows = np.concatenate(parts) if parts else np.zeros(0, dtype=ROW)
            rows["seq"] = np.arange(first, first + len(rows), dtype="<u8")
            self._put(state, rows, new_texts)
            return range(first, first + len(rows))

    def _put(self, state: State, rows: NDArray[np.void], new_texts: list[bytes]) -> None:
        """Store rows in records that never straddle a block, texts with the block that needs them."""
        text0 = state.block.next_text
        self._db.executemany("INSERT INTO texts VALUES (?, ?)", enumerate(new_texts, text0))
        while len(rows):
            piece, rows = np.split(rows, [min(MAX_ROWS, BLOCK_ROWS - state.block.n)])
            seq0 = state.block.next_seq
            state.block.add_rows(piece)
            used = _texts_used(piece, state.block.next_text)
            state.block.add_texts(new_texts[state.block.next_text - text0 : used - text0])
            record = (seq0, len(piece), encode(piece))
            self._db.execute("INSERT INTO batches VALUES (?, ?, ?)", record)
            if state.block.n >= BLOCK_ROWS:
                close_block(self._db, state, self._signer)

    def _note_progress(self, item: Submitted) -> None:
        received = item.batch.rows["t_receive"]
        t_ns = int(received.max()) if len(received) else ABSENT
        marks = [*item.batch.closed, (-1, 0)] if t_ns != ABSENT else item.batch.closed
        self._db.executemany(
            "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)",
            [(item.source, group, slot, t_ns) for group, slot in marks],
        )

    def tag_ids(self, names: Sequence[str]) -> dict[str, int]:
        """Return a persistent id for each name, from 1, never reused; new names get the next ones.

        Raises:
            JournalError: The disk refuses, or the journal cannot be written.
        """
        with self._writing():
            known = self.known_tags()
            next_id = max(known.values(), default=0) + 1
            fresh = [name for name in dict.fromkeys(names) if name not in known]
            self._db.executemany("INSERT INTO tags VALUES (?, ?)", enumerate(fresh, next_id))
            known.update(zip(fresh, range(next_id, next_id + len(fresh)), strict=True))
            return {name: known[name] for name in names}

    def configure(self, body: bytes, attached: Sequence[bytes] = ()) -> str:
        """Return the SHA-256 of a configuration in hex, now in force and in the log.

        Closes the open block first, so that no block is of two configurations. Nothing is written
        when that very configuration is in force already.

        Args:
            body: The configuration in its canonical form.
            attached: Bytes that it names by digest (ledgers); stored with it.

        Raises:
            ValueError: ``body`` is not canonical JSON, or has no ``schema``.
            JournalError: The disk refuses, or the journal cannot be written.
        """
        document = canonical.loads_canonical(body)
        if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
            raise ValueError("configuration: expected an object with a schema")
        sha256 = hashlib.sha256(body).hexdigest()
        with self._writing() as state:
            if state.config is not None and state.config[1] == sha256:
                return sha256
            if state.block.n:
                close_block(self._db, state, self._signer)
            self._db.executemany(
                "INSERT OR IGNORE INTO configs VALUES (?, ?)",
                [(hashlib.sha256(stored).hexdigest(), stored) for stored in (body, *attached)],
            )
            clock = read_clock()
            fields = {"sha256": sha256, "schema": document["schema"],
                      "wall_ns": str(clock.wall_ns), "boot_ns": str(clock.boot_ns)}  # fmt: skip
            index = add_entry(self._db, state, "config", fields)
            state.config = (index, sha256)
            set_meta(self._db, "config_index", str(index))
            set_meta(self._db, "config_sha256", sha256)
        return sha256

    def record(self, kind: str, body: Mapping[str, Any]) -> int:
        """Return the index of a new log entry (``gap``, ``device``, ``export``, ``kpi_run`` …).

        Raises:
            ValueError: The journal writes that kind itself, or ``body`` is no canonical JSON.
            JournalError: The disk refuses, or the journal cannot be written.
        """
        if kind in _OWN_ENTRIES:
            raise ValueError(f"log entry {kind!r}: only the journal itself writes it")
        with self._writing() as state:
            return add_entry(self._db, state, kind, body)

    def block_due(self) -> bool:
        """Return True when the open block has rows and is old enough to be closed.

        Raises:
            JournalError: The journal cannot be written.
        """
        with self._writing() as state:
            return state.block.n > 0 and boot_clock_ns() - state.block.since_ns >= BLOCK_NS

    def close_block(self) -> bool:
        """Return True when there were rows to close: their ``block`` entry, then a checkpoint.

        Raises:
            JournalError: The disk refuses, or the journal cannot be written.
        """
        with self._writing() as state:
            if not state.block.n:
                return False
            close_block(self._db, state, self._signer)
            return True

    def sign_checkpoint(self) -> bytes:
        """Return a signed checkpoint of the whole log as it is now.

        Raises:
            JournalError: The journal was opened without a signer, or cannot be written.
        """
        if self._signer is None:
            raise JournalError(f"{self.path}: opened without the signing key, cannot sign")
        with self._writing() as state:
            return sign_head(self._db, state, self._signer)

    def add_segment(self, segment: SegmentInfo) -> int:
        """Return the index of the ``segment`` entry of a sealed file that is durable by now.

        Raises:
            JournalError: It does not follow the last segment, or the disk refuses.
        """
        with self._writing() as state:
            if segment.seq0 != self.sealed_end() or segment.end > state.block.seq0:
                raise JournalError(
                    f"{self.path}: segment of rows {segment.seq0} to {segment.end - 1} does not "
                    f"follow row {self.sealed_end() - 1}; was it sealed twice?"
                )
            fields = (segment.path, segment.size, segment.sha256, segment.seq0, segment.n,
                      segment.t_min, segment.t_max)  # fmt: skip
            names = ("path", "size", "sha256", "seq0", "n", "t_min", "t_max")
            self._db.execute(
                f"INSERT INTO segments ({', '.join(names)}) VALUES (?,?,?,?,?,?,?)",  # noqa: S608
                fields,
            )
            body = {name: str(value) for name, value in zip(names, fields, strict=True)}
            return add_entry(self._db, state, "segment", body)

    def forget_sealed(self, records: int = 16) -> int:
        """Return how many records of sealed rows were deleted, at most ``records``; 0 when done.

        Raises:
            JournalError: The disk refuses, or the journal cannot be written.
        """
        with self._writing():
            sql = (
                "DELETE FROM batches WHERE seq0 IN "
                "(SELECT seq0 FROM batches WHERE seq0<? ORDER BY seq0 LIMIT ?)"
            )
            deleted = self._db.execute(sql, (self.sealed_end(), records)).rowcount
        self._shrink()
        return deleted


def _checked(item: Submitted) -> NDArray[np.void]:
    rows = item.batch.rows
    if rows.dtype != ROW or rows.ndim != 1:
        raise ValueError(f"batch of {item.source}: dtype {rows.dtype}, expected rows of 56 bytes")
    rows = rows.copy()
    if len(rows) and int(rows["vtype"].max()) > max(VType):
        raise ValueError(f"batch of {item.source}: value type {rows['vtype'].max()} is unknown")
    rows["value"][rows["vtype"] == VType.NULL] = 0
    rows["zero"] = 0
    return rows


def _texts_used(rows: NDArray[np.void], next_text: int) -> int:
    """Return the index that follows the last text used up to these rows."""
    values = rows["value"][(rows["vtype"] == VType.TEXT) | (rows["vtype"] == VType.BYTES)]
    return max(next_text, int(values.max()) + 1) if len(values) else next_text
