"""Protocols by name: ours and third parties' alike come from one entry-point group."""

from functools import cache
from importlib.metadata import entry_points

from plantseal_connectors.source import Connector

GROUP = "plantseal.connectors"


class BrokenConnector(Exception):
    """An installed package offers a connector that cannot be loaded; the message names it."""


@cache
def connectors() -> dict[str, Connector]:
    """Return every installed connector by its name in plant.yaml.

    Loading needs no protocol library; building a source does.

    Raises:
        BrokenConnector: An entry point cannot be loaded, is no Connector, or takes a name twice.

    Example:
        >>> connectors()["modbus"].name
        'modbus'
    """
    found: dict[str, Connector] = {}
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist else "an unknown package"
        where = f"connector {entry.name!r} of {package} ({entry.value})"
        try:
            connector = entry.load()
        except Exception as e:  # a third party's import may raise anything
            raise BrokenConnector(
                f"{where} cannot be loaded: {type(e).__name__}: {e}; update or uninstall {package}"
            ) from e
        if not isinstance(connector, Connector):
            raise BrokenConnector(
                f"{where}: got {type(connector).__name__}, expected a Connector; "
                f"update or uninstall {package}"
            )
        if entry.name in found:
            raise BrokenConnector(f"{where}: the name is taken already; uninstall {package}")
        found[entry.name] = connector
    return found
