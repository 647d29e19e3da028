"""The envelope: an in-toto Statement in one DSSE envelope, in exactly one byte form.

DSSE alone allows white space, unknown fields, two base64 alphabets and an unauthenticated key id;
a lenient reader would miss edits there. So the profile adds: the envelope and its payload equal
their own RFC 8785 form, only known fields, standard base64, one signature, and the key id is the
verifier key of the very key that signed.

Source: DSSE 1.0.2 (protocol.md, envelope.md); in-toto Statement v1.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plantseal import canonical, note
from plantseal.evidence.format import PAYLOAD_TYPE, Code, Refused

_SHA256: Final = r"^[0-9a-f]{64}$"
_RFC3339: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"


class Signer(Protocol):
    """A key that can sign; ``plantseal.keys.Signer`` is one."""

    @property
    def vkey(self) -> str:
        """Return the verifier key, ``name+hash+key``."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature over ``data``."""
        ...


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Digest(_Model):
    """Digests of a subject."""

    sha256: str = Field(pattern=_SHA256)


class Subject(_Model):
    """One file of the bundle."""

    name: str
    digest: Digest


class Tree(_Model):
    """Size and root of the log at the checkpoint."""

    size: str = Field(pattern=r"^[1-9][0-9]{0,19}$")
    root: str = Field(pattern=_SHA256)


class SealedPeriod(_Model):
    """The period reported, RFC 3339."""

    start: str
    end: str


class Predicate(_Model):
    """What the signer says of the bundle beside its files.

    Attributes:
        origin: Name of the log.
        genesis_sha256: Digest of the first line of the log.
        config_sha256: Digest of the configuration that the figures were computed with.
        report_sha256: Digest of ``data/report.json``.
        sealed_at: Wall clock of the signer, RFC 3339; no proof of time.
        software: Product and version that made the bundle.
    """

    schema_id: Literal["plantseal.bundle/1"] = Field(alias="schema")
    origin: str
    period: SealedPeriod
    tree: Tree
    genesis_sha256: str = Field(pattern=_SHA256)
    config_sha256: str = Field(pattern=_SHA256)
    report_sha256: str = Field(pattern=_SHA256)
    sealed_at: str = Field(pattern=_RFC3339)
    software: str


class Statement(_Model):
    """in-toto Statement v1 with our predicate."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Subject, ...] = Field(strict=False)
    predicateType: Literal["urn:plantseal:bundle:1"]  # the format's spelling
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope whose bytes are canonical; its signature is not yet verified.

    Attributes:
        payload: The bytes signed.
        payload_type: What they are.
        key_id: Verifier key that the envelope names: a hint, trusted by nobody.
        signature: Ed25519 signature over :func:`pae`.
    """

    payload: bytes
    payload_type: str
    key_id: str
    signature: bytes


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the DSSE pre-authentication encoding: the bytes that are signed.

    Source: DSSE 1.0.2, protocol.md, Signature Definition.

    Example:
        >>> pae("http://example.com/HelloWorld", b"hello world")
        b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(statement: Mapping[str, Any], signer: Signer) -> bytes:
    """Return the envelope over ``statement``, canonical."""
    payload = canonical.dumps(statement)
    return canonical.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {
                    "keyid": signer.vkey,
                    "sig": base64.b64encode(signer.sign(pae(PAYLOAD_TYPE, payload))).decode(),
                }
            ],
        }
    )


def strict_json(data: bytes, where: str) -> Any:
    """Return the value of canonical JSON bytes.

    Raises:
        Refused: Not UTF-8 JSON, duplicate keys, nested too deeply, or not in RFC 8785 form.
    """
    try:
        return canonical.loads_canonical(data)
    except ValueError as e:
        raise Refused(Code.NOT_CANONICAL, f"{where}: {e}") from e


