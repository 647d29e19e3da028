"""``plantseal kpi``: the figures of a period, and the table that a committee would want."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.findings import OUTCOMES, all_said, formula, said
from plantseal.cli.output import emit, grid, language, plain, say, show, word
from plantseal.cli.periods import period as parse_period
from plantseal.cli.spreadsheet import figures_csv, verdicts_csv
from plantseal.cli.store import open_store, plant_file, plant_in_force
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Report, Result, Verdict

if TYPE_CHECKING:
    from plantseal.evidence.inputs import Inputs

COMPARATORS = {
    ">=": (">=", "≥"),
    "<=": ("<=", "≤"),
    "==": ("", "为"),
    "in": ("one of", "为其中之一："),
    "approx": ("about", "左右："),
    "contains_all": ("all of", "应包含全部："),
    "contains_any": ("any of", "应包含其一："),
    "subset_of": ("only of", "仅限："),
    "date>=": ("from", "不早于"),
    "date<=": ("until", "不晚于"),
    "date_between": ("between", "介于"),
    "fail_if>=": ("fails from", "达到即不通过："),
    "recompute_if<=": ("computed anew up to", "不超过则重新计算："),
}
"""Comparators of the notices in English and Chinese."""
LARGER = {
    "Wh": (("kWh", "kWh"), 1000),
    "fen": (("yuan", "元"), 100),
    "piece": (("piece", "件"), 1),
    "person": (("person", "人"), 1),
    "person-month": (("person-month", "人月"), 1),
    "count": (("", "个"), 1),
    "h": (("h", "小时"), 1),
    "d": (("d", "天"), 1),
    "kgce": (("kgce", "千克标准煤"), 1),
}
"""Units as a person reads them, and how many of the figure's unit are in one."""
ORIGINS = {
    "live": ("live", "实时采集"),
    "imported": ("imported", "导入"),
    "mixed": ("mixed", "混合"),
    "declared": ("declared", "企业声明"),
    "none": ("none", "无"),
}
"""Where a figure's records come from, in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a report is printed, and how.

    Attributes:
        notice: Only the verdicts of this notice.
        explain: ``METRIC`` or ``METRIC@SCOPE``: how that figure came about, nothing else.
        csv: File for the verdicts as CSV, ``-`` for stdout; with ``explain``, the beginning of the
            names of files for what made the figure.
        figures: Same for the figures.
        fail_on: ``threshold``: exit 5 when a criterion is not met.
        as_json: One JSON document instead of tables.
    """

    notice: str | None = None
    explain: str | None = None
    csv: str | None = None
    figures: str | None = None
    fail_on: str | None = None
    as_json: bool = False


def kpi(config: Path, period: str, asked: Asked) -> None:
    """Compute, judge and print; exit 5 on a failed criterion only when asked."""
    if asked.fail_on not in (None, "threshold"):
        raise Stop(Exit.USAGE, f"--fail-on: got {asked.fail_on!r}, expected threshold")
    if asked.csv == asked.figures == "-":
        raise Stop(Exit.USAGE, "--csv, --figures: only one of them can be -")
    if asked.explain is not None:
        _explain(config, period, asked)
        return
    report = _report(config, period)
    if asked.notice is not None:
        report = _only(report, asked.notice)
    printed = False
    for where, text in ((asked.csv, verdicts_csv), (asked.figures, figures_csv)):
        if where is not None:
            printed |= _written(where, text(report))
    if asked.as_json:
        from plantseal_kpi.evaluate import report_json

        emit(report_json(report))
    elif not printed:
        _print(report)
    _ended(report, asked.fail_on)


def _print(report: Report) -> None:
    show(window_text(report))
    if report.tracks:
        show(track_table(report))
    show(verdict_table(report))
    show(figure_table(report))
    for finding in report.findings:
        say(f"{finding.code}: {said(finding)}")


def _written(where: str, text: str) -> bool:
    """Write to a file, or to stdout for ``-``; return True for stdout."""
    if where == "-":
        sys.stdout.write(text)
        return True
    # With a mark, without which spreadsheets take Chinese for GBK
    Path(where).write_text(text, encoding="utf-8-sig", newline="")
    say(f"{where}: {word('written', '已写入')}")
    return False


