"""Before and after: what the improvements are measured against.

改造项目 compare with the plant before the project, from records imported for that period; 新建项目
compare with a cited industry figure. Without either there is no improvement to state.

Source: 渝经信智能〔2020〕15号 附件1 一(五); definitions 1.1 (baseline rule) and 3.5 (windows).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from plantseal_kpi.energy import per_unit as energy
from plantseal_kpi.figures import finding, result, text
from plantseal_kpi.machines import defects, efficiency
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Origin, Result
from plantseal_kpi.study import Study

Terms = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Before:
    """A figure of the time before the project.

    Attributes:
        terms: Numerator and denominator; None where there is none.
        origin: Where it comes from.
        findings: What qualifies it.
        figure: The figure itself, where records gave it.
    """

    terms: Terms | None
    origin: Origin
    findings: tuple[Finding, ...] = ()
    figure: Result | None = None


@dataclass(frozen=True, slots=True)
class Improvement:
    """How an improvement is formed from one figure before and after.

    Attributes:
        formula: With places for the terms before (n0, d0) and after (n1, d1).
    """

    metric: str
    of: str
    version: int
    form: Callable[[Terms, Terms], Terms]
    formula: str
    notes: tuple[Finding, ...] = ()


_RAW: Final = finding(
    "energy.raw",
    "raw form: not adjusted for volume, mix or weather; a base load alone makes it better when "
    "more is made; the adjusted baseline is not part of this version",
)
IMPROVEMENTS: Final = (
    Improvement(
        "defect_rate_reduction", "defect_rate", defects.VERSION, defects.defect_rate_reduction,
        "(d0 - d1) / d0 with d0 = {n0} / {d0} not good of made, d1 = {n1} / {d1}",
    ),
    Improvement(
        "production_efficiency_gain", "production_efficiency", efficiency.VERSION,
        efficiency.production_efficiency_gain, "x1 / x0 - 1 with x0 = {n0} / {d0} ns earned of planned, x1 = {n1} / {d1}",
    ),
    Improvement(
        "energy_utilisation_gain", "energy_per_unit", energy.VERSION,
        energy.energy_utilisation_gain, "e0 / e1 - 1 with e0 = {n0} / {d0} Wh per good piece, e1 = {n1} / {d1}", (_RAW,),
    ),
)  # fmt: skip


def plant_terms(results: Sequence[Result], metric: str) -> Terms | None:
    """Return numerator and denominator of the plant's figure, or None if it has no value."""
    for r in results:
        if r.metric == metric and r.scope == "plant" and r.value is not None:
            return int(r.numerator or 0), int(r.denominator or 0)
    return None


def before(plant: Plant, metric: str, earlier: Mapping[str, Result]) -> Before:
    """Return the figure of ``metric`` before the project, measured or cited."""
    base = plant.baseline
    if base is None:
        why = "no baseline is configured; give its period or a cited industry figure"
        return Before(None, "none", (finding("baseline.missing", f"{metric}: {why}"),))
    if base.kind == "industry_average":
        cited = base.figures.get(metric)
        if cited is None:
            why = f"the cited industry figures lack {metric}"
            return Before(None, "none", (finding("baseline.figure_missing", why),))
        exact = Fraction(cited)
        note = finding("baseline.cited", f"{metric} {cited} from: {base.citation}")
        return Before((exact.numerator, exact.denominator), "declared", (note,))
    found = earlier.get(metric)
    if found is None or found.value is None:
        why = f"{metric}: no records in the baseline period give it; import them"
        return Before(None, "none", (finding("baseline.no_records", why),))
    terms = int(found.numerator or 0), int(found.denominator or 0)
    note = finding("baseline.origin", f"the baseline comes from {found.origin} records")
    return Before(terms, found.origin, (note, *found.findings), found)


def improvement_results(now: Study, earlier: Study | None) -> list[Result]:
    """Return each improvement of the plant; null with the reason where a side is missing."""
    plant = now.window.plant
    then = {r.metric: r for r in earlier.results if r.scope == "plant"} if earlier else {}
    current = {r.metric: r for r in now.results if r.scope == "plant"}
    out = []
    for improvement in IMPROVEMENTS:
        past = before(plant, improvement.of, then)
        present = current.get(improvement.of)
        after = plant_terms(now.results, improvement.of)
        found = [*improvement.notes, *past.findings]
        if after is None:
            found.append(
                finding("baseline.no_figure", f"{improvement.of}: no figure in the period")
            )
        if present is not None:
            known = {f.code + f.message for f in found}
            found += [f for f in present.findings if f.code + f.message not in known]
        found += _boundary(past.figure, present)
        terms: tuple[int | None, int | None] = (None, None)
        parts: dict[str, int | str | Fraction | None] = {}
        if past.terms and after:
            terms = improvement.form(past.terms, after)
            parts = _sides(improvement, past.terms, after)
        origin: Origin = present.origin if present else "none"
        if past.terms and past.origin != origin:
            origin = "mixed"
        out.append(
            result(
                improvement.metric, improvement.version, "plant", *terms,
                coverage=_coverage(past.figure, present), origin=origin, parts=parts,
                formula=improvement.formula.format(
                    **dict(zip(("n0", "d0"), past.terms or "??", strict=True)),
                    **dict(zip(("n1", "d1"), after or "??", strict=True)),
                ),
                findings=found,
            )
        )  # fmt: skip
    return out


def _coverage(*sides: Result | None) -> Terms | None:
    """Return the smaller coverage of both sides: no claim is known better than its worse half."""
    known = [Fraction(r.coverage) for r in sides if r is not None and r.coverage is not None]
    return min(known).as_integer_ratio() if known else None


def _boundary(past: Result | None, present: Result | None) -> list[Finding]:
    """Return which machines and meters stand on one side of the comparison only."""
    if past is None or present is None:
        return []
    found = []
    for what in ("machines", "meters"):
        then, now = past.parts.get(what, ""), present.parts.get(what, "")
        if then != now:
            why = f"{what} before: {then or 'none'}; after: {now or 'none'}; compare like with like"
            found.append(finding("baseline.boundary", why, what=what, before=then, after=now))
    return found


def _sides(
    improvement: Improvement, past: Terms, after: Terms
) -> dict[str, int | str | Fraction | None]:
    parts: dict[str, int | str | Fraction | None] = {
        "before_numerator": past[0],
        "before_denominator": past[1],
        "after_numerator": after[0],
        "after_denominator": after[1],
    }
    if past[1] and after[1]:
        parts["before"], parts["after"] = Fraction(*past), Fraction(*after)
    if improvement.metric == "energy_utilisation_gain":
        cut = energy.energy_per_unit_reduction(past, after)
        parts["energy_per_unit_reduction"] = text(Fraction(*cut)) if cut[1] else None
    if improvement.metric == "production_efficiency_gain":
        cut = (after[0] * past[1] - past[0] * after[1], after[0] * past[1])
        parts["time_per_unit_reduction"] = text(Fraction(*cut)) if cut[1] else None
    return parts
