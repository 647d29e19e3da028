"""The simulated workshop: every server, every publisher, and the scripted faults, on one clock.

Eight CNC machines and a measuring machine over OPC UA, two energy meters over Modbus TCP, a packing
line and a conveyor over MQTT, two vehicles behind a Sparkplug B node, and a press that nobody
connected. Factory time 0 is :attr:`Workshop.began_ms`; what is published is what the machines of
``plant.py`` say of that time.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from plantseal_simulators.broker import EmbeddedBroker
from plantseal_simulators.modbus import ModbusSimulator
from plantseal_simulators.mqtt import PackingLine
from plantseal_simulators.opcua import Node, OpcUaSimulator
from plantseal_simulators.plant import Machine
from plantseal_simulators.sparkplug import BOOLEAN, INT64, STRING, EdgeNode, Metric
from plantseal_simulators.workshop_files import (
    AWAY_S,
    CNCS,
    GARBAGE_S,
    GROUP,
    METERS,
    NAMESPACE,
    NODE,
    VEHICLES,
    Addresses,
    machines,
)
from plantseal_simulators.workshop_truth import counter, register

TICK_MS = 500
"""The vehicles publish so often, and whenever something changes."""
REBIRTH_MS = 4000
"""How often the vehicles' node is born anew, so that a passive listener learns its aliases soon."""


