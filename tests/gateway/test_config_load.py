"""plant.yaml end to end: every mistake at once, in either language."""

from pathlib import Path

import pytest
from plantseal_testing_plant import HEAD, write_plant

from plantseal.config import ConfigError, load
from plantseal.config.words import Lang

TAGS = "name,equipment,address,type,role\n"
WRONG = """\
version: 2
site: 5
zone: Asia/Chongking
upload_dely_s: 3
equipment:
  - {id: m1, name: M1, cls: procesing, ideal_cycle_s: -1}
  - {id: m1, name: M1, cls: other}
calendar:
  shifts:
    - {name: a, start: 25:00, end: 08:00}
  stops:
    - {period: {start: 2026-01-02T00:00:00+08:00, end: 2026-01-01T00:00:00+08:00}, reason: x}
sources:
  - id: c1
    connector: modbus
    host: 127.0.0.1
    unit_id: 300
    prot: 502
    tags: tags.csv
  - id: c1
    connector: modbuss
    tags: none.csv
evidence: {block_s: 61}
site: twice
"""
ENGLISH = """\
plant.yaml:1:1 version: got 2, expected 1
plant.yaml:2:1 site: got 5, expected text; put it in quotes
plant.yaml:3:1 zone: got 'Asia/Chongking', expected an IANA time zone such as Asia/Shanghai
plant.yaml:4:1 upload_dely_s: got an unknown key, expected one of baseline, business, data_dir, \
declared, energy, ledgers, meters, name, notices, process, project, quality, states, \
upload_delay_s, windows; did you mean 'upload_delay_s'?
plant.yaml:6:24 equipment[0].cls: got 'procesing', expected one of processing, inspection, \
logistics, other; did you mean 'processing'?
plant.yaml:6:40 equipment[0].ideal_cycle_s: got -1, expected more than 0
plant.yaml:7:6 equipment[1].id: equipment 'm1' stands twice; keep one
plant.yaml:10:17 calendar.shifts[0].start: got '25:00', expected a time of day such as 08:30
plant.yaml:12:8 calendar.stops[0].period: end must be later than start
plant.yaml:17:5 sources[0].unit_id: got 300, expected 1..247
plant.yaml:18:5 sources[0].prot: got an unknown key, expected one of gap_registers, \
max_registers, pause_ms, port, profile, timeout_ms; did you mean 'port'?
plant.yaml:20:5 sources[1].id: source 'c1' stands twice; keep one
plant.yaml:21:5 sources[1].connector: got 'modbuss', expected one of modbus, mqtt, opcua, \
recorded, sparkplug; did you mean 'modbus'?
plant.yaml:22:5 sources[1].tags: none.csv: no such file or directory
plant.yaml:23:12 evidence.block_s: got 61, expected 1..60
plant.yaml:24:1 site: key 'site' stands twice, first at line 2; keep one
tags.csv:2 equipment: got 'm2', expected an id of the equipment register
tags.csv:3 role: got 'valve', expected one of state (运行状态), product (产品型号), count_total (产量计数), count_good (合格计数), count_scrap (不良计数), \
energy (电能读数), energy_interval (区间电量), alarm (报警), heartbeat (心跳), \
parameter (工艺参数), loop_mode (回路模式), loop_output (回路输出), value (其他)"""
CHINESE = """\
plant.yaml:1:1 version: 实际为 2，应为 1
plant.yaml:2:1 site: 实际为 5，应为 文本；请加引号
plant.yaml:3:1 zone: 实际为 'Asia/Chongking'，应为 IANA 时区，例如 Asia/Shanghai
plant.yaml:4:1 upload_dely_s: 实际为 未知的键，应为 baseline, business, data_dir, declared, \
energy, ledgers, meters, name, notices, process, project, quality, states, upload_delay_s, windows 之一；是否想写 'upload_delay_s'？
plant.yaml:6:24 equipment[0].cls: 实际为 'procesing'，应为 processing, inspection, logistics, \
other 之一；是否想写 'processing'？
plant.yaml:6:40 equipment[0].ideal_cycle_s: 实际为 -1，应为 大于 0
plant.yaml:7:6 equipment[1].id: 设备 'm1' 重复；请只保留一个
plant.yaml:10:17 calendar.shifts[0].start: 实际为 '25:00'，应为 时刻，例如 08:30
plant.yaml:12:8 calendar.stops[0].period: 结束必须晚于开始
plant.yaml:17:5 sources[0].unit_id: 实际为 300，应为 1..247
plant.yaml:18:5 sources[0].prot: 实际为 未知的键，应为 gap_registers, max_registers, pause_ms, \
port, profile, timeout_ms 之一；是否想写 'port'？
plant.yaml:20:5 sources[1].id: 数据源 'c1' 重复；请只保留一个
plant.yaml:21:5 sources[1].connector: 实际为 'modbuss'，应为 modbus, mqtt, opcua, recorded, \
sparkplug 之一；是否想写 'modbus'？
plant.yaml:22:5 sources[1].tags: none.csv: 文件不存在；路径相对于 plant.yaml
plant.yaml:23:12 evidence.block_s: 实际为 61，应为 1..60
plant.yaml:24:1 site: 键 'site' 重复，首次出现在第 2 行；请只保留一个
tags.csv:2 equipment: 实际为 'm2'，应为 设备台账中的编号
tags.csv:3 role: 实际为 'valve'，应为 state (运行状态), product (产品型号), count_total (产量计数), count_good (合格计数), count_scrap (不良计数), \
energy (电能读数), energy_interval (区间电量), alarm (报警), heartbeat (心跳), \
parameter (工艺参数), loop_mode (回路模式), loop_output (回路输出), value (其他) 之一"""


