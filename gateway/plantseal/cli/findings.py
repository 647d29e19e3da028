"""What the KPI core's findings say in the language in use, and its numbers fit for a person.

The core says everything once, in English, as it goes into the report and its digest. The Chinese
sentence of each code is in ``findings_zh.yaml``; the values are those of the English one.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from ruamel.yaml import YAML

from plantseal.cli.output import language, word
from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.metrics import BY_FACT, CATALOGUE
from plantseal_kpi.report import Finding

OUTCOMES: Final = {
    "PASS": ("√ pass", "√ 通过", "green"),
    "PASS_POINT": ("√ pass (point)", "√ 点值通过", "green"),
    "FAIL": ("× fail", "× 未达标", "red"),
    "NOT_ASSESSABLE": ("? not assessable", "? 无法评定", "yellow"),
    "NOT_APPLICABLE": ("- not applicable", "- 不适用", "dim"),
    "REPORTED": ("· reported", "· 已报告", "dim"),
    "UNDECIDED": ("? undecided", "? 未定", "yellow"),
}
"""Every verdict in English and Chinese, with its colour."""
_SAID: Final = {
    "plant": "全厂", "none": "无", "not used": "不采用", "corrected by that": "已按此校正",
    "behind": "慢", "ahead of": "快", "imported": "导入的数据", "live": "实时采集的数据",
    "scrap": "scrap（报废）", "first_pass": "first_pass（一次不合格）", "day": "日", "month": "月",
}  # fmt: skip
"""Words that the core puts into its sentences."""
_WEIGHTS: Final = (
    ("unassessable.", "figure.none", "ledger.missing", "ledger.empty", "baseline.missing",
     "baseline.figure_", "baseline.no_", "state.unmapped", "criteria.type", "criteria.not_",
     "criteria.coverage", "criteria.stated", "criteria.applies", "criteria.threshold"),
    ("point_only.", "criteria.bound", "criteria.no_interval", "loops.", "oee.no_product_tag"),
)  # fmt: skip
_PARTS: Final = {"distance": "criteria.distance", "remedy": "criteria.remedy"}
_VALUE: Final = re.compile(r"\\\{(\w+)\\\}")
_NUMBERS: Final = {"n": r"[-\d.?]+", "d": r"[-\d.?]+", "ns": r"\d+"}
"""Values that are numbers, by the beginning of their name; any other may be any text."""
_NS: Final = re.compile(r"\b(0|\d{4,}) ns\b")
_FEN: Final = re.compile(r"\b(\d{4,}) (?:fen|分)(?!\w)")
_HOUR: Final = 3600 * 10**9
Patterns = list[tuple[re.Pattern[str], str]]


def said(finding: Finding) -> str:
    """Return a finding for a person: its sentence in the language in use, times as hours."""
    if language() == "zh":
        chinese = _chinese(finding.code, finding.message)
        if chinese is not None:
            return chinese
    return hours(finding.message)


def all_said(findings: Iterable[Finding], most: int) -> str:
    """Return the ``most`` weightiest findings, what to do next, and how many more there are."""
    listed = list(findings)
    todo = [f for f in listed if f.code == "criteria.remedy"]
    others = sorted((f for f in listed if f not in todo), key=lambda f: _weight(f.code))
    texts = [said(f) for f in (*others[:most], *todo)]
    if (more := len(others) - most) > 0:
        texts.append(word(f"{more} more, see --explain", f"另有 {more} 条，见 --explain"))
    return word("; ", "；").join(texts)


def _weight(code: str) -> int:
    """Return where a finding stands among others: what forbids a verdict first."""
    for weight, heads in enumerate(_WEIGHTS):
        if code.startswith(heads):
            return weight
    return len(_WEIGHTS)


def hours(text: str) -> str:
    """Return a text with its nanoseconds as hours; what is exact stands in ``--json``.

    Example:
        >>> hours("5400000000000 ns producing / 72000000000000 ns planned")
        '1.5 h producing / 20 h planned'
    """
    return _NS.sub(lambda m: f"{_in_hours(m[1])} {word('h', '小时')}", text)


def formula(text: str) -> str:
    """Return a formula for a person: in the language in use, nanoseconds as hours, fen as yuan."""
    if language() == "zh":
        chinese = _chinese("formula", text)
        if chinese is not None:
            text = chinese
    return _FEN.sub(lambda m: f"{Decimal(m[1]) / 100:f} {word('yuan', '元')}", hours(text))


def _in_hours(ns: str) -> str:
    text = f"{Decimal(int(ns)) / Decimal(_HOUR):.4f}"
    return text.rstrip("0").rstrip(".")


def table() -> Mapping[str, Mapping[str, str]]:
    """Return the English and the Chinese sentences by code; ``.*`` ends a code that goes on."""
    text = (files("plantseal.cli") / "findings_zh.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = YAML(typ="safe", pure=True).load(text)
    return found


@cache
def _patterns() -> dict[str, Patterns]:
    return {
        code: [(_compiled(en), zh) for en, zh in said.items()] for code, said in table().items()
    }


def _compiled(english: str) -> re.Pattern[str]:
    """Return what matches the sentence, with a group a value."""
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>{_NUMBERS.get(name[:2], '.+?')})"

    return re.compile(_VALUE.sub(group, re.escape(english)), re.DOTALL)


def _chinese(code: str, message: str) -> str | None:
    patterns = _patterns()
    known = patterns.get(code) or patterns.get(f"{code.rpartition('.')[0]}.*", [])
    for pattern, chinese in known:
        if match := pattern.fullmatch(message):
            values = {name: _value(name, text) for name, text in match.groupdict().items()}
            return chinese.format_map(values)
    return None


def _value(name: str, text: str) -> str:
    """Return a value of a sentence in Chinese, by what its name says it is."""
    if name in _PARTS:
        return _chinese(_PARTS[name], text) or text
    if name.startswith("ns"):
        return f"{_in_hours(text)} 小时"
    if name == "outcome":
        return OUTCOMES[text][1].partition(" ")[2] if text in OUTCOMES else text
    if name == "carrier":
        column = next(c for c in SCHEMAS["energy_bills"].columns if c.name == "carrier")
        return next(iter(column.words.get(text, ())), text)
    if name == "needs":
        return _chinese("needs", text) or text
    if name == "metric":
        metric = CATALOGUE.get(text) or BY_FACT.get(text)
        return f"{metric.zh}（{text}）" if metric else text
    return _SAID.get(text, text)
