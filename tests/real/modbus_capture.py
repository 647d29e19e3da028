"""Modbus/TCP requests and responses out of a classic pcap file.

A small reader, independent of the product: Ethernet, IPv4, TCP in order of sequence number, MBAP
frames, and responses matched to requests by stream, transaction and unit. A gap in the capture is
skipped to the next segment whose start looks like a frame.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

Address = tuple[str, int]


@dataclass(frozen=True)
class Exchange:
    """A request and its response; one of them is None where the capture holds only the other."""

    time: float
    client: Address
    server: Address
    transaction: int
    unit: int
    request: bytes | None
    response: bytes | None


@dataclass
class _Direction:
    """One direction of a connection: bytes put in order, frames taken out."""

    next: int | None = None
    waiting: dict[int, bytes] = field(default_factory=dict)
    buffer: bytes = b""

    def take(self, sequence: int, body: bytes, fresh: bool) -> list[tuple[int, int, bytes]]:
        if fresh or self.next is None:
            self.next, self.waiting, self.buffer = sequence, {}, b""
        if body:
            self.waiting[sequence] = body
        for start in sorted(self.waiting, key=lambda s: (s - (self.next or 0)) % 2**32):
            ahead = (start - self.next) % 2**32
            if ahead == 0:
                piece = self.waiting.pop(start)
            elif ahead > 2**31:  # sent before; keep what goes beyond
                piece = self.waiting.pop(start)[2**32 - ahead :]
            else:
                break
            self.buffer += piece
            self.next = (self.next + len(piece)) % 2**32
        if len(self.waiting) > 16:  # lost in the capture
            self.next = min(self.waiting, key=lambda s: (s - (self.next or 0)) % 2**32)
            self.buffer = b""
        return list(self._frames())

    def _frames(self) -> Iterator[tuple[int, int, bytes]]:
        while len(self.buffer) >= 8:
            transaction, protocol, length, unit = struct.unpack_from(">HHHB", self.buffer)
            if protocol != 0 or not 2 <= length <= 254:
                self.buffer = b""  # another protocol on this port
                return
            if len(self.buffer) < 6 + length:
                return
            yield transaction, unit, self.buffer[7 : 6 + length]
            self.buffer = self.buffer[6 + length :]


def packets(path: Path) -> Iterator[tuple[float, bytes]]:
    """Yield time [s] and bytes of every packet."""
    body = path.read_bytes()
    order = "<" if body[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    tick = 1e-9 if body[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
    at = 24
    while at + 16 <= len(body):
        seconds, fraction, size, _ = struct.unpack_from(order + "IIII", body, at)
        yield seconds + fraction * tick, body[at + 16 : at + 16 + size]
        at += 16 + size


def _segment(packet: bytes) -> tuple[Address, Address, int, int, bytes] | None:
    """Source, destination, sequence number, flags and payload of a TCP packet over IPv4."""
    at = 12
    while packet[at : at + 2] == b"\x81\x00":  # VLAN tag
        at += 4
    if packet[at : at + 2] != b"\x08\x00" or len(packet) < at + 22 or packet[at + 11] != 6:
        return None
    ip = packet[at + 2 :]
    ip = ip[: struct.unpack_from(">H", ip, 2)[0]]
    tcp = ip[(ip[0] & 15) * 4 :]
    if len(tcp) < 20:
        return None
    source, destination, sequence = struct.unpack_from(">HHI", tcp)
    hosts = (".".join(map(str, ip[12:16])), ".".join(map(str, ip[16:20])))
    return (
        (hosts[0], source),
        (hosts[1], destination),
        sequence,
        tcp[13],
        tcp[(tcp[12] >> 4) * 4 :],
    )


def exchanges(path: Path, port: int = 502) -> list[Exchange]:
    """Return every request to ``port`` with its response, and every response without a request."""
    directions: dict[tuple[Address, Address], _Direction] = {}
    asked: list[Exchange] = []
    open_requests: dict[tuple[Address, Address, int, int], list[int]] = {}
    for time, packet in packets(path):
        found = _segment(packet)
        if found is None or port not in (found[0][1], found[1][1]):
            continue
        source, destination, sequence, flags, body = found
        fresh = bool(flags & 2)  # SYN takes one sequence number
        frames = directions.setdefault((source, destination), _Direction()).take(
            (sequence + fresh) % 2**32, body, fresh
        )
        for transaction, unit, pdu in frames:
            if destination[1] == port:
                key = (source, destination, transaction, unit)
                open_requests.setdefault(key, []).append(len(asked))
                asked.append(Exchange(time, source, destination, transaction, unit, pdu, None))
            elif waiting := open_requests.get((destination, source, transaction, unit)):
                index = waiting.pop(0)
                asked[index] = replace(asked[index], response=pdu)
            else:
                asked.append(Exchange(time, destination, source, transaction, unit, None, pdu))
    return asked
