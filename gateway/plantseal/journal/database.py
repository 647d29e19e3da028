"""The SQLite file: its tables, how it is opened, and what its errors mean to a person.

WAL with ``synchronous=FULL``: a commit that returned has been synced. One format version a file; a
newer one is refused, never guessed at.
"""

import os
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from plantseal.journal.records import JournalError

FILE: Final = "journal.db"
FORMAT: Final = 1
BUSY_S: Final = 30.0
"""How long a writer waits for another process's transaction [s]."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE log (i INTEGER PRIMARY KEY, line BLOB NOT NULL);
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL, subtrees BLOB NOT NULL);
CREATE TABLE batches (seq0 INTEGER PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE texts (ix INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE blocks (
  seq0 INTEGER PRIMARY KEY, n INTEGER NOT NULL, rows_sha256 TEXT NOT NULL,
  text0 INTEGER NOT NULL, text_n INTEGER NOT NULL, texts_sha256 TEXT NOT NULL,
  wall_ns INTEGER NOT NULL, boot_ns INTEGER NOT NULL, entry INTEGER NOT NULL UNIQUE);
CREATE TABLE segments (
  seq0 INTEGER PRIMARY KEY, n INTEGER NOT NULL, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
  sha256 TEXT NOT NULL, t_min INTEGER NOT NULL, t_max INTEGER NOT NULL);
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE configs (sha256 TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE progress (
  source TEXT, grp INTEGER, slot INTEGER NOT NULL, t_ns INTEGER NOT NULL,
  PRIMARY KEY (source, grp)) WITHOUT ROWID;
"""

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free space and start again",
    sqlite3.SQLITE_IOERR: "the disk reports an error; look at the kernel's log, then start again",
    sqlite3.SQLITE_BUSY: "another process holds the store; try again, or stop that process",
    sqlite3.SQLITE_READONLY: "the files of the store belong to another user; run as that user",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check path and permissions",
    sqlite3.SQLITE_PERM: "no permission; check the owner of the store's files",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; put the right one back from a copy",
    sqlite3.SQLITE_CORRUPT: "the database is damaged; keep it, and restore a copy",
}


def explain(path: Path, error: sqlite3.Error) -> JournalError:
    """Return a JournalError that says where, what, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    remedy = _REMEDIES.get(code, "see the store's directory and its disk")
    return JournalError(f"{path}: {error}: {remedy}")


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection to an existing store of a format that is known.

    Raises:
        JournalError: There is none, it is something else, it is newer, or it cannot be opened.
    """
    if not path.is_file():
        raise JournalError(f"{path}: no journal here; `plantseal run` makes one at first start")
    try:
        db = _open(path, "ro" if read_only else "rw")
    except sqlite3.Error as e:
        raise explain(path, e) from e
    try:
        _check_format(path, db)
        if not read_only:
            _set_durable(db)
    except sqlite3.Error as e:
        db.close()
        raise explain(path, e) from e
    except JournalError:
        db.close()
        raise
    return db


def create(path: Path, meta: Mapping[str, str], first_line: bytes) -> None:
    """Make a store whose log has its first entry; it appears under its name complete or not at all.

    Raises:
        JournalError: Something is there already, or it cannot be written.
    """
    if path.exists():
        raise JournalError(f"{path}: a journal is there already and is never overwritten")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as made:
            _build(Path(made) / FILE, meta, first_line)
            os.rename(Path(made) / FILE, path)
        sync_directory(path.parent)
    except sqlite3.Error as e:
        raise explain(path, e) from e
    except OSError as e:
        raise JournalError(f"{path}: cannot be made: {e.strerror}") from e


def _build(path: Path, meta: Mapping[str, str], first_line: bytes) -> None:
    with closing(_open(path, "rwc")) as db:
        db.execute("PRAGMA page_size=8192")
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only before the first table
        _set_durable(db)
        db.executescript(f"BEGIN;{_SCHEMA}")
        db.execute("INSERT INTO log VALUES (0, ?)", (first_line,))
        db.executemany(
            "INSERT INTO meta VALUES (?, ?)", [("format", str(FORMAT)), *sorted(meta.items())]
        )
        db.execute("COMMIT")  # closing the only connection then moves the WAL into the file


def sync_directory(path: Path) -> None:
    """Return once the names in a directory are on disk; a file's own fsync does not cover them.

    Raises:
        OSError: The disk refuses.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    # calls come from several threads, one at a time: the journal's own lock sees to that
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False,
    )  # fmt: skip


def _set_durable(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA journal_size_limit=67108864")


def _check_format(path: Path, db: sqlite3.Connection) -> None:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if "meta" not in tables:
        raise JournalError(f"{path}: a SQLite file, but not a journal; is this the data directory?")
    found = db.execute("SELECT value FROM meta WHERE key='format'").fetchone()
    if found is None or not found[0].isdecimal():
        raise JournalError(f"{path}: no format version; the store was never completed, remove it")
    if int(found[0]) > FORMAT:
        raise JournalError(
            f"{path}: format {found[0]}, this version knows up to {FORMAT}; "
            "upgrade plantseal, the store is left as it is"
        )
