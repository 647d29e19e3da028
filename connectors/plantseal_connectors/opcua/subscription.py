"""A subscription at the server: created, filled with items, published.

asyncua's own subscription is not used: it makes a task of every sample, acknowledges before
anything is durable and cuts times to the microsecond.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors._base import UaError, UaStatusCodeError

from plantseal_connectors.opcua import failures
from plantseal_connectors.opcua.plan import NodeAddress
from plantseal_connectors.opcua.session import OpcUaSession
from plantseal_connectors.opcua.settings import OpcUaSettings
from plantseal_connectors.status import BAD_NODE_ID_UNKNOWN, is_bad

ITEMS_A_CALL: Final = 1_000  # where the server publishes no limit
NOTIFICATIONS_A_PUBLISH: Final = 10_000
SILENT_KEEPALIVES: Final = 3
"""Keep-alive intervals without a word after which a subscription counts as lost; a server has to
keep one at least as long (OPC 10000-4, 5.14.2.2, lifetime count)."""
_TOO_MUCH: Final = {0x8010_0000, 0x8008_0000, 0x80B8_0000, 0x80B9_0000}
"""BadTooManyOperations, BadEncodingLimitsExceeded, BadRequestTooLarge, BadResponseTooLarge."""


@dataclass(slots=True)
class Subscription:
    """A subscription and how the server granted it.

    Attributes:
        id: Its number at the server.
        publishing_ms: Publishing interval granted [ms].
        keepalive_count: Publishing intervals without a change until a keep-alive is sent.
        queue_size: Least queue granted to an item; None before the first item.
        items_a_call: Most items in one request.
    """

    id: int
    publishing_ms: float
    keepalive_count: int
    items_a_call: int
    queue_size: int | None = None

    @property
    def silence_s(self) -> float:
        """Return the silence after which the subscription counts as lost [s]."""
        return self.publishing_ms * self.keepalive_count * SILENT_KEEPALIVES / 1000


async def create(
    session: OpcUaSession, settings: OpcUaSettings, limits: Mapping[str, int]
) -> Subscription:
    """Create a subscription without items and return it.

    Raises:
        Disconnected: The server does not answer or grants none.
    """
    # Longer than the watchdog's patience: a journal that stalls for a while must not cost data.
    lifetime_ms = max(
        2 * SILENT_KEEPALIVES * settings.keepalive_ms, settings.session_timeout_s * 1000
    )
    request = ua.CreateSubscriptionRequest()
    request.Parameters = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=float(settings.publishing_ms),
        RequestedLifetimeCount=-(-lifetime_ms // settings.publishing_ms),
        RequestedMaxKeepAliveCount=settings.keepalive_count,
        MaxNotificationsPerPublish=NOTIFICATIONS_A_PUBLISH,
        PublishingEnabled=True,
        Priority=0,
    )
    try:
        granted = (await session.ask(request, ua.CreateSubscriptionResponse)).Parameters
    except UaError as e:
        raise failures.of(e, settings) from e
    per_call = limits.get("MaxMonitoredItemsPerCall", ITEMS_A_CALL)
    return Subscription(
        granted.SubscriptionId,
        granted.RevisedPublishingInterval,
        granted.RevisedMaxKeepAliveCount,
        min(per_call, ITEMS_A_CALL),
    )


async def monitor(
    session: OpcUaSession,
    settings: OpcUaSettings,
    subscription: Subscription,
    nodes: Mapping[int, NodeAddress],
    namespaces: Mapping[str, int],
) -> dict[int, int]:
    """Subscribe ``nodes``, by client handle; return the status of each that was refused.

    Calls hold no more items than the server takes; where it does not say how many, they are
    halved until it agrees.

    Raises:
        Disconnected: The server does not answer, or takes no item at all.
    """
    refused = {h: BAD_NODE_ID_UNKNOWN for h, n in nodes.items() if n.uri not in namespaces}
    wanted = [
        _item(settings, handle, _node_id(node, namespaces[node.uri]))
        for handle, node in nodes.items()
        if handle not in refused
    ]
    while wanted:
        part = wanted[: subscription.items_a_call]
        try:
            results = await _create_items(session, subscription.id, part)
        except UaStatusCodeError as e:
            if int(e.code) not in _TOO_MUCH or len(part) == 1:
                raise failures.of(e, settings) from e
            subscription.items_a_call = len(part) // 2
            continue
        for item, result in zip(part, results, strict=True):
            if is_bad(status := int(result.StatusCode.value)):
                refused[item.RequestedParameters.ClientHandle] = status
            else:
                queue = int(result.RevisedQueueSize)
                subscription.queue_size = min(subscription.queue_size or queue, queue)
        wanted = wanted[len(part) :]
    return refused


async def _create_items(
    session: OpcUaSession, subscription: int, items: Sequence[ua.MonitoredItemCreateRequest]
) -> list[ua.MonitoredItemCreateResult]:
    request = ua.CreateMonitoredItemsRequest()
    request.Parameters = ua.CreateMonitoredItemsParameters(
        SubscriptionId=subscription,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ItemsToCreate=list(items),
    )
    return list((await session.ask(request, ua.CreateMonitoredItemsResponse)).Results)


def _item(settings: OpcUaSettings, handle: int, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(node, AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=float(settings.sampling_ms),
            QueueSize=settings.queue_size,
            DiscardOldest=True,
        ),
    )


def _node_id(node: NodeAddress, namespace: int) -> ua.NodeId:
    index = ua.Int16(namespace)
    match node.identifier:
        case int() as number:
            return ua.NodeId(ua.Int32(number), index, ua.NodeIdType.Numeric)
        case str() as text:
            return ua.NodeId(ua.String(text), index, ua.NodeIdType.String)
        case bytes() as opaque:
            return ua.NodeId(ua.ByteString(opaque), index, ua.NodeIdType.ByteString)
        case uuid.UUID() as guid:
            return ua.NodeId(ua.Guid(bytes=guid.bytes), index, ua.NodeIdType.Guid)


async def publish(session: OpcUaSession, subscription: int, acknowledged: Sequence[int]) -> bytes:
    """Ask for the next message, acknowledging others; return its body once there is one.

    Raises:
        ua.UaStatusCodeError: The server answers with a fault.
        Disconnected: The connection is lost.
    """
    request = ua.PublishRequest()
    request.Parameters.SubscriptionAcknowledgements = [
        ua.SubscriptionAcknowledgement(subscription, number) for number in acknowledged
    ]
    return await session.call(request, 0)
