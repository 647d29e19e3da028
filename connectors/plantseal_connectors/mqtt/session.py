"""One session with a broker, for MQTT JSON and Sparkplug B alike: it subscribes, it never publishes.

There is no publish here, nor a will: the only packets sent are CONNECT, SUBSCRIBE, PUBACK,
PUBCOMP, PINGREQ and DISCONNECT. The library's network thread hands messages to an
:class:`~plantseal_connectors.mqtt.inbox.Inbox`; everything else runs on the event loop. The
library's own reconnect is off: after a loss the runtime builds a new source.

Quirks answered: an exception on the network thread ends it silently (here it becomes a loss),
nothing is subscribed after a reconnect (subscribed in every CONNACK), a refused subscription is
only a SUBACK code, a wrong password only a CONNACK code.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from plantseal_connectors.mqtt import failures, tls
from plantseal_connectors.mqtt.inbox import Inbox, Message
from plantseal_connectors.mqtt.settings import BrokerSettings
from plantseal_connectors.source import Disconnected

OPEN_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
TOPICS_A_SUBSCRIBE = 100
MAX_PACKET_BYTES = 16 * 1024 * 1024  # told to an MQTT 5 broker; 3.1.1 cannot say it


@dataclass(frozen=True, slots=True)
class Opened:
    """What the broker granted.

    Attributes:
        security: ``None``, or TLS version and cipher.
        authenticated: The broker showed a certificate that we could verify.
        session_present: It had kept a session of ours.
        limits: Limits that an MQTT 5 broker names.
        refused: Topics whose subscription it refused, each with a status.
    """

    security: str
    authenticated: bool
    session_present: bool
    limits: Mapping[str, int]
    refused: Mapping[str, int]


class _ReportingClient(Client):
    """The library's client, but the end of its network thread is always reported."""

    def __init__(self, report: Callable[[Exception | None], None], **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self._report = report

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        """Run until the connection is over; what the thread died of goes to ``report``."""
        try:
            code = super().loop_forever(timeout, retry_first_connection=False)
        except Exception as e:  # noqa: BLE001  the library decodes untrusted bytes here, any may come
            self._report(e)  # not kept in a local: its traceback would keep this client alive
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        self._report(None)
        return code

    def release(self) -> None:
        """Close the sockets that wake the network thread, which is over.

        The library leaves them to the garbage collector, which warns of them now and then.
        """
        self._reset_sockets()


class BrokerSession:
    """A session that is opened once, read until lost, and closed once."""

    def __init__(self, settings: BrokerSettings, source_id: str) -> None:
        self._settings = settings
        self._client_id = settings.client_id or f"plantseal-{source_id}"
        self._inbox = Inbox(settings.inflight)
        self._client: _ReportingClient | None = None
        self._topics: tuple[str, ...] = ()
        self._asked: dict[int, tuple[str, ...]] = {}
        self._refused: dict[str, int] = {}
        self._reason = ""
        self._lost: Disconnected | None = None
        self._received = 0
        self._closing = False

    async def open(self, topics: Sequence[str]) -> Opened:
        """Connect, subscribe each topic, and return what was granted.

        Raises:
            Disconnected: No connection, or no answer within ten seconds.
            Refused: Wrong account, certificate, protocol version or client id.
        """
        self._loop = asyncio.get_running_loop()
        self._wake, self._ended = asyncio.Event(), asyncio.Event()
        self._connected: asyncio.Future[Opened] = self._loop.create_future()
        self._topics = tuple(topics)
        self._client = self._make_client()
        self._client.loop_start()
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                return await self._connected
        except TimeoutError:
            raise failures.silent(self._settings) from None

    def _make_client(self) -> _ReportingClient:
        settings, v5 = self._settings, self._settings.protocol == "5"
        client = _ReportingClient(
            lambda error: self._post(self._on_end, error),
            client_id=self._client_id,
            clean_session=None if v5 else not settings.persistent,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if settings.tls is not None:
            client.tls_set_context(tls.context_of(settings))
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password())
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_connect = self._guarded(self._on_connect)
        client.on_subscribe = self._guarded(self._on_subscribe)
        client.on_message = self._guarded(self._on_message)
        client.on_disconnect = self._guarded(self._on_disconnect)
        if v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.ReceiveMaximum = settings.inflight
            properties.MaximumPacketSize = MAX_PACKET_BYTES
            if settings.persistent:
                properties.SessionExpiryInterval = settings.session_expiry_s
            client.connect_async(
                settings.host,
                settings.port,
                settings.keepalive_s,
                clean_start=not settings.persistent,
                properties=properties,
            )
        else:
            client.connect_async(settings.host, settings.port, settings.keepalive_s)
        return client

    # What follows runs on the network thread: each ends in _post, none may raise into the library.

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        def call(*args: Any) -> None:
            try:
                callback(*args)
            except Exception as e:  # noqa: BLE001  else the thread ends and is_connected() stays True
                self._post(self._on_end, e)

        return call

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(call, *args)

    def _on_connect(
        self, client: Client, _data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if self._closing:  # closed while the connection was being made
            client.disconnect()
            return
        if reason.is_failure:
            refusal = failures.of_connack(self._settings, self._client_id, str(reason))
            self._post(self._fail, refusal)
            return
        line = client.socket()
        opened = Opened(
            security="None"
            if not isinstance(line, ssl.SSLSocket)
            else f"{line.version()}/{(line.cipher() or ('unknown',))[0]}",
            authenticated=isinstance(line, ssl.SSLSocket),
            session_present=bool(flags.session_present),
            limits={
                name: value
                for name, value in (properties.json() if properties else {}).items()
                if isinstance(value, int)
            },
            refused=self._refused,
        )
        for start in range(0, len(self._topics), TOPICS_A_SUBSCRIBE):
            part = self._topics[start : start + TOPICS_A_SUBSCRIBE]
            qos: int = self._settings.qos
            _, mid = client.subscribe([(topic, qos) for topic in part])
            if mid is not None:
                self._asked[mid] = part
        self._opened = opened
        if not self._asked:
            self._post(self._succeed)

    def _on_subscribe(
        self, _client: Client, _data: Any, mid: int, reasons: Sequence[Any], _properties: Any
    ) -> None:
        topics = self._asked.pop(mid, ())
        for i, topic in enumerate(topics):  # a broker that answers for fewer has refused the rest
            reason = reasons[i] if i < len(reasons) else None
            if reason is None or reason.is_failure:
                self._refused[topic] = failures.of_suback(None if reason is None else reason.value)
        if not self._asked:
            self._post(self._succeed)

    def _on_message(self, _client: Client, _data: Any, packet: MQTTMessage) -> None:
        try:
            topic = packet.topic
        except UnicodeDecodeError:
            topic = ""
        self._received += 1
        message = Message(
            topic,
            bytes(packet.payload),
            packet.qos,
            packet.mid,
            bool(packet.retain),
            bool(packet.dup),
            time.time_ns(),
            self._received,
        )
        if self._inbox.put(message):
            self._post(self._wake.set)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._reason = str(reason)

    # From here on everything runs on the event loop.

    def _succeed(self) -> None:
        if not self._connected.done():
            self._connected.set_result(self._opened)

    def _fail(self, error: Exception) -> None:
        if not self._connected.done():
            self._connected.set_exception(error)

    def _on_end(self, error: Exception | None) -> None:
        lost = failures.of_end(self._settings, error, self._reason)
        if isinstance(lost, Disconnected) and self._lost is None:
            self._lost = lost
        self._fail(lost)
        self._wake.set()
        self._ended.set()

    async def receive(self) -> list[Message]:
        """Return all messages that arrived since the last call, at least one, oldest first.

        Raises:
            Disconnected: The session is over and everything received has been returned.
        """
        while True:
            self._wake.clear()
            messages = self._inbox.take()
            if messages:
                return messages
            if self._lost is not None:
                raise self._lost
            await self._wake.wait()

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let the broker forget messages whose rows are durable, in the order they came."""
        client = self._client
        if client is not None and self._lost is None:
            for message in messages:
                if message.qos > 0:
                    client.ack(message.mid, message.qos)
        self._inbox.release(messages)

    async def close(self) -> None:
        """Disconnect; what was not acknowledged stays with the broker. Never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        self._closing = True
        self._inbox.close()
        client.disconnect()
        over = await self._over()
        if not over and isinstance(tcp := client.socket(), socket.socket):
            with contextlib.suppress(OSError):  # a broker that reads nothing: end it by force
                tcp.shutdown(socket.SHUT_RDWR)
            over = await self._over()
        if over:
            client.release()
        if self._connected.done() and not self._connected.cancelled():
            self._connected.exception()  # retrieved: a refusal nobody awaited is no news at close

    async def _over(self) -> bool:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True
