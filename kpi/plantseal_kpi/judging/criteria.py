"""Judging: facts against the criteria of a notice. Only comparators are code.

A measured criterion is answered by measured facts alone: what the applicant states cannot
replace a figure. A missing fact is NOT_ASSESSABLE, never a silent pass or fail. Where a figure is a
sample, PASS needs the end of its interval too; the point alone is PASS_POINT.

Source: definitions 3.5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from plantseal_kpi.figures import finding, text
from plantseal_kpi.judging.characters import worst
from plantseal_kpi.judging.comparing import NEARLY, compare, mismatches, on_the_edge
from plantseal_kpi.judging.conditions import applies, resolved
from plantseal_kpi.judging.derived import derived
from plantseal_kpi.judging.facts import Fact, FactValue, caps, shown, unfit
from plantseal_kpi.judging.notices import Criterion, Notice
from plantseal_kpi.judging.remedies import both_forms, named, remedy
from plantseal_kpi.judging.tracks import rolled
from plantseal_kpi.metrics import BY_FACT
from plantseal_kpi.report import Finding, Outcome, Verdict

Facts = Mapping[str, Fact]
_SITE = ("fail_if>=", "recompute_if<=")


def judge(
    notice: Notice, facts: Facts, project: Mapping[str, str], declared: Facts
) -> list[Verdict]:
    """Return one verdict a criterion, in the notice's order.

    Args:
        notice: What is asked.
        facts: Measured and computed facts by id.
        project: What the project is (track, build, project_class, region, …).
        declared: Facts stated by the applicant by id.
    """
    known = {**derived(notice, facts, declared), **facts}
    plain = {
        c.id: _verdict(notice, c, known, project, declared)
        for c in notice.criteria
        if not c.rolls_up
    }
    return [
        plain[c.id] if c.id in plain else _rolled_up(notice, c, project, list(plain.values()))
        for c in notice.criteria
    ]


def _verdict(
    notice: Notice, c: Criterion, facts: Facts, project: Mapping[str, str], declared: Facts
) -> Verdict:
    early = _early(notice, c, project)
    if early is not None:
        return early
    c, open_threshold = resolved(notice, c, project)
    if open_threshold is not None:
        return _made(notice, c, "NOT_ASSESSABLE", None, [open_threshold])
    fact, reasons = _fact_for(c, facts, declared)
    if c.comparator == "info":
        return _made(notice, c, "REPORTED", fact, reasons)
    if c.comparator == "report":
        given = fact is not None and fact.value is not None
        left_out = c.strength == "hard" and not given
        return _made(notice, c, "NOT_ASSESSABLE" if left_out else "REPORTED", fact, reasons)
    if fact is None or fact.value is None:
        return _made(notice, c, "NOT_ASSESSABLE", fact, reasons)
    value, counted = worst(c, fact.value)
    fact, reasons = replace(fact, value=value), [*counted, *reasons]
    try:
        outcome, why = _compared(c, fact, value)
    except TypeError as e:
        wrong = finding("criteria.type", f"{c.metric}: {e}; state it in another form")
        return _made(notice, c, "NOT_ASSESSABLE", fact, [*reasons, wrong])
    broken = unfit(fact)
    if broken is not None:
        return _made(notice, c, "NOT_ASSESSABLE", fact, [broken, *reasons])
    unsure = _unsure(c, fact) if outcome == "PASS" else []
    if outcome == "PASS" and (unsure or any(caps(f) for f in reasons)):
        outcome = "PASS_POINT"
    return _made(notice, c, outcome, fact, [*why, *unsure, *reasons])


def _unsure(c: Criterion, fact: Fact) -> list[Finding]:
    """Return why a value that meets the threshold may not, where time or pieces are unknown."""
    r = fact.result
    end = None if r is None else (r.high if c.comparator == "<=" else r.low)
    if end is None or not isinstance(fact.value, Fraction) or compare(c, Fraction(end)):
        return []
    ends = text(Fraction(end) * 100) + "%" if c.unit == "%" else end
    why = (
        f"{c.metric}: the point value meets the threshold; what is not known of time or pieces may "
        f"bring it to {ends}, which does not"
    )
    return [finding("criteria.unknown_bound", why, bound=ends)]


def _compared(c: Criterion, fact: Fact, value: FactValue) -> tuple[Outcome, list[Finding]]:
    """Return the outcome of a value that exists, before the rules of the data.

    Raises:
        TypeError: The value is of a kind that the comparator cannot take.
    """
    if c.comparator in _SITE:
        outcome, note = mismatches(c, value)
        return outcome, [note] if note else []
    if not compare(c, value):
        return "FAIL", _tolerance(c)
    if on_the_edge(c, value):
        why = f"{c.metric}: exactly the day named; that 以后 or 以前 includes it is our reading"
        return "PASS", [finding("criteria.exact_day", why)]
    if not fact.sampled:
        return "PASS", _tolerance(c)
    end = _end(c, fact)
    if end is None:
        why = (
            f"{c.metric}: the point value meets the threshold; no confidence interval goes with it"
        )
        return "PASS_POINT", [finding("criteria.no_interval", why)]
    if not compare(c, end):
        ends = (
            text(end * 100 if c.unit == "%" else end) if isinstance(end, Fraction) else shown(end)
        )
        why = (
            f"{c.metric}: the point value meets the threshold, the end of its interval, {ends}"
            f"{c.unit if c.unit == '%' else ''}, does not"
        )
        return "PASS_POINT", [finding("criteria.bound", why, bound=ends)]
    return "PASS", []


def _end(c: Criterion, fact: Fact) -> FactValue | None:
    """Return the end of the interval that speaks against the claim."""
    return fact.high if c.comparator in ("<=", "is_false") else fact.low


def _tolerance(c: Criterion) -> list[Finding]:
    if c.comparator != "approx":
        return []
    why = f"左右 has no tolerance in the notice; {NEARLY * 100} % either way is our reading"
    return [finding("criteria.tolerance", why)]


def _early(notice: Notice, c: Criterion, project: Mapping[str, str]) -> Verdict | None:
    """Return the verdict of a criterion that does not apply, or of which that is not known."""
    holds, why = applies(notice, c.applies_when, project)
    if why is None:
        return None
    outcome: Outcome = (
        "NOT_APPLICABLE" if holds == "no" or c.strength == "info" else "NOT_ASSESSABLE"
    )
    return _made(notice, c, outcome, None, [why])


def _fact_for(c: Criterion, facts: Facts, declared: Facts) -> tuple[Fact | None, list[Finding]]:
    fact, stated = facts.get(c.metric), declared.get(c.metric)
    measured = c.evidence_kind == "measured"
    metric = BY_FACT.get(c.metric)
    sampled, witnessed = (metric.interval, metric.witnessed) if metric else (False, False)
    if fact is not None:
        fact = replace(fact, sampled=fact.sampled or sampled, witnessed=fact.witnessed or witnessed)
    if fact is not None and (fact.value is not None or stated is None or measured):
        return fact, list(fact.findings)
    if measured:
        ignored = "; what is stated of it cannot replace a measurement" if stated else ""
        why = f"{c.metric} is not measured in this version{ignored}"
        return None, [finding("criteria.not_measured", why)]
    if stated is None:
        why = f"no statement: give declared.{c.metric}"
        return None, [finding("criteria.not_stated", why)]
    stated = replace(stated, sampled=sampled)
    if c.unit == "%" and isinstance(stated.value, Fraction):
        stated = replace(stated, value=stated.value / 100)
    if c.evidence_kind != "computed":
        return stated, []
    why = f"{c.metric} is stated by the applicant, not computed from records"
    return stated, [finding("criteria.stated", why), *(fact.findings if fact else ())]


def _rolled_up(
    notice: Notice, c: Criterion, project: Mapping[str, str], verdicts: Sequence[Verdict]
) -> Verdict:
    early = _early(notice, c, project)
    if early is not None:
        return early
    parts = [
        v
        for v in verdicts
        if v.strength == "hard" and any(v.criterion.startswith(p) for p in c.rolls_up)
    ]
    outcome, decided = rolled(parts)
    applying = sum(v.outcome != "NOT_APPLICABLE" for v in parts)
    why = f"{applying} conditions apply; {outcome}: {', '.join(v.criterion for v in decided)}"
    reasons = [finding("criteria.rolls_up", why)] if outcome != "PASS" else []
    return _made(notice, c, outcome, None, reasons)


def _made(
    notice: Notice, c: Criterion, outcome: Outcome, fact: Fact | None, reasons: Sequence[Finding]
) -> Verdict:
    r = fact.result if fact else None
    forms = both_forms(c, fact) if fact else []
    todo = [] if c.rolls_up else remedy(c, outcome, fact, reasons)
    return Verdict(
        criterion=c.id,
        notice=notice.key,
        clause=c.clause,
        text_zh=c.text_zh,
        metric=c.metric,
        comparator=c.comparator,
        threshold=_threshold(c),
        unit=c.unit,
        evidence_kind=c.evidence_kind,
        strength=c.strength,
        outcome=outcome,
        figure=_printed(c, fact.value) if fact else None,
        bound=_printed(c, _end(c, fact)) if fact else None,
        formula=(fact.formula or (r.formula if r else "")) if fact else "",
        numerator=r.numerator if r else None,
        denominator=r.denominator if r else None,
        coverage=r.coverage if r else None,
        origin=fact.origin if fact else "none",
        reasons=named([*reasons, *forms, *todo]),
    )


def _threshold(c: Criterion) -> str:
    if isinstance(c.threshold, dict):
        return ", ".join(f"{k}: {v}" for k, v in c.threshold.items())
    return shown(c.threshold)


def _printed(c: Criterion, value: FactValue | None) -> str | None:
    if value is None:
        return None
    return text(value * 100) if c.unit == "%" and isinstance(value, Fraction) else shown(value)
