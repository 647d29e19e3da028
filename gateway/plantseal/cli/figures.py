"""``plantseal kpi``: the figures of a period, and the table that a committee would want."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from rich.table import Table

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.output import emit, grid, plain, say, show, word
from plantseal.cli.periods import period as parse_period
from plantseal.cli.spreadsheet import figures_csv, verdicts_csv
from plantseal.cli.store import open_store, plant_file, plant_in_force
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Report, Result, Verdict

OUTCOMES = {
    "PASS": ("√ pass", "√ 通过", "green"),
    "PASS_POINT": ("√ pass (point)", "√ 点值通过", "green"),
    "FAIL": ("× fail", "× 未达标", "red"),
    "NOT_ASSESSABLE": ("? not assessable", "? 无法评定", "yellow"),
    "NOT_APPLICABLE": ("- not applicable", "- 不适用", "dim"),
    "REPORTED": ("· reported", "· 已报告", "dim"),
    "UNDECIDED": ("? undecided", "? 未定", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a report is printed, and how.

    Attributes:
        notice: Only the verdicts of this notice.
        explain: ``METRIC`` or ``METRIC@SCOPE``: how that figure came about, nothing else.
        csv: File for the verdicts as CSV, ``-`` for stdout.
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
    report = _report(config, period)
    if asked.notice is not None:
        report = _only(report, asked.notice)
    printed = False
    for where, text in ((asked.csv, verdicts_csv), (asked.figures, figures_csv)):
        if where is not None:
            printed |= _written(where, text(report))
    if asked.explain is not None:
        from plantseal.cli.explaining import explain

        explain(report, asked.explain, as_json=asked.as_json)
    elif asked.as_json:
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
        say(f"{finding.code}: {finding.message}")


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


def _report(config: Path, period: str) -> Report:
    from plantseal.evidence.inputs import inputs

    journal = open_store(plant_file(config), read_only=True)
    try:
        wanted = parse_period(period, plant_in_force(journal).zone)
        say_if_open(wanted)
        return inputs(journal, wanted).report()
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
        reasons = "; ".join(r.message for r in t.reasons[:3])
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
            plain(f"{v.comparator} {v.threshold}{_unit(v)}" if v.threshold else ""),
            f"[{colour}]{word(en, zh)}[/]",
            percent(v.coverage),
            plain(_computed(v)),
            plain("; ".join(r.message for r in v.reasons[:2])),
        )
    return table


def _unit(v: Verdict) -> str:
    return v.unit if v.unit in ("%", "万元") else ""


def _computed(v: Verdict) -> str:
    if v.bound is None:
        return v.formula
    return f"{v.formula}; {word('held against the threshold', '与阈值比较的界限')}: {_figure(v, v.bound)}"


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
    """Return a figure for a person: ratios as percent, others with their unit."""
    if result.value is None:
        return "–"
    if result.unit == "1":
        return percent(result.value)
    return f"{Decimal(result.value):.6g} {result.unit}"


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
            plain(f"{r.metric}/{r.version}"),
            plain(r.scope),
            plain(value_text(r)),
            plain(r.formula),
            percent(r.coverage),
            r.origin,
            plain("; ".join(f.message for f in r.findings[:2])),
        )
    return table
