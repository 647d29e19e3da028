"""What the core finds is said in Chinese: every code, with the values of the English sentence."""

import ast
import re
from pathlib import Path

import pytest
from plantseal_testing_kpi import at, frame, machine, period, plant, point, row

import plantseal_kpi
from plantseal.cli import findings
from plantseal.cli.output import set_language
from plantseal_kpi.business.ledgers import SCHEMAS, canonical_csv, read_canonical
from plantseal_kpi.business.schema import framed
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.figures import finding
from plantseal_kpi.judging.notices import notice_keys
from plantseal_kpi.proof.improvements import IMPROVEMENTS

CORE = Path(plantseal_kpi.__file__).parent
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)+")
FACTS = {"declared.scenes"}
FAMILIES = {  # codes that are put together, by their beginning
    "counter.": {"reset", "rollover", "false_zero", "implausible", "straddles"},
    "point_only.": {"baseline.short", "reporting.short"},
    "unassessable.baseline.": {what for change in IMPROVEMENTS for what in change.same},
    ".unknown": {"project", "declared"},
}
OWN = {"criteria.distance", "needs", "formula"}  # parts of sentences, no codes


@pytest.fixture
def chinese():
    set_language("zh")
    yield
    set_language("en")


def _constants(tree):
    return {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def _texts():
    """Return every text of the core, and every one that is a code.

    A code's first word is that of one that stands in a call of ``finding``.
    """
    texts, called = set(), set()
    for file in CORE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        texts |= _constants(tree)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "finding"
                and node.args
            ):
                called |= {c for c in _constants(node.args[0]) if CODE.fullmatch(c)}
    heads = {c.partition(".")[0] for c in called}
    return sorted(texts), {
        c for c in texts if CODE.fullmatch(c) and c.partition(".")[0] in heads and c not in FACTS
    }


TEXTS, CODES = _texts()
TABLE = findings.table()


def _known(code):
    return code in TABLE or f"{code.rpartition('.')[0]}.*" in TABLE


def test_every_code_of_the_core_has_its_sentence():
    made = {
        head + end if head[0] != "." else end + head
        for head, ends in FAMILIES.items()
        for end in ends
    }
    assert len(CODES) > 140
    assert sorted(c for c in CODES | made if not _known(c)) == []


def test_no_sentence_is_of_a_code_that_the_core_no_longer_says():
    made = {
        head + end if head[0] != "." else end + head
        for head, ends in FAMILIES.items()
        for end in ends
    }
    assert sorted(c for c in TABLE if c not in CODES | made | OWN and not c.endswith(".*")) == []


@pytest.mark.parametrize("code", sorted(TABLE))
def test_the_english_of_a_sentence_still_stands_in_the_core(code):
    """Each clause between two values is part of some text of the core; one that was reworded is not."""
    everything = "\x00".join(TEXTS)
    for english in TABLE[code]:
        for piece in re.split(r"\{\w+\}", english):
            for clause in re.split(r"[;:,()]", piece):
                if len(clause.strip()) > 12:
                    assert clause.strip() in everything or _split(clause.strip(), everything), (
                        clause
                    )


def _split(clause, everything):
    """Return True where the core makes a clause of two texts."""
    words = clause.split(" ")
    return any(
        " ".join(words[:i]) in everything and " ".join(words[i:]) in everything
        for i in range(1, len(words))
    )


