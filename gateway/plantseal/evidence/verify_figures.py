"""Steps 14 and 15: the figures computed again from the bundle's own rows, and the report's text.

Equal means equal to the last digit: the KPI core works in integers until one final division, so
there is no tolerance to hide in.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from polars.exceptions import PanicException, PolarsError
from pydantic import ValidationError

from plantseal import canonical
from plantseal.evidence.container import bag_info
from plantseal.evidence.definitions import SOFTWARE, definitions
from plantseal.evidence.envelope import Statement, strict_json
from plantseal.evidence.format import BAG_INFO, ENVIRONMENT, Code, Finding, Refused
from plantseal.evidence.report import RENDERER, page
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.evaluate import evaluate, report_json
from plantseal_kpi.plant import Period, Plant
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.versions import Version

_ABSENT: Final = object()


def read_plant(data: bytes, name: str) -> Plant:
    """Return the plant of a configuration in its canonical JSON.

    Raises:
        Refused: The bytes are no such configuration.
    """
    body = strict_json(data, name)
    try:
        return Plant.model_validate(body["plant"])
    except (KeyError, TypeError) as e:
        raise Refused(Code.CONFIG_NOT_IN_LOG, f"{name}: no plant in this configuration") from e
    except ValidationError as e:
        raise Refused(Code.CONFIG_NOT_IN_LOG, f"{name}: {_first(e)}") from e


def read_period(start: str, end: str) -> Period:
    """Return the period of the envelope.

    Raises:
        Refused: The bounds are no times with a zone, or not in order.
    """
    try:
        return Period.model_validate({"start": start, "end": end})
    except ValidationError as e:
        raise Refused(Code.NOT_CANONICAL, f"period: {_first(e)}") from e


def _first(e: ValidationError) -> str:
    first = e.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def figures(
    rows: Sequence[Part], versions: Sequence[Version], period: Period, ledgers: Ledgers
) -> Any:
    """Return the report as JSON, computed from rows, configurations and ledgers alone.

    Raises:
        Refused: E803 when the rows cannot be evaluated.
    """
    try:
        return report_json(evaluate(rows, versions, period, ledgers=ledgers))
    except (ValueError, PolarsError, PanicException) as e:
        raise Refused(Code.DATA_NOT_IN_BUNDLE, f"figures cannot be computed: {e}") from e


def differences(claimed: Any, computed: Any, where: str = "report") -> Iterator[str]:
    """Yield each place where the claimed report is not the computed one, with both values.

    Results and verdicts are named by what they are rather than by their place.

    Example:
        >>> list(differences({"value": "0.9"}, {"value": "0.8"}))
        ["report.value: the bundle says '0.9', recomputed '0.8'"]
    """
    if isinstance(claimed, dict) and isinstance(computed, dict):
        for key in sorted({*claimed, *computed}):
            yield from differences(
                claimed.get(key, _ABSENT), computed.get(key, _ABSENT), f"{where}.{key}"
            )
    elif isinstance(claimed, list) and isinstance(computed, list):
        for i in range(max(len(claimed), len(computed))):
            one = claimed[i] if i < len(claimed) else _ABSENT
            other = computed[i] if i < len(computed) else _ABSENT
            yield from differences(one, other, f"{where}[{_label(other, i)}]")
    elif claimed is not computed and (type(claimed) is not type(computed) or claimed != computed):
        yield f"{where}: the bundle says {_show(claimed)}, recomputed {_show(computed)}"


def _label(item: Any, i: int) -> str:
    if isinstance(item, dict) and "criterion" in item:
        return str(item["criterion"])
    if isinstance(item, dict) and "metric" in item:
        return f"{item['metric']}/{item['version']} {item['scope']}"
    return str(i)


def _show(value: Any) -> str:
    shown = "nothing" if value is _ABSENT else repr(value)
    return shown if len(shown) <= 160 else shown[:157] + "..."


def check_report(data: bytes, claimed: Any, computed: Any) -> Iterator[Finding]:
    """Yield E802 for every figure or verdict that does not follow from the rows."""
    for difference in differences(claimed, computed):
        yield Finding(Code.VALUE, difference)
    if claimed == computed and data != canonical.dumps(computed):
        yield Finding(Code.VALUE, "report: same values, but not the same bytes")


def check_definitions(claimed: Any, environment: Any) -> Iterator[Finding]:
    """Yield what the bundle's formulas and the verifier's own do not share.

    Another version of the software may define other formulas: then the figures cannot be computed
    here (E801). The same version cannot: then the file was altered (E303).
    """
    same = _stated(environment, "software") == SOFTWARE
    for difference in differences(claimed, definitions(), "definitions"):
        yield Finding(Code.LISTS_DISAGREE if same else Code.DEFINITION, difference)


def check_page(data: bytes, info: bytes, report: Any, statement: Statement) -> Iterator[Finding]:
    """Yield E802 when the page or ``bag-info.txt`` says other than report and statement.

    Args:
        data: Bytes of the page.
        info: Bytes of ``bag-info.txt``.
        report: The report as the bundle has it.
        statement: The statement signed.
    """
    predicate = statement.predicate
    head = (predicate.origin, int(predicate.tree.size))
    try:
        expected = page(report)
        named = bag_info(report["site"], predicate.period.model_dump(), head, predicate.software)
    except (KeyError, TypeError) as e:
        yield Finding(Code.VALUE, f"report.json: not a report: {e!r}")
        return
    if data != expected:
        yield Finding(Code.VALUE, "report.html: not the page of report.json")
    if info != named:
        yield Finding(Code.VALUE, f"{BAG_INFO}: not what report and statement say")


def check_environment(environment: Any, statement: Statement) -> Iterator[Finding]:
    """Yield E303 when ``env.json`` names other software than the statement."""
    software = statement.predicate.software
    if _stated(environment, "software") != software:
        yield Finding(
            Code.LISTS_DISAGREE,
            f"{ENVIRONMENT}: software is {_stated(environment, 'software')!r}, the statement says "
            f"{software!r}",
        )


def other_page(environment: Any) -> str | None:
    """Return the version of the page where this verifier does not know it, else None."""
    renderer = _stated(environment, "page")
    return None if renderer == RENDERER else repr(renderer)


def _stated(environment: Any, key: str) -> object:
    return environment.get(key) if isinstance(environment, dict) else None
