"""The time before the project: the figure of then, measured or cited.

改造项目 compare with the plant before the project, from records imported for that period; 新建项目
compare with a cited industry figure. Without either there is no improvement to state.

Source: 渝经信智能〔2020〕15号 附件1 一(五); definitions 1.1 (baseline rule).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Origin, Result

Terms = tuple[int, int]
_SHARES: Final = (
    "defect_rate", "oee", "on_time_delivery", "logistics_cost_share", "resource_utilisation",
)  # fmt: skip
"""Figures compared that cannot be above 1; 3 for 3 % would be taken for a great improvement."""


@dataclass(frozen=True, slots=True)
class Before:
    """A figure of the time before the project.

    Attributes:
        terms: Numerator and denominator; None where there is none.
        origin: Where it comes from.
        findings: What qualifies it.
        figure: The figure itself, where records gave it; None of a cited one.
    """

    terms: Terms | None
    origin: Origin
    findings: tuple[Finding, ...] = ()
    figure: Result | None = None


def plant_figures(results: Sequence[Result]) -> dict[str, Result]:
    """Return the figures of the whole plant by metric."""
    return {r.metric: r for r in results if r.scope == "plant"}


def terms_of(figure: Result | None) -> Terms | None:
    """Return numerator and denominator of a figure; None where it has no value."""
    if figure is None or figure.value is None:
        return None
    return int(figure.numerator or 0), int(figure.denominator or 0)


def before(plant: Plant, metric: str, earlier: Mapping[str, Result]) -> Before:
    """Return the figure of ``metric`` before the project, measured or cited.

    Args:
        plant: Its baseline says which of the two.
        metric: The figure compared.
        earlier: The plant's figures of the baseline period by metric.
    """
    base = plant.baseline
    if base is None:
        why = "no baseline is configured; give its period or a cited industry figure"
        return Before(None, "none", (finding("baseline.missing", f"{metric}: {why}"),))
    if base.kind == "industry_average":
        cited = base.figures.get(metric)
        if cited is None:
            why = f"the cited industry figures lack {metric}; add baseline.figures.{metric}"
            return Before(None, "none", (finding("baseline.figure_missing", why),))
        exact = Fraction(cited)
        if not 0 < exact <= (1 if metric in _SHARES else exact):
            span = "above 0 and at most 1, as a share" if metric in _SHARES else "above 0"
            why = f"the cited figure is {cited}, expected one {span}; correct baseline.figures.{metric}"
            return Before(None, "none", (finding("baseline.figure_wrong", f"{metric}: {why}"),))
        note = finding("baseline.cited", f"{metric} {cited} from: {base.citation}")
        return Before((exact.numerator, exact.denominator), "declared", (note,))
    found = earlier.get(metric)
    terms = terms_of(found)
    if found is None or terms is None:
        why = f"{metric}: no records in the baseline period give it; import them"
        own = found.findings if found is not None else ()
        return Before(None, "none", (finding("baseline.no_records", why), *own))
    note = finding("baseline.origin", f"the baseline comes from {found.origin} records")
    return Before(terms, found.origin, (note, *found.findings), found)
