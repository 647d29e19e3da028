"""TLS to a real broker: verified, refused with a remedy, and with a client certificate."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from plantseal_testing_broker import mosquitto, run, source

from plantseal_connectors.mqtt import connector
from plantseal_connectors.source import Disconnected, Refused


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """A certificate authority that lives in a folder for the length of a test."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, _named(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._write(name, self._signed(self.name, self.key, ca=True))

    def _signed(self, subject, key, *, ca=False, host="127.0.0.1"):
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name, certificate):
        path = self.folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        path.chmod(0o644)
        return path

    def issue(self, name, *, host="127.0.0.1"):
        """Return the paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        secret = self.folder / f"{name}.key"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        secret.chmod(0o644)  # mosquitto gives up root before it reads the file
        return self._write(name, self._signed(_named(name), key, host=host)), secret


@pytest.fixture
def authority(tmp_path):
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    return Authority(tmp_path, "plant-ca")


def over_tls(authority, *more, host="127.0.0.1"):
    certificate, key = authority.issue("broker", host=host)
    return mosquitto(f"certfile {certificate}", f"keyfile {key}", *more)


def at(port, **tls):
    files = {name: str(path) for name, path in tls.items()}
    return source(connector, {"host": "127.0.0.1", "port": port, "tls": files}, "t#")


def test_a_broker_with_a_certificate_of_our_authority_is_authenticated(authority):
    async def read():
        reader = at(port, ca=authority.ca)
        birth = await reader.open()
        assert birth.endpoint == f"mqtts://127.0.0.1:{port}"
        assert birth.security.startswith("TLSv1.3/TLS_")
        assert birth.authenticated
        await reader.close()

    with over_tls(authority) as port:
        run(read)


@pytest.mark.parametrize("fault", ["unknown authority", "wrong host"])
def test_a_certificate_that_cannot_be_verified_is_refused(authority, fault, tmp_path):
    async def read():
        other = Authority(tmp_path, "other-ca").ca if fault == "unknown authority" else authority.ca
        reader = at(port, ca=other)
        with pytest.raises(Refused, match="certificate not accepted") as refusal:
            await reader.open()
        assert "tls.ca" in refusal.value.remedy
        await reader.close()

    with over_tls(authority, host="127.0.0.9" if fault == "wrong host" else "127.0.0.1") as port:
        run(read)


def test_a_port_without_tls_is_refused_not_spoken_to_in_clear(authority):
    async def read():
        reader = at(port, ca=authority.ca)
        with pytest.raises((Refused, Disconnected)):
            await reader.open()
        await reader.close()

    with mosquitto() as port:
        run(read)


def test_a_missing_file_is_refused_by_name(authority, tmp_path):
    async def read():
        reader = at(1, ca=tmp_path / "absent.pem")
        with pytest.raises(Refused, match=r"absent\.pem"):
            await reader.open()
        await reader.close()

    run(read)


def test_a_client_certificate_is_shown_where_the_broker_asks(authority):
    certificate, key = authority.issue("gateway")

    async def read():
        bare = at(port, ca=authority.ca)
        with pytest.raises((Refused, Disconnected)) as refusal:
            await bare.open()
        assert "certificate" in refusal.value.remedy
        await bare.close()
        reader = at(port, ca=authority.ca, cert=certificate, key=key)
        assert (await reader.open()).authenticated
        await reader.close()

    with over_tls(authority, f"cafile {authority.ca}", "require_certificate true") as port:
        run(read)
