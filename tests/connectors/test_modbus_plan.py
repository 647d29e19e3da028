"""Addresses, findings and the planner's promises."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_modbus import tag
from pydantic import ValidationError

from plantseal_connectors.modbus import ModbusSettings, connector
from plantseal_connectors.modbus.plan import WIDTHS, Block, Point, blocks, check, point

PLC = ModbusSettings(host="plc")
POINTS = st.builds(
    Point,
    position=st.just(0),
    unit=st.integers(1, 3),
    table=st.sampled_from(["holding", "input", "coil", "discrete"]),
    register=st.one_of(st.integers(0, 400), st.integers(0, 65_000)),
    type=st.sampled_from(sorted(WIDTHS)),
    order=st.just("ABCD"),
).map(
    lambda p: (
        Point(0, p.unit, p.table, p.register, "bool", "ABCD")
        if p.table in ("coil", "discrete")
        else p
    )
)


@given(
    points=st.lists(POINTS, max_size=60),
    most=st.integers(4, 125),
    gap=st.integers(0, 125),
)
def test_every_point_is_read_once_whole_and_within_the_limits(
    points: list[Point], most: int, gap: int
) -> None:
    settings = ModbusSettings(host="plc", max_registers=most, gap_registers=gap)
    made = blocks(settings, points)
    assert sorted(map(repr, (p for b in made for p in b.points))) == sorted(map(repr, points))
    for b in made:
        bits = b.table in ("coil", "discrete")
        assert 1 <= b.count <= (min(2000, 16 * most) if bits else most)
        reach = b.start
        for p in b.points:
            assert (p.unit, p.table) == (b.unit, b.table)
            assert b.start <= p.register
            assert p.end <= b.start + b.count
            assert p.register - reach <= gap * (16 if bits else 1)
            reach = max(reach, p.end)


@given(points=st.lists(POINTS, min_size=1, max_size=30))
def test_halving_ends_at_single_registers_and_loses_no_point(points: list[Point]) -> None:
    pending: list[Block] = list(blocks(PLC, points))
    singles = []
    while pending:
        block = pending.pop()
        parts = block.halves()
        if len(parts) == 1:
            assert len({(p.register, p.end) for p in block.points}) == 1
            singles += block.points
        else:
            assert sum(len(p.points) for p in parts) == len(block.points)
            pending += parts
    assert sorted(map(repr, singles)) == sorted(map(repr, points))


def test_neighbours_share_a_request_and_a_far_one_does_not() -> None:
    tags = [
        tag(1, "holding:0", "int32"),
        tag(2, "holding:6", "int32"),
        tag(3, "holding:90", "int16"),
    ]
    made = blocks(PLC, [point(PLC, t.spec) for t in tags])
    assert [(b.start, b.count) for b in made] == [(0, 8), (90, 1)]


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("holding", "int16", "expected [unit/]table:register such as holding:10"),
        ("register:3", "int16", "expected [unit/]table:register"),
        ("holding:-1", "int16", "expected [unit/]table:register"),
        ("holding:65535", "int32", "expected a register in 0..65535"),
        ("300/holding:1", "int16", "got 300, expected 1..247"),
        ("holding:1", "", "type: got '' at holding:1, expected one of uint16, int16"),
        ("holding:1", "float", "type: got 'float' at holding:1, expected one of uint16"),
        ("holding:1.3", "int16", "type: got 'int16' at holding:1.3, expected one of bool"),
        ("holding:1.16", "bool", "expected a register with bit 0..15"),
        ("coil:1.3", "bool", "expected a register with bit 0..15"),
        ("coil:1", "int16", "expected one of bool"),
        ("profile:voltage_l1", "", "the source names no profile; set profile"),
    ],
)
def test_each_bad_tag_is_a_finding_that_names_it(address: str, kind: str, message: str) -> None:
    good = tag(1, "holding:1", "uint16")
    findings = check(PLC, [good, tag(2, address, kind)])
    assert len(findings) == 1
    assert findings[0].message.startswith("t2: ")
    assert message in findings[0].message


def test_a_value_wider_than_a_request_is_a_finding() -> None:
    narrow = ModbusSettings(host="plc", max_registers=2)
    assert "raise max_registers" in check(narrow, [tag(1, "holding:1", "float64")])[0].message


def test_the_same_place_twice_is_a_finding() -> None:
    findings = check(PLC, [tag(1, "holding:1", "int16"), tag(2, "1/holding:1", "INT16")])
    assert [f.code for f in findings] == ["tags.duplicate"]
    assert check(PLC, [tag(1, "holding:1", "int16"), tag(2, "2/holding:1", "int16")]) == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("unit_id", 300, "got 300, expected 1..247"),
        ("unit_id", -1, "got -1, expected 1..247"),
        ("port", 0, "got 0, expected 1..65535"),
        ("max_registers", 126, "got 126, expected 1..125"),
        ("profile", "acme", "got 'acme', expected one of acrel_dtsd1352, eastron_sdm630"),
    ],
)
def test_settings_say_what_they_expected(key: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ModbusSettings.model_validate({"host": "plc", key: value})
    assert [(e["loc"], e["msg"]) for e in caught.value.errors()] == [
        ((key,), f"Value error, {message}")
    ]


@pytest.mark.parametrize("unit", [0, 1, 247, 255])
def test_direct_devices_may_be_unit_0_or_255(unit: int) -> None:
    assert ModbusSettings(host="plc", unit_id=unit).unit_id == unit


def test_the_connector_is_polled_and_its_schema_carries_the_ranges() -> None:
    assert connector.mode(PLC, tag(1, "coil:1")) == "polled"
    schema = connector.settings.model_json_schema()["properties"]
    assert (schema["port"]["minimum"], schema["port"]["maximum"]) == (1, 65535)


def test_settings_and_plan_need_no_protocol_library() -> None:
    code = (
        "import sys; import plantseal_connectors.modbus.plan, plantseal_connectors.tables; "
        "print([m for m in sys.modules if m.split('.')[0] in ('pymodbus', 'fastexcel')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
