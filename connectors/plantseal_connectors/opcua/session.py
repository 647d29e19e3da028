"""One session with an OPC UA server, on asyncua's transport: opened once, read until lost.

asyncua keeps socket, secure channel, session and security; everything else of it is left alone.

Quirks answered: a client is used once and never reconnects, the session time-out is short, the
watchdog waits seconds, the peer's certificate is pinned, the library's log is held back.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.common.utils import Buffer
from asyncua.crypto import security_policies, uacrypto
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors._base import UaError

from plantseal_connectors.opcua import credentials, failures
from plantseal_connectors.opcua.settings import OpcUaSettings
from plantseal_connectors.source import Disconnected, Refused

OPEN_TIMEOUT_S: Final = 30.0
CLOSE_TIMEOUT_S: Final = 4.0
DISCOVERY_TIMEOUT_S: Final = 2.0
APPLICATION_URI: Final = "urn:plantseal:gateway"
_IDENTITY: Final[Mapping[str, int]] = {
    "product": 2261, "manufacturer": 2263, "software": 2264, "build": 2265, "product_uri": 2262,
}  # fmt: skip  # Server_ServerStatus_BuildInfo_*; numbers here and below from NodeIds.csv
_LIMITS: Final[Mapping[str, int]] = {"MaxNodesPerRead": 11705, "MaxMonitoredItemsPerCall": 11714}
_NAMESPACE_ARRAY: Final = 2255
_CURRENT_TIME: Final = 2258


class OpcUaSession:
    """A session that is opened once, read until lost, and closed once."""

    def __init__(self, settings: OpcUaSettings) -> None:
        # asyncua logs whole messages at INFO, and at ERROR what reaches us as an exception.
        logging.getLogger("asyncua").setLevel(logging.WARNING)
        logging.getLogger("asyncua.client").setLevel(logging.CRITICAL + 1)
        self._settings = settings
        self._client: Client | None = None

    async def open(self, on_lost: Callable[[], None]) -> None:
        """Connect and activate a session; ``on_lost`` is called when it dies unasked.

        Raises:
            Disconnected: No connection, or no answer in time.
            Refused: Security, certificate or account are not accepted.
        """
        settings = self._settings
        watchdog_s = max(3.0, settings.session_timeout_s / 3)  # a slow PLC needs seconds to answer
        client = Client(settings.endpoint, settings.timeout_s, watchdog_s, auto_reconnect=False)
        client.name = client.description = "plantseal"
        client.application_uri = APPLICATION_URI
        client.session_timeout = settings.session_timeout_s * 1000
        if settings.username is not None:
            client.set_user(settings.username)
            client.set_password(settings.password() or "")

        async def lost(_error: Exception) -> None:
            on_lost()

        client.connection_lost_callback = lost
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._secure(client)
                await client.connect()
        except (Disconnected, Refused):
            raise
        except Exception as e:  # asyncua lets through whatever odd bytes raise
            raise await self._explained(failures.of(e, settings)) from e
        self._client = client

    async def _secure(self, client: Client) -> None:
        security = self._settings.security
        if security.policy == "None":
            return
        files = credentials.load(security)
        client.application_uri = files.application_uri or APPLICATION_URI
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{security.policy}"),
            files.cert,
            files.key,
            server_certificate=uacrypto.CertProperties(files.server_cert),
            mode=getattr(ua.MessageSecurityMode, security.mode),
        )

    async def _explained(self, problem: Disconnected | Refused) -> Disconnected | Refused:
        """Return ``problem``, or what the server's own list of endpoints tells about its cause.

        Many servers hang up, or say nothing at all, on security that they do not take.
        """
        if problem.status in failures.NOT_ABOUT_SECURITY:
            return problem
        asker = Client(self._settings.endpoint, timeout=DISCOVERY_TIMEOUT_S)
        try:
            async with asyncio.timeout(DISCOVERY_TIMEOUT_S):
                found = await asker.connect_and_get_server_endpoints()
        except Exception:  # noqa: BLE001  only the explanation is poorer without the answer
            return problem
        security = self._settings.security
        asked = "None" if security.policy == "None" else f"{security.policy}/{security.mode}"
        offered = {
            _security(e.SecurityPolicyUri, e.SecurityMode): e.ServerCertificate or b""
            for e in found
        }
        if asked not in offered:
            return failures.no_such_endpoint(self._settings, ", ".join(sorted(offered)))
        if asked == "None":
            return problem
        pinned = credentials.load(security).server_cert
        if not offered[asked].startswith(pinned):
            shown = sha256(offered[asked]).hexdigest()
            return failures.other_certificate(self._settings, shown)
        return problem

    async def close(self) -> None:
        """Release the session; never raises, returns within five seconds."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.disconnect()
        with contextlib.suppress(Exception):
            client.disconnect_socket()

    async def call(self, request: Any, timeout_s: float | None = None) -> bytes:
        """Send a request and return the body of its response, not yet read.

        Args:
            request: One of asyncua's request classes.
            timeout_s: How long the answer may take [s]; 0 waits for ever.

        Raises:
            ua.UaStatusCodeError: The server refuses the request as a whole.
            Disconnected: No answer in time, or no connection.
        """
        try:
            # The one private call: there is no public one that leaves the response undecoded.
            return bytes(await self._open_client().uaclient._send_request(request, timeout_s))
        except (OSError, TimeoutError) as e:
            raise failures.of(e, self._settings) from e

    async def ask(self, request: Any, answer: type[Any]) -> Any:
        """Send a request and return its response, read by asyncua.

        Raises:
            ua.UaStatusCodeError: The server refuses the request as a whole.
            Disconnected: No answer in time, no connection, or an answer that cannot be read.
        """
        body = await self.call(request)
        try:
            return struct_from_binary(answer, Buffer(body))
        except Exception as e:  # asyncua's decoder raises anything on odd bytes
            raise failures.of(e, self._settings) from e

    def _open_client(self) -> Client:
        if self._client is None or self._client.uaclient.state is not UaClientState.CONNECTED:
            raise failures.of(ConnectionError("session closed"), self._settings)
        return self._client

    @property
    def security(self) -> str:
        """Return what was negotiated, e.g. ``Basic256Sha256/SignAndEncrypt``."""
        policy = self._open_client().security_policy
        return _security(policy.URI, policy.Mode)

    async def namespaces(self) -> dict[str, int]:
        """Return the index of each namespace URI, as the server numbers them now."""
        (found,) = await self._read([_NAMESPACE_ARRAY])
        return {str(uri): index for index, uri in enumerate(found or ())}

    async def identity(self) -> dict[str, str]:
        """Return what the server says of itself, and the digest of its certificate."""
        values = await self._read(list(_IDENTITY.values()))
        found = {n: str(v) for n, v in zip(_IDENTITY, values, strict=True) if v is not None}
        if certificate := self._open_client().security_policy.peer_certificate:
            found["certificate_sha256"] = sha256(certificate).hexdigest()
        return found

    async def limits(self) -> dict[str, int]:
        """Return the operation limits that the server publishes, none where it has none."""
        values = await self._read(list(_LIMITS.values()))
        return {n: int(v) for n, v in zip(_LIMITS, values, strict=True) if v}

    async def clock_offset_ns(self) -> int | None:
        """Return server clock minus gateway clock [ns]; None where the server has no clock.

        Half of the round trip is taken off. Some servers renew their time once a second only.
        """
        asked = time.time_ns()
        (now,) = await self._read([_CURRENT_TIME])
        answered = time.time_ns()
        if now is None:
            return None
        ticks = ua.datetime_to_win_epoch(now)
        return int(ticks - ua.uatypes.EPOCH_AS_FILETIME) * 100 - (asked + answered) // 2

    async def _read(self, identifiers: list[int]) -> list[Any]:
        """Return the values of nodes of namespace 0; None where the server does not know one."""
        wanted = [ua.ReadValueId(ua.NodeId(ua.Int32(i)), AttributeIds.Value) for i in identifiers]
        request = ua.ReadRequest(Parameters=ua.ReadParameters(NodesToRead=wanted))
        try:
            found = (await self.ask(request, ua.ReadResponse)).Results
        except UaError as e:
            raise failures.of(e, self._settings) from e
        good = [d.Value.Value if d.StatusCode.is_good() and d.Value else None for d in found]
        return (good + [None] * len(wanted))[: len(wanted)]


def _security(uri: str, mode: ua.MessageSecurityMode) -> str:
    policy = uri.rpartition("#")[2]
    return policy if policy == "None" else f"{policy}/{mode.name}"
