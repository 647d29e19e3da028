"""``plantseal kpi --explain``: how one figure came about, with everything that stands beside it."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.figures import percent, value_text
from plantseal.cli.findings import said
from plantseal.cli.output import emit, grid, plain, show, word
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.report import Result

if TYPE_CHECKING:
    from plantseal_kpi.drill.frames import Drill
    from plantseal_kpi.evaluate import Worked


def explain(done: "Worked", asked: str, *, as_json: bool, csv: str | None = None) -> None:
    """Print the figure that ``METRIC`` or ``METRIC@SCOPE`` names, and what made it.

    Without a scope, the figures of all scopes, and what made that of the plant.

    Args:
        done: The figures of the period.
        asked: The figure.
        as_json: One JSON document instead of tables.
        csv: Write the frames of the drill-down as CSV files with names that begin so.

    Raises:
        Stop: With exit code 3, when there is no such figure.
    """
    from plantseal.cli.drilling import show_drill, write_frames
    from plantseal_kpi.drill.drilling import drilled

    found = figures_of(done.results, asked)
    scope = asked.partition("@")[2] or found[0].scope
    whole = drilled(done, found[0].metric, scope)
    zone = done.now.window.plant.zone
    if csv is not None:
        write_frames(whole, csv, zone)
    if as_json:
        emit({"figures": [r.model_dump(mode="json") for r in found], "drill": _document(whole)})
        return
    for result in found:
        _show(result)
    show_drill(whole, zone)


def _document(drill: "Drill") -> dict[str, object]:
    """Return the sums of a drill-down as JSON values, those of its parts beside them."""
    return {
        "metric": drill.metric,
        "scope": drill.scope,
        "sums": drill.sums.to_dicts(),
        "parts": [_document(p) for p in drill.parts],
    }


def figures_of(results: Sequence[Result], asked: str) -> list[Result]:
    """Return the figures that ``METRIC`` or ``METRIC@SCOPE`` names.

    Raises:
        Stop: With exit code 3, when the report has none.
    """
    metric, _, scope = asked.partition("@")
    named = [r for r in results if r.metric == metric]
    found = [r for r in named if not scope or r.scope == scope]
    if found:
        return found
    known = sorted({r.scope for r in named} if named else {r.metric for r in results})
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
    lines += [(f.code, said(f)) for f in result.findings]
    if known is not None:
        lines.append((word("source", "依据"), known.source))
    for what, text in lines:
        if text:
            table.add_row(plain(what), plain(text))
    show(table)
