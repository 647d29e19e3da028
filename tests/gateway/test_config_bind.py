"""What a configuration becomes: points, poll groups, canonical bytes without secrets."""

import json
import os
import time
from pathlib import Path

import pytest
import xlsxwriter
from plantseal_testing_plant import HEAD, bound_plant, write_plant
from pydantic import BaseModel

from plantseal.config import bind, load, tag_names
from plantseal.config.binding import masked, rooted
from plantseal.config.schema import plant_schema, schema_text
from plantseal.importing import load_map
from plantseal_connectors.source import SourceSettings
from plantseal_kpi.plant import Plant

REPO = Path(__file__).parents[2]
EXAMPLE = REPO / "config" / "plant.example.yaml"
TAGS = "name,equipment,address,type,period_ms,role\n"
MODBUS = "sources: [{id: c1, connector: modbus, host: 127.0.0.1, tags: t.csv}]\n"
TABLE = {
    "t.csv": TAGS + "a,m1,holding:1,uint32,500,count_total\nb,m1,holding:3,int16,2000,value\n"
    "c,m1,holding:9,uint32,500,value\n"
}
SECOND_NS = 10**9


def test_the_example_loads_with_every_connector() -> None:
    bound = bound_plant(EXAMPLE)
    assert {s.connector for s in bound.sources} == {
        "opcua", "modbus", "mqtt", "sparkplug", "recorded",
    }  # fmt: skip
    modes = {p.name: p.mode for p in bound.plant.points}
    assert modes["cnc1.state"] == "subscribed"
    assert modes["meter1.energy"] == "polled"
    assert modes["pack1.state"] == "published"
    assert modes["before.cnc1.total"] == "imported"
    assert {e.id for e in bound.plant.equipment} - {p.equipment for p in bound.plant.points} == {
        "saw1"
    }
    assert bound.plant.equipment[0].states["RUN"] == "producing"


def test_the_example_column_map_fits_the_example_plant() -> None:
    columns = load_map(EXAMPLE.with_name("before.map.yaml"), bound_plant(EXAMPLE))
    assert {t.spec.name for t in columns.tags.values()} == {
        t.spec.name for t in columns.source.tags
    }


def test_the_example_loads_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = bound_plant(EXAMPLE).canonical
    monkeypatch.chdir(tmp_path)
    relative = Path(os.path.relpath(EXAMPLE, tmp_path))
    assert bound_plant(relative).canonical == here
    assert str(REPO).encode() not in here


def test_the_json_schema_is_current() -> None:
    stored = REPO / "config" / "plantseal.schema.json"
    assert stored.read_text(encoding="utf-8") == schema_text(), "run make schema"


def test_the_json_schema_names_what_is_required_and_describes_every_key() -> None:
    schema = plant_schema()
    assert set(schema["required"]) == {"version", "site", "equipment"}
    modbus = schema["$defs"]["source_modbus"]
    assert {"id", "connector", "tags", "host"} == set(modbus["required"])
    undescribed = [k for k, v in modbus["properties"].items() if "description" not in v]
    assert undescribed == ["connector"]


def test_points_carry_link_period_and_roll_over(tmp_path: Path) -> None:
    plant = bound_plant(write_plant(tmp_path, MODBUS, TABLE), start=100).plant
    a, b, c = plant.points
    assert [p.tag for p in plant.points] == [100, 101, 102]
    assert {p.link for p in plant.points} == {103}
    assert (a.mode, a.protocol, a.period_ms, a.keepalive_ms) == ("polled", "modbus", 500, 500)
    assert (a.register_max, b.register_max, c.register_max) == (2**32, None, None)
    assert a.source_link is None


def test_a_device_behind_a_source_has_a_link_of_its_own(tmp_path: Path) -> None:
    source = (
        "sources: [{id: s, connector: sparkplug, host: h, group_id: g, edge_node_id: n, "
        "edge_keepalive_s: 7, tags: t.csv}]\n"
    )
    rows = "a,m1,press1#x,,1000,value\nb,m1,#y,,1000,value\n"
    pf = load(write_plant(tmp_path, source, {"t.csv": TAGS + rows}))
    names = tag_names(pf)
    assert names == ["a", "b", "$link:s", "$link:s/press1", "$link:s/$node"]
    bound = bind(pf, {n: i for i, n in enumerate(names)})
    a, b = bound.plant.points
    assert (a.link, a.source_link, b.link) == (3, 2, 4)
    assert (a.mode, a.keepalive_ms) == ("published", 7_000)
    assert bound.sources[0].links == {"": 2, "press1": 3, "$node": 4}


