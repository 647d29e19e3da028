"""The built-in types of OPC UA binary, read from bytes: pure, bounded by the bytes at hand.

Every length is checked against what is left before anything is built, so that a short hostile
message cannot ask for a long list.

Source: OPC 10000-6, 5.2 (OPC UA Binary).
"""

import base64
import struct
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH_TICKS: Final = 116_444_736_000_000_000
"""1970-01-01 in 100 ns since 1601-01-01 (OPC 10000-6, 5.2.2.5)."""
MAX_TICKS: Final = 2_650_467_743_990_000_000  # 9999-12-31T23:59:59Z, the last second of DateTime
MAX_DEPTH: Final = 16  # variants in variants; the standard allows 100, nobody has seen three

BOOLEAN: Final = 1
UINT64: Final = 9
FLOAT: Final = 10
DATETIME: Final = 13
BYTESTRING: Final = 15

Value = bool | int | float | str | bytes | None | list["Value"] | dict[str, "Value"]


class DecodingError(ValueError):
    """Bytes that are not what the standard says; the message says where."""


class Reader:
    """A place in a message; every read moves it on, none moves it beyond the end."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int = 0, end: int | None = None) -> None:
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else end

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        start = self.pos
        if size < 0 or start + size > self.end:
            raise DecodingError(f"byte {start}: {size} bytes wanted, {self.end - start} left")
        self.pos = start + size
        return self.data[start : self.pos]

    def number(self, layout: struct.Struct) -> int:
        """Return the integer of ``layout`` that comes next."""
        return int(layout.unpack(self.take(layout.size))[0])

    def length(self, least: int) -> int:
        """Return how many elements of at least ``least`` bytes follow; 0 for a null array."""
        count = self.number(INT32)
        if count * least > self.end - self.pos:
            left = self.end - self.pos
            raise DecodingError(f"byte {self.pos}: {count} elements announced, {left} bytes left")
        return max(count, 0)

    def blob(self) -> bytes | None:
        """Return a byte string, None for a null one."""
        size = self.number(INT32)
        return None if size < 0 else self.take(size)

    def text(self) -> str | None:
        """Return a string; a byte that is not UTF-8 becomes a lone surrogate."""
        blob = self.blob()
        return None if blob is None else blob.decode("utf-8", "surrogateescape")

    def within(self, size: int) -> "Reader":
        """Return a reader of the next ``size`` bytes, and move beyond them."""
        start = self.pos
        self.take(size)
        return Reader(self.data, start, start + size)


BYTE: Final = struct.Struct("<B")
UINT16: Final = struct.Struct("<H")
INT32: Final = struct.Struct("<i")
UINT32: Final = struct.Struct("<I")
INT64: Final = struct.Struct("<q")
SCALARS: Final[Mapping[int, struct.Struct]] = {
    kind: struct.Struct(layout)
    for kind, layout in {
        BOOLEAN: "<?", 2: "<b", 3: "<B", 4: "<h", 5: "<H", 6: "<i", 7: "<I", 8: "<q", UINT64: "<Q",
        FLOAT: "<f", 11: "<d",
    }.items()
}  # fmt: skip
"""Layout of the types whose values all have one size, by type number."""


def datetime_text(ticks: int) -> str:
    """Return a DateTime as ISO 8601 text with its seven digits, beyond year 9999 its last second.

    Example:
        >>> datetime_text(131_592_384_001_234_567)
        '2018-01-01T00:00:00.1234567Z'
    """
    seconds, fraction = divmod(min(max(ticks, 0), MAX_TICKS), 10_000_000)
    moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:07d}Z"


def node_id(reader: Reader) -> str:
    """Return a NodeId or ExpandedNodeId as text; namespaces by index, as they came."""
    encoding = reader.number(BYTE)
    form, index = encoding & 0x3F, 0
    if form == 0:
        name = f"i={reader.number(BYTE)}"
    elif form == 1:
        index = reader.number(BYTE)
        name = f"i={reader.number(UINT16)}"
    elif form in (2, 3, 4, 5):
        index = reader.number(UINT16)
        name = _IDENTIFIERS[form](reader)
    else:
        raise DecodingError(f"byte {reader.pos}: node id of form {form}, expected 0..5")
    place = f"nsu={reader.text()};" if encoding & 0x80 else f"ns={index};" if index else ""
    server = f"svr={reader.number(UINT32)};" if encoding & 0x40 else ""
    return server + place + name


def _guid(reader: Reader) -> str:
    return str(uuid.UUID(bytes_le=reader.take(16)))


_IDENTIFIERS: Mapping[int, Callable[[Reader], str]] = {
    2: lambda r: f"i={r.number(UINT32)}",
    3: lambda r: f"s={r.text() or ''}",
    4: lambda r: f"g={_guid(r)}",
    5: lambda r: f"b={base64.b64encode(r.blob() or b'').decode()}",
}


def extension_object(reader: Reader) -> tuple[str, Reader]:
    """Return the type id of a structure and a reader of its body, empty when it has none."""
    name = node_id(reader)
    if reader.number(BYTE) == 0:
        return name, reader.within(0)
    size = reader.number(INT32)
    return name, reader.within(max(size, 0))


def _structure(reader: Reader) -> Value:
    name, body = extension_object(reader)
    return {"type": name, "body": body.take(body.end - body.pos)}


def _localized(reader: Reader) -> Value:
    mask = reader.number(BYTE)
    if mask & 1:
        reader.text()  # the locale; the text is what a person reads
    return reader.text() if mask & 2 else None


def _qualified(reader: Reader) -> Value:
    index = reader.number(UINT16)
    name = reader.text()
    return name if name is None or index == 0 else f"{index}:{name}"


def diagnostic_info(reader: Reader, depth: int = 0) -> Value:
    """Read a DiagnosticInfo and return the texts in it."""
    if depth > MAX_DEPTH:
        raise DecodingError(f"byte {reader.pos}: more than {MAX_DEPTH} levels")
    mask = reader.number(BYTE)
    found: dict[str, Value] = {}
    for bit, name in enumerate(("symbol", "namespace", "text", "locale")):
        if mask >> bit & 1:
            found[name] = reader.number(INT32)
    if mask & 0x10:
        found["info"] = reader.text()
    if mask & 0x20:
        found["status"] = reader.number(UINT32)
    if mask & 0x40:
        found["inner"] = diagnostic_info(reader, depth + 1)
    return found


def _data_value(reader: Reader, depth: int) -> Value:
    mask = reader.number(BYTE)
    value = variant(reader, depth + 1)[1] if mask & 1 else None
    status = reader.number(UINT32) if mask & 2 else 0
    for bit, layout in ((4, INT64), (16, UINT16), (8, INT64), (32, UINT16)):
        if mask & bit:
            reader.number(layout)
    return {"value": value, "status": status}


def _scalar(kind: int, reader: Reader, depth: int) -> Value:
    layout = SCALARS.get(kind)
    if layout is not None:
        (value,) = layout.unpack(reader.take(layout.size))
        return value  # type: ignore[no-any-return]  # struct says Any; the layouts are bool, int, float
    if kind == 23:
        return _data_value(reader, depth)
    if kind == 24:
        return variant(reader, depth + 1)[1]
    return _OTHERS.get(kind, Reader.blob)(reader)  # 26..31 are reserved and read as byte strings


_OTHERS: Mapping[int, Callable[[Reader], Value]] = {
    12: Reader.text,
    DATETIME: lambda r: datetime_text(r.number(INT64)),
    14: _guid,
    BYTESTRING: Reader.blob,
    16: Reader.text,
    17: node_id,
    18: node_id,
    19: lambda r: f"0x{r.number(UINT32):08X}",
    20: _qualified,
    21: _localized,
    22: _structure,
    25: diagnostic_info,
}


def variant(reader: Reader, depth: int = 0) -> tuple[int, Value]:
    """Return type number and value of a Variant; an array, of any shape, as one flat list.

    A DateTime becomes ISO 8601 text, a Guid, node id or status code its text, a LocalizedText its
    text without the locale; a structure its type id and its bytes.

    Raises:
        DecodingError: The bytes are not a Variant.
    """
    if depth > MAX_DEPTH:
        raise DecodingError(f"byte {reader.pos}: more than {MAX_DEPTH} levels")
    encoding = reader.number(BYTE)
    kind = encoding & 0x3F
    if kind > 31:
        raise DecodingError(f"byte {reader.pos}: variant of type {kind}, expected 0..31")
    if kind == 0:
        if encoding & 0x80:
            reader.number(INT32)  # nulls take no bytes: their number must not become a list
        return 0, None
    if not encoding & 0x80:
        return kind, _scalar(kind, reader, depth)
    layout = SCALARS.get(kind)
    values: list[Value] = [
        _scalar(kind, reader, depth) for _ in range(reader.length(layout.size if layout else 1))
    ]
    if encoding & 0x40:
        reader.take(4 * reader.length(4))  # the dimensions
    return kind, values
