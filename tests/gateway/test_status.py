"""status.json: written whole, read forgivingly; and the counters that fill it."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from plantseal import status
from plantseal.config import BoundSource
from plantseal.pipe import Turn
from plantseal.run.tally import Tally, reading
from plantseal.status import SourceStatus, Status, TagStatus
from plantseal_connectors.rows import ABSENT, Kind, RowList, Scalar
from plantseal_connectors.source import SourceSettings
from plantseal_connectors.status import BAD_NO_DATA, BAD_TIMEOUT
from plantseal_connectors.tags import Tag, TagSpec


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = Status(
        written_ns=2**62,
        pid=7,
        sources=(SourceStatus(id="渝", state="refused", since_ns=1, remedy="换密码"),),
        tags=(TagStatus(id=1, name="t", value="230.5", unit="V", status=0, t_receive=5),),
    )
    status.write(tmp_path, written)
    status.write(tmp_path, written)
    assert status.read(tmp_path) == written
    assert written.to_json()["sources"][0]["remedy"] == "换密码"
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"written_ns": "soon"}', '{"tags": 1}'])
def test_what_cannot_be_read_is_no_status(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert status.read(tmp_path) is None
    assert status.read(tmp_path / "none") is None


def tally() -> Tally:
    tags = tuple(
        Tag(id, TagSpec(name=f"t{id}", equipment="m", address="x", scale=Decimal("0.1"), unit="V"))
        for id in (30, 10, 20)
    )
    return Tally.of([BoundSource("s", "x", SourceSettings(), tags, tags[:2], {"": 99}, "main")])


def test_the_last_value_stays_while_slots_go_without_an_answer() -> None:
    live, rows = tally(), RowList()
    rows.add(tag=10, t_receive=5, value=2300, t_source=4)
    rows.add(tag=10, t_receive=6, value=2305, t_source=5)
    rows.add(tag=30, t_receive=6, value="运行")
    rows.add(tag=99, t_receive=6, kind=Kind.KEEPALIVE)
    live.count("s", rows.batch())
    rows.add(tag=10, t_receive=9, kind=Kind.SLOT, status=BAD_TIMEOUT)
    rows.add(tag=20, t_receive=9, value=None, status=BAD_NO_DATA)
    live.count("s", rows.batch())
    assert [(t.name, t.value, t.status, t.t_source, t.t_receive) for t in live.last_values()] == [
        ("t30", "运行", 0, None, 6),
        ("t10", "230.5", BAD_TIMEOUT, 5, 6),
        ("t20", None, BAD_NO_DATA, None, 9),
    ]
    (source,) = live.sources()
    assert (source.expected, source.received, source.bad) == (4, 4, 2)
    assert live.turn(Turn("s", "up", 3)).state == "starting"
    assert live.alive_ns("s") == 9


def test_a_tag_never_heard_of_has_no_status() -> None:
    assert {(t.value, t.status, t.t_receive) for t in tally().last_values()} == {(None, None, None)}


@pytest.mark.parametrize(
    ("value", "scale", "shown"),
    [
        (None, "1", None),
        (True, "0.1", True),
        (2305, "0.1", 230.5),
        (2**64 - 1, "1", 2**64 - 1),
        (7, "2", 14),
        (0.1, "10", 1.0),
        (float("inf"), "0.1", float("inf")),
        ("AUTO", "0.1", "AUTO"),
        (b"\xff\x00", "1", "0xff00"),
    ],
)
def test_values_are_shown_in_their_unit(value: Scalar, scale: str, shown: object) -> None:
    rows = RowList()
    rows.add(tag=1, t_receive=1, value=value)
    batch = rows.batch()
    got = reading(batch.rows[0], batch.texts[0] if batch.texts else b"", Decimal(scale))
    assert got == shown
    assert type(got) is type(shown)
    assert np.int64(ABSENT) == batch.rows["t_source"][0]


def test_a_widened_float32_is_shown_as_the_device_means_it() -> None:
    def shown(value: float) -> object:
        rows = RowList()
        rows.add(tag=1, t_receive=1, value=value)
        return reading(rows.batch().rows[0], b"", Decimal(1))

    assert shown(float(np.float32(230.3))) == 230.3
    assert np.float32(shown(131072.0078125)) == np.float32(131072.0078125)
    assert shown(0.1 + 0.2) == 0.1 + 0.2, "a double keeps every digit"
    assert shown(1e300) == 1e300
    assert str(shown(float("nan"))) == "nan"
