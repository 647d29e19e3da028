"""What is no mistake but most likely not meant is told, at its place, in both languages."""

from pathlib import Path

import pytest

from plantseal.config import load

PLANT = """\
version: 1
site: p
zone: Asia/Shanghai
equipment:
  - {id: m1, name: M, cls: processing}
calendar:
  shifts: [{name: 早班, start: "08:00", end: "16:00"}]
windows:
  - {id: w1, period: {start: 2026-01-01T00:00:00+08:00, end: 2026-07-01T00:00:00+08:00}}
notices: [CQ2020-15]
project: {track: workshop}
"""
TAGS = "name,equipment,address,role\nmode,m1,a,loop_mode\nout,m1,b,loop_output\nt,m1,c,parameter\n"
RECORDED = "sources: [{id: r, connector: recorded, tags: t.csv}]\n"


def remarks(folder: Path, text: str, lang: str = "en") -> list[str]:
    (folder / "t.csv").write_text(TAGS)
    (folder / "plant.yaml").write_text(text, encoding="utf-8")
    found = load(folder / "plant.yaml", lang).remarks  # type: ignore[arg-type]
    return [str(r).removeprefix(f"{folder}/plant.yaml:") for r in found]


def test_a_sound_plant_has_none(tmp_path):
    assert remarks(tmp_path, PLANT) == []


STOP = (
    "{{period: {{start: 2026-02-0{}T08:00:00+08:00, end: 2026-02-0{}T12:00:00+08:00}}, reason: {}}}"
)
CASES = [
    ("  shifts: [{name: 早班, start: \"08:00\", end: \"16:00\"}]\n", "  holidays: []\n",
     "6:1 calendar: no shifts:", "没有班次"),
    ("end: \"16:00\"}]", "end: \"16:00\"}, {name: 夜班, start: \"20:00\", end: \"08:01\"}]",
     "7:54 calendar.shifts[1]: shifts 早班 and 夜班 overlap", "班次 早班 与 夜班 重叠"),
    ("end: \"16:00\"}]", "end: \"16:00\"}, {name: 早班, start: \"20:00\", end: \"22:00\"}]",
     "7:54 calendar.shifts[1]: the name 早班 is that of shift 1", "与第 1 个班次相同"),
    ("end: \"16:00\"}]", "end: \"16:00\", days: []}]", "7:12 calendar.shifts[0]: shift 早班 has no days",
     "没有日期"),
    ("calendar:\n", "calendar:\n  holidays: [2206-10-01]\n",
     "7:14 calendar.holidays[0]: 2206-10-01 lies in none of the years", "请检查年份"),
    ("calendar:\n", "calendar:\n  holidays: [2026-10-01, 2026-10-01]\n",
     "7:26 calendar.holidays[1]: 2026-10-01 stands twice", "重复"),
    ("calendar:\n", f"calendar:\n  stops: [{STOP.format(1, 3, 'a')}, {STOP.format(2, 4, 'b')}]\n",
     "calendar.stops[1]: stops 1 and 2 overlap", "停机时段重叠"),
    ("calendar:\n", "calendar:\n  stops: [" + STOP.format(1, 3, "' '") + "]\n",
     "calendar.stops[0]: a stop without a reason", "没有写原因"),
    ("notices:", "  - {id: w2, period: {start: 2026-06-01T00:00:00+08:00, end: 2026-08-01T00:00:00+08:00}}\n"
     "notices:", "10:5 windows[1]: windows w1 and w2 overlap", "窗口 w1 与 w2 重叠"),
    ("track: workshop", "track: workshpo", "11:11 project.track: 'workshpo' is none of the words", "不是通知中的词"),
    ("track: workshop", "trak: workshop", "11:11 project.trak: no criterion", "没有条款用到 project.trak"),
    ("project:", "declared: {project_start: \"2019-01-01\"}\nproject:",
     "11:12 declared.project_start: no criterion", "没有条款用到 declared.project_start"),
    ("project:", "process: {loops: [{id: l, mode: t, output: out}]}\n" + RECORDED + "project:",
     "11:19 process.loops[0]: t has the role parameter, expected loop_mode", "应为 loop_mode"),
    ("project:", "process: {loops: [{id: l, mode: mode, low: 9, high: 1}]}\n" + RECORDED + "project:",
     "11:19 process.loops[0]: the range 9 to 1 is empty", "对调上下限"),
    ("project:", "meters: [{point: t, at: 2026-02-01T00:00:00+08:00, last: 1, first: 0, document: d}]\n"
     + RECORDED + "project:", "11:10 meters[0]: t has the role parameter", "请更正点表"),
    ("project:", "baseline: {kind: industry_average, citation: c, figures: {defect_rate: 3}}\nproject:",
     "11:59 baseline.figures.defect_rate: defect_rate is a share, got 3", "3 % 写作 0.03"),
    ("project:", "baseline: {kind: industry_average, citation: c, figures: {defect_rat: 0.3}}\nproject:",
     "11:59 baseline.figures.defect_rat: defect_rat is no metric", "不是指标编号"),
    ("project:", "quality: {inspection: final}\nproject:", "11:11 quality.inspection: has no effect", "不起作用"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "english", "chinese"), CASES)
def test_it_is_told_where_it_stands(tmp_path, old, new, english, chinese):
    assert old in PLANT
    text = PLANT.replace(old, new, 1)
    found = remarks(tmp_path, text)
    assert len(found) == 1
    assert english in found[0]
    assert chinese in remarks(tmp_path, text, "zh")[0]


@pytest.mark.parametrize(
    ("ledger", "body", "extra", "expected"),
    [
        ("staff", "", "", "ledgers.staff: the ledger staff holds no record"),
        ("staff", "2098-01-31,产线,3\n", "", "ledgers.staff: the ledger staff has 1 records after today"),
        ("costs", "1,2026-01-31,5001,材料,3,3\n", "business: {cost_accounts: ['5002', '5001']}\n",
         "business.cost_accounts: the ledger costs has no booking of account 5002"),
        ("inspections", "p,a,2026-01-01 08:00,是\np,b,2026-01-01 09:00,否\n", "",
         "quality.inspection: got -, the ledger inspections holds a, b"),
    ],
)  # fmt: skip
def test_a_ledger_that_cannot_be_what_is_meant(tmp_path, ledger, body, extra, expected):
    heads = {
        "staff": "月份,类别,人数\n",
        "costs": "凭证号,月份,科目,类别,金额,基期价金额\n",
        "inspections": "零件号,检验类型,检验时间,判定\n",
    }
    (tmp_path / "l.csv").write_text(heads[ledger] + body, encoding="utf-8")
    found = remarks(tmp_path, PLANT + f"ledgers: {{{ledger}: l.csv}}\n" + extra)
    assert len(found) == 1
    assert expected in found[0]


def test_a_register_that_cannot_be_read_is_told_once(tmp_path):
    from plantseal.config import ConfigError

    (tmp_path / "eq.csv").write_text("编码,名称,类别\nm1,M,加工\n", encoding="utf-8")
    text = PLANT.replace("\n  - {id: m1, name: M, cls: processing}", " eq.csv") + RECORDED
    (tmp_path / "t.csv").write_text(TAGS)
    (tmp_path / "plant.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(tmp_path / "plant.yaml", "zh")
    assert [(p.line, p.path) for p in error.value.problems] == [(1, "header"), (1, "header")]
    assert "缺少列 id (编号)；请补上该列" in str(error.value)
