"""Register decoding argued against struct, one value at a time."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantseal_connectors.modbus import decode
from plantseal_connectors.modbus.plan import WIDTHS, Point
from plantseal_connectors.rows import VType
from plantseal_simulators.modbus import encode

FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q", "int64": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


def slow(body: bytes, kind: str, order: str) -> tuple[VType, int]:
    """The value type and bits of one value, read the slow way."""
    words = [body[i : i + 2] for i in range(0, len(body), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w[::-1] for w in words]
    (number,) = struct.unpack(FORMATS[kind], b"".join(words))
    if kind.startswith("float"):
        if number != number:
            return VType.F64, -1
        return VType.F64, struct.unpack("<Q", struct.pack("<d", number))[0]
    if kind.startswith("u"):
        return VType.U64, number
    return VType.I64, number & 0xFFFFFFFFFFFFFFFF


@settings(deadline=None, max_examples=200)
@given(
    body=st.binary(min_size=16, max_size=250).map(lambda b: b[: len(b) // 2 * 2]),
    data=st.data(),
)
def test_decoding_equals_struct(body: bytes, data: st.DataObject) -> None:
    points = []
    for i in range(data.draw(st.integers(1, 12))):
        kind = data.draw(st.sampled_from(sorted(FORMATS)))
        first = 0 if i == 0 else data.draw(st.integers(0, len(body) // 2 - WIDTHS[kind]))
        points.append(Point(i, 1, "holding", 40 + first, kind, data.draw(st.sampled_from(ORDERS))))
    points.sort(key=lambda p: p.register)
    layout = decode.layout(points)
    got = decode.values(layout, body)
    for p, vtype, bits in zip(points, layout.vtypes, got, strict=True):
        at = 2 * (p.register - 40)
        expected = slow(body[at : at + 2 * WIDTHS[p.type]], p.type, p.order)
        if expected[1] == -1:
            assert np.isnan(np.uint64(bits).view(np.float64))
        else:
            assert (vtype, int(bits)) == expected


@given(body=st.binary(min_size=2, max_size=40).map(lambda b: b[: len(b) // 2 * 2]))
def test_bits_of_registers_and_coils(body: bytes) -> None:
    bits = [Point(i, 1, "holding", i // 16, "bool", "ABCD", i % 16) for i in range(len(body) * 8)]
    words = struct.unpack(f">{len(body) // 2}H", body)
    expected = [(words[p.register] >> (p.bit or 0)) & 1 for p in bits]
    assert decode.values(decode.layout(bits), body).tolist() == expected
    coils = [Point(i, 1, "coil", 7 + i, "bool", "ABCD") for i in range(len(body) * 8)]
    expected = [(body[i // 8] >> (i % 8)) & 1 for i in range(len(body) * 8)]
    assert decode.values(decode.layout(coils), body).tolist() == expected


@pytest.mark.parametrize("order", ORDERS)
def test_the_simulator_encodes_what_is_decoded(order: str) -> None:
    registers = encode(-1234.5, "float64", order)  # type: ignore[arg-type]
    layout = decode.layout([Point(0, 1, "input", 0, "float64", order)])
    value = decode.values(layout, struct.pack(">4H", *registers)).view("<f8")[0]
    assert value == -1234.5


def test_a_float64_nan_keeps_its_payload() -> None:
    layout = decode.layout([Point(0, 1, "input", 0, "float64", "ABCD")])
    assert decode.values(layout, bytes.fromhex("7ff0000000000001"))[0] == 0x7FF0000000000001


@given(pdu=st.binary(max_size=260), function=st.integers(1, 4), count=st.integers(1, 125))
def test_only_an_exact_answer_is_believed(pdu: bytes, function: int, count: int) -> None:
    answer = decode.response(pdu, function, count)
    size = (count + 7) // 8 if function < 3 else 2 * count
    if isinstance(answer, decode.Data):
        assert pdu == bytes((function, size)) + answer.data
        assert len(answer.data) == size
    elif isinstance(answer, decode.Refusal):
        assert pdu[0] == function + 128


@given(body=st.binary(min_size=2, max_size=250), function=st.integers(1, 4))
def test_an_exact_answer_is_believed(body: bytes, function: int) -> None:
    body = body[: len(body) // 2 * 2]
    count = len(body) * 8 if function < 3 else len(body) // 2
    pdu = bytes((function, len(body))) + body
    assert decode.response(pdu, function, count) == decode.Data(body)


@given(st.binary(max_size=80))
def test_identification_survives_any_bytes(pdu: bytes) -> None:
    found, following = decode.identity(pdu)
    assert all(isinstance(v, str) for v in found.values())
    assert 0 <= following <= 255


def test_identification_is_read_and_continued() -> None:
    body = bytes((43, 14, 1, 1, 0xFF, 2, 2)) + b"\x00\x05Acrel" + b"\x01\x04DTSD"
    assert decode.identity(body) == ({"vendor": "Acrel", "product": "DTSD"}, 2)
    assert decode.identity(b"\xab\x01") == ({}, 0)
