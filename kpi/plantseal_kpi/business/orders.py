"""Orders: delivered in full by the first promised date, and how long an order takes.

A date promised later does not count: the first promise is what the customer was told.

Source: definitions 2.4 订单准时交付率, 订单完成周期; 渝经信智能〔2021〕114号 附件5 fields 12, 13.
"""

from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.business.forms import (
    Change,
    Term,
    Terms,
    days_in,
    gain,
    no_ledger,
    no_records,
    reduction,
)  # fmt: skip
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.business.survival import Duration, quantile, survival_median
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N21, Metric
from plantseal_kpi.report import Finding, Result

VERSION = 1
FULL: Final = (
    pl.col("delivered").is_not_null() & (pl.col("delivered_quantity") >= pl.col("ordered"))
).fill_null(value=False)
"""True for a line that is delivered in full."""


def on_time_delivery(on_time: int, due: int) -> Terms:
    """Return order lines in full by the first promised date over lines due.

    Example:
        >>> on_time_delivery(9, 10)
        (9, 10)
    """
    return on_time, due


def order_cycle(days: list[int]) -> Terms | None:
    """Return the median order cycle [days] as (numerator, denominator); None without orders.

    Example:
        >>> order_cycle([3, 4, 10, 5])
        (9, 2)
    """
    median = survival_median([(d, True) for d in days])
    return None if median is None else median.as_integer_ratio()


def on_time_delivery_gain(before: Terms, after: Terms) -> Terms:
    """Return r1 / r0 - 1, relative; the difference in points stands beside it.

    Example:
        >>> on_time_delivery_gain((80, 100), (88, 100))
        (800, 8000)
    """
    return gain(before, after)


def order_cycle_reduction(before: Terms, after: Terms) -> Terms:
    """Return 1 - m1 / m0 of the median order cycle.

    Example:
        >>> order_cycle_reduction((10, 1), (9, 1))
        (1, 10)
    """
    return reduction(before, after)


def order_results(t: Term, ledgers: Ledgers) -> list[Result]:
    """Return the on-time rate [1] and the order cycle [d] of a period."""
    missing = no_ledger(ledgers, "orders", "on_time_delivery")
    if missing is not None:
        return [
            result("on_time_delivery", VERSION, "plant", None, None, origin="none",
                   findings=[missing]),
            result("order_cycle", VERSION, "plant", None, None, unit="d", origin="none",
                   findings=[missing]),
        ]  # fmt: skip
    lines = ledgers["orders"].with_columns(full=FULL)
    return [_on_time(lines, t), _cycle(lines, t)]


def _on_time(lines: pl.DataFrame, t: Term) -> Result:
    due = lines.filter(days_in(t, "promised_first"))
    good = due.filter(pl.col("full") & (pl.col("delivered") <= pl.col("promised_first"))).height
    moved = due.filter(
        pl.col("promised").is_not_null() & (pl.col("promised") != pl.col("promised_first"))
    )
    late_by_now = moved.filter(pl.col("full") & (pl.col("delivered") <= pl.col("promised")))
    found = _unknown(due, "on_time_delivery")
    if not due.height:
        found.append(no_records("orders", t, "on_time_delivery"))
    else:
        found += _bare_months(due, t)
    if moved.height:
        why = f"{moved.height} of {due.height} lines due were promised anew; the first date counts"
        found.append(finding("orders.promised_anew", f"on_time_delivery: {why}", n=moved.height))
    return result(
        "on_time_delivery", VERSION, "plant", *on_time_delivery(good, due.height),
        origin="imported",
        parts={
            "due": due.height, "on_time": good, "promised_anew": moved.height,
            "on_time_by_later_promise": late_by_now.height,
            "open": due.filter(~pl.col("full")).height,
        },
        formula="{n} lines in full by the first promised date / {d} lines due", findings=found,
    )  # fmt: skip


