"""An OPC UA server with nodes to write to, spec-like queues, scripted faults and a service count.

Built on asyncua's server, with what that leaves out: its monitored items drop the oldest value of
a full queue without a word, here the next one then carries the overflow bit (OPC 10000-4,
5.13.1.5). It takes no notice of the sampling interval: every write that changes value or status is
queued at once. Values are reported when value or status changed, the default filter of the
standard.
"""

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.security_policies import SecurityPolicyFactory, SecurityPolicyNone
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

OVERFLOW = 0x0480  # InfoType DataValue + Overflow (OPC 10000-4, 7.39.1)
MAX_QUEUE = 100_000
_SERVICES = {number: name for name, number in vars(ObjectIds).items() if "Request_Enc" in name}


@dataclass(frozen=True, slots=True)
class Node:
    """A variable of the simulated server.

    Attributes:
        id: String identifier in the server's namespace.
        type: Name of a built-in type, e.g. ``Double``, ``Int32``, ``String``, ``DateTime``.
        initial: First value; None for null. A list makes it an array.
    """

    id: str
    type: str
    initial: Any = None


@dataclass(frozen=True, slots=True)
class Security:
    """What the server shows and asks for.

    Attributes:
        cert: Its certificate (DER).
        key: Its private key (PEM).
        open_too: It also offers an endpoint without security.
    """

    cert: Path
    key: Path
    open_too: bool = False


class _Accounts(UserManager):
    def __init__(self, accounts: dict[str, str]) -> None:
        self._accounts = accounts

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        known = username is not None and self._accounts.get(username) == password
        return User(UserRole.User, username) if known else None


