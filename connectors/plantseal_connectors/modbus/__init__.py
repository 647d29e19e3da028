"""Modbus TCP: coalesced reads on poll slots. Reads only; no function code here writes.

Importing this package and its settings needs no protocol library; building a source does.
"""

from plantseal_connectors.modbus import plan
from plantseal_connectors.modbus.settings import ModbusSettings
from plantseal_connectors.source import Connector, Mode, Source, SourcePlan, SourceSettings
from plantseal_connectors.tags import Tag

__all__ = ["ModbusSettings", "connector"]


def _polled(_settings: SourceSettings, _tag: Tag) -> Mode:
    return "polled"


def _build(source: SourcePlan) -> Source:
    from plantseal_connectors.modbus.client import ModbusSource

    return ModbusSource(source)


connector = Connector(
    name="modbus",
    settings=ModbusSettings,
    check=plan.check,
    mode=_polled,
    build=_build,
    resolve=plan.resolve,
)