def _bare_months(due: pl.DataFrame, t: Term) -> list[Finding]:
    """Return which whole months have no line due: a part of the ledger may be missing."""
    have = set(due["promised_first"].dt.month_end().to_list())
    bare = [f"{m:%Y-%m}" for m in t.months if m not in have]
    if not bare:
        return []
    why = f"no line was due in {', '.join(bare)}; see that the ledger orders is complete"
    return [finding("orders.months", f"on_time_delivery: {why}", months=",".join(bare))]


def order_days(t: Term, ledgers: Ledgers) -> list[int]:
    """Return, for each order completed in the period, the days from confirmation to its last line."""
    days: list[int] = completed(ledgers["orders"].with_columns(full=FULL), t)["days"].to_list()
    return days


def durations(t: Term, ledgers: Ledgers) -> list[Duration]:
    """Return :func:`order_days` as a sample for an interval; all of them have ended."""
    return [(d, True) for d in order_days(t, ledgers)]


def completed(lines: pl.DataFrame, t: Term) -> pl.DataFrame:
    """Return the orders (order, confirmed, delivered, days) of ``lines`` completed in the period.

    Args:
        lines: Order lines with ``full``, by :data:`FULL`.
        t: The period.
    """
    whole = lines.group_by("order").agg(
        pl.col("full").all(), pl.max("delivered"), pl.min("confirmed")
    )
    return (
        whole.filter(pl.col("full") & days_in(t, "delivered"))
        .with_columns(days=(pl.col("delivered") - pl.col("confirmed")).dt.total_days())
        .sort("days", "order")
    )


def _cycle(lines: pl.DataFrame, t: Term) -> Result:
    done = completed(lines, t)
    days: list[int] = done["days"].to_list()
    waiting = lines.filter(~pl.col("full") & (pl.col("confirmed") < t.end))["order"].n_unique()
    found = _unknown(lines.filter(days_in(t, "delivered")), "order_cycle")
    if not days:
        found.append(no_records("orders", t, "order_cycle"))
    if waiting:
        why = f"{waiting} orders confirmed before {t.end} are not complete; they are not in it"
        found.append(finding("orders.open", f"order_cycle: {why}", n=waiting))
    return result(
        "order_cycle", VERSION, "plant", *(order_cycle(days) or (None, None)), unit="d",
        origin="imported",
        parts={"n": len(days), "p90_d": quantile(days, Fraction(9, 10)) if days else None,
               "open": waiting},
        formula=f"median of {len(days)} orders completed = {{n}} / {{d}} days", findings=found,
    )  # fmt: skip


def _unknown(lines: pl.DataFrame, metric: str) -> list[Finding]:
    n = lines.filter(
        pl.col("delivered").is_not_null() & pl.col("delivered_quantity").is_null()
    ).height
    if not n:
        return []
    why = f"{n} delivered lines do not say how many pieces; they count as not in full"
    return [finding("orders.quantity", f"{metric}: {why}", n=n)]


METRICS: Final = (
    Metric("on_time_delivery", VERSION, "订单准时交付率", "1", on_time_delivery, ("orders",),
           "definitions 2.4"),
    Metric("on_time_delivery_gain", VERSION, "订单准时交付率提升", "1", on_time_delivery_gain,
           ("orders", "baseline"), f"{N21} 附件5 field 12", ("on_time_delivery_gain",),
           interval=True),
    Metric("order_cycle", VERSION, "订单完成周期", "d", order_cycle, ("orders",),
           "definitions 2.4"),
    Metric("order_cycle_reduction", VERSION, "订单完成周期缩短", "1", order_cycle_reduction,
           ("orders", "baseline"), f"{N21} 附件5 field 13", ("order_cycle_reduction",),
           interval=True),
)  # fmt: skip
IMPROVEMENTS: Final = (
    Change("on_time_delivery_gain", "on_time_delivery", VERSION, on_time_delivery_gain,
           "r1 / r0 - 1 with r0 = {n0} / {d0}, r1 = {n1} / {d1}"),
    Change("order_cycle_reduction", "order_cycle", VERSION, order_cycle_reduction,
           "1 - m1 / m0 with m0 = {n0} / {d0}, m1 = {n1} / {d1} days"),
)  # fmt: skip
