"""``plantseal kpi``: the figures of a period, and the table that a committee would want."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from rich.table import Table

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.output import emit, grid, plain, say, show, word
from plantseal.cli.periods import period as parse_period
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


def kpi(
    config: Path, *, period: str, notice: str | None, fail_on: str | None, as_json: bool
) -> None:
    """Compute, judge and print; exit 5 on a failed criterion only when asked."""
    if fail_on not in (None, "threshold"):
        raise Stop(Exit.USAGE, f"--fail-on: got {fail_on!r}, expected threshold")
    report = _report(config, period)
    if notice is not None:
        report = _only(report, notice)
    if as_json:
        from plantseal_kpi.evaluate import report_json

        emit(report_json(report))
    else:
        show(verdict_table(report))
        show(figure_table(report))
        for finding in report.findings:
            say(f"{finding.code}: {finding.message}")
    if fail_on and any(v.outcome == "FAIL" for v in report.verdicts):
        raise Stop(Exit.BELOW, word("a criterion is not met", "有条款未达标"))
    if all(r.value is None for r in report.results):
        raise Stop(
            Exit.INCOMPLETE,
            word("no figure can be computed in this period", "本期间没有可计算的指标"),
        )


def _report(config: Path, period: str) -> Report:
    from plantseal.history import rows
    from plantseal_kpi.evaluate import evaluate, spans

    journal = open_store(plant_file(config), read_only=True)
    try:
        plant = plant_in_force(journal)
        wanted = parse_period(period, plant.zone)
        say_if_open(wanted)
        return evaluate(rows(journal, spans(plant, wanted)), plant, wanted)
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
    return report.model_copy(update={"verdicts": kept})


def verdict_table(report: Report, *, all_criteria: bool = False) -> Table:
    """Return one row a criterion that applies: clause, quote, figure, threshold, verdict."""
    table = grid(
        word("clause", "条款"),
        word("what the notice asks", "要求"),
        word("figure", "数值"),
        word("threshold", "阈值"),
        word("verdict", "结论"),
        word("coverage", "覆盖率"),
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
            plain(_figure(v)),
            plain(f"{v.comparator} {v.threshold}{_unit(v)}" if v.threshold else ""),
            f"[{colour}]{word(en, zh)}[/]",
            percent(v.coverage),
            plain("; ".join(r.message for r in v.reasons[:2])),
        )
    return table


def _unit(v: Verdict) -> str:
    return v.unit if v.unit in ("%", "万元") else ""


def _figure(v: Verdict) -> str:
    if v.figure is None:
        return "–"
    try:
        text = f"{Decimal(v.figure):.2f}"
    except ArithmeticError:
        return v.figure
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
