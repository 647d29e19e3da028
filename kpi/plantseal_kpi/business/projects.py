"""R&D cycle: the median time from approval to release, open projects counted as not yet ended.

A period's sample is every project of the class released in it, and every one still open at its
end, which is censored there. Leaving slow projects open cannot shorten the figure.

Source: definitions 2.4 研发周期; 渝经信智能〔2020〕15号 附件1 二(八) 产品研发周期降低10%以上.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.business.forms import Change, Term, Terms, no_ledger, no_records, reduction
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.business.survival import Duration, survival_median
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Result

VERSION = 1
FEW = 5
"""Below this many released projects a median says little; it is said, the figure stands."""


def rd_cycle(durations: list[Duration]) -> Terms | None:
    """Return the median R&D cycle [days] as (numerator, denominator); None where it is not reached.

    Example:
        >>> rd_cycle([(100, True), (200, True), (250, False)])
        (200, 1)
    """
    median = survival_median(durations)
    return None if median is None else median.as_integer_ratio()


def rd_cycle_reduction(before: Terms, after: Terms) -> Terms:
    """Return 1 - m1 / m0 of the median R&D cycle.

    Example:
        >>> rd_cycle_reduction((200, 1), (170, 1))
        (30, 200)
    """
    return reduction(before, after)


def durations(plant: Plant, t: Term, ledgers: Ledgers) -> list[Duration]:
    """Return the sample of a period: days from approval, and whether the project was released."""
    return [duration(p, t) for p in sample_of(plant, t, ledgers).to_dicts()]


def project_results(plant: Plant, t: Term, ledgers: Ledgers) -> list[Result]:
    """Return the R&D cycle of a period, with n and all dates."""
    missing = no_ledger(ledgers, "projects", "rd_cycle")
    if missing is not None:
        return [
            result("rd_cycle", VERSION, "plant", None, None, unit="d", origin="none",
                   findings=[missing])
        ]  # fmt: skip
    sample = sample_of(plant, t, ledgers)
    listed = sample.to_dicts()
    ages = [duration(p, t) for p in listed]
    ended = sum(over for _, over in ages)
    terms = rd_cycle(ages)
    found = _notes(sample, t, ended, reached=terms is not None)
    return [
        result(
            "rd_cycle", VERSION, "plant", *(terms or (None, None)), unit="d", origin="imported",
            parts={
                "released": ended, "open": len(ages) - ended,
                "classes": ",".join(sorted(set(sample["cls"].to_list()))),
                "dates": "; ".join(_dates(p, t) for p in listed),
                **_by_class(listed, t),
            },
            formula=f"median of {ended} released and {len(ages) - ended} open projects "
            "(Kaplan-Meier) = {n} / {d} days",
            findings=found,
        )
    ]  # fmt: skip


def sample_of(plant: Plant, t: Term, ledgers: Ledgers) -> pl.DataFrame:
    """Return the projects of the class that were open at some time of the period, or ended in it."""
    left = pl.coalesce("released", "cancelled")
    alive = (pl.col("approved") < t.end) & (left.is_null() | (left >= t.first))
    chosen = plant.business.project_class
    kept = ledgers["projects"].filter(alive)
    kept = kept.filter(cls=chosen) if chosen else kept
    return kept.sort("approved", "project")


def _left(project: Mapping[str, object], t: Term) -> tuple[date, bool]:
    released, cancelled = project["released"], project["cancelled"]
    if isinstance(released, date) and released < t.end:
        return released, True
    if isinstance(cancelled, date) and cancelled < t.end:
        return cancelled, False
    return t.end, False


def duration(project: Mapping[str, object], t: Term) -> Duration:
    """Return the days of one project from approval, and whether it was released by the end."""
    left, over = _left(project, t)
    approved = project["approved"]
    assert isinstance(approved, date)  # noqa: S101  the schema says so
    return (left - approved).days, over


def _dates(project: Mapping[str, object], t: Term) -> str:
    left, over = _left(project, t)
    return (
        f"{project['project']} {project['approved']} to {left}{'' if over else ' (not released)'}"
    )


def _by_class(listed: list[dict[str, object]], t: Term) -> dict[str, int | str | Fraction | None]:
    classes = sorted({str(p["cls"]) for p in listed})
    if len(classes) < 2:
        return {}
    return {
        f"median_{c}_d": survival_median([duration(p, t) for p in listed if p["cls"] == c])
        for c in classes
    }


def _notes(sample: pl.DataFrame, t: Term, ended: int, *, reached: bool) -> list[Finding]:
    found = []
    if not sample.height:
        found.append(no_records("projects", t, "rd_cycle"))
    elif not reached:
        found.append(
            finding(
                "projects.median",
                f"rd_cycle: {ended} of {sample.height} projects were released, so the median is "
                "not reached; a longer period or more releases are needed",
            )
        )
    if sample.height and ended < FEW:
        why = f"{ended} released projects are few for a median; judge by the dates listed"
        found.append(finding("projects.few", f"rd_cycle: {why}", n=ended))
    classes = sorted(set(sample["cls"].to_list()))
    if len(classes) > 1:
        why = f"classes {', '.join(classes)} are pooled; choose one in business.project_class"
        found.append(finding("projects.classes", f"rd_cycle: {why}", classes=",".join(classes)))
    return found


METRICS: Final = (
    Metric("rd_cycle", VERSION, "产品研发周期", "d", rd_cycle, ("projects",), "definitions 2.4"),
    Metric("rd_cycle_reduction", VERSION, "产品研发周期降低", "1", rd_cycle_reduction,
           ("projects", "baseline"), f"{N20} 附件1 二(八)", ("rd_cycle_reduction",),
           interval=True),
)  # fmt: skip
IMPROVEMENTS: Final = (
    Change("rd_cycle_reduction", "rd_cycle", VERSION, rd_cycle_reduction,
           "1 - m1 / m0 with m0 = {n0} / {d0}, m1 = {n1} / {d1} days", ("classes",)),
)  # fmt: skip
