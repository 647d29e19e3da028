"""Sparkplug B without a network: payloads, sequence, births and deaths, one message at a time."""

import base64
import contextlib
import json
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_broker import readable, tags

from plantseal_connectors.mqtt.inbox import Message
from plantseal_connectors.rows import Flag, Kind, RowList
from plantseal_connectors.sparkplug import plan
from plantseal_connectors.sparkplug.decode import Unreadable, decode, scalar
from plantseal_connectors.sparkplug.plan import NODE, Topic
from plantseal_connectors.sparkplug.schema import payload_class
from plantseal_connectors.sparkplug.settings import SparkplugSettings
from plantseal_connectors.sparkplug.state import EdgeNode
from plantseal_connectors.status import (
    BAD,
    BAD_DECODING_ERROR,
    BAD_NO_COMMUNICATION,
    BAD_NO_DATA,
    BAD_NODE_ID_UNKNOWN,
)
from plantseal_simulators import sparkplug as sim

DATA = Path(os.environ.get("DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
FILE = DATA / "sparkplug_vectors" / "vectors.json"
VECTORS = {
    v["name"]: base64.b64decode(v["base64"])
    for v in (json.loads(FILE.read_text()) if FILE.exists() else [])
}
# the time in each of them, 08 d2 e2 83 b9 fa 32, read by hand in groups of seven bits
VECTOR_MS = 82 + (98 << 7) + (3 << 14) + (57 << 21) + (122 << 28) + (50 << 35)
BDSEQ = sim.Metric("bdSeq", 4, sim.INT64)
LINKS = {"": 100, NODE: 101, "press": 102, "oven": 103}


class Heard:
    """An edge node under test, fed one message a millisecond."""

    def __init__(self, *addresses):
        settings = SparkplugSettings(host="h", group_id="g", edge_node_id="e")
        self.node = EdgeNode(plan.plan(settings, tags(*addresses)), LINKS)
        self.now = 1_000

    def bytes(self, kind, payload, device=NODE, **more):
        rows, self.now = RowList(), self.now + 1
        flags = {"retained": False, "dup": False, **more}
        message = Message("t", payload, 0, 0, t_receive=self.now, number=1, **flags)
        self.node.hear(rows, Topic(kind, device), message)
        return readable([rows.batch()])

    def metrics(self, kind, seq, *metrics, device=NODE, **more):
        return self.bytes(kind, sim.payload(list(metrics), seq, 5), device, **more)

    def nbirth(self, *metrics, bd=BDSEQ, seq=0):
        return self.metrics("NBIRTH", seq, bd, *metrics)


def kinds(rows):
    return [(r["tag"], r["kind"]) for r in rows]


def of_kind(rows, kind):
    return [r for r in rows if r["kind"] is kind]


@pytest.mark.recorded
def test_the_vectors_decode_as_their_source_says():
    by_name = {name: decode(payload) for name, payload in VECTORS.items()}
    assert {p.t_ms for p in by_name.values()} == {VECTOR_MS}
    assert {n: (p.seq, len(p.metrics)) for n, p in by_name.items()} == {
        "NBIRTH_V1": (0, 3),
        "NDATA_V1": (1, 1),
        "NDEATH_V1": (0, 1),
        "NDATA_GAP": (5, 1),
        "NDATA_BEFORE_BIRTH": (1, 1),
        "NDATA_WRAPAROUND": (0, 1),
        "NBIRTH_LARGE": (0, 102),
    }
    temperature = by_name["NBIRTH_V1"].metrics[2]
    assert (temperature.name, temperature.alias, temperature.raw) == ("Temperature", 100, 21.5)
    last = by_name["NBIRTH_LARGE"].metrics[-1]
    assert (last.name, last.raw) == ("Metric_100", 150.0)


@pytest.mark.recorded
def test_the_vectors_played_as_a_session():
    heard = Heard("#Temperature")
    before = heard.bytes("NDATA", VECTORS["NDATA_BEFORE_BIRTH"])
    assert kinds(before) == [(101, Kind.UNPARSED), (101, Kind.EVENT)]
    assert "alias 100 is not known" in before[1]["value"]

    birth = heard.bytes("NBIRTH", VECTORS["NBIRTH_V1"])
    assert kinds(birth)[-2:] == [(101, Kind.BIRTH), (1, Kind.VALUE)]
    assert json.loads(birth[-2]["value"])["bdSeq"] == 88
    assert (birth[-1]["value"], birth[-1]["flags"]) == (21.5, Flag.FIRST)

    (value,) = heard.bytes("NDATA", VECTORS["NDATA_V1"])
    assert (value["value"], value["t_source"]) == (22.5, VECTOR_MS * 1_000_000)

    gap, value = heard.bytes("NDATA", VECTORS["NDATA_GAP"])
    assert (gap["tag"], gap["kind"], gap["value"]) == (101, Kind.SEQ_GAP, 3)
    assert value["value"] == 27.0
    assert not heard.node.contiguous

    (late,) = heard.bytes("NDEATH", VECTORS["NDEATH_V1"])  # its bdSeq is 0, the birth's 88
    assert late["kind"] is Kind.EVENT
    assert heard.node.born()


@pytest.mark.recorded
def test_an_alias_of_two_metrics_stands_for_neither():
    heard = Heard("#Metric_2", "#Metric_3")
    heard.bytes("NBIRTH", VECTORS["NBIRTH_LARGE"])  # there, alias 2 is Node Control/Rebirth, too
    rows = heard.metrics("NDATA", 1, sim.Metric("", 9.0, sim.DOUBLE, alias=2))
    assert kinds(rows) == [(101, Kind.UNPARSED), (101, Kind.EVENT)]
    rows = heard.metrics("NDATA", 2, sim.Metric("", 9.0, sim.DOUBLE, alias=3))
    assert [(r["tag"], r["value"]) for r in rows] == [(2, 9.0)]


def test_seq_wraps_from_255_to_0_without_a_gap():
    heard = Heard("#v")
    heard.nbirth(sim.Metric("v", 0, sim.INT32))
    for n in range(1, 600):
        rows = heard.metrics("NDATA", n % 256, sim.Metric("v", n, sim.INT32))
        assert [r["value"] for r in rows] == [n]
    assert heard.node.contiguous


@given(st.integers(0, 255), st.integers(1, 255))
def test_a_jump_says_how_many_are_missing_and_lasts_until_the_next_nbirth(first, missing):
    heard = Heard("press#v")
    heard.nbirth(seq=first)
    heard.metrics("DBIRTH", (first + 1) % 256, sim.Metric("v", 1, sim.INT32), device="press")
    after = (first + 2 + missing) % 256
    rows = heard.metrics("NDATA", after)
    assert kinds(rows) == [(101, Kind.SEQ_GAP), (102, Kind.SEQ_GAP)]
    assert {r["value"] for r in rows} == {missing}
    assert {r["t_source"] for r in rows} == {heard.now - 1}
    again = heard.metrics(
        "DBIRTH", (after + 1) % 256, sim.Metric("v", 2, sim.INT32), device="press"
    )
    assert kinds(again) == [(102, Kind.EVENT), (1, Kind.VALUE)]
    assert not heard.node.contiguous
    heard.nbirth()
    assert heard.node.contiguous


def test_the_same_message_delivered_twice_is_no_gap():
    heard = Heard("#v")
    heard.nbirth(sim.Metric("v", 0, sim.INT32))
    heard.metrics("NDATA", 1, sim.Metric("v", 1, sim.INT32))
    (row,) = heard.metrics("NDATA", 1, sim.Metric("v", 1, sim.INT32), dup=True)
    assert row["flags"] == Flag.REDELIVERED
    assert heard.node.contiguous


def test_the_death_of_the_node_is_a_death_on_every_device_and_makes_its_tags_bad():
    heard = Heard("#n", "press#v", "oven#v")
    heard.nbirth(sim.Metric("n", 1, sim.INT32))
    heard.metrics("DBIRTH", 1, sim.Metric("v", 1, sim.INT32), device="press")
    heard.metrics("DBIRTH", 2, sim.Metric("v", 1, sim.INT32), device="oven")
    last = heard.now
    rows = heard.metrics("NDEATH", None, BDSEQ)
    deaths = of_kind(rows, Kind.DEATH)
    assert sorted(r["tag"] for r in deaths) == [101, 102, 103]
    assert {(r["t_source"], r["t_receive"]) for r in deaths} == {(last, heard.now)}
    stale = of_kind(rows, Kind.VALUE)
    assert sorted((r["tag"], r["value"], r["status"]) for r in stale) == [
        (tag, None, BAD_NO_COMMUNICATION) for tag in (1, 2, 3)
    ]
    assert not heard.node.born()


def test_the_death_of_a_device_is_dated_to_its_own_last_message_and_spares_the_others():
    heard = Heard("press#v", "oven#v")
    heard.nbirth()
    heard.metrics("DBIRTH", 1, sim.Metric("v", 1, sim.INT32), device="press")
    last = heard.now
    heard.metrics("DBIRTH", 2, sim.Metric("v", 1, sim.INT32), device="oven")
    rows = heard.metrics("DDEATH", 3, device="press")
    assert kinds(rows) == [(1, Kind.VALUE), (102, Kind.DEATH)]
    assert rows[1]["t_source"] == last
    assert heard.node.born("oven")
    assert not heard.node.born("press")


def test_a_rebirth_ends_devices_now_and_a_new_session_ends_them_at_the_last_message():
    heard = Heard("press#v")
    heard.nbirth()
    heard.metrics("DBIRTH", 1, sim.Metric("v", 1, sim.INT32), device="press")
    rows = heard.nbirth()
    assert kinds(rows) == [(102, Kind.DEATH), (101, Kind.BIRTH)]
    assert rows[0]["t_source"] == rows[0]["t_receive"] == heard.now
    heard.metrics("DBIRTH", 1, sim.Metric("v", 1, sim.INT32), device="press")
    last = heard.now
    rows = heard.nbirth(bd=sim.Metric("bdSeq", 5, sim.INT64))
    assert sorted(r["tag"] for r in of_kind(rows, Kind.DEATH)) == [101, 102]
    assert {r["t_source"] for r in of_kind(rows, Kind.DEATH)} == {last}


def test_listening_begins_with_everything_unknown_and_ends_with_everything_dead():
    heard, rows = Heard("press#v"), RowList()
    heard.node.start(rows, 7)
    found = readable([rows.batch()])
    assert kinds(found) == [(101, Kind.DEATH), (102, Kind.DEATH), (103, Kind.DEATH)]
    assert {r["t_source"] for r in found} == {None}
    heard.nbirth()
    heard.metrics("DBIRTH", 1, sim.Metric("v", 1, sim.INT32), device="press")
    heard.node.lose(rows, 9_999)
    lost = readable([rows.batch()])
    assert kinds(lost) == [(101, Kind.DEATH), (102, Kind.DEATH)]
    assert {r["t_source"] for r in lost} == {heard.now}


def test_data_before_birth_is_kept_where_it_names_itself_and_covers_nothing():
    heard = Heard("press#v")
    (row,) = heard.metrics("DDATA", 9, sim.Metric("v", -3, sim.INT16), device="press")
    assert (row["tag"], row["value"], row["kind"]) == (1, -3, Kind.VALUE)
    assert not heard.node.born("press")


def test_a_type_known_from_the_birth_reads_data_that_carries_an_alias_alone():
    heard = Heard("press#v")
    heard.nbirth()
    born = sim.Metric("v", -1, sim.INT16, alias=7)
    heard.metrics("DBIRTH", 1, born, device="press")
    (row,) = heard.metrics(
        "DDATA", 2, sim.Metric("", -5, 0, alias=7, wire_type=sim.INT16), device="press"
    )
    assert row["value"] == -5


def test_null_historical_quality_and_times_are_kept():
    heard = Heard("#a", "#b", "#c", "#d")
    rows = heard.nbirth(
        sim.Metric("a", None, sim.INT32),
        sim.Metric("b", 1, sim.INT32, t_ms=1234, historical=True),
        sim.Metric("c", 2, sim.INT32, quality=0),
        sim.Metric("d", 3, sim.INT32, quality=500, t_ms=2**64 - 1),
    )
    a, b, c, d = of_kind(rows, Kind.VALUE)
    assert (a["value"], a["status"]) == (None, BAD_NO_DATA)
    assert (b["t_source"], b["t_server"]) == (1_234_000_000, 5_000_000)
    assert b["flags"] == Flag.HISTORICAL | Flag.FIRST
    assert (c["value"], c["status"]) == (2, BAD)
    assert (d["status"], d["t_source"]) == (BAD_NO_COMMUNICATION, 2**63 - 1)
    assert d["flags"] & Flag.CLAMPED


def test_a_tag_that_the_birth_does_not_name_is_bad_and_stays_visible():
    heard = Heard("#gone")
    rows = heard.nbirth()
    assert (rows[-1]["tag"], rows[-1]["status"]) == (1, BAD_NODE_ID_UNKNOWN)


def test_a_value_that_is_not_of_its_type_is_a_null_and_the_payload_is_kept():
    heard = Heard("#v")
    rows = heard.nbirth(sim.Metric("v", 300, sim.UINT8))
    assert kinds(rows)[-3:] == [(1, Kind.VALUE), (101, Kind.UNPARSED), (101, Kind.EVENT)]
    assert (rows[-3]["value"], rows[-3]["status"]) == (None, BAD_DECODING_ERROR)


@pytest.mark.recorded
def test_a_retained_birth_proves_nothing():
    heard = Heard("#v")
    rows = heard.bytes("NBIRTH", VECTORS["NBIRTH_V1"], retained=True)
    assert kinds(rows) == [(101, Kind.UNPARSED), (101, Kind.EVENT)]
    assert not heard.node.born()


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@given(data=st.data())
def test_signed_integers_of_every_width_come_back(bits, data):
    value = data.draw(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    datatype = {8: sim.INT8, 16: sim.INT16, 32: sim.INT32, 64: sim.INT64}[bits]
    (metric,) = decode(sim.payload([sim.Metric("v", value, datatype)], 0, 0)).metrics
    assert scalar(datatype, metric.field, metric.raw) == value
    assert scalar(datatype, metric.field, value % 2**bits) == value  # its own width, unextended
    assert scalar(datatype, "long_value", value % 2**64) == value


@pytest.mark.recorded
@given(st.binary() | st.sampled_from(list(VECTORS.values())), st.data())
def test_any_bytes_are_a_payload_or_unreadable_and_never_raise_in_the_state(payload, data):
    if payload:
        at = data.draw(st.integers(0, len(payload) - 1))
        payload = payload[:at] + bytes([data.draw(st.integers(0, 255))]) + payload[at + 1 :]
    heard = Heard("#Temperature", "press#v")
    heard.bytes("NBIRTH", VECTORS["NBIRTH_V1"])
    for kind in ("NDATA", "NBIRTH", "NDEATH"):
        heard.bytes(kind, payload)
    for kind in ("DBIRTH", "DDATA", "DDEATH"):
        heard.bytes(kind, payload, device="press")


wire = st.sampled_from(
    ["int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value"]
)


@given(st.integers(0, 40), wire, st.integers(0, 2**64 - 1))
def test_any_datatype_in_any_field_is_a_value_or_unreadable(datatype, field, number):
    raw = {
        "int_value": number % 2**32,
        "float_value": struct.unpack("<f", struct.pack("<I", number % 2**32))[0],
        "double_value": struct.unpack("<d", struct.pack("<Q", number))[0],
        "boolean_value": bool(number % 2),
        "string_value": struct.pack("<Q", number),
    }.get(field, number)
    with contextlib.suppress(Unreadable):
        RowList().add(tag=1, t_receive=0, value=scalar(datatype, field, raw))


def test_text_dates_bytes_and_data_sets():
    assert scalar(sim.STRING, "string_value", "七".encode()) == "七"
    assert scalar(sim.TEXT, "string_value", b"\xff") == b"\xff"
    assert scalar(sim.DATETIME, "long_value", 1735689679186) == 1735689679186
    assert scalar(sim.BYTES, "bytes_value", b"\x00\xff") == b"\x00\xff"
    message = payload_class()()
    table = message.metrics.add(name=b"t", datatype=sim.DATASET).dataset_value
    table.columns.extend([b"n", b"x"])
    table.types.extend([sim.INT8, sim.DOUBLE])
    row = table.rows.add()
    row.elements.add(int_value=0xFF)
    row.elements.add(double_value=float("nan"))
    (metric,) = decode(message.SerializeToString()).metrics
    assert json.loads(scalar(sim.DATASET, metric.field, metric.raw)) == {
        "columns": ["n", "x"],
        "types": [1, 10],
        "rows": [[-1, "nan"]],
    }


@pytest.mark.parametrize("address", ["", "v", "press#", "a/b#v", "a+#v", "$node#v"])
def test_an_address_that_cannot_be_read_is_a_finding_with_the_tag(address):
    (finding,) = plan.check(tags(address))
    assert finding.message.startswith("t1: ")


def test_the_device_of_one_tag_is_its_one_key():
    found = tags("#n", "press#a", "press#b")
    assert plan.device_keys(found) == (NODE, "press")
    assert [plan.device_keys([t]) for t in found] == [(NODE,), ("press",), ("press",)]
