"""``evaluate``: the one entry for gateway and verifier.

Pure: rows and plant in, report out. The same rows give the same report to the last digit, whatever
their order, their division into files or the number of threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from plantseal_kpi.business.figures import business_results
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.calendar import Span, local_text, period_span
from plantseal_kpi.energy.comprehensive import comprehensive_results
from plantseal_kpi.energy.per_unit import energy_results
from plantseal_kpi.figures import finding
from plantseal_kpi.judging.conditions import unasked
from plantseal_kpi.judging.criteria import judge
from plantseal_kpi.judging.facts import declared_facts, facts_from
from plantseal_kpi.judging.notices import load_notice, notice_keys
from plantseal_kpi.judging.tracks import tracks
from plantseal_kpi.machines.collection import collection_results
from plantseal_kpi.machines.equipment import equipment_results
from plantseal_kpi.machines.loops import loop_results
from plantseal_kpi.machines.network import network_results
from plantseal_kpi.machines.production import machines, production_results
from plantseal_kpi.machines.upload import upload_results
from plantseal_kpi.plant import Period, Plant
from plantseal_kpi.proof.improvements import improvement_results
from plantseal_kpi.report import Finding, Report, Result, Verdict
from plantseal_kpi.rows.lines import CONTEXT_NS
from plantseal_kpi.rows.marks import number
from plantseal_kpi.rows.notes import row_findings
from plantseal_kpi.rows.parts import Rows
from plantseal_kpi.rows.source import Source, in_span, read
from plantseal_kpi.rows.window import Window, window
from plantseal_kpi.schema import Flag
from plantseal_kpi.study import Study
from plantseal_kpi.versions import Chosen, Version, chosen

__all__ = ["CONTEXT_NS", "Worked", "evaluate", "report_json", "spans", "upload_figures", "worked"]


def spans(plant: Plant, period: Period) -> tuple[Span, ...]:
    """Return the spans [start, end) [ns] whose rows the report of ``period`` depends on.

    The period and, before the project, the baseline period, each widened by :data:`CONTEXT_NS`.
    A row is in a span when its source or its receive time is.
    """
    wanted = [period_span(period)]
    if plant.baseline is not None and plant.baseline.period is not None:
        wanted.append(period_span(plant.baseline.period))
    return tuple((start - CONTEXT_NS, end + CONTEXT_NS) for start, end in wanted)


def evaluate(
    rows: Rows,
    plant: Plant | Sequence[Version],
    period: Period,
    *,
    ledgers: Ledgers | None = None,
) -> Report:
    """Return all figures and verdicts of ``period``.

    Live and imported rows are never summed in one figure: a period with live rows is computed from
    those alone; imported ones serve baselines and periods before the gateway existed.

    Args:
        rows: Frame as :data:`plantseal_kpi.schema.ROWS`, or parts of it; rows outside
            :func:`spans` and of other tags are not used.
        plant: Register, calendar, points, baseline, declarations; or all configurations of a log,
            of which :func:`plantseal_kpi.versions.chosen` takes what counts for the period.
        period: What is reported.
        ledgers: Business records by name.

    Raises:
        ValueError: The frame lacks a column or has another dtype; a notice is unknown.
    """
    done = worked(rows, plant, period, ledgers=ledgers)
    choice, source, now, results = done.choice, done.source, done.now, done.results
    plant = now.window.plant
    span = now.window.start, now.window.end
    verdicts = tuple(_verdicts(plant, results))
    return Report(
        site=plant.site,
        start=local_text(span[0], plant.zone),
        end=local_text(span[1], plant.zone),
        window=choice.window,
        windows=choice.windows,
        rows_live=_count(source.rows, span, imported=False),
        rows_imported=_count(source.rows, span, imported=True),
        results=results,
        verdicts=verdicts,
        tracks=tuple(
            t for k in plant.notices for t in tracks(load_notice(k), verdicts, plant.project)
        ),
        findings=(
            *choice.findings,
            *_findings(now.window, logged=choice.logged),
            *unasked([load_notice(k) for k in plant.notices], plant.project, plant.declared),
        ),
    )


@dataclass(frozen=True, slots=True)
class Worked:
    """All figures of a period with what they were made of.

    Attributes:
        choice: What judges the period.
        source: The rows that were read.
        now: The period.
        before: The time before the project; None without any record of it.
        results: Every figure, improvements last.
    """

    choice: Chosen
    source: Source
    now: Study
    before: Study | None
    results: tuple[Result, ...]


def worked(
    rows: Rows,
    plant: Plant | Sequence[Version],
    period: Period,
    *,
    ledgers: Ledgers | None = None,
) -> Worked:
    """Return the figures of ``period`` before they are judged; arguments as :func:`evaluate`."""
    # As it stands in the log: what a verifier reads back from JSON and what the gateway holds in
    # memory must be the same plant.
    choice = Chosen(plant) if isinstance(plant, Plant) else chosen(plant, period)
    plant = Plant.model_validate_json(choice.plant.model_dump_json())
    unknown = sorted(set(plant.notices) - set(notice_keys()))
    if unknown:
        raise ValueError(f"notices: got {unknown}, expected any of {', '.join(notice_keys())}")
    source = read(rows, plant, [(a + CONTEXT_NS, b - CONTEXT_NS) for a, b in spans(plant, period)])
    records = ledgers or {}
    now = _study(window(source, plant, period_span(period)), records)
    before = _before(source, plant, records)
    results = (*now.results, *improvement_results(now, before))
    return Worked(choice, source, now, before, results)


def upload_figures(rows: Rows, plant: Plant, period: Period) -> list[Result]:
    """Return the upload rate of the plant and its machines alone, as :func:`evaluate` would.

    For a live view: baselines, counters and verdicts are left out.
    """
    span = period_span(period)
    return upload_results(window(read(rows, plant, [span]), plant, span))


def _study(w: Window, ledgers: Ledgers) -> Study:
    upload = upload_results(w)
    done = machines(w)
    results = (
        *upload,
        *network_results(w, upload[0]),
        *equipment_results(w, upload),
        *collection_results(w, upload[0]),
        *loop_results(w),
        *production_results(w, done, ledgers),
        *energy_results(w, done),
        *comprehensive_results(w, done, ledgers.get("energy_bills")),
    )
    business = business_results(w.plant, (w.start, w.end), ledgers, results)
    return Study(w, ledgers, tuple(done), (*results, *business))


def _before(source: Source, plant: Plant, ledgers: Ledgers) -> Study | None:
    """Return the time before the project; None without a baseline period or any record of it."""
    base = plant.baseline
    if base is None or base.kind != "pre_project" or base.period is None:
        return None
    w = window(source, plant, period_span(base.period), prefer="imported")
    if w.origin == "none" and not ledgers:
        return None
    done = machines(w)
    results = (*production_results(w, done, ledgers), *energy_results(w, done))
    business = business_results(plant, (w.start, w.end), ledgers, results)
    return Study(w, ledgers, tuple(done), (*results, *business))


def _verdicts(plant: Plant, results: Sequence[Result]) -> list[Verdict]:
    kind = plant.baseline.kind if plant.baseline else None
    facts = facts_from(results, kind)
    declared = declared_facts(plant.declared)
    return [
        verdict
        for key in plant.notices
        for verdict in judge(load_notice(key), facts, plant.project, declared)
    ]


def _findings(w: Window, *, logged: bool) -> list[Finding]:
    found = []
    if w.origin == "none":
        found.append(finding("rows.none", "no row of any registered point lies in the period"))
    if w.other:
        other = "imported" if w.origin == "live" else "live"
        found.append(
            finding(
                "rows.other_origin",
                f"{w.other} {other} rows lie in the period too; the figures are made of "
                f"{w.origin} rows alone",
                rows=w.other,
            )
        )
    found += row_findings(w)
    if w.plant.calendar.stops and not logged:
        found.append(
            finding(
                "calendar.stops",
                "planned stops are taken from the configuration in force; that each was recorded "
                "before it began is for the log to show",
            )
        )
    return found


def _count(frame: pl.DataFrame, span: Span, *, imported: bool) -> int:
    flag = (pl.col("flags") & int(Flag.IMPORTED)) != 0
    return number(frame.filter(in_span(*span) & (flag if imported else ~flag)))


def report_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON values that RFC 8785 can hold: texts, small integers, null."""
    return report.model_dump(mode="json")
