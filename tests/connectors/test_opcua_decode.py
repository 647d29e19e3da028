"""Our decoder against asyncua's encoder, which shares no code with it."""

import json
import math
import struct
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_opcua import LINK, value_of

from plantseal_connectors.opcua import binary, decode
from plantseal_connectors.opcua.binary import DecodingError, Reader
from plantseal_connectors.opcua.decode import RowDecoder, nanoseconds, publish_response
from plantseal_connectors.rows import ABSENT, Batch, Flag, Kind
from plantseal_connectors.status import BAD_TYPE_MISMATCH

T0 = datetime(2024, 5, 1, tzinfo=UTC)


def message(*items: ua.MonitoredItemNotification, sequence: int = 7) -> bytes:
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = 5
    response.Parameters.AvailableSequenceNumbers = [sequence]
    notification = response.Parameters.NotificationMessage
    notification.SequenceNumber = sequence
    notification.PublishTime = T0
    if items:
        changes = ua.DataChangeNotification()
        changes.MonitoredItems = list(items)
        notification.NotificationData.append(changes)
    return struct_to_binary(response)


def item(
    handle: int, value: object, kind: ua.VariantType, status: int = 0
) -> ua.MonitoredItemNotification:
    data = ua.DataValue(
        ua.Variant(value, kind), ua.StatusCode(status), SourceTimestamp=T0, ServerTimestamp=T0
    )
    return ua.MonitoredItemNotification(handle, data)


def rows_of(body: bytes, **elements: int) -> Batch:
    decoder = RowDecoder(LINK, {h: elements.get(f"t{h}") for h in range(1, 9)})
    response = publish_response(body)
    for change in response.changes:
        decoder.add_changes(change, 1000, response.sequence)
    return decoder.batch()


def test_the_frame_is_read() -> None:
    found = publish_response(message(item(1, 1.0, ua.VariantType.Double), sequence=41))
    assert (found.subscription, found.sequence, found.keepalive) == (5, 41, False)
    assert found.t_publish == int(T0.timestamp()) * 10**9
    assert publish_response(message(sequence=42)).keepalive


def test_the_end_of_a_subscription_is_read() -> None:
    response = ua.PublishResponse()
    ended = ua.StatusChangeNotification(Status=ua.StatusCode(0x800A0000))
    response.Parameters.NotificationMessage.NotificationData.append(ended)
    assert publish_response(struct_to_binary(response)).ended == 0x800A0000


def test_another_message_is_not_taken_for_a_publish_response() -> None:
    with pytest.raises(DecodingError, match="expected a publish response"):
        publish_response(struct_to_binary(ua.ReadResponse()))


NUMBERS = {
    ua.VariantType.Boolean: st.booleans(),
    ua.VariantType.SByte: st.integers(-(2**7), 2**7 - 1),
    ua.VariantType.Byte: st.integers(0, 2**8 - 1),
    ua.VariantType.Int16: st.integers(-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: st.integers(0, 2**16 - 1),
    ua.VariantType.Int32: st.integers(-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: st.integers(0, 2**32 - 1),
    ua.VariantType.Int64: st.integers(-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: st.integers(0, 2**64 - 1),
    ua.VariantType.Float: st.floats(width=32, allow_nan=False),
    ua.VariantType.Double: st.floats(allow_nan=False),
    ua.VariantType.String: st.text(),
    ua.VariantType.ByteString: st.binary(),
    ua.VariantType.Guid: st.uuids(),
}
SCALARS = st.sampled_from(list(NUMBERS)).flatmap(
    lambda kind: st.tuples(st.just(kind), NUMBERS[kind], st.lists(NUMBERS[kind], max_size=4))
)
STATUSES = st.sampled_from([0, 0x40900000, 0x808C0000, 0x00000480])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8), SCALARS, STATUSES), max_size=6))
def test_scalars_are_what_asyncua_encoded(sent: list) -> None:
    batch = rows_of(message(*(item(h, v, kind, s) for h, (kind, v, _), s in sent)))
    values = [r for r in batch.rows if r["kind"] == Kind.VALUE]
    assert len(values) == len(sent)
    for row, (handle, (_, value, _), status) in zip(values, sent, strict=True):
        expected = str(value) if isinstance(value, uuid.UUID) else value
        found = value_of(row, batch)
        assert found == expected
        assert isinstance(found, type(expected))
        assert (row["tag"], row["status"], row["src_seq"]) == (handle, status, 7)
        assert row["t_source"] == row["t_server"] == int(T0.timestamp()) * 10**9
    overflows = [r["tag"] for r in batch.rows if r["kind"] == Kind.OVERFLOW]
    assert overflows == [h for h, _, s in sent if s == 0x480]


