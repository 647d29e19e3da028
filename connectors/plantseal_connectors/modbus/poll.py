"""Polling: which block is asked for in a slot, and what its answer makes of the tags in it.

The failure domain is the tag. A refused block is halved until the refused register is alone, which
is then asked for once in a while; a unit that keeps silent is asked ever more seldom, so that it
costs the others little. Whatever happens, each slot ends with one row for every tag.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from plantseal_connectors.modbus import decode
from plantseal_connectors.modbus.decode import Data, Malformed, Refusal
from plantseal_connectors.modbus.plan import Block, blocks, point
from plantseal_connectors.modbus.settings import ModbusSettings
from plantseal_connectors.rows import Batch, Kind
from plantseal_connectors.slots import PollGroup, Put
from plantseal_connectors.source import Disconnected
from plantseal_connectors.status import (
    BAD_DECODING_ERROR,
    BAD_NO_COMMUNICATION,
    BAD_TIMEOUT,
    GOOD,
    of_modbus_exception,
)

QUARANTINE_NS: Final = 60_000_000_000
"""Time between two tries of a register that the device refused [ns]."""
SILENCES: Final = 3
"""Unanswered requests in a row after which a unit counts as dead."""
BLOCK_SILENCES: Final = 2
"""Times that a block may go unanswered while its unit lives; then it is halved."""
MAX_DEMOTION_NS: Final = 60_000_000_000
"""Longest time for which a dead unit is left alone [ns]."""
DEMOTION_TIMEOUTS: Final = 10
"""First demotion in time-outs: a dead unit takes at most a tenth of the line's time."""
HALVED: Final = (2, 3)  # illegal address: a hole; illegal value: the block is too long
QUARANTINED: Final = (1, 2, 3)  # refusals that the next slot would only meet again
UNREACHED: Final = (10, 11)  # the gateway answers, the unit behind it does not


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came within the time-out."""


Answer = Data | Refusal | Malformed | NoAnswer


@dataclass(slots=True)
class _Unit:
    failures: int = 0  # in a row
    gateway_spoke: bool = False  # the last failure was an answer from the gateway before the unit
    retry_ns: int = 0
    answers: int = 0


@dataclass(slots=True)
class Line:
    """The endpoint as all groups of a source share it: how to read, and which units are dead.

    Attributes:
        read: Asks for one block; raises Disconnected when the connection is gone.
        endpoint: ``host:port`` as messages name it.
        settings: The source's settings.
    """

    read: Callable[[Block], Awaitable[Answer]]
    endpoint: str
    settings: ModbusSettings
    _units: dict[int, _Unit] = field(default_factory=dict)

    def unit(self, number: int) -> _Unit:
        """Return the state of a unit."""
        return self._units.setdefault(number, _Unit())

    def answered(self, number: int) -> None:
        """Note that a unit lives."""
        unit = self.unit(number)
        unit.failures = unit.retry_ns = 0
        unit.answers += 1

    def failed(self, number: int, now_ns: int, *, by_gateway: bool) -> None:
        """Note that a unit did not answer; it is left alone after some times in a row."""
        unit = self.unit(number)
        unit.failures += 1
        unit.gateway_spoke = by_gateway
        if unit.failures >= SILENCES:
            first_ns = DEMOTION_TIMEOUTS * self.settings.timeout_ms * 1_000_000
            delay_ns = first_ns << min(unit.failures - SILENCES, 10)
            unit.retry_ns = now_ns + min(delay_ns, MAX_DEMOTION_NS)

    def all_silent(self) -> bool:
        """Return True when no unit answers, nor a gateway for it."""
        return all(u.failures >= SILENCES and not u.gateway_spoke for u in self._units.values())


@dataclass(slots=True)
class _Asked:
    """A block and what is known of it in this session."""

    block: Block
    layout: decode.Layout
    positions: NDArray[np.intp]
    status: int = GOOD  # of a quarantined block: why
    retry_ns: int = 0
    silences: int = 0  # unanswered while the unit answered other questions
    answers_seen: int = 0

    @classmethod
    def of(cls, block: Block, *, silences: int = 0, answers_seen: int = 0) -> "_Asked":
        positions = np.array([p.position for p in block.points])
        layout = decode.layout(block.points)
        return cls(block, layout, positions, silences=silences, answers_seen=answers_seen)

    def quarantine(self, status: int, now_ns: int) -> None:
        self.status, self.retry_ns = status, now_ns + QUARANTINE_NS


@dataclass(slots=True)
class GroupPoll:
    """One poll group of a source and the blocks it is read with."""

    line: Line
    group: PollGroup
    _blocks: list[_Asked]

    @classmethod
    def plan(cls, line: Line, group: PollGroup) -> "GroupPoll":
        """Return the poll of ``group``.

        Raises:
            ValueError: A tag cannot be read; :func:`~plantseal_connectors.modbus.plan.check` would
                have named it.
        """
        points = [point(line.settings, tag.spec, i) for i, tag in enumerate(group.tags)]
        for p in points:
            line.unit(p.unit)
        return cls(line, group, [_Asked.of(b) for b in blocks(line.settings, points)])

    async def run(self, put: Put) -> None:
        """Poll slot after slot until cancelled.

        Raises:
            Disconnected: The connection is gone, or no unit has answered for a while. The slot in
                hand is closed first.
        """
        if not self.group.tags:
            return
        async for slot in self.group.ticks(put):
            rows = self.group.silent_rows(np.array([slot]), BAD_NO_COMMUNICATION)
            try:
                await self._poll(rows)
            except Disconnected as e:
                rows["status"][rows["status"] == BAD_NO_COMMUNICATION] = e.status
                await put(Batch(rows, closed=(self.group.close(slot),)))
                raise
            await put(Batch(rows, closed=(self.group.close(slot),)))
            if self.line.all_silent():
                raise Disconnected(
                    f"{self.line.endpoint} takes connections, but no unit answers within "
                    f"{self.line.settings.timeout_ms} ms",
                    status=BAD_TIMEOUT,
                    remedy="check unit ids and the line behind the gateway, or raise timeout_ms",
                )

    async def _poll(self, rows: NDArray[np.void]) -> None:
        pending, settled = self._blocks[::-1], []
        while pending:
            asked = pending.pop()
            parts = [asked]
            if self._is_due(asked, rows):
                parts = self._settle(asked, await self.line.read(asked.block), rows)
            if len(parts) > 1:
                pending.extend(reversed(parts))  # in the same slot: the others keep good
            else:
                settled.append(asked)
        self._blocks = settled

    def _is_due(self, asked: _Asked, rows: NDArray[np.void]) -> bool:
        """Return False, with the reason in the rows, for what this slot does not ask for."""
        now_ns = self.group.now()
        if now_ns < self.line.unit(asked.block.unit).retry_ns:
            rows["status"][asked.positions] = BAD_NO_COMMUNICATION
            return False
        if now_ns < asked.retry_ns:
            rows["status"][asked.positions] = asked.status
            return False
        return True

    def _settle(self, asked: _Asked, answer: Answer, rows: NDArray[np.void]) -> list[_Asked]:
        """Write what ``answer`` says into the rows; return the block, or the parts to ask next."""
        now_ns = self.group.now()
        at, unit = asked.positions, asked.block.unit
        rows["t_receive"][at] = now_ns
        match answer:
            case Data(data):
                self.line.answered(unit)
                asked.retry_ns = asked.silences = 0
                rows["kind"][at] = Kind.VALUE
                rows["status"][at] = GOOD
                rows["vtype"][at] = asked.layout.vtypes
                rows["value"][at] = decode.values(asked.layout, data)
            case Refusal(code):
                status = of_modbus_exception(code)
                rows["status"][at] = status
                if code in UNREACHED:
                    self.line.failed(unit, now_ns, by_gateway=True)
                    return [asked]
                self.line.answered(unit)
                if code in HALVED and len(parts := asked.block.halves()) > 1:
                    return [_Asked.of(part) for part in parts]
                if code in QUARANTINED:
                    asked.quarantine(status, now_ns)
            case Malformed():
                self.line.answered(unit)
                rows["status"][at] = BAD_DECODING_ERROR
            case NoAnswer():
                rows["status"][at] = BAD_TIMEOUT
                return self._settle_silence(asked, now_ns)
            case _:
                assert_never(answer)
        return [asked]

    def _settle_silence(self, asked: _Asked, now_ns: int) -> list[_Asked]:
        """Tell a dead unit from a register that a living unit does not answer for."""
        unit = self.line.unit(asked.block.unit)
        lives = unit.answers > asked.answers_seen  # it answered since this block was met last
        asked.silences = asked.silences + 1 if lives else 0
        asked.answers_seen = unit.answers
        if asked.silences <= BLOCK_SILENCES:
            self.line.failed(asked.block.unit, now_ns, by_gateway=False)
            return [asked]
        if len(parts := asked.block.halves()) > 1:
            return [
                _Asked.of(part, silences=asked.silences - 1, answers_seen=unit.answers)
                for part in parts
            ]
        asked.quarantine(BAD_TIMEOUT, now_ns)
        return [asked]
