"""The envelope has one byte form, and only the policy decides who is trusted."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal import canonical, keys
from plantseal.evidence import envelope as dsse
from plantseal.evidence.format import PAYLOAD_TYPE, Code, Refused

STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "predicateType": "urn:plantseal:bundle:1",
    "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
    "predicate": {
        "schema": "plantseal.bundle/1",
        "origin": "site-7",
        "period": {"start": "2026-01-01T00:00:00+08:00", "end": "2026-01-02T00:00:00+08:00"},
        "tree": {"size": "3", "root": "1" * 64},
        "genesis_sha256": "2" * 64,
        "config_sha256": "3" * 64,
        "report_sha256": "4" * 64,
        "sealed_at": "2026-01-02T00:00:00Z",
        "software": "plantseal 0",
    },
}


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> keys.Signer:
    return keys.create(tmp_path_factory.mktemp("key") / "gateway.pem", "site-7")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> keys.Signer:
    return keys.create(tmp_path_factory.mktemp("other") / "gateway.pem", "site-7")


def test_pae_is_that_of_the_dsse_text() -> None:
    """DSSE 1.0.2, protocol.md, test vectors."""
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_what_was_signed_is_read_back(signer: keys.Signer) -> None:
    envelope = dsse.parse(dsse.sign(STATEMENT, signer))
    assert dsse.verify_signature(envelope, [signer.vkey]) == dsse.SignedBy(
        signer.vkey, "site-7", trusted=True
    )
    assert dsse.parse_statement(envelope.payload).predicate.tree.size == "3"


def test_an_unknown_key_is_verified_by_its_hint_but_not_trusted(
    signer: keys.Signer, other: keys.Signer
) -> None:
    envelope = dsse.parse(dsse.sign(STATEMENT, signer))
    assert not dsse.verify_signature(envelope, []).trusted
    assert not dsse.verify_signature(envelope, [other.vkey]).trusted


def refused(change: dict[str, Any], signer: keys.Signer) -> Code:
    body = json.loads(dsse.sign(STATEMENT, signer))
    signature = body["signatures"][0]
    signature |= change.pop("signature", {})
    with pytest.raises(Refused) as e:
        dsse.verify_signature(dsse.parse(canonical.dumps(body | change)), [signer.vkey])
    return e.value.code


def test_every_rule_of_the_profile_has_its_code(signer: keys.Signer, other: keys.Signer) -> None:
    good = json.loads(dsse.sign(STATEMENT, signer))["signatures"][0]
    assert refused({"payloadType": "text/plain"}, signer) is Code.PAYLOAD_TYPE
    assert refused({"signatures": []}, signer) is Code.THRESHOLD
    assert refused({"signatures": [good, good]}, signer) is Code.THRESHOLD
    assert refused({"extra": 1}, signer) is Code.NOT_CANONICAL
    assert refused({"signature": {"cert": ""}}, signer) is Code.NOT_CANONICAL
    assert refused({"payload": "_-8="}, signer) is Code.NOT_CANONICAL
    assert refused({"payload": "YWJ="}, signer) is Code.NOT_CANONICAL
    assert refused({"signature": {"sig": "AAAA"}}, signer) is Code.ALGORITHM
    assert refused({"signature": {"keyid": other.vkey}}, signer) is Code.BAD_SIGNATURE
    assert refused({"signature": {"keyid": ""}}, signer) is Code.BAD_SIGNATURE
    assert refused({"payload": base64.b64encode(b"{}").decode()}, signer) is Code.BAD_SIGNATURE


def test_a_key_id_with_space_around_it_is_refused_for_an_unknown_key(signer: keys.Signer) -> None:
    body = json.loads(dsse.sign(STATEMENT, signer))
    body["signatures"][0]["keyid"] += " "
    with pytest.raises(Refused, match="E201"):
        dsse.verify_signature(dsse.parse(canonical.dumps(body)), [])


def test_depth_duplicates_and_space_are_refused() -> None:
    for data in (b"[" * 100_000, b'{"a":1,"a":1}', b'{"a": 1}', b"\xff", b"", b'{"a":1e999}'):
        with pytest.raises(Refused, match="E106"):
            dsse.strict_json(data, "x")


def test_statements_with_missing_unknown_or_unsorted_fields_are_refused() -> None:
    two = [{"name": n, "digest": {"sha256": "0" * 64}} for n in ("b", "a")]
    for wrong in (
        {**STATEMENT, "extra": 1},
        {**STATEMENT, "subject": two},
        {**STATEMENT, "subject": two[:1] * 2},
        {**STATEMENT, "predicateType": "urn:other"},
        {**STATEMENT, "predicate": {}},
        [],
        3,
    ):
        with pytest.raises(Refused):
            dsse.parse_statement(canonical.dumps(wrong))


@given(data=st.data())
def test_no_byte_of_an_envelope_can_change_unnoticed(
    signer: keys.Signer, data: st.DataObject
) -> None:
    body = bytearray(dsse.sign(STATEMENT, signer))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refused):
        dsse.verify_signature(dsse.parse(bytes(body)), [signer.vkey])


def test_the_payload_type_is_part_of_what_is_signed(signer: keys.Signer, tmp_path: Path) -> None:
    envelope = dsse.parse(dsse.sign(STATEMENT, signer))
    assert dsse.pae(PAYLOAD_TYPE, envelope.payload) != dsse.pae("text/plain", envelope.payload)