class _Connection(OPCUAProtocol):
    """A connection that counts the services asked for."""

    count: Callable[[int], None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.processor is None:
            return
        inner: Any = self.processor._process_message
        count = self.count

        async def counted(kind: Any, *rest: Any) -> Any:
            count(kind.Identifier)
            return await inner(kind, *rest)

        self.processor._process_message = counted  # type: ignore[method-assign]  # its only seam


class _Listener(BinaryServer):
    """A listener whose connections count."""

    count: Callable[[int], None]

    def _make_protocol(self) -> OPCUAProtocol:
        made = _Connection(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )
        made.count = self.count
        return made


@dataclass(slots=True)
class OpcUaSimulator:
    """A running server; made by :meth:`start`.

    Attributes:
        namespace: Namespace URI of its nodes.
        services: How often each service was asked for, by name, e.g. ``Publish``.
        discarded: Values that a full queue dropped, by node id, over all subscriptions.
        flagged: Values that came to a queue's front with the overflow bit, by node id.
        items_a_call: Fault: refuse requests with more monitored items, without saying so
            beforehand; 0 takes any number.
    """

    namespace: str
    services: Counter[str] = field(default_factory=Counter)
    discarded: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    items_a_call: int = 0
    _server: Server = field(init=False)
    _listener: _Listener | None = None
    _host: str = ""
    _port: int = 0
    _index: int = 0
    _types: dict[str, ua.VariantType] = field(default_factory=dict)

    @classmethod
    async def start(
        cls,
        host: str = "127.0.0.1",
        port: int = 0,
        namespace: str = "urn:plantseal:simulator",
        nodes: Sequence[Node] = (),
        *,
        security: Security | None = None,
        accounts: dict[str, str] | None = None,
        namespaces_before: Sequence[str] = (),
    ) -> Self:
        """Start a server and return it.

        Args:
            host: Address to listen on.
            port: TCP port; 0 takes a free one.
            namespace: Namespace URI of the nodes.
            nodes: Variables.
            security: Certificate and key, for Basic256Sha256; None is an open endpoint.
            accounts: Password by user; None lets anybody in.
            namespaces_before: URIs that are numbered before it, to move its index.
        """
        # asyncua's server logs what the caller asked for: an open endpoint, a refused request.
        logging.getLogger("asyncua.server").setLevel(logging.CRITICAL)
        sim = cls(namespace)
        sim._host, sim._port = host, port
        sim._server = server = Server(user_manager=_Accounts(accounts) if accounts else None)
        await server.init()
        server.set_endpoint(f"opc.tcp://{host}:{port}/plantseal/")
        server.set_server_name("plantseal simulator")
        await server.set_build_info(
            "urn:plantseal:simulator", "plantseal", "simulated machine", "1.0", "1",
            datetime(2024, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        await sim._secure(security)
        server.iserver.max_monitored_item_queue_size = MAX_QUEUE
        server.iserver.disabled_clock = True  # it would tell the time of a second ago
        server.iserver.aspace.set_attribute_value_callback(
            ua.NodeId(ua.Int32(ObjectIds.Server_ServerStatus_CurrentTime)), AttributeIds.Value, _now
        )
        sim._watch_queues()
        for uri in namespaces_before:
            await server.register_namespace(uri)
        sim._index = await server.register_namespace(namespace)
        for node in nodes:
            await sim.add(node)
        await server._setup_server_nodes()
        if security is not None and not security.open_too:  # an open channel, to ask for endpoints
            mode = ua.MessageSecurityMode.None_
            plain: Any = SecurityPolicyFactory
            server._policies.append(plain(SecurityPolicyNone, mode))
        await server.iserver.start()
        await sim._listen()
        return sim

    async def _secure(self, security: Security | None) -> None:
        kinds = [ua.SecurityPolicyType.NoSecurity]
        if security is not None:
            await self._server.load_certificate(security.cert)
            await self._server.load_private_key(security.key)
            kinds = kinds if security.open_too else []
            kinds.append(ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt)
        self._server.set_security_policy(kinds)

    async def _listen(self) -> None:
        listener = _Listener(self._server.iserver, self._host, self._port, self._server.limits)
        listener.set_policies(self._server._policies)
        listener.count = self._count
        await listener.start()
        self._port = listener.port
        self._listener = self._server.bserver = listener

    def _count(self, kind: int) -> None:
        name = _SERVICES.get(kind, str(kind))
        self.services[name.partition("Request_Enc")[0]] += 1

    @property
    def endpoint(self) -> str:
        """Return the address for a client."""
        return f"opc.tcp://{self._host}:{self._port}/plantseal/"

    def address(self, id: str) -> str:
        """Return a node as a tag table writes it."""
        return f"nsu={self.namespace};s={id}"

    def _node_id(self, id: str) -> ua.NodeId:
        return ua.NodeId(ua.String(id), ua.Int16(self._index), ua.NodeIdType.String)

    async def add(self, node: Node) -> None:
        """Add a variable, also while clients are connected."""
        kind = self._types[node.id] = ua.VariantType[node.type]
        value = ua.Variant(node.initial, kind if node.initial is not None else ua.VariantType.Null)
        await self._server.nodes.objects.add_variable(
            self._node_id(node.id), node.id, value, datatype=ua.NodeId(ua.Int32(kind.value))
        )
        await self.write(node.id, node.initial)

    async def remove(self, id: str) -> None:
        """Remove a variable."""
        await self._server.delete_nodes([self._server.get_node(self._node_id(id))])

    async def write(
        self,
        id: str,
        value: Any,
        source_time: datetime | None = None,
        status: int = 0,
        server_time: datetime | None = None,
    ) -> None:
        """Set value, status and source time of a node and queue it where it is monitored.

        No type is checked beyond what encoding needs; None is null. About 25,000 a second.

        Args:
            id: Identifier of the node.
            value: What its type can hold; kept also beside a bad status.
            source_time: Time of the value; None is now.
            status: Status code.
            server_time: Time at which the server saw it; None is now.
        """
        now = datetime.now(UTC)
        kind = self._types[id] if value is not None else ua.VariantType.Null
        code = ua.StatusCode(ua.UInt32(status))
        data = _data(ua.Variant(value, kind), code, source_time or now, server_time or now)
        attribute = self._server.iserver.aspace[self._node_id(id)].attributes[AttributeIds.Value]
        attribute.value = data
        for handle, changed in list(attribute.datachange_callbacks.items()):
            await changed(handle, data)

    def _watch_queues(self) -> None:
        service = self._server.iserver.subscription_service
        create = service.create_subscription

        async def created(*args: Any, **options: Any) -> ua.CreateSubscriptionResult:
            result = await create(*args, **options)
            made = service.subscriptions[result.SubscriptionId]
            made._enqueue_event = self._queue_of(made)  # type: ignore[method-assign]  # its only seam
            return result

        service.create_subscription = created  # type: ignore[method-assign]
        monitor = service.create_monitored_items

        async def monitored(params: ua.CreateMonitoredItemsParameters) -> Any:
            if self.items_a_call and len(params.ItemsToCreate) > self.items_a_call:
                raise ServiceError(StatusCodes.BadTooManyOperations)
            return await monitor(params)

        service.create_monitored_items = monitored  # type: ignore[method-assign]

    def _queue_of(self, subscription: InternalSubscription) -> Callable[..., Any]:
        items: Any = subscription.monitored_item_srv._monitored_items

        async def enqueue(mid: int, event: Any, size: int, queues: dict[int, list[Any]]) -> None:
            queue = queues.setdefault(mid, [])
            queue.append(event)
            if len(queue) > size:
                id = str(items[mid].read_value_id.NodeId.Identifier)
                flagged_before = queue.pop(0).Value.StatusCode.value & OVERFLOW == OVERFLOW
                self.discarded[id] += 1
                if size > 1:  # a queue of one is never flagged
                    self.flagged[id] += not flagged_before
                    oldest = queue[0].Value
                    status = ua.StatusCode(ua.UInt32(oldest.StatusCode.value | OVERFLOW))
                    queue[0].Value = dataclasses.replace(oldest, StatusCode=status)
            if len(queue) == 1:
                await subscription._trigger_publish()

        return enqueue

    async def delete_subscriptions(self) -> None:
        """Fault: forget every subscription and say nothing (some servers do)."""
        service = self._server.iserver.subscription_service
        await service.delete_subscriptions(list(service.subscriptions))

    def skip_messages(self, count: int) -> None:
        """Fault: leave out ``count`` message numbers, as if that many messages were lost."""
        for subscription in self._server.iserver.subscription_service.subscriptions.values():
            subscription._notification_seq += count

    async def drop(self, seconds: float | None = None) -> None:
        """Fault: close every connection and stop listening; listen again after ``seconds``.

        Sessions and subscriptions live on for their time. None stays away until :meth:`listen`.
        """
        if self._listener is not None:
            listener, self._listener = self._listener, None
            await listener.stop()
        if seconds is not None:
            await asyncio.sleep(seconds)
            await self.listen()

    async def listen(self) -> None:
        """Listen again on the same port."""
        if self._listener is None:
            await self._listen()

    async def stop(self) -> None:
        """Stop the server."""
        await self.drop()
        service = self._server.iserver.subscription_service
        await service.delete_subscriptions(list(service.subscriptions))
        await self._server.iserver.stop()


def _now(_node: ua.NodeId, _attribute: AttributeIds) -> ua.DataValue:
    now = datetime.now(UTC)
    return _data(ua.Variant(now, ua.VariantType.DateTime), ua.StatusCode(), now, now)


def _data(value: ua.Variant, status: ua.StatusCode, source: Any, server: Any) -> ua.DataValue:
    return ua.DataValue(value, status, SourceTimestamp=source, ServerTimestamp=server)
