"""Judging: facts against the criteria of a notice. Only comparators are code.

A measured criterion is answered by measured facts alone: what the applicant states cannot
replace a figure. A missing fact is NOT_ASSESSABLE, never a silent pass or fail.

Source: definitions 3.5.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from plantseal_kpi.figures import finding, text
from plantseal_kpi.judging.comparing import FactValue, compare, moment
from plantseal_kpi.judging.conditions import vocabulary, words_of
from plantseal_kpi.judging.notices import Criterion, Notice
from plantseal_kpi.metrics import BY_FACT
from plantseal_kpi.plant import Declared
from plantseal_kpi.report import Finding, Origin, Outcome, Result, Verdict

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
LEAST_KNOWN = Fraction(9, 10)
"""Share of the time that the records of an improvement must cover on both sides (definitions 3.2:
at most 10 % of a baseline may be missing)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the plant that a criterion may ask for.

    Attributes:
        id: As in the criterion's ``metric``.
        value: Exact; None when it was looked for and cannot be assessed.
        result: The figure behind it, if there is one.
        origin: Where it comes from.
        findings: What limits or qualifies it.
    """

    id: str
    value: FactValue | None
    result: Result | None = None
    origin: Origin = "declared"
    findings: tuple[Finding, ...] = ()


def facts_from(results: Sequence[Result], baseline_kind: str | None) -> dict[str, Fact]:
    """Return the measured and computed facts that the plant's figures answer, by fact id."""
    facts: dict[str, Fact] = {}
    plant = {r.metric: r for r in results if r.scope == "plant"}
    for fact, metric in BY_FACT.items():
        found = plant.get(metric.id)
        if found is not None:
            facts[fact] = Fact(fact, _value(found), found, found.origin, found.findings)
    if baseline_kind is not None:
        facts["baseline_kind"] = Fact("baseline_kind", baseline_kind)
    return facts


def _value(r: Result) -> FactValue | None:
    if r.value is None or r.numerator is None or r.denominator is None:
        return None
    if r.metric == "networked_equipment_classes":
        return tuple(c for c in r.parts["connected"].split(",") if c)
    if r.metric == "real_time_monitoring":
        return r.numerator == "1"
    return Fraction(int(r.numerator), int(r.denominator))


def declared_facts(declared: Mapping[str, Declared]) -> dict[str, Fact]:
    """Return the facts that the applicant states, by id; numbers are in the criterion's unit.

    Example:
        >>> declared_facts({"construction_period": "30"})["construction_period"].value
        Fraction(30, 1)
    """
    return {name: Fact(name, _exact(value)) for name, value in declared.items()}


def _exact(value: Declared) -> FactValue:
    # A configuration that went through JSON says "30" and "2018-01-01" where one in memory may
    # hold a number and a date; both must give the same report.
    if isinstance(value, str):
        return Fraction(value) if _NUMBER.fullmatch(value) else value
    if isinstance(value, bool | tuple):
        return value
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else str(value)
    return value.isoformat()


def judge(
    notice: Notice,
    facts: Mapping[str, Fact],
    project: Mapping[str, str],
    declared: Mapping[str, Fact],
) -> list[Verdict]:
    """Return one verdict a criterion, in the notice's order.

    Args:
        notice: What is asked.
        facts: Measured and computed facts by id.
        project: What the project is (track, build, project_class, region, …).
        declared: Facts stated by the applicant by id.
    """
    plain = {
        c.id: _verdict(notice, c, facts, project, declared)
        for c in notice.criteria
        if not c.rolls_up
    }
    return [
        plain[c.id] if c.id in plain else _rolled_up(notice, c, project, list(plain.values()))
        for c in notice.criteria
    ]


def _verdict(
    notice: Notice,
    c: Criterion,
    facts: Mapping[str, Fact],
    project: Mapping[str, str],
    declared: Mapping[str, Fact],
) -> Verdict:
    early = _applies(notice, c, project)
    if early is not None:
        return early
    fact, reasons = _fact_for(c, facts, declared)
    if c.comparator in ("info", "report"):
        return _made(notice, c, "REPORTED", fact, reasons)
    if fact is None or fact.value is None:
        return _made(notice, c, "NOT_ASSESSABLE", fact, reasons)
    try:
        met = compare(c, fact.value)
    except TypeError as e:
        wrong = finding("criteria.type", f"{c.metric}: {e}; state it in another form")
        return _made(notice, c, "NOT_ASSESSABLE", fact, [*reasons, wrong])
    metric = BY_FACT.get(c.metric)
    unfit = _thin(c, fact) or _unwitnessed(c, fact)
    if unfit is not None:
        return _made(notice, c, "NOT_ASSESSABLE", fact, [unfit, *reasons])
    if met and c.comparator in ("date>=", "date<=") and moment(fact.value) == moment(c.threshold):
        edge = finding(
            "criteria.exact_day",
            f"{c.metric}: exactly the day named; that 以后 or 以前 includes it is our reading",
        )
        return _made(notice, c, "PASS", fact, [edge, *reasons])
    if met and metric is not None and metric.interval:
        point = finding(
            "criteria.no_interval",
            f"{c.metric}: the point value meets the threshold; the confidence bound is not "
            "computed in this version",
        )
        return _made(notice, c, "PASS_POINT", fact, [point, *reasons])
    return _made(notice, c, "PASS" if met else "FAIL", fact, reasons)


