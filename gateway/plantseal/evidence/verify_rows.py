"""Step 11: from the bundle's own Parquet back to the canonical rows, block by block.

This is the verifier's own reader of the row layout. It shares no code with the connectors that
write rows nor with the store that seals them; vectors, not imports, hold the three equal.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PanicException, PolarsError

from plantseal.evidence.format import MAX_SEGMENT_ROWS, Code, Finding, Refused
from plantseal.evidence.verify_clock import shown
from plantseal.evidence.verify_log import Block, Segment
from plantseal_kpi.schema import ROWS

ABSENT: Final = -(2**63)
BOOL, I64, U64, F64, TEXT, BYTES = 1, 2, 3, 4, 5, 6
IMPORTED: Final = 1
ROW: Final = np.dtype(
    {
        "names": ["seq", "tag", "status", "t_source", "t_server", "t_receive", "src_seq",
                  "kind", "vtype", "flags", "zero", "value"],
        "formats": ["<u8", "<u4", "<u4", "<i8", "<i8", "<i8", "<u4", "u1", "u1", "u1", "u1", "<u8"],
        "offsets": [0, 8, 12, 16, 24, 32, 40, 44, 45, 46, 47, 48],
        "itemsize": 56,
    }
)  # fmt: skip
SEGMENT: Final = pl.Schema(
    {
        "seq": pl.UInt64,
        "tag": pl.UInt32,
        "status": pl.UInt32,
        "t": pl.Int64,
        "has_source": pl.Boolean,
        "d_server": pl.Int64,
        "d_receive": pl.Int64,
        "src_seq": pl.UInt32,
        "kind": pl.UInt8,
        "vtype": pl.UInt8,
        "flags": pl.UInt8,
        "value_i": pl.Int64,
        "value_f": pl.Float64,
    }
)
_AS_THEY_ARE: Final = ("seq", "tag", "status", "src_seq", "kind", "vtype", "flags")
_NULLABLE: Final = ("d_server", "d_receive", "value_i", "value_f")


def read_segment(path: Path, name: str) -> NDArray[np.void]:
    """Return the canonical rows of a segment in ``seq`` order.

    Malformed files can abort the process: ``decoding`` calls this in one that may die.

    Raises:
        Refused: E601 when it is no Parquet of a segment's columns, E105 when it is too large.
    """
    try:
        scan = pl.scan_parquet(path, glob=False)
        found = scan.collect_schema()
        if dict(found) != dict(SEGMENT):
            raise Refused(Code.UNREADABLE, f"{name}: columns are {dict(found)}, not a segment's")
        height = scan.select(pl.len()).collect().item()
        if height > MAX_SEGMENT_ROWS:
            raise Refused(Code.SIZE, f"{name}: {height} rows, expected at most {MAX_SEGMENT_ROWS}")
        frame = scan.select(SEGMENT.names()).collect().sort("seq")
    except PolarsError as e:
        raise Refused(Code.UNREADABLE, f"{name}: {_first_line(e)}") from e
    except PanicException as e:  # how the Parquet decoder gives up on hostile bytes
        raise Refused(Code.UNREADABLE, f"{name}: decoder gave up: {_first_line(e)}") from e
    nulls = [c for c in SEGMENT.names() if c not in _NULLABLE and frame[c].null_count()]
    if nulls:
        raise Refused(Code.UNREADABLE, f"{name}: nulls in {', '.join(nulls)}")
    return _pack(frame)


def _first_line(e: BaseException) -> str:
    return (str(e).splitlines() or [type(e).__name__])[0][:200]


def _pack(frame: pl.DataFrame) -> NDArray[np.void]:
    rows = np.zeros(frame.height, dtype=ROW)
    for column in _AS_THEY_ARE:
        rows[column] = frame[column].to_numpy()
    t = frame["t"].to_numpy()
    rows["t_source"] = np.where(frame["has_source"].to_numpy(), t, ABSENT)
    for column, difference in (("t_server", "d_server"), ("t_receive", "d_receive")):
        present = frame[difference].is_not_null().to_numpy()
        # int64 addition wraps in numpy as the difference did when the segment was written
        rows[column] = np.where(present, t + frame[difference].fill_null(0).to_numpy(), ABSENT)
    bits_i = frame["value_i"].fill_null(0).to_numpy().view(np.uint64)
    bits_f = frame["value_f"].fill_null(0.0).to_numpy().view(np.uint64)
    rows["value"] = np.where(rows["vtype"] == F64, bits_f, bits_i)
    return rows


def check_segment(
    rows: NDArray[np.void], segment: Segment, blocks: Sequence[Block]
) -> Iterator[Finding]:
    """Yield what does not agree between the rows of a segment and the log.

    Each of ``blocks``, those that begin within the segment, must be reproduced bit by bit.
    """
    name = segment.path
    if len(rows) != segment.n:
        yield Finding(Code.ROWS, f"{name}: {len(rows)} rows, the log says {segment.n}")
        return
    expected = np.arange(segment.seq0, segment.seq0 + segment.n, dtype=np.uint64)
    if len(np.unique(rows["seq"])) != len(rows):
        yield Finding(Code.DUPLICATE_ROWS, f"{name}: sequence numbers given more than once")
    if not np.array_equal(rows["seq"], expected):
        yield Finding(
            Code.ROWS,
            f"{name}: sequence numbers are not {segment.seq0} to {segment.seq0 + segment.n - 1}",
        )
        return
    if extent(rows) != (segment.t_min, segment.t_max):
        least, greatest = map(shown, extent(rows))
        yield Finding(
            Code.ROWS,
            f"{name}: times from {least} to {greatest}, the log says "
            f"{shown(segment.t_min)} to {shown(segment.t_max)}",
        )
    for block in blocks:
        first = block.seq0 - segment.seq0
        part = rows[first : first + block.n]
        if hashlib.sha256(part.tobytes()).hexdigest() != block.rows_sha256:
            yield Finding(Code.BLOCK_HASH, f"{name}: {_describe(part, block)}")


def extent(rows: NDArray[np.void]) -> tuple[int, int]:
    """Return the least and greatest of all times of source and receipt [ns]; (0, -1) without any."""
    times = np.concatenate([rows["t_source"], rows["t_receive"]])
    times = times[times != ABSENT]
    return (int(times.min()), int(times.max())) if len(times) else (0, -1)


def _describe(part: NDArray[np.void], block: Block) -> str:
    times = part["t_receive"][part["t_receive"] != ABSENT]
    when = (
        f", received {shown(int(times.min()))} to {shown(int(times.max()))}" if len(times) else ""
    )
    return (
        f"rows {block.seq0} to {block.seq0 + block.n - 1} of {len(np.unique(part['tag']))} tags"
        f"{when}, are not those of block entry {block.index}"
    )


def read_texts(data: bytes, name: str, block: Block) -> list[bytes]:
    """Return the texts first used in a block.

    Raises:
        Refused: E603 when the digest or the number is not what the block entry says.
    """
    if hashlib.sha256(data).hexdigest() != block.texts_sha256:
        raise Refused(Code.BLOCK_HASH, f"{name}: not the texts of block entry {block.index}")
    texts, at = [], 0
    while at < len(data):
        if at + 4 > len(data):
            raise Refused(Code.UNREADABLE, f"{name}: cut short at byte {at}")
        size = struct.unpack_from("<L", data, at)[0]
        if at + 4 + size > len(data):
            raise Refused(Code.UNREADABLE, f"{name}: text at byte {at} is cut short")
        texts.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    if len(texts) != block.text_n:
        raise Refused(Code.ROWS, f"{name}: {len(texts)} texts, the log says {block.text_n}")
    return texts


def check_values(rows: NDArray[np.void], name: str, texts: Mapping[int, bytes]) -> list[Finding]:
    """Return findings on text indices that point nowhere or at bytes that are no UTF-8."""
    used = np.unique(rows["value"][(rows["vtype"] == TEXT) | (rows["vtype"] == BYTES)])
    missing = [int(i) for i in used if int(i) not in texts]
    found = []
    if missing:
        found.append(
            Finding(
                Code.DATA_NOT_IN_BUNDLE,
                f"{name}: text {missing[0]} and {len(missing) - 1} others are not in the bundle",
            )
        )
    for i in np.unique(rows["value"][rows["vtype"] == TEXT]):
        try:
            texts.get(int(i), b"").decode("utf-8")
        except UnicodeDecodeError:
            found.append(Finding(Code.UNREADABLE, f"{name}: text {int(i)} is not UTF-8"))
    return found


def check_imported(
    rows: NDArray[np.void], name: str, imports: Sequence[tuple[int, int]]
) -> Iterator[Finding]:
    """Yield a note on rows flagged imported that lie in no import [first, end) of the log."""
    stray = rows["flags"] & IMPORTED != 0
    for first, end in imports:
        stray &= (rows["seq"] < first) | (rows["seq"] >= end)
    if count := int(np.count_nonzero(stray)):
        yield Finding(
            Code.NOTE,
            f"{name}: {count} rows flagged imported that no import entry names: an import that was "
            "cut off, or live rows kept out of the live figures",
        )


def keep(rows: NDArray[np.void], path: Path) -> None:
    """Write verified rows to ``path`` in the columns that :func:`frame` reads.

    The figures are computed from these files, never from the bundle's Parquet: its statistics and
    sort marks could make a query pass over rows that a full read has shown.
    """
    columns = {name: pl.Series(np.ascontiguousarray(rows[name])) for name in _AS_THEY_ARE}
    for name in ("t_source", "t_server", "t_receive"):
        columns[name] = _where(rows[name], rows[name] != ABSENT)
    bits, vtype = np.ascontiguousarray(rows["value"]), rows["vtype"]
    plain = np.isin(vtype, (BOOL, I64)) | ((vtype == U64) & (bits < 2**63))
    columns["value_i"] = _where(bits.view("<i8"), plain)
    columns["value_f"] = _where(bits.view("<f8"), vtype == F64)
    columns["ix"] = _where(bits, vtype == TEXT)
    pl.DataFrame(columns).write_ipc(path, compression="lz4")


def _where(values: NDArray[np.generic], present: NDArray[np.bool_]) -> pl.Series:
    frame = pl.DataFrame({"value": np.ascontiguousarray(values), "present": present})
    return frame.select(pl.when("present").then("value"))["value"]


def frame(paths: Sequence[Path], texts: Mapping[int, bytes]) -> pl.LazyFrame:
    """Return the rows kept at ``paths`` as the KPI core takes them.

    Times absent are null; ``value_i`` holds BOOL, I64 and U64 below 2^63; ``text`` holds TEXT.
    """
    if not paths:
        return pl.LazyFrame(schema=ROWS)
    words = pl.Series("text", [t.decode("utf-8", "replace") for t in texts.values()], pl.String)
    text = pl.col("ix").replace_strict(
        pl.Series("ix", list(texts), pl.UInt64), words, default=None, return_dtype=pl.String
    )
    kept = pl.concat([pl.scan_ipc(p) for p in paths])
    return kept.with_columns(text=text).select(ROWS.names())
