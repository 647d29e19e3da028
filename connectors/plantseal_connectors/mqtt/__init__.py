"""MQTT with JSON payloads: one tag is a topic and a JSON pointer into its payload.

Importing this package needs no MQTT library; building a source does.
"""

from collections.abc import Sequence

from plantseal_connectors.mqtt import plan
from plantseal_connectors.mqtt.settings import MqttSettings
from plantseal_connectors.source import Connector, Mode, Source, SourcePlan, SourceSettings
from plantseal_connectors.tags import Finding, Tag


def _check(_settings: SourceSettings, tags: Sequence[Tag]) -> list[Finding]:
    return plan.check(tags)


def _mode(_settings: SourceSettings, _tag: Tag) -> Mode:
    return "published"


def _build(source: SourcePlan) -> Source:
    from plantseal_connectors.mqtt.client import MqttSource

    return MqttSource(source)


connector = Connector(name="mqtt", settings=MqttSettings, check=_check, mode=_mode, build=_build)
