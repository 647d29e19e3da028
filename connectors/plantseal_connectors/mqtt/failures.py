"""What went wrong with a broker, as the two errors of the contract with a remedy each."""

import socket
import ssl

from plantseal_connectors.mqtt.settings import BrokerSettings
from plantseal_connectors.source import Disconnected, Refused
from plantseal_connectors.status import (
    BAD_COMMUNICATION_ERROR,
    BAD_NODE_ID_INVALID,
    BAD_NOT_CONNECTED,
    BAD_RESOURCE_UNAVAILABLE,
    BAD_SERVICE_UNSUPPORTED,
    BAD_TIMEOUT,
    BAD_USER_ACCESS_DENIED,
)

_ACCOUNT = {"Not authorized", "Bad user name or password", "Banned", "Bad authentication method"}
_SUBACK = {  # MQTT 5, 3.9.3; MQTT 3.1.1 knows 0x80 alone
    0x80: BAD_USER_ACCESS_DENIED,
    0x83: BAD_USER_ACCESS_DENIED,
    0x87: BAD_USER_ACCESS_DENIED,
    0x8F: BAD_NODE_ID_INVALID,
    0x97: BAD_RESOURCE_UNAVAILABLE,
}


def of_suback(code: int | None) -> int:
    """Return the status of a refused subscription; None where the broker said nothing."""
    return BAD_SERVICE_UNSUPPORTED if code is None else _SUBACK.get(code, BAD_SERVICE_UNSUPPORTED)


def of_connack(settings: BrokerSettings, client_id: str, reason: str) -> Disconnected | Refused:
    """Return the error for a CONNACK that is not success, by the name of its reason."""
    said = f"{settings.endpoint}: the broker says {reason!r}"
    if reason in _ACCOUNT:
        secret = settings.password_env or "password_env"
        return Refused(
            f"{said} to user {settings.username!r}",
            status=BAD_USER_ACCESS_DENIED,
            remedy=f"check username and the password in {secret}, and the broker's access list",
        )
    if reason == "Unsupported protocol version":
        other = "3.1.1" if settings.protocol == "5" else "5"
        return Refused(
            f"{said} to MQTT {settings.protocol}",
            status=BAD_SERVICE_UNSUPPORTED,
            remedy=f'set protocol: "{other}"',
        )
    if reason in ("Client identifier not valid", "Identifier rejected"):
        return Refused(
            f"{said} to client id {client_id!r}",
            status=BAD_USER_ACCESS_DENIED,
            remedy="set client_id to one that the broker allows",
        )
    return Disconnected(said, status=BAD_NOT_CONNECTED)


def of_end(
    settings: BrokerSettings, error: Exception | None, reason: str
) -> Disconnected | Refused:
    """Return the error for the end of the network thread."""
    where = settings.endpoint
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            f"{where}: certificate not accepted: {error.verify_message}",
            status=BAD_COMMUNICATION_ERROR,
            remedy="set tls.ca to the authority that signed it, and host to a name in it",
        )
    if isinstance(error, ssl.SSLError):
        return Refused(
            f"{where}: no TLS: {error.reason or error}",
            status=BAD_COMMUNICATION_ERROR,
            remedy="check that this port speaks TLS, and tls.cert if it asks for a certificate",
        )
    if isinstance(error, socket.gaierror):
        return Disconnected(
            f"{where}: name not known: {error}",
            status=BAD_NOT_CONNECTED,
            remedy="check host, and the name server of this network",
        )
    if isinstance(error, OSError):
        return Disconnected(
            f"{where}: {(error.strerror or str(error)).lower()}",
            status=BAD_NOT_CONNECTED,
            remedy="check host, port, and that the broker runs",
        )
    if error is not None:
        return Disconnected(
            f"{where}: the broker sent what cannot be read: {type(error).__name__}: {error}",
            status=BAD_COMMUNICATION_ERROR,
        )
    return Disconnected(
        f"{where}: connection lost: {reason or 'closed by the broker'}",
        status=BAD_NOT_CONNECTED,
        remedy="if it repeats, look for a second client with the same client_id, "
        "or a broker that asks for a client certificate",
    )


def silent(settings: BrokerSettings) -> Disconnected:
    """Return the error for a broker that takes the connection and never answers."""
    return Disconnected(
        f"{settings.endpoint}: no answer to CONNECT or SUBSCRIBE in time",
        status=BAD_TIMEOUT,
        remedy="check that an MQTT broker listens on this port",
    )
