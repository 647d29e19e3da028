"""What the estimators need of a period besides its figures: shifts, lots, products.

Source: definitions 3.5 (X = PRU x GQ and Y = PBT per shift; lots or shifts as clusters).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from plantseal_kpi.business.forms import days_in, term, times_in
from plantseal_kpi.business.inspections import first_judged, lots_in
from plantseal_kpi.calendar import Span, common, shifts_of
from plantseal_kpi.machines import oee
from plantseal_kpi.machines.products import counts_in, cycle_ns, product_spans
from plantseal_kpi.machines.shifts import shift_work
from plantseal_kpi.machines.work import Machine
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Result
from plantseal_kpi.study import Study

Pairs = list[tuple[int, int]]
_ROLES = ("count_total", "count_good", "count_scrap")


def shift_sums(study: Study, machines: Sequence[Machine]) -> Pairs:
    """Return (standard time earned, planned time) [ns] of each shift, over machines, by time."""
    sums: dict[tuple[date, str], list[int]] = {}
    for work in shift_work(study.window, machines):
        at = sums.setdefault((work.day, work.shift), [work.start, 0, 0])
        at[0] = min(at[0], work.start)
        at[1] += work.earned_ns
        at[2] += work.times.pbt
    return [(x, y) for _, x, y in sorted(map(tuple, sums.values()))]


def of_oee(study: Study) -> list[Machine]:
    """Return the machines whose states and pieces form the OEE of the plant."""
    return [
        m
        for m in study.machines
        if m.states is not None
        and m.planned_ns
        and m.outputs is not None
        and not oee.contradicts(m.times, m.outputs)
    ]


def of_efficiency(study: Study) -> list[Machine]:
    """Return the machines that earn standard hours in planned time."""
    return [m for m in study.machines if m.outputs is not None and m.planned_ns]


def shifts_a_week(plant: Plant) -> int:
    """Return how many shifts a week has; days, where there are no shifts."""
    return sum(len(set(s.days)) for s in plant.calendar.shifts) or 7


def defect_lots(study: Study, figure: Result | None) -> Pairs:
    """Return (defects, pieces) of each cluster of pieces that are alike.

    Lots, where lots gave the figure; shifts, where counters did; the days of judgement, where
    pieces were judged one by one.

    Args:
        study: The period.
        figure: Its defect rate; the parts say what gave it.
    """
    judged_by = "counters" if figure is None else figure.parts.get("judged_by", "counters")
    w = study.window
    if judged_by.startswith("lot_"):
        lots = lots_in((w.start, w.end), study.ledgers)
        return [(lot.defective, lot.inspected) for lot in lots]
    if judged_by != "counters" and figure is not None:
        return _judged_by_day(study, figure.parts.get("inspection", ""))
    return _defects_by_shift(study)


def _judged_by_day(study: Study, inspection: str) -> Pairs:
    w = study.window
    if "inspections" not in study.ledgers:
        return []
    judged = study.ledgers["inspections"].filter(pl.col("inspection") == inspection)
    first = first_judged(judged).filter(times_in((w.start, w.end)))
    day = pl.col("time").dt.convert_time_zone(w.plant.zone).dt.date()
    days = first.group_by(day=day).agg(
        bad=(~pl.col("passed")).cast(pl.Int64).sum(), n=pl.len().cast(pl.Int64)
    )
    return [(bad, n) for bad, n in days.sort("day").select("bad", "n").iter_rows()]


def _defects_by_shift(study: Study) -> Pairs:
    w = study.window
    shifts: dict[tuple[date, str], list[Span]] = {}
    for day, name, start, end in shifts_of(w.plant, (w.start, w.end)):
        shifts.setdefault((day, name), []).append((start, end))
    sums = [[0, 0] for _ in shifts]
    scrap_only = w.plant.quality.variant == "scrap"
    for m in study.machines:
        planned = [common(spans, w.planned[m.equipment.id]) for spans in shifts.values()]
        counted: set[str] = {p.role for p in w.points_of(m.equipment, *_ROLES)}
        if m.made is None or (m.scrap if scrap_only else m.good) is None:
            continue
        for at, c in zip(sums, counts_in(w, m.equipment, planned, counted), strict=True):
            bad = c.scrap if scrap_only else None
            if bad is None and c.made is not None and c.good is not None and not scrap_only:
                bad = c.made - c.good
            if bad is not None and c.made is not None:
                at[0] += bad
                at[1] += c.made
    return [(k, n) for k, n in sums if 0 <= k <= n and n]


def earned_by_product(study: Study) -> dict[str, int]:
    """Return the standard time of good pieces by product [ns]; nothing where none is told apart.

    From the ledger ``output``, else from counters and product tags.
    """
    w = study.window
    if "output" in study.ledgers:
        t = term(w.plant, (w.start, w.end))
        made = study.ledgers["output"].filter(days_in(t))
        out: dict[str, int] = {}
        for product, good, each in made.select("product", "good", "standard").iter_rows():
            out[product] = out.get(product, 0) + good * each
        return out
    out = {}
    for m in study.machines:
        told = product_spans(w, m.equipment, w.planned[m.equipment.id])
        if told is None or m.outputs is None:
            continue
        counted: set[str] = {p.role for p in w.points_of(m.equipment, *_ROLES)}
        counts = counts_in(w, m.equipment, list(told.values()), counted)
        for product, c in zip(told, counts, strict=True):
            pru = cycle_ns(m.equipment, product)
            if pru is not None and c.good:
                out[product] = out.get(product, 0) + pru * c.good
    return out