@pytest.mark.parametrize("code", sorted(TABLE))
def test_chinese_is_chinese_and_names_no_other_values(code):
    for english, chinese in TABLE[code].items():
        words = re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", english))
        assert code == "formula" or not words or re.search(r"[\u4e00-\u9fff]", chinese)
        assert set(re.findall(r"\{(\w+)\}", chinese)) <= set(re.findall(r"\{(\w+)\}", english))


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("ledger.missing", "rd_cycle: the ledger projects is not configured; name its file in ledgers.projects",
         "产品研发周期（rd_cycle）：未配置台账 projects；请在 plant.yaml 的 ledgers.projects 中写明文件"),
        ("criteria.remedy", "is 852.5, asked >= 1000: short by 147.5 万元; check the ledger's rows of both "
         "periods and the accounts in scope; the figure changes with the records alone",
         "为 852.5，要求不低于 1000，差 147.5 万元；请核对两期台账记录和纳入的科目；数值只随记录改变"),
        ("state.unknown", "plant: the state is unknown for 3600000000000 ns of 36000000000000 ns planned; "
         "availability lies between 0.1 and 0.2",
         "全厂：计划时间 10 小时中有 1 小时状态未知；时间开动率在 0.1 与 0.2 之间"),
        ("unassessable.baseline.variant", "defect_rate: variant before: scrap; after: first_pass; it must be "
         "the same", "不良品率（defect_rate）：改造前 variant 为 scrap（报废），改造后为 first_pass（一次不合格）；两侧口径必须一致"),
        ("tracks.decided", "cq2020.w1 附件1 数字化装备: NOT_ASSESSABLE", "cq2020.w1 附件1 数字化装备：无法评定"),
    ],
)  # fmt: skip
def test_a_sentence_takes_the_values_of_the_english_one(chinese, code, message, expected):
    assert findings.said(finding(code, message)).replace(" 小时 ", " 小时") == expected


def test_a_sentence_that_is_not_known_stays_as_it_is(chinese):
    assert findings.said(finding("ledger.missing", "what nobody wrote")) == "what nobody wrote"


def test_times_and_money_are_printed_for_a_person_in_both_languages(chinese):
    assert (
        findings.formula("5400000000000 ns producing / 0 ns planned")
        == "生产 1.5 小时 / 计划时间 0 小时"
    )
    assert (
        findings.formula("240000 fen of software / 1000000 fen planned")
        == "软件 2400 元 / 计划投资 10000 元"
    )
    set_language("en")
    assert (
        findings.formula("5400000000000 ns producing / 0 ns planned")
        == "1.5 h producing / 0 h planned"
    )


def test_what_forbids_a_verdict_comes_first_and_what_to_do_is_never_cut(chinese):
    listed = [finding("counter.unplanned", f"m{i}: {i} pieces were counted outside planned time and left out")
              for i in range(5)]  # fmt: skip
    listed += [finding("criteria.remedy", "state it under declared and keep its proof"),
               finding("baseline.missing", "oee: no baseline is configured; give its period or a cited "
                       "industry figure")]  # fmt: skip
    shown = findings.all_said(listed, 2).split("；")
    assert shown[0].endswith("未配置基线")
    assert any("保留证明" in part for part in shown)
    assert shown[-1] == "另有 4 条，见 --explain"


def test_every_finding_of_a_report_is_said_in_chinese(chinese):
    """A plant with about everything amiss, judged by all notices."""
    points = [point(1, role="state"), point(2, role="count_total"), point(3, role="count_good"),
              point(4, role="energy", unit="kWh"), point(5, role="loop_mode")]  # fmt: skip
    rows = [row(1, at(t), "RUN") for t in range(0, 300, 10)]
    rows += [row(n, at(t), (t if t != 200 else 0)) for n in (2, 3, 4) for t in range(0, 300, 10)]
    p = plant(
        [machine(key=True), machine("m2")], points, notices=notice_keys(),
        project={"track": "workshop", "trakc": "x"}, declared={"rd_cycle_reduction": "12"},
        process={"loops": [{"id": "l", "mode": "m1.t5"}],
                 "parameters": [{"id": "a", "name": "a"}, {"id": "b", "name": "b", "point": "none"}]},
    )  # fmt: skip
    empty = {
        name: read_canonical(canonical_csv(framed([], s), name), name)
        for name, s in SCHEMAS.items()
    }
    for ledgers in ({}, empty):
        report = evaluate(frame(rows).lazy(), p, period(600), ledgers=ledgers)
        told = [f for r in report.results for f in r.findings] + list(report.findings)
        told += [f for v in report.verdicts for f in v.reasons]
        told += [f for t in report.tracks for f in t.reasons]
        assert len({f.code for f in told}) > 20
        assert (
            sorted({f"{f.code}: {f.message}" for f in told if findings.said(f) == f.message}) == []
        )