def _ended(report: Report, fail_on: str | None) -> None:
    if fail_on and any(v.outcome == "FAIL" for v in report.verdicts):
        raise Stop(Exit.BELOW, word("a criterion is not met", "有条款未达标"))
    if all(r.value is None for r in report.results):
        raise Stop(
            Exit.INCOMPLETE,
            word("no figure can be computed in this period", "本期间没有可计算的指标"),
        )


def _explain(config: Path, period: str, asked: Asked) -> None:
    """Print how one figure came about; nothing is judged."""
    given = {"--notice": asked.notice, "--figures": asked.figures, "--fail-on": asked.fail_on}
    beside = [name for name, value in given.items() if value is not None]
    if beside:
        raise Stop(Exit.USAGE, f"--explain: got {', '.join(beside)} beside it, expected only --csv")
    if asked.csv == "-":
        raise Stop(Exit.USAGE, "--csv: got -, expected a file: with --explain several are written")
    from plantseal.cli.explaining import explain

    with _inputs(config, period) as given_:
        explain(given_.worked(), asked.explain or "", as_json=asked.as_json, csv=asked.csv)


def _report(config: Path, period: str) -> Report:
    with _inputs(config, period) as given:
        return given.report()


@contextmanager
def _inputs(config: Path, period: str) -> "Iterator[Inputs]":
    from plantseal.evidence.inputs import inputs

    journal = open_store(plant_file(config), read_only=True)
    try:
        wanted = parse_period(period, plant_in_force(journal).zone)
        say_if_open(wanted)
        yield inputs(journal, wanted)
    finally:
        journal.close()


def say_if_open(period: Period) -> None:
    """Say on stderr that a period is not over: time to come counts like time missed."""
    now = datetime.now(UTC)
    if now < period.end:
        ends = period.end.isoformat()
        say(
            word(
                f"the period ends at {ends}, which is still to come: the time until then has no "
                "records and counts as missing",
                f"统计期于 {ends} 结束，尚未到期：剩余时间没有记录，按缺失计算",
            )
        )


def _only(report: Report, notice: str) -> Report:
    known = sorted({v.notice for v in report.verdicts})
    if notice not in known:
        raise Stop(
            Exit.INPUT, f"--notice: got {notice!r}, expected one of {', '.join(known) or 'none'}"
        )
    kept = tuple(v for v in report.verdicts if v.notice == notice)
    tracks = tuple(t for t in report.tracks if t.notice == notice)
    return report.model_copy(update={"verdicts": kept, "tracks": tracks})


def window_text(report: Report) -> str:
    """Return which declared window the report is of, and which others were declared."""
    others = [w.id for w in report.windows if not w.reported]
    text = word("window: ", "窗口：") + (
        report.window or word("not declared beforehand", "未事先声明")
    )
    if others:
        text += word("; other windows declared: ", "；其他已声明窗口：") + ", ".join(others)
    return text


def track_table(report: Report) -> Table:
    """Return one row a track that applies."""
    table = grid(
        word("notice", "通知"), word("track", "类别"), word("verdict", "结论"),
        word("criteria", "条款数"), word("decided by", "决定条款"), title=word("Tracks", "类别结论"),
    )  # fmt: skip
    for t in report.tracks:
        if t.outcome == "NOT_APPLICABLE":
            continue
        en, zh, colour = OUTCOMES[t.outcome]
        counts = ", ".join(f"{word(*OUTCOMES[k][:2])} {n}" for k, n in t.counts.items())
        reasons = all_said(t.reasons, 3)
        table.add_row(
            plain(t.notice), plain(t.name_zh), f"[{colour}]{word(en, zh)}[/]", plain(counts),
            plain(reasons),
        )  # fmt: skip
    return table