def parse(data: bytes) -> Envelope:
    """Return the envelope in ``data`` after the profile's rules on bytes and fields held.

    Raises:
        Refused: E106 for the form, E204 to E206 for type and number of signatures.
    """
    outer = strict_json(data, "envelope")
    _fields(outer, {"payload", "payloadType", "signatures"}, "envelope")
    signatures = outer["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Refused(Code.THRESHOLD, "envelope: expected exactly one signature")
    _fields(signatures[0], {"keyid", "sig"}, "envelope: signatures[0]")
    if outer["payloadType"] != PAYLOAD_TYPE:
        raise Refused(
            Code.PAYLOAD_TYPE,
            f"envelope: payloadType is {str(outer['payloadType'])[:80]!r}, expected {PAYLOAD_TYPE}",
        )
    key_id = signatures[0]["keyid"]
    if not isinstance(key_id, str) or len(key_id) > 1024:
        raise Refused(Code.NOT_CANONICAL, "envelope: keyid is no verifier key")
    signature = _base64(signatures[0]["sig"], "sig")
    if len(signature) != 64:
        raise Refused(Code.ALGORITHM, f"envelope: sig has {len(signature)} bytes, expected 64")
    return Envelope(_base64(outer["payload"], "payload"), PAYLOAD_TYPE, key_id, signature)


def _fields(value: object, expected: set[str], where: str) -> None:
    if not isinstance(value, dict) or set(value) != expected:
        got = sorted(map(str, value)) if isinstance(value, dict) else type(value).__name__
        raise Refused(Code.NOT_CANONICAL, f"{where}: got {got}, expected {sorted(expected)}")


def _base64(text: object, where: str) -> bytes:
    if not isinstance(text, str):
        raise Refused(Code.NOT_CANONICAL, f"envelope: {where} is no text")
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as e:
        raise Refused(Code.NOT_CANONICAL, f"envelope: {where} is not standard base64") from e
    if base64.b64encode(raw).decode() != text:
        raise Refused(Code.NOT_CANONICAL, f"envelope: {where} has stray base64 bits")
    return raw


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Whose signature an envelope bears.

    Attributes:
        vkey: The verifier key.
        name: Its name, which is the origin of the log that it signs.
        trusted: True when the caller's policy lists the key.
    """

    vkey: str
    name: str
    trusted: bool


def verify_signature(envelope: Envelope, trusted: Sequence[str]) -> SignedBy:
    """Return who signed; tried are the trusted keys, then the key that the envelope hints at.

    Raises:
        Refused: E201 when no key verifies the signature, E204 for a key that is not Ed25519.
        ValueError: A key of the policy is malformed.
    """
    signed = pae(envelope.payload_type, envelope.payload)
    for line in trusted:
        name, _, public_key = note.parse_vkey(line)
        if _verifies(public_key, envelope.signature, signed):
            vkey = note.vkey(name, public_key)
            if envelope.key_id != vkey:
                raise Refused(
                    Code.BAD_SIGNATURE,
                    f"envelope: keyid is {envelope.key_id[:120]!r}, but {vkey} signed",
                )
            return SignedBy(vkey, name, trusted=True)
    try:
        name, _, public_key = note.parse_vkey(envelope.key_id)
    except note.NoteError as e:
        raise Refused(Code.BAD_SIGNATURE, f"envelope: no known key, and keyid: {e}") from e
    vkey = note.vkey(name, public_key)
    if envelope.key_id != vkey or not _verifies(public_key, envelope.signature, signed):
        raise Refused(
            Code.BAD_SIGNATURE, f"envelope: the signature is not one of {vkey} over these bytes"
        )
    return SignedBy(vkey, name, trusted=False)


def _verifies(public_key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_statement(payload: bytes) -> Statement:
    """Return the statement in the very bytes that were verified.

    Raises:
        Refused: E106 when a field is missing, unknown or malformed, E104 for a name given twice.
    """
    try:
        statement = Statement.model_validate(strict_json(payload, "statement"))
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(x) for x in first["loc"])
        raise Refused(Code.NOT_CANONICAL, f"statement: {where}: {first['msg'].lower()}") from e
    names = [s.name for s in statement.subject]
    if names != sorted(names) or len(set(names)) != len(names):
        raise Refused(Code.DUPLICATE, "statement: subjects are not sorted by name, each once")
    if int(statement.predicate.tree.size) >= 2**64:
        raise Refused(Code.NOT_CANONICAL, "statement: predicate.tree.size is beyond 64 bits")
    return statement
