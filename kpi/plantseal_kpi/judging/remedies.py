"""What goes beside a verdict: both forms of an improvement, how far off, and what to do next."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding, text
from plantseal_kpi.judging.facts import Fact, shown
from plantseal_kpi.judging.notices import Criterion
from plantseal_kpi.report import Finding, Outcome

POINTS: Final = (
    "on_time_delivery_gain", "overall_equipment_utilisation_gain", "logistics_cost_share_reduction",
    "defect_rate_reduction",
)  # fmt: skip
"""Improvements of figures that are shares themselves: 提升(%) might mean points."""
_CUTS: Final = ("staff_optimisation_ratio",)
_NEXT: Final[dict[tuple[Outcome, str], str]] = {
    ("FAIL", "measured"): "what the figure lost stands in its findings and parts; mend that and "
    "report a window declared anew",
    ("FAIL", "computed"): "check the ledger's rows of both periods and the accounts in scope; the "
    "figure changes with the records alone",
    ("FAIL", "declared"): "meet it, then state it anew with its proof",
    ("FAIL", "document"): "change the dossier, then count it anew",
    ("FAIL", "authority"): "it is the authority's act: answer it there",
    ("NOT_ASSESSABLE", "measured"): "connect or register what the findings name; a statement "
    "cannot replace it",
    ("NOT_ASSESSABLE", "computed"): "import the ledger that the figure needs, for both periods",
    ("NOT_ASSESSABLE", "declared"): "state it under declared and keep its proof",
    ("NOT_ASSESSABLE", "document"): "finish the dossier and state what it holds under declared",
    ("NOT_ASSESSABLE", "authority"): "state it under declared once the authority has acted",
    ("UNDECIDED", "authority"): "ask the authority which reading holds",
}
_SAY_SO: Final = (
    "criteria.type", "criteria.not_stated", "criteria.applies_unknown", "criteria.threshold_unknown",
)  # fmt: skip
_POINT_ONLY: Final = (
    "the point value is enough for the notice, not for its proof: more pieces or a longer window "
    "narrow the interval"
)
_STATED: Final = (
    "a statement is enough for a point value only: import the ledger that the figure needs, for "
    "both periods"
)


def remedy(
    c: Criterion, outcome: Outcome, fact: Fact | None, reasons: Sequence[Finding]
) -> list[Finding]:
    """Return what to do next, with the distance to the threshold.

    Nothing after a plain pass, nor where a reason already says what to state.
    """
    if any(f.code in _SAY_SO for f in reasons):
        return []
    if outcome == "PASS_POINT":
        stated = any(f.code == "criteria.stated" for f in reasons)
        return [finding("criteria.remedy", _STATED if stated else _POINT_ONLY)]
    todo = _NEXT.get((outcome, c.evidence_kind))
    if todo is None:
        return []
    return [finding("criteria.remedy", "; ".join([*_distance(c, outcome, fact), todo]))]


def _distance(c: Criterion, outcome: Outcome, fact: Fact | None) -> list[str]:
    if outcome != "FAIL" or fact is None:
        return []
    if c.comparator in (">=", "<=") and isinstance(fact.value, Fraction):
        limit = Fraction(str(c.threshold))
        is_ = fact.value * 100 if c.unit == "%" else fact.value
        unit = " points" if c.unit == "%" else f" {c.unit}".rstrip()
        word = "short by" if c.comparator == ">=" else "over by"
        return [
            f"is {text(is_)}, asked {c.comparator} {text(limit)}: {word} {text(abs(is_ - limit))}{unit}"
        ]
    if c.comparator == "contains_all" and isinstance(c.threshold, tuple):
        has = fact.value if isinstance(fact.value, tuple) else (fact.value,)
        return [f"missing: {shown(tuple(x for x in c.threshold if x not in has))}"]
    if c.comparator == "subset_of" and isinstance(c.threshold, tuple):
        has = fact.value if isinstance(fact.value, tuple) else (fact.value,)
        return [f"not listed by the notice: {shown(tuple(x for x in has if x not in c.threshold))}"]
    return [f"is {shown(fact.value)}, asked {c.comparator} {shown(c.threshold)}"]


def both_forms(c: Criterion, fact: Fact) -> list[Finding]:
    """Return an improvement in its other form: 8 % up is not 8 % down; points where it is a share.

    A gain g in output per input is a cut of 1 - 1/(1 + g) in input per output, and the reverse.

    Source: definitions 1.3.
    """
    x = fact.value
    up = c.metric.endswith("_gain")
    if c.unit != "%" or not isinstance(x, Fraction):
        return []
    if not (up or c.metric.endswith("_reduction") or c.metric in _CUTS):
        return []
    other = x / (1 + x) if up and x > -1 else x / (1 - x) if not up and x < 1 else None
    said = [f"{c.metric} {_percent(x)} % relative to before"]
    if other is not None:
        said.append(
            f"the same as {_percent(other)} % {'less per unit' if up else 'more for the same'}"
        )
    r = fact.result
    if c.metric in POINTS and r is not None and r.parts.get("before") and r.parts.get("after"):
        points = Fraction(r.parts["after"]) - Fraction(r.parts["before"])
        said.append(
            f"{_percent(points)} points; the notice states no base, relative is our reading"
        )
    return [finding("criteria.both_forms", "; ".join(said))]


def _percent(share: Fraction) -> str:
    return text(share * 100)


def named(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings without repetition, in order."""
    return tuple({(f.code, f.message): f for f in reversed(findings)}.values())[::-1]
