"""TLS towards a broker: always verified, and no socket left open by a failed handshake."""

import ssl

from plantseal_connectors.mqtt.settings import BrokerSettings
from plantseal_connectors.source import Refused
from plantseal_connectors.status import BAD_COMMUNICATION_ERROR


class _ClosingSocket(ssl.SSLSocket):
    """A socket that closes when its handshake fails; the library would leave it to the collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def context_of(settings: BrokerSettings) -> ssl.SSLContext:
    """Return a verifying TLS context; there is no way to switch verification off.

    Raises:
        Refused: A file is missing or is not what it should be.
    """
    tls = settings.tls
    assert tls is not None  # noqa: S101  asked for only where TLS is configured
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.sslsocket_class = _ClosingSocket
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except OSError as error:  # ssl.SSLError, too
        files = ", ".join(str(f) for f in (tls.ca, tls.cert, tls.key) if f is not None)
        raise Refused(
            f"{settings.endpoint}: TLS files {files}: {error}",
            status=BAD_COMMUNICATION_ERROR,
            remedy="expected readable PEM files under tls",
        ) from error
    return context
