"""From a publish response to rows: pure, one batch a message, times to the 100 ns they came with.

What a value becomes: Boolean is BOOL; the integers I64, UInt64 alone U64; Float and Double F64;
ByteString BYTES; String, XmlElement, LocalizedText (without locale), DateTime (ISO 8601, seven
digits), Guid, NodeId, QualifiedName and StatusCode are TEXT; a string that is not UTF-8 is BYTES.
A null is NULL, with the status as it came. An array gives the element that the tag's address
names; without one, and for a structure, the row is JSON text with status BadTypeMismatch (or the
device's own bad status): a figure must not take it for a reading.

Source: OPC 10000-4, 5.14.5 Publish, 7.25 NotificationData; OPC 10000-6, 5.2.2.17 DataValue.
"""

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from plantseal_connectors.opcua import binary
from plantseal_connectors.opcua.binary import DecodingError, Reader, Value
from plantseal_connectors.rows import ABSENT, ROW, Batch, Flag, Kind, VType
from plantseal_connectors.status import BAD_TYPE_MISMATCH, OVERFLOW, is_bad

PUBLISH_RESPONSE: Final = "i=829"
DATA_CHANGE: Final = "i=811"
STATUS_CHANGE: Final = "i=820"

_ROW = struct.Struct("<QIIqqqIBBBBQ")
assert _ROW.size == ROW.itemsize  # noqa: S101  the layout of rows.py, packed without numpy
_HEAD = struct.Struct("<IB")  # client handle, which fields of the DataValue follow
_F32, _F64, _U64 = struct.Struct("<f"), struct.Struct("<d"), struct.Struct("<Q")
_MASK64 = 2**64 - 1
_NS_LOW, _NS_HIGH = ABSENT + 1, 2**63 - 1
_VALUE, _CLAMPED = int(Kind.VALUE), int(Flag.CLAMPED)  # plain numbers: enums pack slowly
_FIXED: Final[Mapping[int, tuple[struct.Struct, int]]] = {
    kind: (
        _U64 if kind == 11 else layout,  # a Double's bits verbatim
        int(
            VType.BOOL if kind == binary.BOOLEAN
            else VType.U64 if kind == binary.UINT64
            else VType.F64 if kind in (binary.FLOAT, 11)
            else VType.I64
        ),
    )
    for kind, layout in binary.SCALARS.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublishResponse:
    """One publish response, its notifications not yet read.

    Attributes:
        subscription: Subscription id; 0 when the server has none.
        sequence: Number of this message; of the next one when this is a keep-alive.
        t_publish: When the server sent it [ns since the epoch]; ABSENT where it does not say.
        keepalive: Nothing had changed.
        changes: The data change notifications, each a reader of its body.
        ended: Status with which the server ended the subscription; None while it lives.
        others: Type ids of notifications of other kinds (events).
    """

    subscription: int
    sequence: int
    t_publish: int
    keepalive: bool
    changes: tuple[Reader, ...] = ()
    ended: int | None = None
    others: tuple[str, ...] = ()


def nanoseconds(ticks: int, picoseconds: int = 0) -> tuple[int, int]:
    """Return a DateTime as ns since the Unix epoch, and CLAMPED when it did not fit in 64 bits.

    Args:
        ticks: 100 ns since 1601-01-01.
        picoseconds: Tens of ps within the tick.

    Example:
        >>> nanoseconds(116_444_736_000_000_001, 1200)
        (112, 0)
        >>> nanoseconds(0)
        (-9223372036854775807, 64)
    """
    ns = (ticks - binary.EPOCH_TICKS) * 100 + picoseconds // 100
    if ns < _NS_LOW:
        return _NS_LOW, _CLAMPED
    if ns > _NS_HIGH:
        return _NS_HIGH, _CLAMPED
    return ns, 0


def publish_response(body: bytes) -> PublishResponse:
    """Return the frame of the publish response in ``body``.

    Raises:
        DecodingError: It is something else.
    """
    reader = Reader(body)
    if (kind := binary.node_id(reader)) != PUBLISH_RESPONSE:
        raise DecodingError(f"message {kind}, expected a publish response ({PUBLISH_RESPONSE})")
    reader.take(8 + 4 + 4)  # response header: time, request handle, result (seen by the session)
    binary.diagnostic_info(reader)
    for _ in range(reader.length(4)):
        reader.text()
    binary.extension_object(reader)
    subscription = reader.number(binary.UINT32)
    reader.take(4 * reader.length(4))  # numbers still available for republishing
    reader.take(1)  # more notifications
    sequence = reader.number(binary.UINT32)
    sent = reader.number(binary.INT64)
    t_publish = nanoseconds(sent)[0] if sent > 0 else ABSENT
    changes, others, ended = [], [], None
    count = reader.length(3)
    for _ in range(count):
        name, inner = binary.extension_object(reader)
        if name == DATA_CHANGE:
            changes.append(inner)
        elif name == STATUS_CHANGE:
            ended = inner.number(binary.UINT32)
        else:
            others.append(name)
    reader.take(4 * reader.length(4))  # what became of the acknowledgements
    for _ in range(reader.length(1)):
        binary.diagnostic_info(reader)
    return PublishResponse(
        subscription, sequence, t_publish, count == 0, tuple(changes), ended, tuple(others)
    )


@dataclass(slots=True)
class RowDecoder:
    """Turns data changes into rows; knows which items were heard before.

    Attributes:
        link: Link tag of the source.
        elements: Element that the address names, by client handle (the tag id); None for the
            whole value. A handle that is not in here is none of ours.
        unheard: Handles of which nothing has come since they were subscribed.
    """

    link: int
    elements: Mapping[int, int | None]
    unheard: set[int] = field(default_factory=set)
    _rows: list[bytes] = field(default_factory=list)
    _texts: list[bytes] = field(default_factory=list)

    def add(
        self,
        kind: Kind,
        tag: int,
        t_receive: int,
        sequence: int,
        *,
        status: int = 0,
        t_source: int = ABSENT,
        t_server: int = ABSENT,
        vtype: VType = VType.NULL,
        bits: int = 0,
        flags: int = 0,
    ) -> None:
        """Append one row that is not a data change."""
        self._rows.append(
            _ROW.pack(0, tag, status, t_source, t_server, t_receive, sequence, kind, vtype, flags,
                      0, bits)
        )  # fmt: skip

    def add_unparsed(self, payload: bytes, t_receive: int, sequence: int) -> None:
        """Append the bytes of a message that could not be read."""
        self._texts.append(payload)
        self.add(Kind.UNPARSED, self.link, t_receive, sequence, vtype=VType.BYTES,
                 bits=len(self._texts) - 1)  # fmt: skip

    def batch(self) -> Batch:
        """Return all rows so far as one batch and start anew."""
        rows = np.frombuffer(bytearray(b"".join(self._rows)), dtype=ROW)
        batch = Batch(rows, tuple(self._texts))
        self._rows, self._texts = [], []
        return batch

    def add_changes(self, changes: Reader, t_receive: int, sequence: int, flags: int = 0) -> None:
        """Append the rows of a data change notification: one a value, one more per overflow.

        Raises:
            DecodingError: The bytes are not one; nothing of it is appended.
        """
        rows, texts = len(self._rows), len(self._texts)
        try:
            for _ in range(changes.length(_HEAD.size)):
                self._add_change(changes, t_receive, sequence, flags)
        except (DecodingError, struct.error, IndexError) as e:
            del self._rows[rows:], self._texts[texts:]
            raise DecodingError(f"data change notification: {e}") from None

    def _add_change(self, reader: Reader, t_receive: int, sequence: int, flags: int) -> None:
        data, start = reader.data, reader.pos
        handle, mask = _HEAD.unpack_from(data, start)
        pos = start + 5
        vtype, bits, status, t_source, t_server = 0, 0, 0, ABSENT, ABSENT
        raw: tuple[int, Value] | None = None
        if mask & 1:
            fixed = _FIXED.get(data[pos])
            if fixed is None:
                reader.pos = pos
                raw = binary.variant(reader)
                pos = reader.pos
            else:
                layout, vtype = fixed
                (number,) = layout.unpack_from(data, pos + 1)
                if data[pos] == binary.FLOAT:
                    (bits,) = _U64.unpack(_F64.pack(number))
                else:
                    bits = number & _MASK64
                pos += 1 + layout.size
        if mask & 2:
            (status,) = binary.UINT32.unpack_from(data, pos)
            pos += 4
        if mask & 4:
            (ticks,) = binary.INT64.unpack_from(data, pos)
            pos += 8
            fine = 0
            if mask & 16:
                (fine,) = binary.UINT16.unpack_from(data, pos)
                pos += 2
            t_source, clamped = nanoseconds(ticks, fine)
            flags |= clamped
        if mask & 8:
            (ticks,) = binary.INT64.unpack_from(data, pos)
            pos += 8
            fine = 0
            if mask & 32:
                (fine,) = binary.UINT16.unpack_from(data, pos)
                pos += 2
            t_server, clamped = nanoseconds(ticks, fine)
            flags |= clamped
        if pos > reader.end:
            raise DecodingError(f"byte {start}: an item reaches {pos - reader.end} bytes too far")
        reader.pos = pos
        if handle not in self.elements:
            self.add_unparsed(data[start:pos], t_receive, sequence)
            return
        if self.unheard and handle in self.unheard:
            self.unheard.discard(handle)
            flags |= Flag.FIRST
        if status & OVERFLOW == OVERFLOW:  # the lost values lie before the one that says so
            self.add(Kind.OVERFLOW, handle, t_receive, sequence, status=status, t_source=t_source,
                     t_server=t_server, flags=flags)  # fmt: skip
        if raw is not None:
            vtype, bits, status = self._encode(raw, self.elements[handle], status)
        elif vtype and self.elements[handle] is not None and not is_bad(status):
            status = BAD_TYPE_MISMATCH  # a scalar where the address names an element
        self._rows.append(
            _ROW.pack(0, handle, status, t_source, t_server, t_receive, sequence, _VALUE,
                      vtype, flags, 0, bits)
        )  # fmt: skip

    def _encode(
        self, raw: tuple[int, Value], element: int | None, status: int
    ) -> tuple[int, int, int]:
        """Return value type, bits and status of a value that is not a plain number."""
        kind, value = raw
        mismatch = status if is_bad(status) else BAD_TYPE_MISMATCH
        if value is None:
            return VType.NULL, 0, status
        if isinstance(value, list) and element is not None:
            if element >= len(value):
                return VType.NULL, 0, mismatch
            return self._encode((kind, value[element]), None, status)
        if isinstance(value, list | dict):
            return *self._text(json.dumps(_plain(value), ensure_ascii=False)), mismatch
        if element is not None:
            status = mismatch
        if isinstance(value, bytes):
            self._texts.append(value)
            return VType.BYTES, len(self._texts) - 1, status
        if isinstance(value, str):
            return *self._text(value), status
        if isinstance(value, bool):
            return VType.BOOL, int(value), status
        if isinstance(value, float):
            return VType.F64, int(_U64.unpack(_F64.pack(value))[0]), status
        return VType.U64 if kind == binary.UINT64 else VType.I64, value & _MASK64, status

    def _text(self, text: str) -> tuple[int, int]:
        try:
            body, vtype = text.encode(), VType.TEXT
        except UnicodeEncodeError:  # a lone surrogate stands for a byte that was not UTF-8
            body, vtype = text.encode("utf-8", "surrogateescape"), VType.BYTES
        self._texts.append(body)
        return vtype, len(self._texts) - 1


def _plain(value: Value) -> object:
    """Return ``value`` as JSON holds it: bytes in base64, not-a-number and infinities as text."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value
