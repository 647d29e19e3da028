import subprocess
import sys
import uuid

import pytest
from pydantic import ValidationError

from plantseal_connectors.opcua import OpcUaSettings, connector
from plantseal_connectors.opcua.plan import UA_NAMESPACE, NodeAddress, parse
from plantseal_connectors.tags import Tag, TagSpec

SETTINGS = OpcUaSettings(endpoint="opc.tcp://10.0.0.8:4840")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("nsu=urn:plc;s=DB1.Speed", NodeAddress("urn:plc", "DB1.Speed")),
        ("nsu=urn:plc;i=4294967295", NodeAddress("urn:plc", 4294967295)),
        ("i=2258", NodeAddress(UA_NAMESPACE, 2258)),
        ("nsu=urn:a%3Bb%25;s=x", NodeAddress("urn:a;b%", "x")),
        ('nsu=urn:plc;s="DB"."a;b"[3]', NodeAddress("urn:plc", '"DB"."a;b"[3]')),
        ("nsu=urn:plc;s=Axis [12]", NodeAddress("urn:plc", "Axis", 12)),
        ("nsu=urn:plc;b=AQI=", NodeAddress("urn:plc", b"\x01\x02")),
        (f"nsu=urn:plc;g={uuid.UUID(int=9)}", NodeAddress("urn:plc", uuid.UUID(int=9))),
    ],
)
def test_addresses_are_read(address: str, expected: NodeAddress) -> None:
    assert parse(address) == expected


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ns=2;s=Speed", "write nsu=<uri>;s=Speed with the URI of namespace 2"),
        ("s=Speed", "without a namespace"),
        ("Speed", "expected nsu=<uri>"),
        ("nsu=urn:plc", "expected nsu=<uri>"),
        ("nsu=urn:plc;i=4294967296", "expects a number in 0..4294967295"),
        ("nsu=urn:plc;i=٣", "expects a number"),
        ("nsu=urn:plc;g=123", "g= is not readable"),
        ("nsu=urn:plc;b=*", "b= is not readable"),
        ("", "expected nsu=<uri>"),
    ],
)
def test_an_unreadable_address_is_a_finding_that_names_the_tag(address: str, message: str) -> None:
    tags = [Tag(1, TagSpec(name="ok", equipment="m", address="i=1"))]
    tags.append(Tag(2, TagSpec(name="m.v", equipment="m", address=address)))
    (finding,) = connector.check(SETTINGS, tags)
    assert finding.code == "tags.address"
    assert finding.data["tag"] == "m.v"
    assert message in finding.message


def test_a_node_read_twice_is_a_finding() -> None:
    tags = [
        Tag(i, TagSpec(name=f"t{i}", equipment="m", address=a))
        for i, a in enumerate(["nsu=u;s=a", "nsu=u;s=a [1]", "nsu=u;s=a"])
    ]
    (finding,) = connector.check(SETTINGS, tags)
    assert finding.message == "t2: address: nsu=u;s=a is already read as t0; remove one"


def test_every_tag_is_subscribed() -> None:
    tag = Tag(1, TagSpec(name="a", equipment="m", address="i=1"))
    assert connector.mode(SETTINGS, tag) == "subscribed"


def test_intervals_for_the_figures_follow_from_the_settings() -> None:
    assert (SETTINGS.publishing_ms, SETTINGS.keepalive_ms) == (500, 5000)
    slow = OpcUaSettings(endpoint="opc.tcp://h:1", publishing_ms=2000, keepalive_s=1)
    assert (slow.keepalive_count, slow.keepalive_ms) == (1, 2000)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"endpoint": "http://h:80"}, "expected opc.tcp://host:port/path"),
        ({"endpoint": "opc.tcp://h"}, "expected opc.tcp://host:port/path"),
        ({"endpoint": "opc.tcp://h:99999"}, "expected opc.tcp://host:port/path"),
        ({"endpoint": "opc.tcp://u:p@h:4840"}, "put it under username"),
        ({"publishing_ms": 49}, "greater than or equal to 50"),
        ({"session_timeout_s": 3600}, "less than or equal to 60"),
        ({"password_env": "X"}, "password_env without username"),
        ({"security": {"policy": "Basic256Sha256"}}, "without cert, key, server_cert"),
        ({"security": {"policy": "Basic128Rsa15"}}, "Input should be"),
        ({"password": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OpcUaSettings(**({"endpoint": "opc.tcp://h:4840"} | settings))


def test_the_settings_need_no_protocol_library() -> None:
    code = (
        "import sys; import plantseal_connectors.opcua as o; "
        "assert o.connector.settings; assert 'asyncua' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