@settings(max_examples=100, deadline=None)
@given(SCALARS, st.integers(0, 5))
def test_elements_of_arrays_are_what_asyncua_encoded(drawn: tuple, element: int) -> None:
    kind, _, values = drawn
    batch = rows_of(message(item(1, values, kind), item(2, values, kind)), t1=element)
    one, whole = batch.rows
    expected = values[element] if element < len(values) else None
    expected = str(expected) if isinstance(expected, uuid.UUID) else expected
    assert value_of(one, batch) == expected
    assert one["status"] == (0 if element < len(values) else BAD_TYPE_MISMATCH)
    assert whole["status"] == BAD_TYPE_MISMATCH
    assert len(json.loads(str(value_of(whole, batch)))) == len(values)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (ua.LocalizedText("läuft", "de"), ua.VariantType.LocalizedText, "läuft"),
        (ua.QualifiedName("Axis", 2), ua.VariantType.QualifiedName, "2:Axis"),
        (ua.StatusCode(0x80340000), ua.VariantType.StatusCode, "0x80340000"),
        (ua.NodeId("a;b", 3), ua.VariantType.NodeId, "ns=3;s=a;b"),
        (ua.NodeId(300, 0), ua.VariantType.NodeId, "i=300"),
        (ua.NodeId(70_000, 2), ua.VariantType.NodeId, "ns=2;i=70000"),
        (ua.NodeId(b"\x01", 2), ua.VariantType.NodeId, "ns=2;b=AQ=="),
        (datetime(1601, 1, 1, tzinfo=UTC), ua.VariantType.DateTime, "1601-01-01T00:00:00.0000000Z"),
        (datetime.max.replace(tzinfo=UTC), ua.VariantType.DateTime, "9999-12-31T23:59:59.0000000Z"),
        ("K\udcfchler", ua.VariantType.String, b"K\xfchler"),
        (None, ua.VariantType.String, None),
        (None, ua.VariantType.Null, None),
    ],
)
def test_other_types_become_what_is_documented(
    value: object, kind: ua.VariantType, expected: object
) -> None:
    batch = rows_of(message(item(1, value, kind)))
    assert value_of(batch.rows[0], batch) == expected
    assert batch.rows[0]["status"] == 0


def test_a_structure_is_text_that_no_figure_takes_for_a_reading() -> None:
    value = ua.Argument(Name="x")
    batch = rows_of(message(item(1, value, ua.VariantType.ExtensionObject)))
    assert json.loads(str(value_of(batch.rows[0], batch)))["type"] == "i=298"
    assert batch.rows[0]["status"] == BAD_TYPE_MISMATCH


def test_the_bits_of_a_double_come_verbatim() -> None:
    head = struct.pack("<i", 1) + struct.pack("<IB", 1, 1)
    for bits in (0x7FF8_0000_0000_1234, 0x8000_0000_0000_0000, 0x7FF0_0000_0000_0000):
        decoder = RowDecoder(LINK, {1: None})
        decoder.add_changes(Reader(head + b"\x0b" + struct.pack("<Q", bits)), 0, 1)
        assert decoder.batch().rows["value"].tolist() == [bits]


def test_times_keep_their_100_ns_and_picoseconds() -> None:
    ticks = binary.EPOCH_TICKS + 17_000_000_000_000_007
    body = struct.pack("<iIB", 1, 1, 4 | 8 | 16 | 32) + struct.pack("<qHqH", ticks, 9999, 0, 0)
    decoder = RowDecoder(LINK, {1: None})
    decoder.add_changes(Reader(body), 0, 1)
    (row,) = decoder.batch().rows
    assert row["t_source"] == 1_700_000_000_000_000_799
    assert row["t_server"] == -(2**63) + 1
    assert row["flags"] == Flag.CLAMPED


