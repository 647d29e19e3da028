"""Entries, blocks and checkpoints, written inside a transaction of the caller."""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from plantseal.clock import ClockReading, read_clock
from plantseal.journal.state import State
from plantseal.note import Checkpoint, Signer, sign_checkpoint

KEPT_CHECKPOINTS: Final = 1_000
CLOCK_STEP_NS: Final = 10**9
"""A wall clock that moved so much against the boot clock was set: a ``clock`` entry says so."""


def add_entry(db: sqlite3.Connection, state: State, kind: str, body: Mapping[str, Any]) -> int:
    """Return the index of a new log entry.

    Raises:
        ValueError: ``body`` is no canonical JSON, or takes a field of the log's own.
    """
    index, line = state.head.size, state.head.next_line(kind, body)
    db.execute("INSERT INTO log VALUES (?, ?)", (index, line))
    state.head.follow(line)
    return index


def set_meta(db: sqlite3.Connection, key: str, value: str) -> None:
    """Keep one fact about the store."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def close_block(db: sqlite3.Connection, state: State, signer: Signer | None) -> None:
    """Close the open block with its ``block`` entry, then sign a checkpoint over it."""
    clock, block = read_clock(), state.block
    _note_clock_step(db, state, clock)
    rows_sha256, texts_sha256 = block.digests()
    body = {
        "seq0": str(block.seq0), "n": str(block.n), "rows_sha256": rows_sha256,
        "text0": str(block.text0), "text_n": str(block.text_n), "texts_sha256": texts_sha256,
        "config": None if state.config is None else str(state.config[0]),
        **clock_fields(clock),
    }  # fmt: skip
    index = add_entry(db, state, "block", body)
    db.execute(
        "INSERT INTO blocks (seq0, n, rows_sha256, text0, text_n, texts_sha256, wall_ns, boot_ns, "
        "entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (block.seq0, block.n, rows_sha256, block.text0, block.text_n, texts_sha256,
         clock.wall_ns, clock.boot_ns, index),
    )  # fmt: skip
    state.block = block.next_block()
    if signer is not None:
        sign_head(db, state, signer)


def _note_clock_step(db: sqlite3.Connection, state: State, clock: ClockReading) -> None:
    """Say so in the log when the wall clock was set since the last block of this boot."""
    booted = db.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key='boot_index'").fetchone()
    last = "SELECT wall_ns, boot_ns FROM blocks WHERE entry>? ORDER BY seq0 DESC LIMIT 1"
    for wall_ns, boot_ns in db.execute(last, booted).fetchall():
        step = (clock.wall_ns - wall_ns) - (clock.boot_ns - boot_ns)
        if abs(step) >= CLOCK_STEP_NS:
            add_entry(db, state, "clock", {"step_ns": str(step), **clock_fields(clock)})


def sign_head(db: sqlite3.Connection, state: State, signer: Signer) -> bytes:
    """Return the signed checkpoint of the log as it is now; the latest ones are kept."""
    tree = state.head.tree
    note = sign_checkpoint(Checkpoint(signer.name, tree.size, tree.root()), signer)
    db.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)",
        (tree.size, note, b"".join(tree.subtrees())),
    )
    db.execute(
        "DELETE FROM checkpoints WHERE size <= "
        "(SELECT size FROM checkpoints ORDER BY size DESC LIMIT 1 OFFSET ?)",
        (KEPT_CHECKPOINTS,),
    )
    return note


def clock_fields(clock: ClockReading) -> dict[str, Any]:
    """Return a clock reading as log entries carry it: times as decimal strings, null if unknown."""

    def text(ns: int | None) -> str | None:
        return None if ns is None else str(ns)

    return {
        "wall_ns": str(clock.wall_ns),
        "boot_ns": str(clock.boot_ns),
        "sync": {
            "synced": clock.synced,
            "offset_ns": text(clock.offset_ns),
            "max_error_ns": text(clock.max_error_ns),
        },
    }
