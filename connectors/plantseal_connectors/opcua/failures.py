"""What went wrong with an OPC UA server, in words and with what to do about it."""

import socket

from asyncua import ua
from asyncua.ua.uaerrors._base import UaError, UaStatusCodeError

from plantseal_connectors.opcua.settings import OpcUaSettings
from plantseal_connectors.source import Disconnected, Refused
from plantseal_connectors.status import (
    BAD_COMMUNICATION_ERROR,
    BAD_NOT_CONNECTED,
    BAD_NOT_FOUND,
    BAD_TIMEOUT,
)

BAD_SECURITY_CHECKS_FAILED = 0x8013_0000
BAD_SECURITY_POLICY_REJECTED = 0x8055_0000
_ACCOUNT = {
    0x801F_0000: "BadUserAccessDenied",
    0x8020_0000: "BadIdentityTokenInvalid",
    0x8021_0000: "BadIdentityTokenRejected",
}
_CERTIFICATE = {
    0x8012_0000, BAD_SECURITY_CHECKS_FAILED, 0x8014_0000, 0x8015_0000, 0x8016_0000, 0x8017_0000,
    0x8018_0000, 0x8019_0000, 0x801A_0000, 0x801B_0000, 0x801C_0000, 0x801D_0000,
}  # fmt: skip  # BadCertificate…, values of OPC 10000-6 annex A
_POLICY = {0x8054_0000, BAD_SECURITY_POLICY_REJECTED}  # BadSecurityModeRejected and this one
_TOO_MANY_SESSIONS = 0x8056_0000
BAD_CONNECTION_REJECTED = 0x80AC_0000
NOT_ABOUT_SECURITY = frozenset(
    {*_ACCOUNT, _TOO_MANY_SESSIONS, BAD_CONNECTION_REJECTED, BAD_NOT_FOUND}
)
"""Statuses whose cause needs no further question."""


def of(error: Exception, settings: OpcUaSettings) -> Disconnected | Refused:
    """Return what ``error``, raised while connecting or reading, means for the source."""
    where = settings.endpoint
    if isinstance(error, UaStatusCodeError):
        return of_status(int(error.code), settings)
    if isinstance(error, UaError) and "No matching endpoints" in str(error):
        return of_status(BAD_SECURITY_POLICY_REJECTED, settings)
    if isinstance(error, UaError) and "certificate mismatch" in str(error):
        return of_status(BAD_SECURITY_CHECKS_FAILED, settings)
    if isinstance(error, socket.gaierror):
        return Disconnected(
            f"{where}: name not found",
            status=BAD_NOT_FOUND,
            remedy="check the host name and the gateway's DNS, or write the address in numbers",
        )
    if isinstance(error, TimeoutError):
        return Disconnected(
            f"{where}: no answer within {settings.timeout_s:g} s",
            status=BAD_TIMEOUT,
            remedy="check that the server runs and that no firewall drops the connection",
        )
    if isinstance(error, ConnectionRefusedError):
        return Disconnected(
            f"{where}: connection refused",
            status=BAD_CONNECTION_REJECTED,
            remedy="check that the server runs and listens on this port",
        )
    if isinstance(error, OSError):
        return Disconnected(f"{where}: connection lost ({error})", status=BAD_NOT_CONNECTED)
    return Disconnected(
        f"{where}: not readable as OPC UA ({type(error).__name__}: {error})",
        status=BAD_COMMUNICATION_ERROR,
        remedy="check that an OPC UA server listens on this port",
    )


def of_status(code: int, settings: OpcUaSettings) -> Disconnected | Refused:
    """Return what a service result ``code`` means for the source."""
    where = settings.endpoint
    name = ua.StatusCode(ua.UInt32(code)).name
    if code in _ACCOUNT:
        who = f"user {settings.username!r}" if settings.username else "an anonymous user"
        what = settings.password_env or "password_env"
        return Refused(
            f"{where}: {name}: {who} is refused",
            status=code,
            remedy=f"check username and the password in {what}, or the server's user list",
        )
    if code in _CERTIFICATE:
        return Refused(
            f"{where}: {name}",
            status=code,
            remedy="trust the gateway's certificate at the server, and check that server_cert is "
            "the certificate the server shows now",
        )
    if code in _POLICY:
        return no_such_endpoint(settings, "other security")
    if code == _TOO_MANY_SESSIONS:
        return Disconnected(
            f"{where}: {name}",
            status=code,
            remedy="close other clients, or wait until the server drops sessions left behind",
        )
    return Disconnected(f"{where}: {name}", status=code)


def no_such_endpoint(settings: OpcUaSettings, offered: str) -> Refused:
    """Return the refusal of a server that offers other security than is asked for."""
    security = settings.security
    asked = "None" if security.policy == "None" else f"{security.policy}/{security.mode}"
    return Refused(
        f"{settings.endpoint}: security {asked} is refused, the server offers {offered}",
        status=BAD_SECURITY_POLICY_REJECTED,
        remedy="set security to what the server offers; nothing weaker is taken by itself",
    )


def other_certificate(settings: OpcUaSettings, shown_sha256: str) -> Refused:
    """Return the refusal of a server that shows another certificate than the pinned one."""
    return Refused(
        f"{settings.endpoint}: certificate with SHA-256 {shown_sha256} shown, "
        f"expected the one in {settings.security.server_cert}",
        status=BAD_SECURITY_CHECKS_FAILED,
        remedy="find out why it changed; if it was renewed, put the new one under server_cert",
    )
