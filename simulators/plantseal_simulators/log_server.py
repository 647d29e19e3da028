"""A recorded log as an OPC UA server: each key a variable, each line a write when it is due.

A key whose values are all numbers is a Double, any other a String. ``UNAVAILABLE`` on a number is a
Bad status without a value, as a driver would report it; on a text it is the text itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from plantseal_simulators.opcua import Node, OpcUaSimulator
from plantseal_simulators.replay import NOT_AVAILABLE, Event, Mapping, numeric_keys, replay

NAMESPACE = "urn:plantseal:replay"
BAD_NO_DATA = 0x809B0000  # OPC 10000-6, annex A: Bad_NoData
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class LogServer:
    """A running server, its variables still null; made by :meth:`start`.

    Attributes:
        server: The OPC UA server.
        events: What it will say, in order.
        numeric: Whether a key's values are numbers, by key.
    """

    server: OpcUaSimulator
    events: Sequence[Event]
    numeric: dict[str, bool]

    @classmethod
    async def start(
        cls, events: Sequence[Event], *, host: str = "127.0.0.1", port: int = 0
    ) -> "LogServer":
        """Return a server that listens and has said nothing yet; port 0 takes a free one."""
        numeric = numeric_keys(events)
        nodes = [Node(k, "Double" if is_number else "String") for k, is_number in numeric.items()]
        server = await OpcUaSimulator.start(host, port, NAMESPACE, nodes)
        return cls(server, events, numeric)

    async def play(self, mapping: Mapping) -> float:
        """Write every event when it is due, its present time as source time.

        Returns:
            The greatest lateness [s].
        """

        async def write(event: Event, due_us: int) -> None:
            value, status = self.published(event)
            when = _EPOCH + timedelta(microseconds=due_us)
            await self.server.write(event.key, value, source_time=when, status=status)

        return await replay(list(self.events), mapping, write)

    def published(self, event: Event) -> tuple[float | str | None, int]:
        """Return (value, status) as the server publishes an event."""
        if not self.numeric[event.key]:
            return event.value, 0
        return (None, BAD_NO_DATA) if event.value in NOT_AVAILABLE else (float(event.value), 0)

    async def stop(self) -> None:
        """Close the server."""
        await self.server.stop()
