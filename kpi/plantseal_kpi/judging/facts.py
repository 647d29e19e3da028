"""Facts: what is known about the plant, whether measured, computed or stated."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from plantseal_kpi.figures import finding, text
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.plant import Declared
from plantseal_kpi.report import Finding, Origin, Result

FactValue = Fraction | bool | str | tuple[str, ...]

LEAST_KNOWN: Final = Fraction(9, 10)
"""Share of the time that the records of an improvement must cover on both sides (definitions 3.2:
at most 10 % of a baseline may be missing)."""
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the plant that a criterion may ask for.

    Attributes:
        id: As in the criterion's ``metric``.
        value: Exact; None when it was looked for and cannot be assessed.
        result: The figure behind it, if there is one.
        origin: Where it comes from.
        findings: What limits or qualifies it.
        sampled: True where a claim needs a confidence bound besides the point value.
        low: The value at the lower end of the interval; None without one.
        high: The value at the upper end.
        witnessed: True where only rows that the gateway received itself can answer.
        formula: How it was formed, where no single figure is behind it.
    """

    id: str
    value: FactValue | None
    result: Result | None = None
    origin: Origin = "declared"
    findings: tuple[Finding, ...] = ()
    sampled: bool = False
    low: FactValue | None = None
    high: FactValue | None = None
    witnessed: bool = False
    formula: str = ""


def facts_from(results: Sequence[Result], baseline_kind: str | None) -> dict[str, Fact]:
    """Return the measured and computed facts that the plant's figures answer, by fact id and metric id.

    An interval's ends are the 12 digits that the figure prints.
    """
    facts: dict[str, Fact] = {}
    plant = {r.metric: r for r in results if r.scope == "plant"}
    for metric in CATALOGUE.values():
        r = plant.get(metric.id)
        if r is None:
            continue
        for fact in (metric.id, *metric.facts):
            facts[fact] = Fact(
                fact, figure_value(r), r, r.origin, r.findings, sampled=metric.interval,
                low=_end(r, "low"), high=_end(r, "high"), witnessed=metric.witnessed,
            )  # fmt: skip
    if baseline_kind is not None:
        facts["baseline_kind"] = Fact("baseline_kind", baseline_kind)
    return facts


def _end(r: Result, side: Literal["low", "high"]) -> Fraction | None:
    end = None if r.interval is None else getattr(r.interval, side)
    return None if end is None else Fraction(end)


def figure_value(r: Result) -> FactValue | None:
    """Return what a figure says as a fact: its exact ratio, its members, or yes and no.

    A figure whose parts have ``members``, names separated by commas, is that list;
    ``real_time_monitoring`` is 1 or 0.
    """
    if r.value is None or r.numerator is None or r.denominator is None:
        return None
    members = r.parts.get("connected" if r.metric == "networked_equipment_classes" else "members")
    if members is not None:
        return tuple(name for name in members.split(",") if name)
    if r.metric == "real_time_monitoring":
        return r.numerator == "1"
    return Fraction(int(r.numerator), int(r.denominator))


def unfit(fact: Fact) -> Finding | None:
    """Return why a figure cannot be judged though it has a value: a rule of the data is broken.

    A finding whose code begins with ``unassessable.`` says so; an improvement whose records cover
    less than :data:`LEAST_KNOWN` of the time; a figure about uploading made of imported rows.
    """
    broken = [f for f in fact.findings if f.code.startswith("unassessable.")]
    if broken:
        why = "; ".join(f.message for f in broken)
        return finding("criteria.data_rules", f"{fact.id}: a rule of the data is broken: {why}")
    known = fact.result.coverage if fact.result is not None else None
    if known is not None and fact.sampled and Fraction(known) < LEAST_KNOWN:
        return finding(
            "criteria.coverage",
            f"{fact.id}: the records cover {Decimal(known) * 100:.2f} % of the time, at least "
            f"{LEAST_KNOWN * 100} % are needed to compare; see the counters named below",
            coverage=known,
        )
    if fact.witnessed and fact.origin == "imported":
        return finding(
            "criteria.not_witnessed",
            f"{fact.id}: the receive times were imported, they are another system's word; only "
            "what the gateway received itself shows that data were uploaded",
        )
    return None


def caps(f: Finding) -> bool:
    """Return True where a finding leaves a point value at best, of a census too.

    A computed criterion that is only stated is one of them: nothing shows the statement.
    """
    return f.code == "criteria.stated" or f.code.startswith("point_only.")


def declared_facts(declared: Mapping[str, Declared]) -> dict[str, Fact]:
    """Return the facts that the applicant states, by id; numbers are in the criterion's unit.

    Example:
        >>> declared_facts({"construction_period": "30"})["construction_period"].value
        Fraction(30, 1)
    """
    return {name: Fact(name, exact(value)) for name, value in declared.items()}


def exact(value: Declared) -> FactValue:
    """Return a statement as an exact value; a text that is a number is that number."""
    # A configuration that went through JSON says "30" and "2018-01-01" where one in memory may
    # hold a number and a date; both must give the same report.
    if isinstance(value, str):
        return Fraction(value) if _NUMBER.fullmatch(value) else value
    if isinstance(value, bool | tuple):
        return value
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else str(value)
    return value.isoformat()


def shown(value: object) -> str:
    """Return a value as messages and verdicts print it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction):
        return text(value)
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    return "" if value is None else str(value)
