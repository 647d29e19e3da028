"""The MQTT JSON source: messages in, rows out, acknowledged only when durable."""

import time

from plantseal_connectors.mqtt import decode, plan
from plantseal_connectors.mqtt.session import BrokerSession
from plantseal_connectors.mqtt.settings import MqttSettings
from plantseal_connectors.rows import RowList
from plantseal_connectors.source import Birth, RowSink, SourcePlan


class MqttSource:
    """A broker whose topics carry JSON; it is read, never published to."""

    def __init__(self, source: SourcePlan) -> None:
        """Plan; no network is touched.

        Raises:
            TypeError: The settings are not of this protocol.
            ValueError: An address cannot be read.
        """
        if not isinstance(source.settings, MqttSettings):
            raise TypeError(f"got {type(source.settings).__name__}, expected MqttSettings")
        self._settings = source.settings
        self._topics = plan.plan(source.tags)
        self._rules = decode.rules(self._settings, self._topics, link=source.links[""])
        self._session = BrokerSession(self._settings, source.id)
        self._refused: dict[int, int] = {}

    async def open(self) -> Birth:
        """Connect and subscribe; tags of refused topics stand in ``refused``.

        Raises:
            Disconnected: No connection; try again later.
            Refused: The broker refuses the account, certificate or protocol version.
        """
        opened = await self._session.open(self._topics.topics)
        self._refused = {
            tag: status
            for topic, status in opened.refused.items()
            for tag in self._topics.tags_of(topic)
        }
        return Birth(
            endpoint=self._settings.endpoint,
            security=opened.security,
            authenticated=opened.authenticated,
            limits=opened.limits,
            refused=self._refused,
        )

    async def run(self, out: RowSink) -> None:
        """Put rows until cancelled; a message is acknowledged after its rows are durable.

        Raises:
            Disconnected: The connection is lost, and all that had arrived has been put.
        """
        rows = RowList()
        decode.add_refused(rows, self._refused, time.time_ns())
        if len(rows):
            await out.put(rows.batch())
        while True:
            messages = await self._session.receive()
            for message in messages:
                decode.add_rows(rows, self._rules, message)
            if len(rows):
                await out.put(rows.batch())  # 1 durable
            self._session.acknowledge(messages)  # 2 only now may the broker forget

    async def close(self) -> None:
        """Disconnect within five seconds; never raises."""
        await self._session.close()
