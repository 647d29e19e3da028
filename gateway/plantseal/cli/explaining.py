"""``plantseal kpi --explain``: how one figure came about, with everything that stands beside it."""

from difflib import get_close_matches

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.figures import percent, value_text
from plantseal.cli.output import emit, grid, plain, show, word
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.report import Report, Result


def explain(report: Report, asked: str, *, as_json: bool) -> None:
    """Print the figure that ``METRIC`` or ``METRIC@SCOPE`` names; all scopes without one.

    Raises:
        Stop: With exit code 3, when the report has no such figure.
    """
    found = figures_of(report, asked)
    if as_json:
        emit({"figures": [r.model_dump(mode="json") for r in found]})
        return
    for result in found:
        _show(result)


def figures_of(report: Report, asked: str) -> list[Result]:
    """Return the figures that ``METRIC`` or ``METRIC@SCOPE`` names.

    Raises:
        Stop: With exit code 3, when the report has none.
    """
    metric, _, scope = asked.partition("@")
    named = [r for r in report.results if r.metric == metric]
    found = [r for r in named if not scope or r.scope == scope]
    if found:
        return found
    known = sorted({r.scope for r in named} if named else {r.metric for r in report.results})
    got, near = (scope, known) if named else (metric, get_close_matches(metric, known, 5, 0.5))
    listed = ", ".join(near or known) or word("none", "无")
    raise Stop(Exit.INPUT, f"--explain: got {got!r}, expected one of {listed}")


def _show(result: Result) -> None:
    known = CATALOGUE.get(result.metric)
    name = f"{known.zh} " if known else ""
    table = grid("", "", title=plain(f"{name}{result.metric}/{result.version} @ {result.scope}"))
    table.show_header = False
    lines: list[tuple[str, str | None]] = [
        (word("value", "数值"), value_text(result)),
        (word("formula with the numbers", "代入数值的公式"), result.formula),
        (word("numerator", "分子"), result.numerator),
        (word("denominator", "分母"), result.denominator),
        (word("exact value", "精确值"), result.value),
        (word("unit", "单位"), result.unit),
        (word("coverage", "覆盖率"), percent(result.coverage)),
        (word("records", "来源"), result.origin),
        (word("least value the data allow", "数据允许的最小值"), result.low),
        (word("greatest value the data allow", "数据允许的最大值"), result.high),
    ]
    if result.interval is not None:
        i = result.interval
        ends = f"{i.low or '–'} .. {i.high or '–'}"
        lines.append((word("confidence interval", "置信区间"), f"{ends}  {i.method}, {i.level}"))
        lines += [(f"  {k}", v) for k, v in i.data.items()]
    lines += [(f"  {k}", v) for k, v in result.parts.items()]
    lines += [(f.code, f.message) for f in result.findings]
    if known is not None:
        lines.append((word("source", "依据"), known.source))
    for what, text in lines:
        if text:
            table.add_row(plain(what), plain(text))
    show(table)