def verdict_table(report: Report, *, all_criteria: bool = False) -> Table:
    """Return one row a criterion that applies: clause, quote, figure, threshold, verdict."""
    table = grid(
        word("clause", "条款"),
        word("what the notice asks", "要求"),
        word("figure", "数值"),
        word("threshold", "阈值"),
        word("verdict", "结论"),
        word("coverage", "覆盖率"),
        word("how it was computed", "计算"),
        word("why", "说明"),
        title=word("Verdict per clause", "逐条结论") + plain(f"  {report.start} .. {report.end}"),
    )
    for v in report.verdicts:
        if v.outcome == "NOT_APPLICABLE" and not all_criteria:
            continue
        en, zh, colour = OUTCOMES[v.outcome]
        table.add_row(
            plain(v.clause),
            plain(v.text_zh),
            plain(_figure(v, v.figure)),
            plain(threshold(v)),
            f"[{colour}]{word(en, zh)}[/]",
            percent(v.coverage),
            plain(_computed(v)),
            plain(all_said(v.reasons, 2)),
        )
    return table


def name(r: Result) -> str:
    """Return a metric for a person: its id and version, before it what it is called in Chinese."""
    known = CATALOGUE.get(r.metric) if language() == "zh" else None
    return f"{known.zh} {r.metric}/{r.version}" if known else f"{r.metric}/{r.version}"


def threshold(v: Verdict) -> str:
    """Return what a criterion asks of its figure; nothing where it asks for none.

    Example:
        >>> threshold(Verdict(criterion="", notice="", clause="", text_zh="", metric="", strength="hard",
        ...     comparator=">=", threshold="50", unit="%", evidence_kind="measured", outcome="FAIL"))
        '>= 50 %'
    """
    if not v.threshold:
        return ""
    asked = v.threshold.replace("true", word("yes", "是")).replace("false", word("no", "否"))
    if v.comparator in ("is_true", "is_false"):
        return asked
    how = word(*COMPARATORS.get(v.comparator, (v.comparator, v.comparator)))
    return f"{how} {asked} {_unit(v)}".strip()


def _unit(v: Verdict) -> str:
    return v.unit if v.unit in ("%", "万元") else ""


def _computed(v: Verdict) -> str:
    if v.bound is None:
        return formula(v.formula)
    return f"{formula(v.formula)}; {word('held against the threshold', '与阈值比较的界限')}: {_figure(v, v.bound)}"


def _figure(v: Verdict, figure: str | None) -> str:
    if figure is None:
        return "–"
    try:
        text = f"{Decimal(figure):.2f}"
    except ArithmeticError:
        return figure
    return f"{text} {_unit(v)}".strip()


def percent(ratio: str | None) -> str:
    """Return a ratio 0..1 as percent with two decimals; an en dash where there is none."""
    return "–" if ratio is None else f"{Decimal(ratio) * 100:.2f} %"


def value_text(result: Result) -> str:
    """Return a figure for a person: ratios as percent, others with their unit, never as 1.2e+8."""
    if result.value is None:
        return "–"
    if result.unit == "1":
        return percent(result.value)
    of, _, per = result.unit.partition("/")
    shown, by = LARGER.get(of, ((of, of), 1))
    number = f"{Context(prec=6).plus(Decimal(result.value) / by):f}"
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    unit = word(*shown) + (f"/{word(*LARGER.get(per, ((per, per), 1))[0])}" if per else "")
    return f"{number} {unit}"


def figure_table(report: Report) -> Table:
    """Return one row a figure of the plant, numerator and denominator beside it."""
    table = grid(
        word("metric", "指标"),
        word("scope", "范围"),
        word("value", "数值"),
        word("how it was computed", "计算"),
        word("coverage", "覆盖率"),
        word("records", "来源"),
        word("remarks", "备注"),
        title=word("Figures", "指标"),
    )
    for r in report.results:
        if r.scope != "plant":
            continue
        table.add_row(
            plain(name(r)),
            plain(word(r.scope, "全厂")),
            plain(value_text(r)),
            plain(formula(r.formula)),
            percent(r.coverage),
            word(*ORIGINS[r.origin]),
            plain(all_said(r.findings, 2)),
        )
    return table
