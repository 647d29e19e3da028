"""Sealed segments: closed blocks as Parquet, sorted by tag and time, never rewritten.

A segment is written, synced, read back and compared with every block digest before the log names
it, and only then does the journal let go of its rows. Texts stay in the journal's table. Where
``t_source`` is absent, ``t`` is the receive time; other times are wrapping differences to ``t``.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from plantseal.journal import Block, Journal, JournalError, SegmentInfo
from plantseal.journal.database import sync_directory
from plantseal_connectors.rows import ABSENT, ROW, VType

__all__ = ["MAX_BYTES", "MAX_ROWS", "SEGMENT_SCHEMA", "SegmentInfo", "columns", "read_rows", "seal"]

MAX_ROWS: Final = 2_000_000
MAX_BYTES: Final = 64 * 2**20
"""Bound on the rows of a segment as they lie in the journal, which Parquet does not exceed."""

SEGMENT_SCHEMA: Final = pl.Schema(
    {
        "seq": pl.UInt64,
        "tag": pl.UInt32,
        "status": pl.UInt32,
        "t": pl.Int64,  # t_source, or t_receive where has_source is false [ns since the epoch]
        "has_source": pl.Boolean,
        "d_server": pl.Int64,  # t_server - t, wrapping; null: absent
        "d_receive": pl.Int64,  # t_receive - t, wrapping; null: absent
        "src_seq": pl.UInt32,
        "kind": pl.UInt8,
        "vtype": pl.UInt8,
        "flags": pl.UInt8,
        "value_i": pl.Int64,  # bits of BOOL, I64, U64, and the index of TEXT and BYTES
        "value_f": pl.Float64,  # F64
    }
)

_AS_THEY_ARE: Final = ("seq", "tag", "status", "src_seq", "kind", "vtype", "flags")


def columns(rows: NDArray[np.void]) -> pl.DataFrame:
    """Return canonical rows in the columns of :data:`SEGMENT_SCHEMA`, in the order given."""
    has_source = rows["t_source"] != ABSENT
    t = np.where(has_source, rows["t_source"], rows["t_receive"])
    frame = {name: pl.Series(np.ascontiguousarray(rows[name])) for name in _AS_THEY_ARE}
    frame["t"], frame["has_source"] = pl.Series(t), pl.Series(has_source)
    for name in ("server", "receive"):
        time = rows[f"t_{name}"]
        frame[f"d_{name}"] = _where(time - t, time != ABSENT)
    bits, is_float = np.ascontiguousarray(rows["value"]), rows["vtype"] == VType.F64
    is_integer = ~is_float & (rows["vtype"] != VType.NULL)
    frame["value_i"] = _where(bits.view("<i8"), is_integer)
    frame["value_f"] = _where(bits.view("<f8"), is_float)
    return pl.DataFrame(frame).select(SEGMENT_SCHEMA.names())


def _where(values: NDArray[np.generic], present: NDArray[np.bool_]) -> pl.Series:
    """Return ``values``, null where not present."""
    frame = pl.DataFrame({"value": values, "present": present})
    return frame.select(pl.when("present").then("value"))["value"]


def read_rows(path: Path) -> NDArray[np.void]:
    """Return the canonical rows of a segment in ``seq`` order: the producer's own check.

    Raises:
        JournalError: No Parquet file of a segment's columns.
    """
    try:
        frame = pl.read_parquet(path, glob=False)
    except (PolarsError, OSError) as e:
        raise JournalError(f"{path}: cannot be read: {e}; restore the file from a copy") from e
    if frame.schema != SEGMENT_SCHEMA:
        raise JournalError(f"{path}: columns are {dict(frame.schema)}, not those of a segment")
    frame = frame.sort("seq")
    rows = np.zeros(frame.height, dtype=ROW)
    for name in _AS_THEY_ARE:
        rows[name] = frame[name].to_numpy()
    t = frame["t"].to_numpy()
    rows["t_source"] = np.where(frame["has_source"].to_numpy(), t, ABSENT)
    for name in ("server", "receive"):
        difference = frame[f"d_{name}"]
        present = difference.is_not_null().to_numpy()
        rows[f"t_{name}"] = np.where(present, t + difference.fill_null(0).to_numpy(), ABSENT)
    integers = frame["value_i"].fill_null(0).to_numpy().view("<u8")
    floats = frame["value_f"].fill_null(0.0).to_numpy().view("<u8")
    rows["value"] = np.where(rows["vtype"] == VType.F64, floats, integers)
    return rows


def seal(
    journal: Journal, *, force: bool = False, day_start_ns: int | None = None
) -> list[SegmentInfo]:
    """Return the segments made of closed blocks: full ones, then what a day or ``force`` ends.

    Args:
        journal: Open for writing.
        force: Seal every closed block.
        day_start_ns: Blocks closed before it are sealed although they fill no segment [ns since
            the epoch]; by default the start of the present UTC day.

    Raises:
        JournalError: The disk refuses, or a file does not reproduce its blocks; nothing is lost.
    """
    if day_start_ns is None:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day_start_ns = int(today.timestamp()) * 10**9
    made = []
    with _alone(journal.root):
        _forget(journal)  # what a crash after the last sealing left
        for blocks in _runs(journal, force, day_start_ns):
            made.append(_seal_run(journal, blocks))
            _forget(journal)
    return made


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Only one process seals at a time; another one waits."""
    try:
        (root / "segments").mkdir(exist_ok=True)
        handle = os.open(root / "segments.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as e:
        raise JournalError(f"{root / 'segments'}: cannot be written: {e.strerror}") from e
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _forget(journal: Journal) -> None:
    while journal.forget_sealed():
        pass


def _runs(journal: Journal, force: bool, day_start_ns: int) -> Iterator[list[Block]]:
    """Yield runs of closed blocks that make one segment each, the oldest first."""
    run: list[Block] = []
    rows = size = 0
    for block in list(journal.blocks(journal.sealed_end())):
        stored = journal.stored_bytes(block.seq0, block.end)
        if run and (rows + block.n > MAX_ROWS or size + stored > MAX_BYTES):
            yield run
            run, rows, size = [], 0, 0
        run.append(block)
        rows, size = rows + block.n, size + stored
    if not force and rows < MAX_ROWS:
        run = [block for block in run if block.wall_ns < day_start_ns]
    if run:
        yield run


def _seal_run(journal: Journal, blocks: Sequence[Block]) -> SegmentInfo:
    name = f"segments/{len(journal.segments()) + 1:06}.parquet"
    path, part = journal.root / name, journal.root / f"{name}.part"
    try:
        t_min, t_max = _write(journal, blocks, part)
        _check(part, blocks)
        digest, size = _digest(part)
        os.replace(part, path)  # 1 the file is whole, synced and checked before it has its name
        sync_directory(path.parent)
    except OSError as e:
        raise JournalError(f"{path}: cannot be written: {e.strerror or e}; free space?") from e
    finally:
        part.unlink(missing_ok=True)
    info = SegmentInfo(name, size, digest, blocks[0].seq0, sum(b.n for b in blocks), t_min, t_max)
    journal.add_segment(info)  # 2 the log names it; 3 only now may the journal's rows go
    return info


def _write(journal: Journal, blocks: Sequence[Block], part: Path) -> tuple[int, int]:
    """Write the blocks to a file and sync it; return the least and greatest time in it [ns]."""
    rows = np.zeros(sum(b.n for b in blocks), dtype=ROW)
    at = 0
    for piece in journal.tail(blocks[0].seq0, blocks[-1].end):
        rows[at : at + len(piece)] = piece
        at += len(piece)
    t_min, t_max = _extent(rows)
    frame = columns(rows)
    del rows  # half the memory of a segment
    try:
        frame.sort("tag", "t", "seq").write_parquet(
            part, compression="zstd", compression_level=3, row_group_size=250_000
        )
    except PolarsError as e:
        raise JournalError(f"{part}: cannot be written: {e}") from e
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return t_min, t_max


def _extent(rows: NDArray[np.void]) -> tuple[int, int]:
    extents = [
        (int(present.min()), int(present.max()))
        for times in (rows["t_source"], rows["t_receive"])
        if len(present := times[times != ABSENT])
    ]
    return min((e[0] for e in extents), default=0), max((e[1] for e in extents), default=-1)


def _check(part: Path, blocks: Sequence[Block]) -> None:
    """Return when the file reproduces every block bit by bit.

    Raises:
        JournalError: It does not; the journal keeps its rows.
    """
    rows = read_rows(part)
    seq0 = blocks[0].seq0
    for block in blocks:
        piece = rows[block.seq0 - seq0 : block.end - seq0]
        if hashlib.sha256(piece.tobytes()).hexdigest() != block.rows_sha256:
            raise JournalError(
                f"{part}: rows {block.seq0} to {block.end - 1} are not those of block entry "
                f"{block.entry}; nothing was deleted, check disk and memory of this machine"
            )


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()
