"""Certificates and key of a secured OPC UA source, from PEM or DER files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from plantseal_connectors.opcua.settings import OpcUaSecurity
from plantseal_connectors.source import Refused

BAD_CERTIFICATE_INVALID = 0x8012_0000
_PEM = b"-----BEGIN"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What both sides show, as DER.

    Attributes:
        cert: The gateway's certificate.
        key: Its private key, PKCS #8.
        server_cert: The one certificate that the server may show.
        application_uri: URI in the gateway's certificate; empty when it has none.
    """

    cert: bytes
    key: bytes
    server_cert: bytes
    application_uri: str


def load(security: OpcUaSecurity) -> Credentials:
    """Return what the files of ``security`` hold.

    Raises:
        Refused: A file is missing or is not what it should be.
    """
    ours = _read("security.cert", security.cert, _certificate)
    return Credentials(
        ours.public_bytes(Encoding.DER),
        _read("security.key", security.key, _key),
        _read("security.server_cert", security.server_cert, _certificate).public_bytes(
            Encoding.DER
        ),
        _application_uri(ours),
    )


def _read(setting: str, path: Path | None, parse: Callable[[bytes], T]) -> T:
    if path is None:
        raise Refused(
            f"{setting}: missing", status=BAD_CERTIFICATE_INVALID, remedy=f"set {setting}"
        )
    try:
        return parse(path.read_bytes())
    except OSError as e:
        problem, remedy = e.strerror or str(e), "check the path and who may read the file"
    except (ValueError, TypeError) as e:  # TypeError: a key with a passphrase
        problem, remedy = str(e), "expected PEM or DER; a key without passphrase"
    raise Refused(f"{setting}: {path}: {problem}", status=BAD_CERTIFICATE_INVALID, remedy=remedy)


def _certificate(content: bytes) -> x509.Certificate:
    if content.lstrip().startswith(_PEM):
        return x509.load_pem_x509_certificate(content)
    return x509.load_der_x509_certificate(content)


def _key(content: bytes) -> bytes:
    load = load_pem_private_key if content.lstrip().startswith(_PEM) else load_der_private_key
    return load(content, None).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _application_uri(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")
