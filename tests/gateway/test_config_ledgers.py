"""The sections of plant.yaml beside sources: what names what, and the ledgers behind the figures."""

import hashlib
from pathlib import Path

import pytest
from plantseal_testing_plant import bound_plant, write_plant

from plantseal.config import ConfigError, load
from plantseal.config.ledgers import read_ledger
from plantseal_kpi.business.ledgers import read_canonical

TAGS = "name,equipment,address,role,carrier,stuck_periods,unit\n"
SOURCE = "sources: [{id: c1, connector: recorded, tags: t.csv}]\n"
ROWS = "m1.flow,m1,x,energy,天然气,,m3\nm1.mode,m1,y,回路模式,,\nm1.temp,m1,z,,,30\n"
TABLE = {"t.csv": TAGS + ROWS}
GOOD = """\
meters: [{point: m1.flow, at: 2026-01-05T00:00:00+08:00, last: 10.5, first: 0, document: WO-1}]
process:
  parameters: [{id: p1, name: 温度, point: m1.temp}]
  loops: [{id: l1, mode: m1.mode}]
  exclusions:
    - loop: l1
      period: {start: 2026-01-05T00:00:00+08:00, end: 2026-01-06T00:00:00+08:00}
      reason: 开车
quality: {variant: scrap}
energy: {grid_year: 2023}
business: {turnover: throughput}
windows:
  - id: w1
    period: {start: 2026-02-01T00:00:00+08:00, end: 2026-03-01T00:00:00+08:00}
    purpose: CQ2020-15
"""
COSTS = '凭证号,日期,科目,类别,金额（万元）\n1,2026-01-31,5001,人工,1.5\n2,2026/1/31,5002,能源,"2,000"\n'


def said(folder: Path, more: str, tables: dict[str, str] | None = None) -> list[str]:
    plant = write_plant(folder, SOURCE + more, TABLE | (tables or {}))
    with pytest.raises(ConfigError) as caught:
        load(plant)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_every_section_reaches_the_plant_that_is_hashed(tmp_path: Path) -> None:
    plant = bound_plant(write_plant(tmp_path, SOURCE + GOOD, TABLE)).plant
    assert [str(m.last) for m in plant.meters] == ["10.5"]
    assert (plant.process.loops[0].mode, plant.process.parameters[0].point) == (
        "m1.mode", "m1.temp",
    )  # fmt: skip
    assert plant.quality.variant == "scrap"
    assert plant.business.turnover == "throughput"
    assert plant.windows[0].id == "w1"
    points = {p.name: p for p in plant.points}
    assert points["m1.flow"].carrier == "natural_gas"
    assert points["m1.mode"].role == "loop_mode"
    assert points["m1.temp"].stuck_periods == 30


@pytest.mark.parametrize(
    ("found", "put", "line"),
    [
        ("point: m1.flow", "point: m1.flwo", "plant.yaml:7:11 meters[0].point: got 'm1.flwo', "
         "expected the name of a tag; did you mean 'm1.flow'?"),
        ("point: m1.temp", "point: m1.tmp", "process.parameters[0].point: got 'm1.tmp'"),
        ("mode: m1.mode", "mode: x", "process.loops[0].mode: got 'x', expected the name of a tag"),
        ("loop: l1\n", "loop: l2\n", "process.exclusions[0].loop: got 'l2', expected the id of a "
         "loop in process.loops"),
        ("{variant: scrap}", "{variant: scarp}", "did you mean 'scrap'?"),
        ("{grid_year: 2023}", "{grid_yaer: 2023}", "did you mean 'grid_year'?"),
        ("document: WO-1", "document: ''", "meters[0].document: got '', expected at least 1"),
    ],
)  # fmt: skip
def test_a_mistyped_name_is_told_where_it_stands(
    tmp_path: Path, found: str, put: str, line: str
) -> None:
    assert GOOD.count(found) == 1
    told = said(tmp_path, GOOD.replace(found, put))
    assert len(told) == 1
    assert line in told[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,m1,x,energy,天然气,,kWh", "got 'kWh', expected one of mL, L, m3, m³, 立方米, for natural_gas"),
        ("a,m1,x,energy,,,", "got '', expected one of Wh, kWh, MWh, GWh, 度, 千瓦时, 万千瓦时, J, kJ, MJ, GJ, for "
         "electricity"),
        ("a,m1,x,count_good,,,kg", "got 'kg', expected one of 1, piece, pieces, pcs, 件, 个, for "
         "count_good"),
    ],
)  # fmt: skip
def test_a_unit_that_does_not_measure_it_is_told(tmp_path: Path, row: str, message: str) -> None:
    assert said(tmp_path, "", {"t.csv": TAGS + row + "\n"}) == [f"t.csv:2 unit: {message}"]


def test_an_id_that_stands_twice_is_told(tmp_path: Path) -> None:
    twice = "".join(
        f"  - {{id: w, period: {{start: 2026-0{m}-01T00:00:00Z, end: 2026-0{m}-02T00:00:00Z}}}}\n"
        for m in (1, 2)
    )
    assert said(tmp_path, "windows:\n" + twice) == [
        "plant.yaml:9:6 windows[1].id: window 'w' stands twice; keep one"
    ]


def test_a_ledger_is_named_by_the_digest_of_its_one_form(tmp_path: Path) -> None:
    more = SOURCE + "ledgers: {costs: costs.csv}\n"
    bound = bound_plant(write_plant(tmp_path, more, TABLE | {"costs.csv": COSTS}))
    (body,) = bound.ledgers
    ref = bound.plant.ledgers["costs"]
    assert (ref.sha256, ref.rows) == (hashlib.sha256(body).hexdigest(), 2)
    assert sorted(read_canonical(body, "costs")["amount"]) == [1_500_000, 2_000_000_000]
    header, one, two = COSTS.splitlines()
    again = "\ufeff" + "\r\n".join([header, two, one]) + "\r\n"  # another order, another tool
    (tmp_path / "costs.csv").write_text(again, encoding="utf-8", newline="")
    assert bound_plant(tmp_path / "plant.yaml").canonical == bound.canonical


def test_a_ledger_with_a_bad_cell_is_refused_with_its_row(tmp_path: Path) -> None:
    bad = COSTS.replace("1.5", "1.5.5").replace("能源", "能耗")
    told = said(tmp_path, "ledgers: {costs: costs.csv}\n", {"costs.csv": bad})
    assert [line.split(": got ")[0] for line in told] == ["costs.csv:2 amount", "costs.csv:3 kind"]
    told = said(tmp_path, "ledgers: {costs: none.csv}\n")
    assert told == ["plant.yaml:7:11 ledgers.costs: none.csv: no such file or directory"]
    told = said(tmp_path, "ledgers: {cost: costs.csv}\n")
    assert "did you mean 'costs'?" in told[0]


def test_a_ledger_that_is_no_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    path.write_bytes(b"not a workbook")
    ledger, problems = read_ledger(path, "costs", "UTC", "zh")
    assert ledger is None
    assert len(problems) == 1
