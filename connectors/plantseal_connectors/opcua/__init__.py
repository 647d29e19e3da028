"""OPC UA: one subscription a source. Reads only; no service here writes or calls.

Importing this package and its settings needs no protocol library; building a source does.
"""

from plantseal_connectors.opcua import plan
from plantseal_connectors.opcua.settings import OpcUaSettings
from plantseal_connectors.source import Connector, Mode, Source, SourcePlan, SourceSettings
from plantseal_connectors.tags import Tag

__all__ = ["OpcUaSettings", "connector"]


def _subscribed(_settings: SourceSettings, _tag: Tag) -> Mode:
    return "subscribed"


def _build(source: SourcePlan) -> Source:
    from plantseal_connectors.opcua.client import OpcUaSource

    return OpcUaSource(source)


connector = Connector(
    name="opcua",
    settings=OpcUaSettings,
    check=plan.check,
    mode=_subscribed,
    build=_build,
)