def _said(folder: Path, plant: Path, lang: Lang = "en") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(plant, lang)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(("lang", "golden"), [("en", ENGLISH), ("zh", CHINESE)])
def test_all_mistakes_of_all_files_at_once(tmp_path: Path, lang: Lang, golden: str) -> None:
    (tmp_path / "tags.csv").write_text(TAGS + "a,m2,holding:1,,state\nb,m1,input:2,,valve\n")
    plant = tmp_path / "plant.yaml"
    plant.write_text(WRONG, encoding="utf-8")
    assert _said(tmp_path, plant, lang) == golden.splitlines()


def test_what_a_connector_finds_is_told_with_the_row_of_its_table(tmp_path: Path) -> None:
    source = "sources: [{id: c1, connector: modbus, host: h, tags: t.csv}]\n"
    table = {"t.csv": TAGS + "\na,m1,holding:1,int16,\nb,m1,holdng:2,int16,\n"}
    said = _said(tmp_path, write_plant(tmp_path, source, table))
    assert len(said) == 1
    assert said[0].startswith("t.csv:4 address: got 'holdng:2', expected ")


def test_a_tag_stands_once_in_the_plant(tmp_path: Path) -> None:
    source = "sources:\n" + "".join(
        f"  - {{id: c{i}, connector: recorded, tags: t{i}.csv}}\n" for i in (1, 2)
    )
    tables = {"t1.csv": TAGS + "a,m1,x,,\n", "t2.csv": TAGS + "b,m1,y,,\na,m1,z,,\n"}
    assert _said(tmp_path, write_plant(tmp_path, source, tables)) == [
        f"t2.csv:3 name: tag 'a' stands twice, first at {tmp_path}/t1.csv:2; keep one".replace(
            f"{tmp_path}/", ""
        )
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("upload_delay_s: 0", "upload_delay_s: got 0, expected at least 1"),
        ("upload_delay_s: 1.5", "upload_delay_s: got 1.5, expected a whole number, at least 1"),
        ("upload_delay_s: x", "upload_delay_s: got 'x', expected a whole number, at least 1"),
        ("upload_delay_s:", "upload_delay_s: got nothing, expected a whole number, at least 1"),
        ("sources: 5", "sources: got 5, expected a list"),
        ("sources: [5]", "sources[0]: got 5, expected a mapping of keys to values"),
        (
            "evidence: {origin: a b}",
            r"evidence.origin: got 'a b', expected text of the form ^[^\s+]*$",
        ),
        ("notices: CQ2020-15", "notices: got 'CQ2020-15', expected a list"),
        ("baseline: {kind: pre_project}", "baseline: a pre_project baseline needs its period"),
        (
            "calendar: {holidays: [x]}",
            "calendar.holidays[0]: got 'x', expected a date such as 2026-03-01",
        ),
        (
            "baseline: {kind: pre_project, period: {start: 2026-01-01T00:00:00, "
            "end: 2026-02-01T00:00:00+08:00}}",
            "baseline.period.start: got '2026-01-01T00:00:00', expected a time with its offset, "
            "such as 2026-03-01T00:00:00+08:00",
        ),
        (
            "states: {metre: {RUN: producing}}",
            "states.metre: got 'metre', expected an id of the equipment register; "
            "did you mean 'meter'?",
        ),
        (
            "sources: [{id: b, connector: mqtt, host: h, tags: t.csv, protocol: 5}]",
            "sources[0].protocol: got 5, expected the text '5'; put it in quotes",
        ),
        (
            "sources: [{id: b, connector: recorded, tags: t.csv, host: h}]",
            "sources[0].host: got an unknown key, expected no further key",
        ),
        (
            "sources: [{connector: recorded, tags: t.csv}]",
            "sources[0].id: got nothing, expected a value, this key is required",
        ),
    ],
)
def test_got_and_expected(tmp_path: Path, line: str, said: str) -> None:
    plant = write_plant(tmp_path, line + "\n", {"t.csv": TAGS + "a,m1,x,,\n"})
    messages = [p.split(" ", 1)[1] for p in _said(tmp_path, plant)]
    assert said in messages