@dataclass(slots=True)
class Workshop:
    """A running workshop.

    Attributes:
        began_ms: Factory time 0 [ms since the Unix epoch], a whole second.
        addresses: Where its servers can be reached.
    """

    began_ms: int
    addresses: Addresses
    _machines: dict[str, Machine]
    _opcua: OpcUaSimulator
    _modbus: ModbusSimulator
    _broker: EmbeddedBroker | None
    _lines: list[PackingLine]
    _fleet: EdgeNode
    _born_ms: int = field(default=0)

    @classmethod
    async def start(
        cls,
        *,
        seed: int = 7,
        host: str = "127.0.0.1",
        advertise: str | None = None,
        port_base: int = 0,
        broker: tuple[str, int] | None = None,
    ) -> "Workshop":
        """Return a workshop whose servers listen; without ``broker`` it brings its own."""
        made = {m.id: m for m in machines(seed)}
        port = (lambda i: port_base + i) if port_base else (lambda _i: 0)
        opcua = await OpcUaSimulator.start(
            host=host, port=port(0), namespace=NAMESPACE, nodes=_nodes(made)
        )
        modbus = await ModbusSimulator.start(host, port(1))
        own = None if broker else await EmbeddedBroker.start(port(2), host=host)
        mqtt_host, mqtt_port = broker or (host, own.port if own else 0)
        lines = [PackingLine(made[i], mqtt_host, mqtt_port) for i in ("pack1", "conv1")]
        for line in lines:
            await line.start()
        fleet = EdgeNode(mqtt_host, mqtt_port, GROUP, NODE)
        seen = advertise or host
        endpoint = opcua.endpoint if advertise is None else f"opc.tcp://{seen}:{port(0)}/plantseal/"
        addresses = Addresses(endpoint, seen, modbus.port, mqtt_host if broker else seen, mqtt_port)
        for unit, product in ((1, "DTSD1352 simulator"), (2, "SDM630 simulator")):
            modbus.identify(unit, {0: "plantseal", 1: product, 2: "1.0"})
        began_ms = -(-time.time_ns() // 1_000_000_000) * 1000
        await asyncio.sleep(began_ms / 1000 - time.time())
        for line in lines:
            line.began_ms = began_ms
        self = cls(began_ms, addresses, made, opcua, modbus, own, lines, fleet)
        self._meter(self.now_ms())
        await self._fleet_births()
        return self

    def now_ms(self) -> int:
        """Return the factory time [ms]."""
        return time.time_ns() // 1_000_000 - self.began_ms

    async def run(self, *, faults: bool = True) -> None:
        """Publish until cancelled; with ``faults`` a meter lies and the vehicles vanish once."""
        async with asyncio.TaskGroup() as tasks:
            for machine in self._machines.values():
                if machine.id in CNCS or machine.id == "insp1":
                    tasks.create_task(self._changes(machine))
            tasks.create_task(self._every(0.1, self._step_meters))
            fleet = tasks.create_task(self._run_fleet())
            for line in self._lines:
                tasks.create_task(line.run())
            if faults:
                tasks.create_task(self._script(tasks, fleet))

    async def stop(self) -> None:
        """Close every server and publisher."""
        for line in self._lines:
            with contextlib.suppress(OSError):
                await line.stop()
        with contextlib.suppress(OSError):
            await self._fleet.leave()
        await self._modbus.stop()
        await self._opcua.stop()
        if self._broker:
            await self._broker.stop()

    async def _every(self, period_s: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await step()
            await asyncio.sleep(period_s)

    async def _changes(self, machine: Machine) -> None:
        """Write state and counters at the very millisecond the factory changes them."""
        at = 0
        while True:
            until = self.now_ms() + 500
            for t in machine.moments(at, until):
                await asyncio.sleep(max(0, t - self.now_ms()) / 1000)
                await self._write(machine, t)
            at = until
            await asyncio.sleep(max(0, until - self.now_ms()) / 1000)

    async def _write(self, machine: Machine, t_ms: int) -> None:
        when = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.began_ms + t_ms)
        for name, value in _values(machine, t_ms).items():
            await self._opcua.write(name, value, source_time=when)

    async def _step_meters(self) -> None:
        self._meter(self.now_ms())

    def _meter(self, t_ms: int) -> None:
        """Set the registers of both meters; four machines behind each."""
        volts = 2300 + t_ms // 500 % 20
        for unit, (meter, group) in enumerate(METERS.items(), 1):
            hundredths = register(meter, self._machines, t_ms)
            power = sum(
                r.power_w if m.state(t_ms) == "RUN" else r.power_w // 10
                for m in (self._machines[c] for c in group)
                for r in (m.recipe,)
            )
            if unit == 1:
                self._modbus.set_value(1, "holding", 10, hundredths, "int32")  # 0.01 kWh
                self._modbus.set_value(1, "holding", 362, power, "int32")  # W
                self._modbus.set_value(1, "holding", 97, volts, "uint16")  # 0.1 V
            else:
                self._modbus.set_value(2, "input", 72, hundredths / 100, "float32")  # kWh
                self._modbus.set_value(2, "input", 52, float(power), "float32")  # W
                self._modbus.set_value(2, "input", 0, volts / 10, "float32")  # V

    async def _fleet_births(self) -> None:
        await self._fleet.start()
        await self._birth()

    async def _birth(self) -> None:
        t_ms = self._born_ms = self.now_ms()
        await self._fleet.birth([Metric("online", True, BOOLEAN)])
        for i, vehicle in enumerate(VEHICLES):
            await self._fleet.device_birth(vehicle, self._vehicle(vehicle, i, t_ms, named=True))

    def _vehicle(self, vehicle: str, i: int, t_ms: int, *, named: bool) -> list[Metric]:
        machine = self._machines[vehicle]
        state = machine.state(t_ms)
        values = (
            ("state", state, STRING),
            ("trips", machine.total(t_ms), INT64),
            ("alarm", state == "ALARM", BOOLEAN),
            ("energy", counter(machine, t_ms), INT64),
        )
        return [
            Metric(name if named else "", value, kind if named else 0, alias=10 * i + j,
                   t_ms=self.began_ms + t_ms, wire_type=kind)
            for j, (name, value, kind) in enumerate(values)
        ]  # fmt: skip

    async def _run_fleet(self) -> None:
        """Publish each vehicle's changes since its birth at their millisecond, all once a tick."""
        at = self._born_ms
        while True:
            until = at - at % TICK_MS + TICK_MS
            due = {v: self._machines[v].moments(at, until) for v in VEHICLES}
            for t_ms in sorted({t for moments in due.values() for t in moments}):
                await asyncio.sleep(max(0, t_ms - self.now_ms()) / 1000)
                for i, vehicle in enumerate(VEHICLES):
                    if t_ms in due[vehicle]:
                        metrics = self._vehicle(vehicle, i, t_ms, named=False)
                        await self._fleet.data(metrics, vehicle)
            if until % REBIRTH_MS == 0:
                await self._birth()
            at = until

    async def _script(self, tasks: asyncio.TaskGroup, fleet: asyncio.Task[None]) -> None:
        """The deliberate faults: meter 2 returns garbage, then the vehicles drop out."""
        await asyncio.sleep(max(0.0, GARBAGE_S[0] - self.now_ms() / 1000))
        self._modbus.fault(2, "byte_count")
        await asyncio.sleep(max(0.0, GARBAGE_S[1] - self.now_ms() / 1000))
        self._modbus.clear(2)
        await asyncio.sleep(max(0.0, AWAY_S[0] - self.now_ms() / 1000))
        fleet.cancel()
        await self._fleet.vanish()
        await asyncio.sleep(max(0.0, AWAY_S[1] - self.now_ms() / 1000))
        await self._fleet_births()
        tasks.create_task(self._run_fleet())


def _values(machine: Machine, t_ms: int) -> dict[str, bool | int | str]:
    return {
        f"{machine.id}.state": machine.state(t_ms),
        f"{machine.id}.total": machine.total(t_ms),
        f"{machine.id}.good": machine.good(t_ms),
        f"{machine.id}.alarm": machine.state(t_ms) == "ALARM",
    }


_TYPES = {str: "String", int: "Int64", bool: "Boolean"}


def _nodes(made: dict[str, Machine]) -> list[Node]:
    nodes = []
    for name in (*CNCS, "insp1"):
        for id_, value in _values(made[name], 0).items():
            nodes.append(Node(id_, _TYPES[type(value)], value))
    return nodes
