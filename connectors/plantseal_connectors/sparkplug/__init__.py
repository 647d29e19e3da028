"""Sparkplug B as a passive host: one edge node and its devices are listened to, nothing is sent.

Importing this package needs neither MQTT library nor protobuf; building a source does.
"""

from collections.abc import Sequence

from plantseal_connectors.source import Connector, Mode, Source, SourcePlan, SourceSettings
from plantseal_connectors.sparkplug import plan
from plantseal_connectors.sparkplug.settings import SparkplugSettings
from plantseal_connectors.tags import Finding, Tag


def _check(_settings: SourceSettings, tags: Sequence[Tag]) -> list[Finding]:
    return plan.check(tags)


def _mode(_settings: SourceSettings, _tag: Tag) -> Mode:
    return "published"


def _devices(_settings: SourceSettings, tags: Sequence[Tag]) -> tuple[str, ...]:
    return plan.device_keys(tags)


def _build(source: SourcePlan) -> Source:
    from plantseal_connectors.sparkplug.client import SparkplugSource

    return SparkplugSource(source)


connector = Connector(
    name="sparkplug",
    settings=SparkplugSettings,
    check=_check,
    mode=_mode,
    build=_build,
    devices=_devices,
)
