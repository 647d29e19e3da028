"""Who may write, and how: opening, booting, recovery, transactions, shutting down.

A transaction that fails at the disk is final: nothing more is accepted until the store is opened
anew, for the kernel may have dropped the pages (never retry an fsync). Several processes may write
to one store; every change is one ``BEGIN IMMEDIATE`` transaction, and what is kept in memory is
brought up to date in it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from plantseal.clock import boot_id, read_clock
from plantseal.journal import database
from plantseal.journal.blocks import add_entry, clock_fields, close_block, set_meta
from plantseal.journal.presence import Presence
from plantseal.journal.reading import Reader
from plantseal.journal.records import JournalError
from plantseal.journal.state import State, catch_up, load
from plantseal.log import Head
from plantseal.note import Signer, vkey


class Writer(Reader):
    """A store that is open: read-only, or as one of its writers."""

    @classmethod
    def create(cls, root: Path, *, origin: str, signer: Signer, software: str) -> Self:
        """Return a new store in ``root``, open for writing, its log begun with ``genesis``.

        Raises:
            JournalError: There is one already, the key bears another name, or the disk refuses.
        """
        if signer.name != origin:
            raise JournalError(f"{root}: key {signer.name!r} cannot sign the log of {origin!r}")
        key = vkey(signer.name, signer.public_key)
        body = {
            "origin": origin, "vkey": key, "software": software, "custody": "K0",
            "wall_ns": str(read_clock().wall_ns),
        }  # fmt: skip
        meta = {"origin": origin, "vkey": key, "clean": "1"}
        database.create(root / database.FILE, meta, Head().next_line("genesis", body))
        return cls.open(root, signer=signer)

    @classmethod
    def open(cls, root: Path, *, signer: Signer | None = None, read_only: bool = False) -> Self:
        """Return the store in ``root``.

        A writer that is alone adds a ``boot`` entry; after a crash also a ``recovery`` entry, and
        a block over the rows that none covered. Without a signer no checkpoints are made.

        Raises:
            JournalError: There is no store, it is of a newer format, damaged, or of another key.
        """
        journal = cls(root, database.connect(root / database.FILE, read_only=read_only))
        try:
            journal._begin(signer, read_only)
        except BaseException:
            journal._release()
            raise
        return journal

    def __init__(self, root: Path, db: sqlite3.Connection) -> None:
        super().__init__(root, db)
        self._signer: Signer | None = None
        self._presence: Presence | None = None  # None: read only
        self._state: State | None = None
        self._refused = "it was opened read-only"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, signer: Signer | None, read_only: bool) -> None:
        if signer is not None and vkey(signer.name, signer.public_key) != self.vkey:
            raise JournalError(
                f"{self.path}: the log belongs to key {self.vkey}, got {signer.name}'s "
                f"{vkey(signer.name, signer.public_key)}; use the key it was created with"
            )
        if read_only:
            return
        self._signer, self._presence, self._refused = signer, Presence(self.root), ""
        with self._writing() as state:
            if self._presence.alone():
                self._boot(state)
            self._presence.stay()

    def _boot(self, state: State) -> None:
        clean = self._meta("clean") == "1"
        if not clean:
            orphans = {"seq0": str(state.block.seq0), "n": str(state.block.n)}
            add_entry(self._db, state, "recovery", orphans)
        clock = clock_fields(read_clock())
        index = add_entry(self._db, state, "boot", {"boot_id": boot_id(), "clean": clean, **clock})
        set_meta(self._db, "boot_index", str(index))
        set_meta(self._db, "clean", "0")
        if state.block.n:  # after the boot entry: its clocks are those of this boot
            close_block(self._db, state, self._signer)

    def shutdown(self) -> None:
        """Close the open block, mark the store clean if no other process writes, write no more.

        Raises:
            JournalError: The disk refuses.
        """
        if self._presence is None or self._refused:
            return
        with self._writing() as state:
            if state.block.n:
                close_block(self._db, state, self._signer)
            if self._presence.alone():
                set_meta(self._db, "clean", "1")
            self._presence.leave()  # before COMMIT: whoever begins next finds the store unattended
        self._refused = "it was shut down"

    def close(self) -> None:
        """Shut down and release the files; harmless when done twice.

        Raises:
            JournalError: The disk refuses; the files are released all the same.
        """
        if self._closed:
            return
        try:
            self.shutdown()
        finally:
            self._release()

    def _release(self) -> None:
        with self._lock:
            self._closed = True
            self._refused = self._refused or "it is closed"
            if self._presence is not None:
                self._presence.leave()
            self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[State]:
        """One transaction, with the state as it is now; what fails at the disk is final."""
        with self._lock:
            if self._refused:
                raise JournalError(f"{self.path}: cannot be written: {self._refused}")
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as e:  # nothing was begun: this one is not final
                raise database.explain(self.path, e) from e
            try:
                yield self._current()
                self._db.execute("COMMIT")
            except sqlite3.Error as e:
                failure = database.explain(self.path, e)
                self._refused = f"an earlier write failed ({e}); restart"
                self._undo()
                raise failure from e
            except BaseException:
                self._undo()
                raise

    def _shrink(self) -> None:
        """Give free pages back to the file system, in a bounded step."""
        with self._lock:
            try:  # executescript steps to the end; execute would free a single page
                self._db.executescript("PRAGMA incremental_vacuum(1024)")
            except sqlite3.Error as e:
                if e.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    return  # nothing was begun, and the pages stay free for the next step
                self._refused = f"an earlier write failed ({e}); restart"
                raise database.explain(self.path, e) from e

    def _undo(self) -> None:
        self._state = None
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error as e:
                self._refused = f"an earlier write could not be undone ({e}); restart"

    def _current(self) -> State:
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        try:
            if self._state is None:
                self._state = load(self._db)
            elif self._state.version != version:
                catch_up(self._db, self._state)
        except ValueError as e:
            raise JournalError(f"{self.path}: {e}; keep the file, restore a copy") from e
        self._state.version = version
        return self._state
