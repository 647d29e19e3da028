"""The row: 56 bytes, little-endian, the one layout from the decoder to the journal.

The unit behind a decoder is a :class:`Batch`, never a sample. A row is also how silence is
recorded: a slot closed without a value, a death, a keep-alive and a gap are rows of their own kind.
The layout is normative in ``docs/bundle-format.md``; the verifier has its own reader of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

ABSENT: Final = -(2**63)
"""Marks a time that the device, the server or the record did not give."""

ROW: Final = np.dtype(
    [
        ("seq", "<u8"),  # given by the writer, contiguous from 0
        ("tag", "<u4"),
        ("status", "<u4"),  # OPC UA StatusCode; see status.py
        ("t_source", "<i8"),  # ns since the Unix epoch, UTC
        ("t_server", "<i8"),
        ("t_receive", "<i8"),
        (
            "src_seq",
            "<u4",
        ),  # the source's own counter: slot number, publish sequence, Sparkplug seq
        ("kind", "u1"),
        ("vtype", "u1"),
        ("flags", "u1"),
        ("zero", "u1"),
        ("value", "<u8"),  # the bits of the value, see VType
    ]
)
assert ROW.itemsize == 56  # noqa: S101  the format, not a test


class Kind(IntEnum):
    """What a row says."""

    VALUE = 1  # the device answered: a value, or null with the status it reported
    SLOT = 2  # a poll slot closed without an answer; the status says why
    BIRTH = 3  # link tag: session established; value: text, JSON of the device's identity
    DEATH = 4  # link tag: session over; t_source is the last moment it was known alive
    KEEPALIVE = 5  # link tag: the source was heard from, nothing had changed
    GAP = 6  # link tag: time not covered, [t_source, t_server); value: u64, slots missed
    OVERFLOW = 7  # a queue lost values of this tag; the value beside it is in its own row
    EVENT = 8  # an alarm or event; value: text, JSON
    SEQ_GAP = 9  # link tag: the source's own counter jumped; value: u64, messages missing
    UNPARSED = 10  # link tag: a payload that no rule could read; value: bytes as they came


class VType(IntEnum):
    """How the eight value bytes are read."""

    NULL = 0
    BOOL = 1
    I64 = 2
    U64 = 3
    F64 = 4  # the bits verbatim, NaN payloads and -0.0 included
    TEXT = 5  # index into the log-wide text table, UTF-8
    BYTES = 6  # index into the same table, any bytes


class Flag(IntFlag):
    """How a row came to be."""

    IMPORTED = 1  # from a recorded file, not from a device
    HISTORICAL = 2  # the sender says that it sends late (Sparkplug is_historical)
    BACKFILLED = 4  # fetched from the device's own history after a gap
    RETAINED = 8  # MQTT retained message: not fresh
    REDELIVERED = 16  # the protocol says that it was sent before
    FIRST = 32  # first notification after (re)connecting: the value may be old
    CLAMPED = 64  # a time beyond the 64-bit range was cut to its end


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that travel and are committed together.

    Attributes:
        rows: Structured array of dtype :data:`ROW`; ``seq`` is 0 until the writer gives it.
        texts: Bytes of the TEXT and BYTES rows; until the writer assigns log-wide indices, the
            value of such a row is the index into this tuple.
        closed: Poll groups this batch closes, as (group index, slot number); committed with it.
    """

    rows: NDArray[np.void]
    texts: tuple[bytes, ...] = ()
    closed: tuple[tuple[int, int], ...] = ()


Scalar = bool | int | float | str | bytes | None


@dataclass(slots=True)
class RowList:
    """Rows collected one by one, for paths where a few rows at a time are made.

    Example:
        >>> rows = RowList()
        >>> rows.add(tag=7, t_receive=1, value=230.5)
        >>> batch = rows.batch()
        >>> batch.rows["value"].view("<f8").tolist()
        [230.5]
    """

    _rows: list[tuple[int, ...]] = field(default_factory=list)
    _texts: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        *,
        tag: int,
        t_receive: int,
        value: Scalar = None,
        status: int = 0,
        kind: Kind = Kind.VALUE,
        t_source: int = ABSENT,
        t_server: int = ABSENT,
        src_seq: int = 0,
        flags: int = 0,
    ) -> None:
        """Append one row; times in ns since the epoch, ``ABSENT`` where there is none.

        Raises:
            OverflowError: An integer does not fit in 64 bits; send it as text instead.
        """
        vtype, bits = self._encode(value)
        self._rows.append(
            (0, tag, status, t_source, t_server, t_receive, src_seq & 0xFFFFFFFF,
             kind, vtype, flags, 0, bits)
        )  # fmt: skip

    def _encode(self, value: Scalar) -> tuple[VType, int]:
        if value is None:
            return VType.NULL, 0
        if isinstance(value, bool):
            return VType.BOOL, int(value)
        if isinstance(value, int):
            if -(2**63) <= value < 2**63:
                return VType.I64, value & 0xFFFFFFFFFFFFFFFF
            if 0 <= value < 2**64:
                return VType.U64, value
            raise OverflowError(f"{value} does not fit in 64 bits")
        if isinstance(value, float):
            return VType.F64, int(np.float64(value).view(np.uint64))
        if isinstance(value, str):
            try:
                body, vtype = value.encode("utf-8"), VType.TEXT
            except UnicodeEncodeError:  # a lone surrogate stands for a byte that was not UTF-8
                body, vtype = value.encode("utf-8", "surrogateescape"), VType.BYTES
        else:
            body, vtype = value, VType.BYTES
        self._texts.append(body)
        return vtype, len(self._texts) - 1

    def batch(self, closed: Sequence[tuple[int, int]] = ()) -> Batch:
        """Return all rows so far as one batch and start anew."""
        batch = Batch(np.array(self._rows, dtype=ROW), tuple(self._texts), tuple(closed))
        self._rows, self._texts = [], []
        return batch