def test_polled_tags_are_grouped_by_period(tmp_path: Path) -> None:
    source = bound_plant(write_plant(tmp_path, MODBUS, TABLE)).source("c1")
    assert source.periods_ms == (500, 2000)
    groups = source.plan({}).groups
    assert [(g.index, g.period_ns, [t.spec.name for t in g.tags]) for g in groups] == [
        (0, 500_000_000, ["a", "c"]),
        (1, 2_000_000_000, ["b"]),
    ]


def test_a_slot_mark_is_followed_unless_it_is_of_another_schedule(tmp_path: Path) -> None:
    source = bound_plant(write_plant(tmp_path, MODBUS, TABLE)).source("c1")
    now = time.time_ns() // (SECOND_NS // 2)
    assert source.plan({0: now - 10}).groups[0].closed == now - 10
    for wrong in (now * 2, now // 2, 0):  # the period was halved or doubled since
        assert abs(source.plan({0: wrong}).groups[0].closed - now) <= 2


def test_recorded_data_has_nothing_to_run(tmp_path: Path) -> None:
    source = "sources: [{id: r, connector: recorded, tags: t.csv}]\n"
    bound = bound_plant(write_plant(tmp_path, source, {"t.csv": TAGS + "a,m1,x,int,1000,value\n"}))
    assert bound.source("r").polled == ()
    with pytest.raises(ValueError, match="recorded data"):
        bound.source("r").plan({})


def test_the_plant_of_the_figures_is_the_one_in_the_canonical_bytes(tmp_path: Path) -> None:
    more = "declared: {one: 1, yes: true, share: 0.50, day: 2026-01-01, list: [a]}\n"
    bound = bound_plant(write_plant(tmp_path, MODBUS + more, TABLE))
    body = json.loads(bound.canonical)
    assert body["schema"] == "plantseal.config/1"
    assert Plant.model_validate(body["plant"]) == bound.plant
    assert bound.plant.declared["yes"] is True
    assert str(bound.plant.declared["one"]) == "1"
    assert str(bound.plant.declared["share"]) == "0.50"
    assert {t["name"] for t in body["tags"]} == {"a", "b", "c", "$link:c1"}


def test_canonical_bytes_change_with_a_setting_and_not_with_a_comment(tmp_path: Path) -> None:
    plant = write_plant(tmp_path, MODBUS, TABLE)
    first = bound_plant(plant).canonical
    plant.write_text("# a comment\n" + plant.read_text())
    assert bound_plant(plant).canonical == first
    plant.write_text(plant.read_text().replace("host:", "timeout_ms: 999, host:"))
    assert bound_plant(plant).canonical != first


class _Tls(BaseModel):
    ca: Path = Path("ca.pem")
    key: str = "-----BEGIN"


class _Settings(SourceSettings):
    url: str = "mqtt://user:hunter2@host/x"
    password: str = "hunter2"
    password_env: str = "PASSWORD_VARIABLE"
    api_token: str = "hunter2"
    username: str = "u"
    tls: _Tls = _Tls()


def test_secrets_never_reach_the_canonical_json() -> None:
    shown = masked(_Settings())
    assert "hunter2" not in json.dumps(shown)
    assert "BEGIN" not in json.dumps(shown)
    assert shown["password_env"] == "PASSWORD_VARIABLE"
    assert shown["username"] == "u"
    assert shown["url"] == "mqtt://***@host/x"
    assert shown["tls"]["ca"] == "ca.pem"


def test_paths_in_settings_are_taken_from_the_plant_file() -> None:
    assert rooted(_Settings(), Path("/etc/p")).tls.ca == Path("/etc/p/ca.pem")


def test_a_tag_table_in_xlsx(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "t.xlsx")
    sheet = book.add_worksheet()
    rows = [["名称", "设备", "地址", "类型", "周期ms", "角色"],
            ["a", "m1", "holding:1", "uint32", 500, "产量计数"]]  # fmt: skip
    for i, row in enumerate(rows):
        sheet.write_row(i, 0, row)
    book.close()
    pf = load(write_plant(tmp_path, MODBUS.replace("t.csv", "t.xlsx")))
    spec = pf.sources[0].specs[0]
    assert (spec.name, spec.period_ms, spec.role) == ("a", 500, "count_total")


def test_ten_thousand_tags_load_and_bind_in_two_seconds(tmp_path: Path) -> None:
    rows = "".join(f"t{i},m1,holding:{i * 2},uint32,1000,value\n" for i in range(10_000))
    plant = write_plant(tmp_path, MODBUS, {"t.csv": TAGS + rows})
    load(plant)  # connectors and models are loaded by now
    start = time.perf_counter()
    pf = load(plant)
    loaded_s = time.perf_counter() - start
    bound = bind(pf, {n: i for i, n in enumerate(tag_names(pf))})
    assert len(bound.plant.points) == 10_000
    assert loaded_s < 2, f"{loaded_s:.2f} s"
    assert HEAD
