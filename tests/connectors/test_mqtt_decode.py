"""Payloads of untrusted publishers: what becomes a value, and what never kills the client."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_broker import LINK, readable, tags

from plantseal_connectors.mqtt import plan, values
from plantseal_connectors.mqtt.decode import MAX_UNPARSED_BYTES, add_rows, rules
from plantseal_connectors.mqtt.inbox import Message
from plantseal_connectors.mqtt.settings import MqttSettings
from plantseal_connectors.rows import Flag, Kind, RowList
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_NO_DATA


def decoded(payload, *pointers, dup=False, retained=False, **settings):
    made = MqttSettings(host="h", **settings)
    topics = plan.plan(tags(*(f"t#{p}" for p in pointers or ("",))))
    rows = RowList()
    message = Message("t", payload, 1, 5, retained, dup, 77, 9)
    add_rows(rows, rules(made, topics, link=LINK), message)
    return readable([rows.batch()])


def values_of(payload, *pointers):
    return [r["value"] for r in decoded(payload, *pointers) if r["kind"] is Kind.VALUE]


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"3", 3),
        (b"3.1", 3.1),
        (b"-0.0", -0.0),
        (b"1e3", 1000.0),
        (b"true", True),
        (b'"RUN"', "RUN"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", "18446744073709551616"),
        (b"9007199254740993", 9007199254740993),
        (b"1" * 5000, "1" * 5000),
        (b"1e400", "1e400"),
        ("\ufeff7".encode(), 7),
        ('{"a":1}'.encode("utf-16"), '{"a":1}'),
        ("七".encode().join([b'"', b'"']), "七"),
        (b'"\\ud800"', b"\xed\xa0\x80"),
        (b'"\\udc80"', b"\xed\xb2\x80"),
        (b'{"a":[1.10,null,"x"],"b":true}', '{"a":[1.10,null,"x"],"b":true}'),
    ],
)
def test_a_json_value_is_kept_as_it_was_written(payload, value):
    assert values_of(payload) == [value]
    assert type(values_of(payload)[0]) is type(value)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        ('{"a": "für"}'.encode("latin-1"), "is not utf-8"),
        (b"NaN", "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "key 'a' is given twice"),
        (b'{"a": 1', "Expecting"),
        (b"", "Expecting value"),
        (b"\x00\x01\x02", ""),
    ],
)
def test_what_no_rule_reads_is_kept_as_bytes_with_its_reason(payload, reason):
    unparsed, event = decoded(payload)
    assert (unparsed["tag"], unparsed["kind"]) == (LINK, Kind.UNPARSED)
    assert unparsed["status"] == BAD_DECODING_ERROR
    assert unparsed["value"] == payload[:MAX_UNPARSED_BYTES]
    said = json.loads(event["value"])
    assert event["kind"] is Kind.EVENT
    assert reason in said["reason"]
    assert (said["size"], said["kept"]) == (len(payload), len(unparsed["value"]))


@given(st.binary() | st.text().map(str.encode) | st.from_regex(r"[\[\]{}:,\"0-9.eE+\-tnrufals ]*"))
def test_any_bytes_make_rows_or_none_and_never_raise(payload):
    if isinstance(payload, str):
        payload = payload.encode("utf-8", "surrogatepass")
    for row in decoded(payload, "", "/a", "/0", time="/ts"):
        assert row["kind"] in (Kind.VALUE, Kind.UNPARSED, Kind.EVENT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
def test_a_value_at_the_end_of_its_pointer_equals_what_json_says(value):
    payload = json.dumps({"x~/": [0, value]}).encode()
    (got,) = values_of(payload, "/x~0~1/1")
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        assert got == str(value)
    elif isinstance(value, list | dict):
        assert isinstance(got, bytes) or json.loads(got) == value
    elif isinstance(value, str):
        assert got in (value, value.encode("utf-8", "surrogatepass"))
    else:
        assert got == value
        assert type(got) is type(value)


def test_silence_about_a_tag_makes_no_row_and_null_says_no_data():
    rows = decoded(b'{"a": null, "b": {"c": 5}}', "/a", "/b/c", "/missing", "/b/c/d", "/b/0")
    assert [(r["tag"], r["value"], r["status"]) for r in rows] == [
        (1, None, BAD_NO_DATA),
        (2, 5, 0),
    ]


@pytest.mark.parametrize("token", ["-", "01", "3", "-1", "٠"])  # the last: an Arabic zero
def test_an_array_index_that_rfc_6901_does_not_know_leads_nowhere(token):
    assert values_of(b"[1, 2, 3]", f"/{token}") == []


def test_retained_and_redelivered_are_flagged_and_the_counter_kept():
    (row,) = decoded(b"1", retained=True, dup=True)
    assert row["flags"] == Flag.RETAINED | Flag.REDELIVERED
    assert (row["src_seq"], row["t_receive"], row["t_source"]) == (9, 77, None)


@pytest.mark.parametrize(
    ("time", "unit", "t_ns"),
    [
        ("1700000000123456789", "ns", 1700000000123456789),
        ("1700000000123456.789", "us", 1700000000123456789),
        ("1700000000123.456789", "ms", 1700000000123456789),
        ("1700000000.123456789", "s", 1700000000123456789),
        ('"1700000000.123456789"', "s", 1700000000123456789),
        ("1.700000000123456789e9", "s", 1700000000123456789),
        ("-1", "s", -1_000_000_000),
        ('"2023-11-14T22:13:20.123456789Z"', "iso", 1700000000123456789),
        ('"2023-11-15T06:13:20.123456789+08:00"', "iso", 1700000000123456789),
        ('"2016-12-31T23:59:60Z"', "iso", 1483228800_000000000),
    ],
)
def test_a_time_is_exact_to_the_nanosecond(time, unit, t_ns):
    (row,) = decoded(f'{{"ts": {time}, "v": 1}}'.encode(), "/v", time="/ts", time_unit=unit)
    assert row["t_source"] == t_ns


@given(st.decimals(-(10**12), 10**12, places=9))
def test_seconds_in_any_spelling_equal_integer_arithmetic(seconds):
    expected = int(seconds.scaleb(9))
    assert values.time_ns(values.Number(f"{seconds:f}"), "s") == expected
    assert values.time_ns(values.Number(f"{Decimal(seconds):e}"), "s") == expected


@pytest.mark.parametrize(
    "time",
    ["true", "null", '"yesterday"', "[1]", '"2023-11-14T22:13:20"', '"NaN"', "1e999999999"],
)
@pytest.mark.parametrize("unit", ["ms", "iso"])
def test_an_unreadable_time_costs_the_time_not_the_value(time, unit):
    payload = f'{{"ts": {time}, "v": 1}}'.encode()
    rows = decoded(payload, "/v", time="/ts", time_unit=unit)
    assert [r["kind"] for r in rows] == [Kind.UNPARSED, Kind.EVENT, Kind.VALUE]
    assert (rows[2]["value"], rows[2]["t_source"], rows[2]["status"]) == (1, None, 0)


def test_a_time_beyond_64_bits_is_cut_and_says_so():
    (row,) = decoded(b'{"ts": 99999999999999999999, "v": 1}', "/v", time="/ts", time_unit="s")
    assert (row["t_source"], row["flags"]) == (2**63 - 1, Flag.CLAMPED)


@pytest.mark.parametrize("address", ["", "#/a", "a/+#/v", "t#v", "t#/a~2", "$share/g/t#", "a\0#"])
def test_an_address_that_cannot_be_read_is_a_finding_with_the_tag(address):
    (finding,) = plan.check(tags(address))
    assert finding.code == "mqtt.address"
    assert finding.message.startswith("t1: ")


def test_tags_of_one_topic_share_its_subscription():
    topics = plan.plan(tags("a#/x", "b#", "a#/y", "a"))
    assert topics.topics == ("a", "b")
    assert topics.tags_of("a") == (1, 3, 4)
