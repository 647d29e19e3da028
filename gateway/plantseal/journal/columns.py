"""Rows as compressed columns: how a batch lies in the database. Private to the journal.

The sequence number is not stored, it follows from the record's first one. Times are stored as
wrapping differences along the rows, which is exact for every 64-bit value, ``ABSENT`` included.
"""

from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from plantseal_connectors.rows import ROW

FORMAT: Final = b"C1"
MAX_ROWS: Final = 65_536
"""Rows in one record; a longer batch becomes several records of one transaction."""

_COLUMNS: Final = tuple(name for name in ROW.names or () if name not in ("seq", "zero"))
_TIMES: Final = ("t_source", "t_server", "t_receive")
_ROW_BYTES: Final = sum(ROW[name].itemsize for name in _COLUMNS)


def encode(rows: NDArray[np.void]) -> bytes:
    """Return ``rows`` as one compressed record; ``seq`` and ``zero`` are left out."""
    parts = []
    for name in _COLUMNS:
        column = np.ascontiguousarray(rows[name])
        if name in _TIMES:
            bits = column.view("<u8")
            column = np.concatenate([bits[:1], bits[1:] - bits[:-1]])
        parts.append(column.tobytes())
    return FORMAT + zstandard.compress(b"".join(parts), 1)


def decode(record: bytes, seq0: int, n: int) -> NDArray[np.void]:
    """Return the ``n`` rows of a record, numbered from ``seq0``.

    Raises:
        ValueError: The record is damaged or of a format that this version does not know.
    """
    if record[:2] != FORMAT:
        raise ValueError(f"batch {seq0}: format {record[:2]!r}, expected {FORMAT!r}")
    try:
        raw = zstandard.decompress(record[2:], max_output_size=n * _ROW_BYTES)
    except zstandard.ZstdError as e:
        raise ValueError(f"batch {seq0}: {e}") from e
    if len(raw) != n * _ROW_BYTES:
        raise ValueError(f"batch {seq0}: {len(raw)} bytes, expected {n * _ROW_BYTES}")
    rows = np.zeros(n, dtype=ROW)
    rows["seq"] = np.arange(seq0, seq0 + n, dtype="<u8")
    at = 0
    for name in _COLUMNS:
        column = np.frombuffer(raw, ROW[name], n, at)
        if name in _TIMES:
            column = np.cumsum(column.view("<u8"), dtype="<u8").view("<i8")
        rows[name] = column
        at += column.nbytes
    return rows
