"""A Sparkplug B edge node with its own protobuf encoder, written by hand from the wire format.

The encoder shares nothing with any decoder: field numbers and wire types stand here once more, so
that an error in the product's table cannot hide in its own mirror image.

Source: Sparkplug 3.0, 6.4; protobuf encoding (varint, fixed 32, fixed 64, length-delimited).
"""

import struct
import time
from dataclasses import dataclass, field

from plantseal_simulators.mqtt import Publisher

Value = bool | int | float | str | bytes | None

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(1, 9)
FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME, TEXT, UUID, DATASET, BYTES = range(9, 18)


def varint(number: int) -> bytes:
    """Return a protobuf base-128 varint; a negative number as its 64-bit two's complement."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field_number: int, value: int) -> bytes:
    return varint(field_number << 3) + varint(value)


def _blob(field_number: int, body: bytes) -> bytes:
    return varint(field_number << 3 | 2) + varint(len(body)) + body


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric to send.

    Attributes:
        name: Left out of the payload where empty.
        value: None is sent as ``is_null``.
        datatype: Sparkplug type; left out of the payload where 0.
        alias: Left out where None.
        t_ms: Time of the metric [ms since the epoch]; left out where None.
        historical: Say that it is sent late.
        wire_type: Type that decides the wire field where ``datatype`` is left out.
        quality: Value of the property ``Quality``; left out where None.
    """

    name: str
    value: Value
    datatype: int = 0
    alias: int | None = None
    t_ms: int | None = None
    historical: bool = False
    wire_type: int = 0
    quality: int | None = None

    def encoded(self) -> bytes:
        """Return the metric as protobuf."""
        out = _blob(1, self.name.encode()) if self.name else b""
        if self.alias is not None:
            out += _number(2, self.alias)
        if self.t_ms is not None:
            out += _number(3, self.t_ms)
        if self.datatype:
            out += _number(4, self.datatype)
        if self.historical:
            out += _number(5, 1)
        if self.quality is not None:
            body = _blob(1, b"Quality") + _blob(2, _number(1, INT32) + _number(3, self.quality))
            out += _blob(9, body)
        return out + (_number(7, 1) if self.value is None else self._value())

    def _value(self) -> bytes:
        kind, value = self.datatype or self.wire_type, self.value
        if kind in (INT8, INT16, INT32, UINT8, UINT16, UINT32):
            return _number(10, int(value or 0) & 0xFFFF_FFFF)
        if kind in (INT64, UINT64, DATETIME):
            return _number(11, int(value or 0))
        if kind == FLOAT:
            return varint(12 << 3 | 5) + struct.pack("<f", value)
        if kind == DOUBLE:
            return varint(13 << 3 | 1) + struct.pack("<d", value)
        if kind == BOOLEAN:
            return _number(14, int(bool(value)))
        if isinstance(value, bytes):
            return _blob(16, value)
        return _blob(15, str(value).encode())


def payload(metrics: list[Metric], seq: int | None, t_ms: int) -> bytes:
    """Return a payload as protobuf; ``seq`` is left out where None."""
    out = _number(1, t_ms) + b"".join(_blob(2, m.encoded()) for m in metrics)
    return out if seq is None else out + _number(3, seq)


@dataclass(slots=True)
class EdgeNode:
    """An edge node; every message takes the next number of the sequence.

    Attributes:
        group: Group id.
        node: Edge node id.
        bd_seq: Birth/death number of this connection.
        seq: Number of the next message.
    """

    host: str
    port: int
    group: str = "plant"
    node: str = "pack2"
    bd_seq: int = 0
    seq: int = 0
    keepalive_s: int = 30
    _publisher: Publisher | None = field(default=None, repr=False)

    def topic(self, kind: str, device: str = "") -> str:
        """Return the topic of a message type, e.g. ``DDATA``."""
        return f"spBv1.0/{self.group}/{kind}/{self.node}" + (f"/{device}" if device else "")

    async def start(self) -> None:
        """Connect, with an NDEATH left as the will; births are the caller's to send."""
        self._publisher = Publisher(
            self.host, self.port, f"sim-{self.node}", keepalive_s=self.keepalive_s
        )
        self._publisher.will(self.topic("NDEATH"), self.death())
        await self._publisher.start()

    def death(self) -> bytes:
        """Return the payload of an NDEATH of this connection."""
        return payload([Metric("bdSeq", self.bd_seq, INT64)], None, _now_ms())

    async def birth(self, metrics: list[Metric]) -> None:
        """Publish NBIRTH, which begins the sequence at 0."""
        self.seq = 0
        await self.send("NBIRTH", [Metric("bdSeq", self.bd_seq, INT64), *metrics])

    async def device_birth(self, device: str, metrics: list[Metric]) -> None:
        """Publish DBIRTH."""
        await self.send("DBIRTH", metrics, device)

    async def data(self, metrics: list[Metric], device: str = "") -> None:
        """Publish NDATA, or DDATA of a device."""
        await self.send("DDATA" if device else "NDATA", metrics, device)

    async def device_death(self, device: str) -> None:
        """Publish DDEATH."""
        await self.send("DDEATH", [], device)

    async def send(self, kind: str, metrics: list[Metric], device: str = "") -> None:
        """Publish a message with the next sequence number."""
        await self._publish(self.topic(kind, device), payload(metrics, self.seq, _now_ms()))
        self.seq = (self.seq + 1) % 256

    async def _publish(self, topic: str, body: bytes) -> None:
        if self._publisher is None:
            raise ConnectionError("edge node is not started")
        await self._publisher.publish(topic, body, qos=0)

    def skip(self, messages: int = 1) -> None:
        """Fault: numbers are used up by messages that never arrive."""
        self.seq = (self.seq + messages) % 256

    async def garbage(self, device: str = "") -> None:
        """Fault: a message that is no protobuf; it takes a number."""
        kind = "DDATA" if device else "NDATA"
        await self._publish(self.topic(kind, device), b"\xff\xff\xff garbage")
        self.seq = (self.seq + 1) % 256

    async def stop(self) -> None:
        """Publish NDEATH and disconnect, as a node that is switched off in order."""
        await self._publish(self.topic("NDEATH"), self.death())
        await self.leave()

    async def leave(self) -> None:
        """Fault: disconnect without a death; the broker forgets the will."""
        if self._publisher is not None:
            await self._publisher.stop()
        self._publisher = None
        self.bd_seq = (self.bd_seq + 1) % 256

    async def vanish(self) -> None:
        """Fault: the line is cut; the broker publishes the NDEATH."""
        if self._publisher is not None:
            await self._publisher.vanish()
        self._publisher = None
        self.bd_seq = (self.bd_seq + 1) % 256


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
