"""Every frame the core accepts: column, dtype, unit.

The kinds, value types and flags restate the row format of ``docs/bundle-format.md`` on purpose:
the core shares no code with the connectors that write rows; a test holds the two equal.
"""

from enum import IntEnum, IntFlag
from typing import Final

import polars as pl

ROWS: Final = pl.Schema(
    {
        "seq": pl.UInt64,  # journal order, unique
        "tag": pl.UInt32,
        "status": pl.UInt32,  # OPC UA StatusCode
        "t_source": pl.Int64,  # ns since the epoch, UTC; null where the source gave none
        "t_server": pl.Int64,  # same
        "t_receive": pl.Int64,  # same; null for records imported without a receive time
        "src_seq": pl.UInt32,
        "kind": pl.UInt8,
        "vtype": pl.UInt8,
        "flags": pl.UInt8,
        "value_i": pl.Int64,  # BOOL, I64; U64 up to 2^63-1 (beyond it: null, the bits are kept elsewhere)
        "value_f": pl.Float64,  # F64
        "text": pl.String,  # TEXT; null for BYTES
    }
)


class Kind(IntEnum):
    """What a row says."""

    VALUE = 1
    SLOT = 2
    BIRTH = 3
    DEATH = 4
    KEEPALIVE = 5
    GAP = 6
    OVERFLOW = 7
    EVENT = 8
    SEQ_GAP = 9
    UNPARSED = 10


class VType(IntEnum):
    """Type of a row's value."""

    NULL = 0
    BOOL = 1
    I64 = 2
    U64 = 3
    F64 = 4
    TEXT = 5
    BYTES = 6


class Flag(IntFlag):
    """How a row came to be."""

    IMPORTED = 1
    HISTORICAL = 2
    BACKFILLED = 4
    RETAINED = 8
    REDELIVERED = 16
    FIRST = 32
    CLAMPED = 64


def check_rows(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return ``rows`` with the columns of :data:`ROWS` in that order.

    Raises:
        ValueError: A column is missing or has another dtype; the message names each.
    """
    found = rows.collect_schema()
    wrong = [
        f"{name}: got {found.get(name, 'nothing')}, expected {dtype}"
        for name, dtype in ROWS.items()
        if found.get(name) != dtype
    ]
    if wrong:
        raise ValueError("rows frame: " + "; ".join(wrong))
    return rows.select(ROWS.names())
