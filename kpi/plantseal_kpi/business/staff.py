"""People: line staff per standard hour, labour productivity, output per direct labour hour.

Head counts are those of the month ends in the period; one missing month end makes the figures
null, since a month without a count is not a month without people.

Source: definitions 2.4 优化人员比例, 生产效率 (variants); 渝经信智能〔2021〕114号 附件5 field 8.
"""

from typing import Final, Literal

import polars as pl

from plantseal_kpi.business.forms import (
    HOUR_NS,
    Change,
    Term,
    Terms,
    days_in,
    gain,
    missing_months,
    no_ledger,
    reduction,
    total,
)  # fmt: skip
from plantseal_kpi.business.output import Output
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import result
from plantseal_kpi.metric import N21, Metric
from plantseal_kpi.report import Finding, Result

VERSION = 1


def line_staff(person_months: int, earned_ns: int) -> Terms:
    """Return line staff [person months] per standard hour.

    Example:
        >>> n, d = line_staff(6, 3 * HOUR_NS)
        >>> n / d
        2.0
    """
    return person_months * HOUR_NS, earned_ns


def labour_productivity(value_added_fen: int, persons: int, months: int) -> Terms:
    """Return value added over average staff [fen/person]; ``persons`` summed over month ends.

    Example:
        >>> labour_productivity(120_000, 20, 2)
        (240000, 20)
    """
    return value_added_fen * months, persons


def efficiency_per_labour_hour(earned_ns: int, worked_ns: int) -> Terms:
    """Return standard hours earned per direct labour hour worked.

    Example:
        >>> efficiency_per_labour_hour(8, 10)
        (8, 10)
    """
    return earned_ns, worked_ns


def staff_optimisation_ratio(before: Terms, after: Terms) -> Terms:
    """Return (n0 - n1) / n0 of line staff at equal standard output.

    Example:
        >>> staff_optimisation_ratio((10, 1), (8, 1))
        (2, 10)
    """
    return reduction(before, after)


def labour_productivity_gain(before: Terms, after: Terms) -> Terms:
    """Return x1 / x0 - 1 of the labour productivity, of periods of equal length.

    Example:
        >>> labour_productivity_gain((10, 1), (11, 1))
        (1, 10)
    """
    return gain(before, after)


def labour_hour_efficiency_gain(before: Terms, after: Terms) -> Terms:
    """Return x1 / x0 - 1 of the standard hours earned per direct labour hour.

    Example:
        >>> labour_hour_efficiency_gain((8, 10), (9, 10))
        (10, 80)
    """
    return gain(before, after)


def staff_results(t: Term, ledgers: Ledgers, output: Output) -> list[Result]:
    """Return the figures about people of a period, each null with the reason where it is."""
    return [
        _line_staff(t, ledgers, output), _productivity(t, ledgers), _labour(t, ledgers, output)
    ]  # fmt: skip


def _line_staff(t: Term, ledgers: Ledgers, output: Output) -> Result:
    persons, found = _persons(t, ledgers, "line_staff", line_only=True)
    known = persons is not None and output.earned_ns is not None
    terms = line_staff(persons or 0, output.earned_ns or 0) if known else (None, None)
    return result(
        "line_staff", VERSION, "plant", *terms, unit="person-month/h",
        origin="imported" if known else "none",
        parts={"person_months": persons, "months": len(t.months),
               "standard_output": output.source},
        formula=f"{persons} person months of line staff / {output.earned_ns} ns of standard hours "
        f"x {HOUR_NS} ns/h",
        findings=[*found, *output.findings],
    )  # fmt: skip


def _productivity(t: Term, ledgers: Ledgers) -> Result:
    persons, found = _persons(t, ledgers, "labour_productivity", line_only=False)
    value, more = _sum(t, ledgers, "value_added", "amount", "labour_productivity")
    months = len(t.months)
    known = persons is not None and value is not None
    terms = labour_productivity(value or 0, persons or 0, months) if known else (None, None)
    return result(
        "labour_productivity", VERSION, "plant", *terms, unit="fen/person",
        origin="imported" if known else "none",
        parts={"value_added_fen": value, "person_months": persons, "months": months},
        formula=f"{value} fen of value added / ({persons} persons over {months} month ends)",
        findings=[*found, *more],
    )  # fmt: skip