def _thin(c: Criterion, fact: Fact) -> Finding | None:
    """Return why an improvement cannot be judged: too much of what it is made of is not known."""
    known = fact.result.coverage if fact.result is not None else None
    metric = BY_FACT.get(c.metric)
    if known is None or metric is None or not metric.interval or Fraction(known) >= LEAST_KNOWN:
        return None
    return finding(
        "criteria.coverage",
        f"{c.metric}: the records cover {Decimal(known) * 100:.2f} % of the time, at least "
        f"{LEAST_KNOWN * 100} % are needed to compare; see the counters named below",
        coverage=known,
    )


def _unwitnessed(c: Criterion, fact: Fact) -> Finding | None:
    """Return why a figure about uploading proves nothing: the gateway received none of it."""
    metric = BY_FACT.get(c.metric)
    if metric is None or not metric.witnessed or fact.origin != "imported":
        return None
    return finding(
        "criteria.not_witnessed",
        f"{c.metric}: the receive times were imported, they are another system's word; only what "
        "the gateway received itself shows that data were uploaded",
    )


def _applies(notice: Notice, c: Criterion, project: Mapping[str, str]) -> Verdict | None:
    """Return the verdict of a criterion that does not apply, or of which that is not known."""
    unknown = []
    known = vocabulary(notice)
    for key, wanted in c.applies_when.items():
        words = words_of(wanted)
        if key not in project or (len(known[key]) > 1 and project[key] not in known[key]):
            unknown.append((key, words))
        elif project[key] not in words:
            why = f"applies where {key} is {' or '.join(words)}; this project: {project[key]}"
            return _made(notice, c, "NOT_APPLICABLE", None, [finding("criteria.applies", why)])
    if unknown:
        asked = ", ".join(
            f"project.{key} ({' or '.join(words)}?{_got(project, key)})" for key, words in unknown
        )
        why = f"whether it applies is not known: state {asked}"
        outcome: Outcome = "NOT_APPLICABLE" if c.strength == "info" else "NOT_ASSESSABLE"
        return _made(notice, c, outcome, None, [finding("criteria.applies_unknown", why)])
    return None


def _got(project: Mapping[str, str], key: str) -> str:
    return f" got {project[key]!r}" if key in project else ""


def _fact_for(
    c: Criterion, facts: Mapping[str, Fact], declared: Mapping[str, Fact]
) -> tuple[Fact | None, list[Finding]]:
    fact = facts.get(c.metric)
    if fact is not None:
        return fact, list(fact.findings)
    stated = declared.get(c.metric)
    if c.evidence_kind == "measured":
        ignored = "; what is stated of it cannot replace a measurement" if stated else ""
        why = f"{c.metric} is not measured in this version{ignored}"
        return None, [finding("criteria.not_measured", why)]
    if stated is not None:
        if c.unit == "%" and isinstance(stated.value, Fraction):
            stated = replace(stated, value=stated.value / 100)
        if c.evidence_kind == "computed":
            why = f"{c.metric} is stated by the applicant, not computed from records"
            return stated, [finding("criteria.stated", why)]
        return stated, []
    why = f"no statement: give declared.{c.metric}"
    return None, [finding("criteria.not_stated", why)]


def _rolled_up(
    notice: Notice, c: Criterion, project: Mapping[str, str], verdicts: Sequence[Verdict]
) -> Verdict:
    early = _applies(notice, c, project)
    if early is not None:
        return early
    parts = [
        v
        for v in verdicts
        if v.strength == "hard"
        and v.outcome != "NOT_APPLICABLE"
        and any(v.criterion.startswith(p) for p in c.rolls_up)
    ]
    failed = [v for v in parts if v.outcome == "FAIL"]
    points = [v for v in parts if v.outcome == "PASS_POINT"]
    others = [v for v in parts if v.outcome not in ("PASS", "PASS_POINT", "FAIL")]
    outcome: Outcome = "PASS"
    named: list[Verdict] = []
    if failed:
        outcome, named = "FAIL", failed
    elif others or not parts:
        outcome, named = "NOT_ASSESSABLE", others
    elif points:
        outcome, named = "PASS_POINT", points
    why = f"{len(parts)} conditions apply; {outcome}: {', '.join(v.criterion for v in named)}"
    reasons = [finding("criteria.rolls_up", why)] if outcome != "PASS" else []
    return _made(notice, c, outcome, None, reasons)


def _made(
    notice: Notice, c: Criterion, outcome: Outcome, fact: Fact | None, reasons: Sequence[Finding]
) -> Verdict:
    r = fact.result if fact else None
    threshold = c.threshold
    shown = ", ".join(threshold) if isinstance(threshold, tuple) else _word(threshold)
    return Verdict(
        criterion=c.id,
        notice=notice.key,
        clause=c.clause,
        text_zh=c.text_zh,
        metric=c.metric,
        comparator=c.comparator,
        threshold=shown,
        unit=c.unit,
        evidence_kind=c.evidence_kind,
        strength=c.strength,
        outcome=outcome,
        figure=_figure(c, fact.value) if fact else None,
        numerator=r.numerator if r else None,
        denominator=r.denominator if r else None,
        coverage=r.coverage if r else None,
        origin=fact.origin if fact else "none",
        reasons=tuple(reasons),
    )


def _word(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _figure(c: Criterion, value: FactValue | None) -> str | None:
    if isinstance(value, Fraction):
        return text(value * 100 if c.unit == "%" else value)
    if isinstance(value, tuple):
        return ", ".join(value)
    return None if value is None else _word(value)
