"""The wire: one TCP connection, one request in flight, every answer held against its question.

pymodbus carries transport, framing and transaction; its retries and its reconnecting are off, for
the runtime owns both. Its response classes are not used: they do not compare function code and
byte count with the question, and a wrong byte count ends the connection inside the library. The
PDU comes out verbatim and ``decode.py`` judges it.
"""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from plantseal_connectors.modbus import decode, plan
from plantseal_connectors.modbus.poll import Answer, GroupPoll, Line, NoAnswer
from plantseal_connectors.modbus.settings import ModbusSettings
from plantseal_connectors.slots import Pipeline
from plantseal_connectors.source import Birth, Disconnected, RowSink, SourcePlan
from plantseal_connectors.status import BAD_NOT_CONNECTED

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it dumps every odd frame at ERROR

RECONNECT_NS: Final = 1_000_000_000
"""Least time between two reconnections that only put the byte stream back in step [ns]."""
IDENTIFIED_UNITS: Final = 8
"""Units asked for their identification at most: a gateway may have 247, each behind a slow line."""
DRAIN_S: Final = 4.0
"""Time for the last batches to become durable when a source ends [s]."""

_REQUESTS: Final[dict[str, type[ModbusPDU]]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}


class _Verbatim(ModbusPDU):
    """A response PDU as it came."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body


class _KeepVerbatim(DecodePDU):
    def decode(self, frame: bytes) -> ModbusPDU:
        return _Verbatim(frame)


def _reason(error: OSError) -> str:
    if error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()  # name resolution has numbers of its own


class Link:
    """One connection to one endpoint; requests wait for one another in order.

    Attributes:
        endpoint: ``host:port`` as messages name it.
    """

    def __init__(self, settings: ModbusSettings) -> None:
        self.endpoint = f"{settings.host}:{settings.port}"
        self._settings = settings
        self._turn = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None
        self._reconnected_ns = 0
        self._answered_ns = 0

    async def connect(self) -> None:
        """Connect, or connect anew.

        Raises:
            Disconnected: No connection within the time-out.
        """
        self.close()
        settings = self._settings
        client = AsyncModbusTcpClient(
            settings.host,
            port=settings.port,
            timeout=settings.timeout_ms / 1000,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._on_connect,
        )
        client.set_max_no_responses(2**31)  # a dead unit is no reason to drop the other units
        client.ctx.framer.decoder = _KeepVerbatim(False)
        client.ctx.max_buffer_size = 4096  # a late answer and the right one in one segment
        reasons: list[OSError] = []
        dial = client.ctx.call_create

        async def noting_why() -> Any:
            try:
                return await dial()
            except OSError as e:
                reasons.append(e)
                raise

        client.ctx.call_create = noting_why
        self._client = client
        if not await client.connect():
            self._client = None
            why = _reason(reasons[0]) if reasons else "no answer"
            raise Disconnected(
                f"no connection to {self.endpoint}: {why}",
                status=BAD_NOT_CONNECTED,
                remedy="check host and port, the cable, and whether the device takes another "
                "connection (many take only one)",
            )

    def _on_connect(self, connected: bool) -> None:
        """Wake a request that waits on a connection just lost; pymodbus would let it time out."""
        if not connected and self._client and not self._client.ctx.response_future.done():
            self._client.ctx.response_future.set_result(_Verbatim(b""))

    async def read(self, block: plan.Block) -> Answer:
        """Return the answer to one read request.

        Raises:
            Disconnected: The connection broke, or could not be made again after it had idled.
        """
        count = block.count
        request = _REQUESTS[block.table](address=block.start, count=count, dev_id=block.unit)
        async with self._turn:
            pdu = await self._ask(request)
            if pdu is None:
                if self._client and self._client.ctx.recv_buffer:
                    await self._resynchronise()
                return NoAnswer()
            answer = decode.response(pdu, plan.FUNCTIONS[block.table], count)
            if isinstance(answer, decode.Malformed):
                await self._resynchronise()
            return answer

    async def identity(self, unit: int) -> dict[str, str] | None:
        """Return what a unit says of itself: empty if it refuses, None if it does not answer.

        Raises:
            Disconnected: The connection broke, and could not be made again.
        """
        found: dict[str, str] = {}
        following = 0
        async with self._turn:
            for _ in range(8):  # a device that never says "that was all"
                request = ReadDeviceInformationRequest(1, following, dev_id=unit)
                pdu = await self._ask(request)
                if pdu is None:
                    return None
                part, following = decode.identity(pdu)
                found |= part
                if following == 0:
                    break
        return found

    async def _ask(self, request: ModbusPDU) -> bytes | None:
        """Return the response PDU; None if none came in time, b"" if it answers another question."""
        await self._rest()
        client = self._client
        if client is None or not client.connected:  # closed by the device while idle
            await self.connect()
            client = self._client
        if client is None:
            raise RuntimeError("connect returned without a connection")
        try:
            answer = await client.execute(False, request)
        except ModbusException:
            answer = None
        self._answered_ns = time.monotonic_ns()
        if not client.connected:
            self.close()
            raise Disconnected(
                f"{self.endpoint} closed the connection",
                status=BAD_NOT_CONNECTED,
                remedy="check that the device is on and that no other program holds its connection",
            )
        if not isinstance(answer, _Verbatim):
            return None
        # pymodbus lets transaction id 0 and, asked for unit 0, any unit pass
        same = (answer.transaction_id, answer.dev_id) == (request.transaction_id, request.dev_id)
        return answer.body if same else b""

    async def _rest(self) -> None:
        wait_ns = self._answered_ns + self._settings.pause_ms * 1_000_000 - time.monotonic_ns()
        if self._settings.pause_ms and wait_ns > 0:
            await asyncio.sleep(wait_ns / 1e9)

    async def _resynchronise(self) -> None:
        """Start a new connection: bytes of an odd answer may still be on their way."""
        now_ns = time.monotonic_ns()
        if now_ns - self._reconnected_ns >= RECONNECT_NS:
            self._reconnected_ns = now_ns
            await self.connect()

    def close(self) -> None:
        """Drop the connection at once."""
        client, self._client = self._client, None
        if client:
            client.close()


class ModbusSource:
    """Polls the tags of one Modbus TCP endpoint; see :class:`plantseal_connectors.source.Source`.

    Raises:
        ValueError: A tag cannot be read; :func:`~plantseal_connectors.modbus.plan.check` would have
            named it.
    """

    def __init__(self, source: SourcePlan) -> None:
        if not isinstance(source.settings, ModbusSettings):
            raise TypeError(f"got {type(source.settings).__name__}, expected ModbusSettings")
        self._settings = source.settings
        self._groups = source.groups
        tags = [tag for group in source.groups for tag in group.tags]
        self._units = sorted({plan.point(source.settings, tag.spec).unit for tag in tags})
        self._link: Link | None = None

    async def open(self) -> Birth:
        """Connect and ask the units who they are."""
        self._link = Link(self._settings)
        await self._link.connect()
        return Birth(
            endpoint=f"modbus://{self._link.endpoint}",
            identity=await self._identities(self._link, self._units or [self._settings.unit_id]),
            limits={"max_registers": self._settings.max_registers},
        )

    async def _identities(self, link: Link, units: Sequence[int]) -> dict[str, str]:
        found: dict[str, str] = {}
        for unit in units[:IDENTIFIED_UNITS]:
            prefix = f"{unit}/" if len(units) > 1 else ""
            with suppress(Disconnected):  # some devices hang up on a function they do not know
                answer = await link.identity(unit)
                if answer is None:
                    break  # silence costs a time-out each; the polls find out which units live
                found |= {prefix + key: text for key, text in answer.items()}
        return found

    async def run(self, out: RowSink) -> None:
        """Poll every group on its slots until cancelled or disconnected."""
        if self._link is None:
            raise RuntimeError("run before open")
        line = Line(self._link.read, self._link.endpoint, self._settings)
        pipeline = Pipeline(out.put)
        polls = [
            asyncio.create_task(GroupPoll.plan(line, group).run(pipeline.put))
            for group in self._groups
        ]
        try:
            if polls:
                done, _ = await asyncio.wait(polls, return_when=asyncio.FIRST_EXCEPTION)
                for poll in done:
                    poll.result()
        finally:
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)
            await pipeline.drain(DRAIN_S)

    async def close(self) -> None:
        """Drop the connection."""
        if self._link:
            self._link.close()
