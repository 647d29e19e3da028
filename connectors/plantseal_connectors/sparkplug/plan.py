"""Which metrics are tags: pure, from addresses ``device#metric name``.

An address is cut at its first ``#``. Without a device in front the metric is the edge node's own.

Link tags: each device has its own, with the device id as key. The edge node has one, too, with the
key :data:`NODE`; the key ``""`` is the session with the broker, which the runtime keeps. A broker
that answers proves nothing of the edge node, so node metrics hang on :data:`NODE`, never on ``""``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from plantseal_connectors.sparkplug.settings import SparkplugSettings
from plantseal_connectors.tags import Finding, Tag

NAMESPACE: Final = "spBv1.0"
NODE: Final = "$node"
"""Device key of the edge node itself: its metrics and its own births and deaths."""

NODE_KINDS: Final = ("NBIRTH", "NDATA", "NDEATH")
DEVICE_KINDS: Final = ("DBIRTH", "DDATA", "DDEATH")


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """What is looked for.

    Attributes:
        topics: Topic filters, births first.
        tags: Tag ids by device key and metric name.
    """

    topics: tuple[str, ...]
    tags: Mapping[str, Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Topic:
    """A Sparkplug topic, read.

    Attributes:
        kind: Message type, e.g. ``DDATA``.
        device: Device key; :data:`NODE` for the edge node's own.
    """

    kind: str
    device: str


def parse_address(address: str) -> tuple[str, str]:
    """Return device key and metric name of an address.

    Raises:
        ValueError: No ``#``, no metric, or a device id that no topic can carry.

    Example:
        >>> parse_address("press1#Counter/Good")
        ('press1', 'Counter/Good')
        >>> parse_address("#Temperature")
        ('$node', 'Temperature')
    """
    device, mark, metric = address.partition("#")
    if not mark or not metric:
        raise ValueError(f"got address {address!r}, expected device#metric, or #metric of the node")
    if "/" in device or "+" in device or device == NODE:
        raise ValueError(f"got device {device!r}, expected a Sparkplug device id without / and +")
    return device or NODE, metric


def check(tags: Sequence[Tag]) -> list[Finding]:
    """Return one finding per tag whose address cannot be read."""
    findings = []
    for tag in tags:
        try:
            parse_address(tag.spec.address)
        except ValueError as error:
            findings.append(
                Finding(
                    "sparkplug.address",
                    f"{tag.spec.name}: {error}",
                    {"tag": tag.spec.name, "address": tag.spec.address},
                )
            )
    return findings


def device_keys(tags: Sequence[Tag]) -> tuple[str, ...]:
    """Return the device key of each tag, each once, in the order of the table.

    For one tag this is one key: the one whose link tag speaks for it. Tags whose address cannot
    be read are passed over; :func:`check` names them.
    """
    keys: dict[str, None] = {}
    for tag in tags:
        try:
            keys[parse_address(tag.spec.address)[0]] = None
        except ValueError:
            continue
    return tuple(keys)


def plan(settings: SparkplugSettings, tags: Sequence[Tag]) -> MetricPlan:
    """Return the topic filters and the tags behind them.

    Raises:
        ValueError: An address cannot be read; :func:`check` says so beforehand.
    """
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for tag in tags:
        device, metric = parse_address(tag.spec.address)
        metrics = found.setdefault(device, {})
        metrics[metric] = (*metrics.get(metric, ()), tag.id)
    return MetricPlan(topics(settings), found)


def topics(settings: SparkplugSettings) -> tuple[str, ...]:
    """Return the six topic filters of an edge node; commands are not among them."""
    group, node = settings.group_id, settings.edge_node_id
    return tuple(f"{NAMESPACE}/{group}/{kind}/{node}" for kind in NODE_KINDS) + tuple(
        f"{NAMESPACE}/{group}/{kind}/{node}/+" for kind in DEVICE_KINDS
    )


def parse_topic(settings: SparkplugSettings, topic: str) -> Topic | None:
    """Return what a topic says, or None when it is not of this edge node.

    **Source**: Sparkplug 3.0, 4.1 topic namespace elements.
    """
    parts = topic.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE:
        return None
    if (parts[1], parts[3]) != (settings.group_id, settings.edge_node_id):
        return None
    if len(parts) == 4:
        return Topic(parts[2], NODE) if parts[2] in NODE_KINDS else None
    return Topic(parts[2], parts[4]) if parts[2] in DEVICE_KINDS and parts[4] else None


def affected(plan: MetricPlan, refused: Mapping[str, int]) -> dict[int, int]:
    """Return the tags that cannot be read because a filter was refused, each with its status.

    A refused node filter (births, deaths, sequence) takes every tag along, a device filter those
    of devices.
    """
    tags: dict[int, int] = {}
    for topic, status in refused.items():
        of_device = topic.endswith("/+")
        for device, metrics in plan.tags.items():
            if not (of_device and device == NODE):
                tags.update((tag, status) for ids in metrics.values() for tag in ids)
    return tags
