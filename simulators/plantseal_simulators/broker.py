"""A broker inside the process, for the demo: amqtt, started and stopped from asyncio.

Tests that argue with the connectors use mosquitto; this one makes the demo a single command.
"""

import logging
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class EmbeddedBroker:
    """A running broker that lets anybody in, on the loopback address.

    Attributes:
        host: Address it listens on.
        port: TCP port it was given.
    """

    host: str
    port: int
    _broker: Any

    @classmethod
    async def start(
        cls, port: int = 0, *, host: str = "127.0.0.1", taboo: bool = False
    ) -> "EmbeddedBroker":
        """Return a broker that listens; port 0 takes a free one.

        Args:
            port: TCP port.
            host: Address to listen on.
            taboo: Refuse subscriptions to ``prohibited``, ``top-secret`` and ``data/classified``.
        """
        from amqtt.broker import Broker
        from amqtt.contexts import BrokerConfig, ListenerConfig

        quiet = logging.getLogger("amqtt")  # it logs each packet and each lost client
        quiet.setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        plugins: dict[str, Any] = {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
        }
        if taboo:
            plugins["amqtt.plugins.topic_checking.TopicTabooPlugin"] = {}
        config = BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"{host}:{port}")}, plugins=plugins
        )
        broker = Broker(config)
        await broker.start()
        # amqtt does not say which port it was given; asking the socket leaves no race
        listener: Any = broker._servers["default"].instance
        return cls(host, listener.sockets[0].getsockname()[1], broker)

    async def stop(self) -> None:
        """Close the listener and every session."""
        await self._broker.shutdown()