def test_a_connector_s_word_for_recorded_types_is_checked(tmp_path: Path) -> None:
    source = "sources: [{id: b, connector: recorded, tags: t.csv}]\n"
    plant = write_plant(tmp_path, source, {"t.csv": TAGS + "a,m1,x,flaot,\n"})
    assert _said(tmp_path, plant) == [
        "t.csv:2 type: got 'flaot', expected one of text, int, float, or nothing; "
        "did you mean 'float'?"
    ]


def test_equipment_from_a_register_file_in_gb18030(tmp_path: Path) -> None:
    (tmp_path / "register.csv").write_bytes(
        "编号,名称,类别,生产装备\nm1,车床,加工,是\nm2,锯床,加工,否\n".encode("gb18030")
    )
    plant = tmp_path / "plant.yaml"
    plant.write_text(
        "version: 1\nsite: t\nequipment: register.csv\nstates: {'*': {'1': producing}, "
        "m2: {RUN: producing}}\n"
    )
    one, two = load(plant).plant.equipment
    assert (one.name, one.production, one.states) == ("车床", True, {"1": "producing"})
    assert (two.name, two.production, two.states) == ("锯床", False, {"RUN": "producing"})


def test_a_register_with_mistakes_names_the_rows(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("id,name,cls\nm1,M1,procesing\nm 2,M2,other\nm3,M3,other\n")
    plant = tmp_path / "plant.yaml"
    plant.write_text("version: 1\nsite: t\nequipment: r.csv\n")
    said = _said(tmp_path, plant)
    assert [s.split(":", 2)[:2] for s in said] == [["r.csv", "2 cls"], ["r.csv", "3 id"]]
    assert "'procesing'" in said[0]


def test_missing_file_is_one_problem(tmp_path: Path) -> None:
    assert _said(tmp_path, tmp_path / "plant.yaml", "zh") == [
        "plant.yaml: 文件不存在；请检查路径，或从 config/plant.example.yaml 开始"
    ]


def test_a_plant_without_sources_is_a_plant(tmp_path: Path) -> None:
    pf = load(write_plant(tmp_path))
    assert pf.sources == ()
    assert pf.data_dir == tmp_path / "data"
    assert pf.evidence.origin == "plantseal.invalid/t"
    assert HEAD.count("{") == len(pf.plant.equipment)


def test_a_mistake_in_the_register_is_told_once_and_not_by_every_tag(tmp_path: Path) -> None:
    source = "sources: [{id: c1, connector: recorded, tags: t.csv}]\n"
    tables = {"t.csv": TAGS + "a,m1,x,,\nb,m1,y,,\n", "e.csv": "id,name,cls\nm1,M1,procesing\n"}
    plant = write_plant(tmp_path, source, tables)
    inline = plant.read_text().replace("name: M1, cls: processing", "name: M1, cls: procesing")
    apart = f"version: 1\nsite: t\nequipment: e.csv\n{source}"
    for text in (inline, apart):
        plant.write_text(text)
        (said,) = _said(tmp_path, plant)
        assert "'procesing'" in said


def test_a_notice_that_nothing_can_be_judged_by_is_a_mistake_of_the_file(tmp_path: Path) -> None:
    plant = write_plant(tmp_path, "notices: [CQ2020-15, CQ2021-15]\n")
    (said,) = _said(tmp_path, plant)
    assert said.startswith("plant.yaml:6:22 notices[1]: got 'CQ2021-15', expected one of ")
    assert "did you mean 'CQ2020-15'?" in said
