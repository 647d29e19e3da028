"""From the bytes of a response to row values: pure, vectorised, raw (no scale is applied).

A response is believed only when function code, byte count and length are exactly those of the
question. Integers become I64 or U64, float32 is widened to F64; a NaN stays the NaN it was.
"""

import struct
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plantseal_connectors.modbus.plan import WIDTHS, Point
from plantseal_connectors.rows import VType

IDENTITY_OBJECTS: Final = {
    0: "vendor", 1: "product", 2: "revision", 3: "url", 4: "product_name", 5: "model",
    6: "application",
}  # fmt: skip
"""Object ids of the device identification.

Source: Modbus Application Protocol V1.1b3, 6.21.
"""
_WIRE: Final = {
    "uint16": (">u2", "<u8", VType.U64),
    "int16": (">i2", "<i8", VType.I64),
    "uint32": (">u4", "<u8", VType.U64),
    "int32": (">i4", "<i8", VType.I64),
    "uint64": (">u8", "<u8", VType.U64),
    "int64": (">i8", "<i8", VType.I64),
    "float32": (">f4", "<f8", VType.F64),
    "float64": (">u8", "<u8", VType.F64),  # the bits verbatim
}


@dataclass(frozen=True, slots=True)
class Data:
    """The answer to a read: register or bit bytes as they came."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """An exception response and its code."""

    code: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """An answer that does not fit the question, and why."""

    reason: str


def response(pdu: bytes, function: int, count: int) -> Data | Refusal | Malformed:
    """Return what a response PDU says to a read of ``count`` registers or bits.

    Source: Modbus Application Protocol V1.1b3, 6.1 to 6.4 and 7.

    Example:
        >>> response(bytes.fromhex("03 04 41424344"), function=3, count=2)
        Data(data=b'ABCD')
        >>> response(bytes.fromhex("83 02"), function=3, count=1)
        Refusal(code=2)
        >>> response(bytes.fromhex("03 04 00AA00BB"), function=3, count=1)
        Malformed(reason='got 4 bytes of data, expected 2')
    """
    if len(pdu) < 2:
        return Malformed(f"got {len(pdu)} bytes, expected at least 2")
    if pdu[0] == function | 0x80:
        return Refusal(pdu[1])
    if pdu[0] != function:
        return Malformed(f"got function {pdu[0]}, expected {function}")
    expected = (count + 7) // 8 if function in (1, 2) else 2 * count
    if pdu[1] != expected:
        return Malformed(f"got {pdu[1]} bytes of data, expected {expected}")
    if len(pdu) != 2 + expected:
        return Malformed(f"got {len(pdu) - 2} bytes of {expected} announced")
    return Data(pdu[2:])


@dataclass(frozen=True, slots=True)
class Column:
    """Points of one block that share type and byte order.

    Attributes:
        rows: Index of each point among the block's points.
        words: Index of each word in the response, most significant first; one row a point.
        bits: Bit of the word by point, for bits within registers; None elsewhere.
        swapped: True when the two bytes of each word are exchanged.
        type: Key of :data:`~plantseal_connectors.modbus.plan.WIDTHS`.
    """

    rows: NDArray[np.intp]
    words: NDArray[np.intp]
    bits: NDArray[np.uint16] | None
    swapped: bool
    type: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How the points of one block are taken out of its response.

    Attributes:
        vtypes: Value type by point.
        columns: Points that are decoded together.
        in_bits: True when the response is packed bits, not registers.
    """

    vtypes: NDArray[np.uint8]
    columns: tuple[Column, ...]
    in_bits: bool


def layout(points: Sequence[Point]) -> Layout:
    """Return how ``points``, all of one block and sorted by register, lie in its response."""
    start = points[0].register
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, p in enumerate(points):
        alike[p.type, p.order].append(i)
    vtypes = np.array([VType.BOOL if p.type == "bool" else _WIRE[p.type][2] for p in points], "u1")
    columns = []
    for (kind, order), rows in alike.items():
        words = np.array([points[i].register for i in rows])[:, None] - start
        words = words + np.arange(WIDTHS[kind])
        if order in ("CDAB", "DCBA"):
            words = words[:, ::-1]
        in_register = kind == "bool" and points[rows[0]].table in ("holding", "input")
        bits = np.array([points[i].bit or 0 for i in rows], "u2") if in_register else None
        columns.append(Column(np.array(rows), words, bits, order in ("BADC", "DCBA"), kind))
    return Layout(vtypes, tuple(columns), points[0].table in ("coil", "discrete"))


def values(layout: Layout, data: bytes) -> NDArray[np.uint64]:
    """Return the value bits of every point of the block, as a row's ``value`` holds them.

    Example:
        >>> at = Point(0, 1, "input", 72, "float32", "CDAB")
        >>> values(layout([at]), bytes.fromhex("0000 4366")).view("<f8").tolist()
        [230.0]
    """
    out = np.zeros(len(layout.vtypes), dtype="<u8")
    if layout.in_bits:
        flags = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little")
        for column in layout.columns:
            out[column.rows] = flags[column.words[:, 0]]
        return out
    registers = np.frombuffer(data, ">u2")
    for column in layout.columns:
        words = registers[column.words]
        if column.swapped:
            words = words.byteswap()
        if column.bits is not None:
            out[column.rows] = (words[:, 0].astype("u2") >> column.bits) & 1
            continue
        wire, wide, _ = _WIRE[column.type]
        with np.errstate(invalid="ignore"):  # a signalling NaN is data, not a fault of ours
            numbers = np.ascontiguousarray(words).view(wire)[:, 0].astype(wide)
        out[column.rows] = numbers.view("<u8")
    return out


def identity(pdu: bytes) -> tuple[dict[str, str], int]:
    """Return what a device says of itself, and the object id to go on with (0: that was all).

    Empty when the PDU is a refusal or does not hold what it announces.

    Source: Modbus Application Protocol V1.1b3, 6.21 (function 43, MEI type 14).
    """
    found: dict[str, str] = {}
    try:
        function, mei, _code, _level, more, following, count = struct.unpack_from("7B", pdu)
        if (function, mei) != (43, 14):
            return {}, 0
        at = 7
        for _ in range(count):
            number, length = struct.unpack_from("2B", pdu, at)
            text = struct.unpack_from(f"{length}s", pdu, at + 2)[0].decode("utf-8", "replace")
            found[IDENTITY_OBJECTS.get(number, f"object_{number}")] = text.strip("\0 ")
            at += 2 + length
    except struct.error:
        return {}, 0
    return found, following if more == 0xFF else 0
