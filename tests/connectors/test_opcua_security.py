import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from plantseal_testing_opcua import Hosted, Recorder, plan_of, running

from plantseal_connectors.opcua import connector
from plantseal_connectors.rows import Kind
from plantseal_connectors.source import Refused
from plantseal_simulators.opcua import Node, Security


@dataclass(frozen=True)
class Identity:
    cert: Path
    key: Path


def identity(folder: Path, name: str) -> Identity:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [
        x509.UniformResourceIdentifier(f"urn:test:{name}"),
        x509.DNSName("localhost"),
        x509.IPAddress(IPv4Address("127.0.0.1")),
    ]
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True,
        data_encipherment=True, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    extended = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(usage, critical=False)
        .add_extension(x509.ExtendedKeyUsage(extended), critical=False)
        .sign(key, hashes.SHA256())
    )
    found = Identity(folder / f"{name}.der", folder / f"{name}.pem")
    found.cert.write_bytes(cert.public_bytes(Encoding.DER))
    found.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return found


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    folder = tmp_path_factory.mktemp("pki")
    return {name: identity(folder, name) for name in ("plc", "gateway", "stranger")}


@pytest.fixture(scope="module")
def server(identities: dict[str, Identity]) -> Iterator[Hosted]:
    plc = identities["plc"]
    hosted = Hosted(
        nodes=[Node("n", "Double", 1.0)],
        security=Security(plc.cert, plc.key),
        accounts={"gateway": "geheim"},
        namespaces_before=["urn:a", "urn:b", "urn:c"],
    )
    yield hosted
    hosted.stop()


def secured(
    server: Hosted, identities: dict[str, Identity], pinned: str = "plc", **settings: object
) -> object:
    ours = identities["gateway"]
    options = {
        "security": {
            "cert": ours.cert, "key": ours.key, "server_cert": identities[pinned].cert,
        },
        "username": "gateway",
        "password_env": "OPCUA_TEST_PASSWORD",
    } | settings  # fmt: skip
    return plan_of(server.sim.endpoint, [server.sim.address("n")], **options)


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPCUA_TEST_PASSWORD", "geheim")


async def refusal(plan) -> Refused:
    source = connector.build(plan)
    with pytest.raises(Refused) as refused:
        await source.open()
    await source.close()
    return refused.value


def test_signed_and_encrypted_with_a_pinned_certificate(server, identities) -> None:
    async def scenario() -> None:
        sink = Recorder()
        async with running(secured(server, identities), sink) as (birth, _):
            assert birth.security == "Basic256Sha256/SignAndEncrypt"
            assert birth.authenticated
            shown = sha256(identities["plc"].cert.read_bytes()).hexdigest()
            assert birth.identity["certificate_sha256"] == shown
            await sink.until(lambda: sink.values(1) == [1.0])
            server.do(server.sim.write("n", 2.0))
            await sink.until(lambda: len(sink.rows(1, Kind.VALUE)) == 2)

    asyncio.run(scenario())


def test_no_channel_weaker_than_asked_for_is_taken(server, identities) -> None:
    async def scenario() -> None:
        refused = await refusal(plan_of(server.sim.endpoint, [server.sim.address("n")]))
        offer = "the server offers Basic256Sha256/SignAndEncrypt"
        assert f"security None is refused, {offer}" in str(refused)
        ours = identities["gateway"]
        signed = {
            "mode": "Sign", "cert": ours.cert, "key": ours.key,
            "server_cert": identities["plc"].cert,
        }  # fmt: skip
        refused = await refusal(secured(server, identities, security=signed, timeout_s=0.5))
        assert f"security Basic256Sha256/Sign is refused, {offer}" in str(refused)

    asyncio.run(scenario())


def test_another_server_than_the_pinned_one_is_refused(server, identities) -> None:
    async def scenario() -> None:
        before = server.sim.services["ActivateSession"]
        refused = await refusal(secured(server, identities, pinned="stranger", timeout_s=0.5))
        shown = sha256(identities["plc"].cert.read_bytes()).hexdigest()
        assert f"SHA-256 {shown} shown, expected the one in" in str(refused)
        assert "stranger.der" in str(refused)
        assert server.sim.services["ActivateSession"] == before

    asyncio.run(scenario())


def test_a_wrong_password_is_refused_and_shown_nowhere(
    server, identities, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPCUA_TEST_PASSWORD", "falsch!")
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        refused = await refusal(secured(server, identities))
        assert "BadUserAccessDenied: user 'gateway' is refused" in str(refused)
        assert "OPCUA_TEST_PASSWORD" in refused.remedy
        assert "falsch!" not in str(refused) + refused.remedy + caplog.text

    asyncio.run(scenario())


def test_a_password_that_is_not_in_the_environment_is_asked_for(
    server, identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPCUA_TEST_PASSWORD")

    async def scenario() -> None:
        refused = await refusal(secured(server, identities))
        assert "OPCUA_TEST_PASSWORD is not set" in str(refused)

    asyncio.run(scenario())


def test_a_missing_or_mixed_up_file_is_named(server, identities, tmp_path: Path) -> None:
    async def scenario() -> None:
        ours, plc = identities["gateway"], identities["plc"]
        files = {"cert": ours.cert, "key": tmp_path / "none.pem", "server_cert": plc.cert}
        refused = await refusal(secured(server, identities, security=files))
        assert "security.key" in str(refused)
        assert "No such file" in str(refused)
        files = {"cert": ours.key, "key": ours.key, "server_cert": plc.cert}
        refused = await refusal(secured(server, identities, security=files))
        assert "security.cert" in str(refused)

    asyncio.run(scenario())
