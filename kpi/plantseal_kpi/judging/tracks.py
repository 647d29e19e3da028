"""Tracks: where the applicant stands on each track of a notice, its criteria rolled up.

Hard criteria decide; of a mode of 智能制造新模式 every element does, since 附件1 二(二) of 〔2020〕15号 asks for
them all. What the authority has not done yet is no fault of the applicant: it stays open and is
named, and decides once it is stated.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from plantseal_kpi.figures import finding
from plantseal_kpi.judging.conditions import applies
from plantseal_kpi.judging.notices import Notice, Roll
from plantseal_kpi.report import Finding, Outcome, Track, Verdict

RANK: Final[tuple[Outcome, ...]] = ("FAIL", "NOT_ASSESSABLE", "UNDECIDED", "PASS_POINT", "PASS")
"""The first that occurs is the outcome of the whole."""
_MET: Final[tuple[Outcome, ...]] = ("PASS", "REPORTED")


def rolled(verdicts: Sequence[Verdict]) -> tuple[Outcome, list[Verdict]]:
    """Return the outcome of several verdicts together, and those that decided it.

    What does not apply is left out; what is only reported is met. NOT_ASSESSABLE where nothing
    applies: nothing was shown.
    """
    parts = [v for v in verdicts if v.outcome != "NOT_APPLICABLE"]
    if not parts:
        return "NOT_ASSESSABLE", []
    for outcome in RANK[:-1]:
        decided = [v for v in parts if v.outcome == outcome]
        if decided:
            return outcome, decided
    return "PASS", []


def tracks(notice: Notice, verdicts: Sequence[Verdict], project: Mapping[str, str]) -> list[Track]:
    """Return where the applicant stands on each track of a notice, in the notice's order.

    Args:
        notice: The notice.
        verdicts: Its verdicts as :func:`plantseal_kpi.judging.criteria.judge` gives them; those of
            other notices are left out.
        project: What the project is.
    """
    mine = [v for v in verdicts if v.notice == notice.key]
    return [_track(notice, roll, mine, project) for roll in notice.tracks]


def _track(
    notice: Notice, roll: Roll, verdicts: Sequence[Verdict], project: Mapping[str, str]
) -> Track:
    holds, why = applies(notice, roll.when, project)
    if why is not None:
        outcome: Outcome = "NOT_APPLICABLE" if holds == "no" else "NOT_ASSESSABLE"
        return _made(notice, roll, outcome, {}, [why])
    asked = [
        v
        for v in verdicts
        if v.outcome != "NOT_APPLICABLE"
        and v.strength in (("hard", "soft") if roll.soft else ("hard",))
        and v.criterion.startswith(roll.criteria)
    ]
    waiting = [v for v in asked if v.evidence_kind == "authority" and v.outcome == "NOT_ASSESSABLE"]
    outcome, decided = rolled([v for v in asked if v not in waiting])
    reasons = [_named(outcome, v) for v in decided]
    if not asked:
        reasons.append(finding("tracks.nothing", f"no criterion of {roll.name_zh} applies"))
    if waiting:
        why_open = f"open, acts of the authority: {', '.join(v.criterion for v in waiting)}"
        reasons.append(finding("tracks.authority", why_open))
    if roll.elements:
        reasons.append(_elements(roll, asked))
    else:
        reasons += _soft(roll, verdicts)
    return _made(notice, roll, outcome, Counter(v.outcome for v in asked), reasons)


def _named(outcome: Outcome, v: Verdict) -> Finding:
    todo = next((f.message for f in v.reasons if f.code == "criteria.remedy"), "")
    text = f"{v.criterion} {v.clause} {v.text_zh}: {outcome}" + (f"; {todo}" if todo else "")
    return finding("tracks.decided", text, criterion=v.criterion)


def _soft(roll: Roll, verdicts: Sequence[Verdict]) -> list[Finding]:
    """Return the soft criteria that are not met: they decide nothing, and are not hidden."""
    below = [
        v.criterion
        for v in verdicts
        if v.strength == "soft" and v.outcome == "FAIL" and v.criterion.startswith(roll.criteria)
    ]
    why = f"soft criteria not met, they decide nothing: {', '.join(below)}"
    return [finding("tracks.soft", why)] if below else []


def _elements(roll: Roll, asked: Sequence[Verdict]) -> Finding:
    """Return how many of the numbered elements are met: one is when all its criteria are."""
    prefix = roll.criteria[0]
    by_element: dict[str, list[Verdict]] = {}
    for v in asked:
        by_element.setdefault(v.criterion.removeprefix(prefix).rstrip("abcdefgh"), []).append(v)
    met = [
        n
        for n, parts in by_element.items()
        if all(v.outcome in (*_MET, "PASS_POINT") for v in parts)
    ]
    open_ = sorted(set(by_element) - set(met), key=int)
    text = f"{len(met)} of {roll.elements} elements met" + (
        f"; not: {', '.join(open_)}" if open_ else ""
    )
    return finding("tracks.elements", text, met=len(met), of=roll.elements)


def _made(
    notice: Notice, roll: Roll, outcome: Outcome, counts: Mapping[Outcome, int],
    reasons: Sequence[Finding],
) -> Track:  # fmt: skip
    return Track(
        notice=notice.key,
        id=roll.id,
        name_zh=roll.name_zh,
        outcome=outcome,
        counts={o: str(counts[o]) for o in sorted(counts)},
        reasons=tuple(reasons),
    )