def _labour(t: Term, ledgers: Ledgers, output: Output) -> Result:
    worked, found = _sum(t, ledgers, "labour", "worked", "efficiency_per_labour_hour")
    known = worked is not None and output.earned_ns is not None
    terms = (
        efficiency_per_labour_hour(output.earned_ns or 0, worked or 0) if known else (None, None)
    )
    return result(
        "efficiency_per_labour_hour", VERSION, "plant", *terms,
        origin="imported" if known else "none",
        parts={"worked_ns": worked, "standard_output": output.source},
        formula="{n} ns of standard hours earned / {d} ns of direct labour",
        findings=[*found, *output.findings],
    )  # fmt: skip


def _persons(
    t: Term, ledgers: Ledgers, metric: str, *, line_only: bool
) -> tuple[int | None, list[Finding]]:
    """Return head counts summed over the month ends of the period."""
    missing = no_ledger(ledgers, "staff", metric)
    if missing is not None:
        return None, [missing]
    counted = ledgers["staff"].filter(pl.col("date").is_in(t.months))
    counted = counted.filter(kind="line") if line_only else counted
    found = missing_months(counted, "staff", t, metric)
    blocked = any(f.code.startswith("unassessable.") for f in found)
    return None if blocked else total(counted, "persons"), found


def _sum(
    t: Term, ledgers: Ledgers, ledger: Literal["value_added", "labour"], column: str, metric: str
) -> tuple[int | None, list[Finding]]:
    missing = no_ledger(ledgers, ledger, metric)
    if missing is not None:
        return None, [missing]
    booked = ledgers[ledger].filter(days_in(t))
    found = missing_months(booked, ledger, t, metric)
    blocked = any(f.code.startswith("unassessable.") for f in found)
    return None if blocked else total(booked, column), found


METRICS: Final = (
    Metric("line_staff", VERSION, "单位标准工时产线人员", "person-month/h", line_staff,
           ("staff", "output"), "definitions 2.4"),
    Metric("staff_optimisation_ratio", VERSION, "优化人员比例", "1", staff_optimisation_ratio,
           ("staff", "output", "baseline"), f"{N21} 附件5 field 8", ("staff_optimisation_ratio",)),
    Metric("labour_productivity", VERSION, "全员劳动生产率", "fen/person", labour_productivity,
           ("value_added", "staff"), "definitions 2.4"),
    Metric("labour_productivity_gain", VERSION, "全员劳动生产率提高", "1",
           labour_productivity_gain, ("value_added", "staff", "baseline"),
           f"{N21} 263号附件3"),
    Metric("efficiency_per_labour_hour", VERSION, "单位直接工时产出", "1",
           efficiency_per_labour_hour, ("labour", "output"), "definitions 2.4"),
    Metric("labour_hour_efficiency_gain", VERSION, "单位直接工时产出提高", "1",
           labour_hour_efficiency_gain, ("labour", "output", "baseline"), "definitions 2.4"),
)  # fmt: skip
IMPROVEMENTS: Final = (
    Change("staff_optimisation_ratio", "line_staff", VERSION, staff_optimisation_ratio,
           "1 - n1 / n0 with n0 = {n0} / {d0}, n1 = {n1} / {d1} person months per standard hour",
           ("standard_output",)),
    Change("labour_productivity_gain", "labour_productivity", VERSION, labour_productivity_gain,
           "x1 / x0 - 1 with x0 = {n0} / {d0}, x1 = {n1} / {d1} fen per person", ("months",)),
    Change("labour_hour_efficiency_gain", "efficiency_per_labour_hour", VERSION,
           labour_hour_efficiency_gain,
           "x1 / x0 - 1 with x0 = {n0} / {d0}, x1 = {n1} / {d1} ns earned of worked",
           ("standard_output",)),
)  # fmt: skip
