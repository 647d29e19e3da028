"""Inventory turns: cost of goods sold over the mean of 13 month-end stocks.

A year has 13 month ends, that of the month before it included. Fewer would let a plant pick its
empty days, so they are not assessable.

Source: definitions 2.4 库存周转率; 渝经信智能〔2021〕114号 附件5 field 10; ISO 22400-2:2014,
inventory turns (variant ``throughput``).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from plantseal_kpi.business.forms import (
    Change,
    Term,
    Terms,
    days_in,
    gain,
    missing_months,
    no_ledger,
    total,
)  # fmt: skip
from plantseal_kpi.business.output import Output
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N21, Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Result

VERSION = 1
POINTS = 13


def inventory_turns(throughput: int, stocks: Sequence[int]) -> Terms:
    """Return throughput over the mean stock, both in one unit (fen or pieces).

    Example:
        >>> inventory_turns(1200, [90, 100, 110])
        (3600, 300)
    """
    return throughput * len(stocks), sum(stocks)


def inventory_turnover_gain(before: Terms, after: Terms) -> Terms:
    """Return r1 / r0 - 1 of the inventory turns.

    Example:
        >>> inventory_turnover_gain((4, 1), (5, 1))
        (1, 4)
    """
    return gain(before, after)


def inventory_results(plant: Plant, t: Term, ledgers: Ledgers, output: Output) -> list[Result]:
    """Return the inventory turns of a period; null unless all 13 month ends are there."""
    by_cost = plant.business.turnover == "cogs"
    column, unit = ("value", "fen") if by_cost else ("pieces", "pieces")
    found: list[Finding] = []
    stocks: list[int] = []
    missing = no_ledger(ledgers, "inventory", "inventory_turns")
    if missing is not None:
        found.append(missing)
    else:
        stocks = _stocks(ledgers["inventory"], column, t, found)
    through, more = _cogs(t, ledgers) if by_cost else (output.pieces, list(output.findings))
    if through is None and not by_cost and not more:
        more = [finding("inventory.output", "inventory_turns: the ledger output gives the pieces")]
    known = len(stocks) == POINTS and through is not None
    items = "" if missing is not None else _items(ledgers["inventory"], t)
    terms = inventory_turns(through or 0, stocks) if known else (None, None)
    return [
        result(
            "inventory_turns", VERSION, "plant", *terms,
            origin="imported" if known else "none",
            parts={"turnover": plant.business.turnover, "items": items, "points": len(stocks),
                   "throughput": through, "stocks": ",".join(map(str, stocks))},
            formula=f"{through} {unit} / mean of {len(stocks)} month-end stocks = {{n}} / {{d}}",
            findings=[*found, *more],
        )
    ]  # fmt: skip


def _stocks(stock: pl.DataFrame, column: str, t: Term, found: list[Finding]) -> list[int]:
    """Return the stock at each month end of the period, and before it, summed over kinds."""
    wanted = [t.first - timedelta(days=1), *t.months]
    if not t.whole or len(wanted) != POINTS:
        found.append(
            finding(
                "unassessable.inventory.period",
                f"inventory_turns: the period {t.first} to {t.end} gives {len(wanted)} month ends, "
                f"expected {POINTS}: twelve whole months and the end of the month before",
            )
        )
    at = stock.filter(pl.col("date").is_in(wanted))
    have = {d: f for (d,), f in at.group_by("date")}
    lacks = [str(d) for d in wanted if d not in have or have[d][column].null_count()]
    if lacks:
        found.append(
            finding(
                "unassessable.inventory.points",
                f"inventory_turns: no {column} at {', '.join(lacks)}; all month ends are needed, "
                "with 0 where there was none",
                missing=",".join(lacks),
            )
        )
        return []
    kinds = {d: set(f["item"].to_list()) for d, f in have.items()}
    some = sorted(set().union(*kinds.values()) - set.intersection(*kinds.values()))
    if some:
        why = f"{', '.join(some)} is not given at every month end; give 0 where there was none"
        found.append(
            finding("unassessable.inventory.kinds", f"inventory_turns: {why}", items=",".join(some))
        )
        return []
    return [total(have[d], column) for d in wanted] if t.whole else []


def _items(stock: pl.DataFrame, t: Term) -> str:
    """Return the kinds of stock of the period: both sides of a comparison must have the same."""
    return ",".join(stock.filter(pl.col("date").is_in(t.months))["item"].unique().sort().to_list())


def _cogs(t: Term, ledgers: Ledgers) -> tuple[int | None, list[Finding]]:
    missing = no_ledger(ledgers, "finance", "inventory_turns")
    if missing is not None:
        return None, [missing]
    cogs = ledgers["finance"].filter(days_in(t)).filter(item="cogs")
    found = missing_months(cogs, "finance", t, "inventory_turns")
    if any(f.code.startswith("unassessable.") for f in found):
        return None, found
    return total(cogs, "amount"), found


METRICS: Final = (
    Metric("inventory_turns", VERSION, "库存周转率", "1", inventory_turns,
           ("inventory", "finance", "output"), "definitions 2.4"),
    Metric("inventory_turnover_gain", VERSION, "库存周转率提升", "1", inventory_turnover_gain,
           ("inventory", "finance", "output", "baseline"), f"{N21} 附件5 field 10",
           ("inventory_turnover_gain",)),
)  # fmt: skip
IMPROVEMENTS: Final = (
    Change("inventory_turnover_gain", "inventory_turns", VERSION, inventory_turnover_gain,
           "r1 / r0 - 1 with r0 = {n0} / {d0}, r1 = {n1} / {d1}", ("turnover", "items")),
)  # fmt: skip