@given(st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)))  # noqa: DTZ001
def test_times_within_64_bits_are_exact(moment: datetime) -> None:
    exact = moment.replace(tzinfo=UTC)
    ticks = ua.datetime_to_win_epoch(exact)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert nanoseconds(ticks) == ((exact - epoch) // timedelta(microseconds=1) * 1000, 0)


def test_times_not_given_are_absent() -> None:
    data = ua.MonitoredItemNotification(1, ua.DataValue(ua.Variant(1.0)))
    row = rows_of(message(data)).rows[0]
    assert row["t_source"] == row["t_server"] == ABSENT


def test_an_item_that_is_none_of_ours_is_kept_unparsed() -> None:
    batch = rows_of(message(item(77, 1.0, ua.VariantType.Double)))
    assert batch.rows["kind"].tolist() == [Kind.UNPARSED]
    assert batch.rows["tag"].tolist() == [LINK]


def test_every_truncation_is_a_decoding_error() -> None:
    whole = message(
        item(1, [1.0, 2.0], ua.VariantType.Double),
        item(2, "text", ua.VariantType.String),
        item(3, ua.Argument(Name="x"), ua.VariantType.ExtensionObject),
        item(4, 5, ua.VariantType.Int32),
    )
    decoder = RowDecoder(LINK, dict.fromkeys(range(1, 5)))
    complete = 0
    for size in range(len(whole)):
        try:
            for change in publish_response(whole[:size]).changes:
                decoder.add_changes(change, 0, 1)
                complete += 1
        except DecodingError:
            continue
    assert complete == 0
    assert len(decoder.batch().rows) == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 120))
def test_random_bytes_in_a_message_never_raise_anything_else(noise: bytes, at: int) -> None:
    whole = message(item(1, [1, 2], ua.VariantType.Int32), item(2, "t", ua.VariantType.String))
    hostile = whole[:at] + noise + whole[at + len(noise) :]
    decoder = RowDecoder(LINK, {1: None, 2: None})
    try:
        for change in publish_response(hostile).changes:
            decoder.add_changes(change, 0, 1)
    except DecodingError:
        pass
    assert len(decoder.batch().rows) < 50


@pytest.mark.parametrize("kind", [0x80, 0x81, 0x8B, 0x8C, 0x96, 0x98])
def test_a_short_message_cannot_ask_for_a_long_list(kind: int) -> None:
    body = struct.pack("<iIBBi", 1, 1, 1, kind, 30_000_000)
    decoder = RowDecoder(LINK, {1: None})
    if kind == 0x80:  # nulls: nothing is built of them
        decoder.add_changes(Reader(body), 0, 1)
        assert len(decoder.batch().rows) == 1
        return
    with pytest.raises(DecodingError, match="30000000 elements announced"):
        decoder.add_changes(Reader(body), 0, 1)


def test_variants_within_variants_end_somewhere() -> None:
    body = struct.pack("<iIB", 1, 1, 1) + b"\x18" * 200 + b"\x00"
    with pytest.raises(DecodingError, match="levels"):
        RowDecoder(LINK, {1: None}).add_changes(Reader(body), 0, 1)


def test_not_a_number_in_an_array_is_json_all_the_same() -> None:
    batch = rows_of(message(item(1, [math.nan, math.inf, 1.5], ua.VariantType.Double)))
    assert json.loads(str(value_of(batch.rows[0], batch))) == ["nan", "inf", 1.5]


def test_the_packed_row_is_the_row_of_the_contract() -> None:
    decoder = RowDecoder(LINK, {})
    decoder.add(Kind.SEQ_GAP, 2, 3, 4, status=5, t_source=6, t_server=7, bits=8, flags=9)
    assert decoder.batch().rows.tolist() == [(0, 2, 5, 6, 7, 3, 4, Kind.SEQ_GAP, 0, 9, 0, 8)]
    assert f"i={ua.ObjectIds.PublishResponse_Encoding_DefaultBinary}" == decode.PUBLISH_RESPONSE
