"""The Sparkplug B source: a passive host that listens to one edge node and sends nothing."""

import time

from plantseal_connectors.mqtt.decode import add_refused
from plantseal_connectors.mqtt.session import BrokerSession
from plantseal_connectors.rows import RowList
from plantseal_connectors.source import Birth, Disconnected, RowSink, SourcePlan
from plantseal_connectors.sparkplug import plan
from plantseal_connectors.sparkplug.settings import SparkplugSettings
from plantseal_connectors.sparkplug.state import EdgeNode


class SparkplugSource:
    """One edge node with its devices behind a broker."""

    def __init__(self, source: SourcePlan) -> None:
        """Plan; no network is touched.

        Raises:
            TypeError: The settings are not of this protocol.
            ValueError: An address cannot be read.
        """
        if not isinstance(source.settings, SparkplugSettings):
            raise TypeError(f"got {type(source.settings).__name__}, expected SparkplugSettings")
        self._settings = source.settings
        self._plan = plan.plan(self._settings, source.tags)
        self._node = EdgeNode(self._plan, source.links)
        self._session = BrokerSession(self._settings, source.id)
        self._refused: dict[int, int] = {}

    async def open(self) -> Birth:
        """Connect and subscribe; of the edge node itself nothing is known before its NBIRTH.

        Raises:
            Disconnected: No connection; try again later.
            Refused: The broker refuses the account, certificate or protocol version.
        """
        opened = await self._session.open(self._plan.topics)
        self._refused = plan.affected(self._plan, opened.refused)
        return Birth(
            endpoint=self._settings.endpoint,
            security=opened.security,
            authenticated=opened.authenticated,
            limits=opened.limits,
            refused=self._refused,
        )

    async def run(self, out: RowSink) -> None:
        """Put rows until cancelled; what is QoS 1 is acknowledged after its rows are durable.

        Raises:
            Disconnected: The connection is lost; the deaths that this means have been put.
        """
        rows = RowList()
        self._node.start(rows, time.time_ns())
        add_refused(rows, self._refused, time.time_ns())
        if len(rows):
            await out.put(rows.batch())
        while True:
            try:
                messages = await self._session.receive()
            except Disconnected:
                self._node.lose(rows, time.time_ns())
                if len(rows):
                    await out.put(rows.batch())
                raise
            for message in messages:
                topic = plan.parse_topic(self._settings, message.topic)
                if topic is not None:
                    self._node.hear(rows, topic, message)
            if len(rows):
                await out.put(rows.batch())  # 1 durable
            self._session.acknowledge(messages)  # 2 only now may the broker forget

    async def close(self) -> None:
        """Disconnect within five seconds; never raises."""
        await self._session.close()
