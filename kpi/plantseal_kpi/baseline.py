"""Before and after: what the improvements are measured against.

改造项目 compare with the plant before the project, from records imported for that period; 新建项目
compare with a cited industry figure. Without either there is no improvement to state.

Source: 渝经信智能〔2020〕15号 附件1 一(五); definitions 1.1 (baseline rule) and 3.5 (windows).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from plantseal_kpi import defects, efficiency, energy
from plantseal_kpi.figures import finding, result, text
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Origin, Result

Terms = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Before:
    """A figure of the time before the project.

    Attributes:
        terms: Numerator and denominator; None where there is none.
        origin: Where it comes from.
        findings: What qualifies it.
    """

    terms: Terms | None
    origin: Origin
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Improvement:
    """How an improvement is formed from one figure before and after."""

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
        "(d0 - d1) / d0",
    ),
    Improvement(
        "production_efficiency_gain", "production_efficiency", efficiency.VERSION,
        efficiency.production_efficiency_gain, "x1 / x0 - 1",
    ),
    Improvement(
        "energy_utilisation_gain", "energy_per_unit", energy.VERSION,
        energy.energy_utilisation_gain, "e0 / e1 - 1", (_RAW,),
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
    return Before(terms, found.origin, (note, *found.findings))


def improvement_results(
    plant: Plant, now: Sequence[Result], earlier: Sequence[Result]
) -> list[Result]:
    """Return each improvement of the plant; null with the reason where a side is missing."""
    then = {r.metric: r for r in earlier if r.scope == "plant"}
    current = {r.metric: r for r in now if r.scope == "plant"}
    out = []
    for improvement in IMPROVEMENTS:
        past = before(plant, improvement.of, then)
        present = current.get(improvement.of)
        after = plant_terms(now, improvement.of)
        found = [*improvement.notes, *past.findings]
        if after is None:
            found.append(
                finding("baseline.no_figure", f"{improvement.of}: no figure in the period")
            )
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
                improvement.metric, improvement.version, "plant", *terms, origin=origin,
                parts=parts, formula=improvement.formula, findings=found,
            )
        )  # fmt: skip
    return out


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
