"""What plant.yaml says of a Sparkplug edge node."""

from typing import Annotated

from pydantic import Field

from plantseal_connectors.mqtt.settings import BrokerSettings

TopicElement = Annotated[str, Field(pattern=r"^[^+/#\x00]+$", max_length=256)]


class SparkplugSettings(BrokerSettings):
    """One edge node behind a broker.

    Attributes:
        group_id: Sparkplug group.
        edge_node_id: Edge node within the group.
        edge_keepalive_s: MQTT keep-alive of the edge node's own connection [s]. The broker
            declares it dead after 1.5 times that silence, so a death is known no earlier.
        persistent: False, other than for plain MQTT: the state of an edge node begins with a
            birth, and what the broker kept from before cannot be placed in it.
    """

    group_id: TopicElement
    edge_node_id: TopicElement
    edge_keepalive_s: int = Field(default=60, ge=1, le=65_535)
    persistent: bool = False

    @property
    def keepalive_ms(self) -> int:
        """Return the edge node's MQTT keep-alive [ms]: the longest silence of a living node."""
        return self.edge_keepalive_s * 1_000
