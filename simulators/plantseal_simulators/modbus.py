"""A Modbus TCP server with several units, scripted faults and a log of what was asked of it.

It speaks the protocol itself, on asyncio streams, so that every kind of wrong answer can be given.
"""

import asyncio
import contextlib
import struct
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Table = Literal["coil", "discrete", "holding", "input"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
FaultKind = Literal[
    "drop",  # close the connection instead of answering
    "silent",  # no answer at all
    "late",  # the right answer, `seconds` too late; later requests overtake it
    "exception",  # exception response `code`
    "random",  # well-formed answers with random registers
    "byte_count",  # the byte count is one register too high
    "truncate",  # half an answer
    "function",  # an answer to another function code
    "unit",  # an answer from another unit
    "transaction",  # an answer with another transaction id
    "transaction_zero",  # an answer with transaction id 0
]
_TABLES: Mapping[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came over the wire; address and count are 0 where it has none."""

    unit: int
    function: int
    address: int
    count: int


@dataclass(slots=True)
class _Fault:
    kind: FaultKind
    code: int
    seconds: float
    addresses: range | None
    times: int | None

    def hits(self, request: Request) -> bool:
        if self.times == 0:
            return False
        asked = range(request.address, request.address + request.count)
        if self.addresses and not (
            asked.start < self.addresses.stop and self.addresses.start < asked.stop
        ):
            return False
        if self.times is not None:
            self.times -= 1
        return True


def encode(value: float, kind: str, order: Order = "ABCD") -> tuple[int, ...]:
    """Return the registers that hold ``value``.

    Example:
        >>> [hex(r) for r in encode(-2, "int32", "CDAB")]
        ['0xfffe', '0xffff']
    """
    body = struct.pack(_FORMATS[kind], value)
    words = [body[i : i + 2] for i in range(0, len(body), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    byte_order: Literal["big", "little"] = "little" if order in ("BADC", "DCBA") else "big"
    return tuple(int.from_bytes(word, byte_order) for word in words)


@dataclass(slots=True)
class ModbusSimulator:
    """A running server; what is set next is what the next request finds.

    Attributes:
        port: TCP port it listens on.
        requests: Every request seen, in order of arrival.
        connections: How many connections were ever made.
        max_count: Longest read answered; longer ones get exception 3.
        unknown_unit: What a unit without any register answers.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    max_count: int = 2000
    unknown_unit: Literal["exception", "silent"] = "exception"
    _tables: dict[tuple[int, Table], dict[int, int]] = field(default_factory=dict)
    _identities: dict[int, Mapping[int, str]] = field(default_factory=dict)
    _faults: dict[int, list[_Fault]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _random: Random = field(default_factory=lambda: Random(7))

    @classmethod
    async def start(cls, host: str = "127.0.0.1", port: int = 0) -> "ModbusSimulator":
        """Return a server that listens; port 0 takes a free one."""
        self = cls()
        self._server = await asyncio.start_server(self._accept, host, port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close the server and every connection."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server:
            await self._server.wait_closed()

    def set(self, unit: int, table: Table, address: int, registers: Sequence[int]) -> None:
        """Set registers or bits from ``address`` on; what was never set is an illegal address."""
        held = self._tables.setdefault((unit, table), {})
        held.update({address + i: int(value) for i, value in enumerate(registers)})

    def set_value(
        self,
        unit: int,
        table: Table,
        address: int,
        value: float,
        kind: str,
        order: Order = "ABCD",
    ) -> None:
        """Set one number of type ``kind``, e.g. ``float32``."""
        self.set(unit, table, address, encode(value, kind, order))

    def identify(self, unit: int, objects: Mapping[int, str]) -> None:
        """Set what a unit answers to function 43/14, by object id."""
        self._identities[unit] = objects

    def fault(
        self,
        unit: int,
        kind: FaultKind,
        *,
        code: int = 4,
        seconds: float = 0.0,
        addresses: range | None = None,
        times: int | None = None,
    ) -> None:
        """Let a unit misbehave: at every request, or those that touch ``addresses``, or ``times``."""
        self._faults.setdefault(unit, []).append(_Fault(kind, code, seconds, addresses, times))

    def clear(self, unit: int) -> None:
        """End the faults of a unit."""
        self._faults.pop(unit, None)

    def hang_up(self) -> None:
        """Close every connection; new ones are taken."""
        for task in self._tasks:
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._spawn(self._serve(reader, writer))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                await self._respond(writer, transaction, unit, await reader.readexactly(length - 1))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _respond(
        self, writer: asyncio.StreamWriter, transaction: int, unit: int, pdu: bytes
    ) -> None:
        function = pdu[0]
        address, count = (
            struct.unpack_from(">HH", pdu, 1) if function in _TABLES and len(pdu) >= 5 else (0, 0)
        )
        request = Request(unit, function, address, count)
        self.requests.append(request)
        answer = self._answer(request, pdu)
        fault = next((f for f in self._faults.get(unit, ()) if f.hits(request)), None)
        if fault is None:
            if answer is not None:
                writer.write(_frame(transaction, unit, answer))
        elif fault.kind == "drop":
            raise ConnectionResetError("scripted")
        elif fault.kind == "late":
            self._spawn(self._send_late(writer, fault.seconds, transaction, unit, answer))
        elif fault.kind != "silent":
            writer.write(self._wrong(fault, transaction, unit, answer or bytes((function, 0))))

    async def _send_late(
        self,
        writer: asyncio.StreamWriter,
        seconds: float,
        transaction: int,
        unit: int,
        answer: bytes | None,
    ) -> None:
        await asyncio.sleep(seconds)
        if answer is not None and not writer.is_closing():
            writer.write(_frame(transaction, unit, answer))

    def _answer(self, request: Request, pdu: bytes) -> bytes | None:
        unit, function = request.unit, request.function
        if not any(number == unit for number, _ in self._tables):
            return _refusal(function, 11) if self.unknown_unit == "exception" else None
        if function == 43 and pdu[1:2] == b"\x0e" and unit in self._identities:
            return self._identification(unit)
        if function not in _TABLES:
            return _refusal(function, 1)
        if not 1 <= request.count <= self.max_count:
            return _refusal(function, 3)
        held = self._tables.get((unit, _TABLES[function]), {})
        wanted = range(request.address, request.address + request.count)
        if any(address not in held for address in wanted):
            return _refusal(function, 2)
        found = [held[address] for address in wanted]
        if function in (1, 2):
            bits = sum(bool(bit) << i for i, bit in enumerate(found))
            body = bits.to_bytes((len(found) + 7) // 8, "little")
        else:
            body = struct.pack(f">{len(found)}H", *found)
        return bytes((function, len(body))) + body

    def _identification(self, unit: int) -> bytes:
        objects = self._identities[unit]
        body = bytes((43, 14, 1, 1, 0, 0, len(objects)))
        for number, text in objects.items():
            encoded = text.encode()
            body += bytes((number, len(encoded))) + encoded
        return body

    def _wrong(self, fault: _Fault, transaction: int, unit: int, answer: bytes) -> bytes:
        match fault.kind:
            case "exception":
                return _frame(transaction, unit, _refusal(answer[0] & 0x7F, fault.code))
            case "random":
                return _frame(
                    transaction, unit, answer[:2] + self._random.randbytes(len(answer) - 2)
                )
            case "byte_count":
                return _frame(transaction, unit, answer[:1] + bytes((answer[1] + 2,)) + answer[2:])
            case "truncate":
                whole = _frame(transaction, unit, answer)
                return whole[: len(whole) // 2]
            case "function":
                return _frame(transaction, unit, bytes((answer[0] ^ 7,)) + answer[1:])
            case "unit":
                return _frame(transaction, unit + 1, answer)
            case "transaction":
                return _frame(transaction ^ 0x5555, unit, answer)
            case _:
                return _frame(0, unit, answer)


def _frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def _refusal(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))
