"""A packing line that publishes JSON, as a small PLC with an MQTT library would.

Once a period, and at the very millisecond of every change of state and every piece: the times in
the payloads are those of the factory, not of the sending.

The payload: ``{"ts": ms since the epoch, "state": text, "alarm": bool,
"counts": {"total", "good", "scrap"}, "energy_wh": whole number}``.
"""

import asyncio
import json
import socket
import time
from typing import Any

from plantseal_simulators.plant import Machine


class Publisher:
    """An MQTT client that publishes; each call returns when the broker has it."""

    def __init__(self, host: str, port: int, client_id: str, *, keepalive_s: int = 30) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._address = (host, port, keepalive_s)
        self._client: Any = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False
        )

    def will(self, topic: str, payload: bytes, *, qos: int = 1) -> None:
        """Leave a message that the broker publishes when this client vanishes."""
        self._client.will_set(topic, payload, qos=qos)

    def account(self, username: str, password: str) -> None:
        """Log in with an account."""
        self._client.username_pw_set(username, password)

    async def start(self) -> None:
        """Connect.

        Raises:
            ConnectionError: The broker refused, or gave no answer within five seconds.
        """
        loop, answer = asyncio.get_running_loop(), asyncio.Event()
        reasons: list[Any] = []

        def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
            reasons.append(reason)
            loop.call_soon_threadsafe(answer.set)

        self._client.on_connect = connected
        host, port, keepalive_s = self._address
        await asyncio.to_thread(self._client.connect, host, port, keepalive_s)
        self._client.loop_start()
        try:
            async with asyncio.timeout(5):
                await answer.wait()
        except TimeoutError:
            raise ConnectionError(f"no CONNACK from {self._address}") from None
        if reasons[0].is_failure:
            raise ConnectionError(f"refused by {self._address}: {reasons[0]}")

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish; with QoS 1 return when the broker acknowledged, with 0 when it is sent."""
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        await asyncio.to_thread(info.wait_for_publish, 5)
        if not info.is_published():
            raise ConnectionError(f"not taken by {self._address}: {topic}")

    async def stop(self) -> None:
        """Disconnect in order; the broker forgets the will."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def vanish(self) -> None:
        """Fault: the line is cut; the broker publishes the will."""
        line = self._client.socket()
        if line is not None:
            line.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(self._client.loop_stop)


class PackingLine:
    """A packing machine that publishes its state and counters once a period."""

    def __init__(
        self,
        machine: Machine,
        host: str,
        port: int,
        *,
        topic: str | None = None,
        period_ms: int = 500,
    ) -> None:
        self.machine = machine
        self.topic = topic or f"plant/{machine.id}/status"
        self.sent = 0
        self._period_ms = period_ms
        self._publisher = Publisher(host, port, f"sim-{machine.id}")
        self.began_ms = 0

    def payload(self, t_ms: int, epoch_ms: int) -> bytes:
        """Return the payload of ``t_ms`` after the start, stamped ``epoch_ms``."""
        machine = self.machine
        body = {
            "ts": epoch_ms,
            "state": machine.state(t_ms),
            "alarm": machine.state(t_ms) == "ALARM",
            "counts": {
                "total": machine.total(t_ms),
                "good": machine.good(t_ms),
                "scrap": machine.scrap(t_ms),
            },
            "energy_wh": machine.energy_mws(t_ms) // 3_600_000,
        }
        return json.dumps(body).encode()

    async def start(self) -> None:
        """Connect, and let the factory's time begin."""
        await self._publisher.start()
        self.began_ms = time.time_ns() // 1_000_000

    async def run(self) -> None:
        """Publish until cancelled, on an absolute schedule."""
        at = self._now_ms()
        while True:
            until = at - at % self._period_ms + self._period_ms
            for t_ms in self.machine.moments(at, until):
                await asyncio.sleep(max(0, t_ms - self._now_ms()) / 1000)
                body = self.payload(t_ms, self.began_ms + t_ms)
                await self._publisher.publish(self.topic, body)
                self.sent += 1
            at = until

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - self.began_ms

    async def garbage(self, payload: bytes = b'{"ts": 1, "state": ') -> None:
        """Fault: publish what no JSON reader can read."""
        await self._publisher.publish(self.topic, payload)

    async def stop(self) -> None:
        """Disconnect."""
        await self._publisher.stop()

    async def vanish(self) -> None:
        """Fault: the line is cut."""
        await self._publisher.vanish()
