"""Operating cost per standard hour, at the prices of the baseline, and the share of logistics.

Prices are taken out: every booking after the baseline says what the same quantities cost at the
baseline's prices. The figure at actual prices stands beside it.

Source: definitions 2.4; 渝经信智能〔2020〕15号 附件1 一(五) 运营成本降低15%以上;
〔2021〕114号 附件5 field 14.
"""

from typing import Final

import polars as pl

from plantseal_kpi.business.forms import (
    HOUR_NS,
    Change,
    Term,
    Terms,
    days_in,
    missing_months,
    no_ledger,
    no_records,
    reduction,
    total,
)  # fmt: skip
from plantseal_kpi.business.output import Output
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N20, N21, Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Result

VERSION = 1


def operating_cost(cost_fen: int, earned_ns: int) -> Terms:
    """Return (cost, standard hours) as fen per hour, at the prices of the baseline.

    Example:
        >>> n, d = operating_cost(1_000, 2 * HOUR_NS)
        >>> n / d
        500.0
    """
    return cost_fen * HOUR_NS, earned_ns


def operating_cost_actual_prices(cost_fen: int, earned_ns: int) -> Terms:
    """Return (cost, standard hours) as fen per hour, as booked."""
    return cost_fen * HOUR_NS, earned_ns


def logistics_cost_share(logistics_fen: int, cost_fen: int) -> Terms:
    """Return logistics over operating cost, as booked, same accounts.

    Example:
        >>> logistics_cost_share(5, 100)
        (5, 100)
    """
    return logistics_fen, cost_fen


def operating_cost_reduction(before: Terms, after: Terms) -> Terms:
    """Return 1 - c1 / c0 of the cost per standard hour at the baseline's prices.

    Example:
        >>> operating_cost_reduction((100, 1), (85, 1))
        (15, 100)
    """
    return reduction(before, after)


def logistics_cost_share_reduction(before: Terms, after: Terms) -> Terms:
    """Return (s0 - s1) / s0 of the logistics share.

    Example:
        >>> logistics_cost_share_reduction((5, 100), (4, 100))
        (100, 500)
    """
    return reduction(before, after)


def cost_results(plant: Plant, t: Term, ledgers: Ledgers, output: Output) -> list[Result]:
    """Return the cost figures of a period; null with the reason where bookings are missing."""
    missing = no_ledger(ledgers, "costs", "operating_cost")
    if missing is not None:
        return [
            result("operating_cost", VERSION, "plant", None, None, unit="fen/h", origin="none",
                   findings=[missing]),
            result("logistics_cost_share", VERSION, "plant", None, None, origin="none",
                   findings=[missing]),
        ]  # fmt: skip
    accounts = plant.business.cost_accounts
    booked = ledgers["costs"].filter(days_in(t))
    inside = booked.filter(pl.col("account").is_in(accounts)) if accounts else booked
    found = missing_months(inside, "costs", t, "operating_cost")
    if not inside.height:
        found.append(no_records("costs", t, "operating_cost"))
    idle = sorted(set(accounts) - set(inside["account"].to_list()))
    if idle:
        why = f"no booking of account {', '.join(idle)}; check the numbers in cost_accounts"
        found.append(finding("costs.account", f"operating_cost: {why}", accounts=",".join(idle)))
    return _figures(t, inside, output, found)


def _figures(t: Term, inside: pl.DataFrame, output: Output, found: list[Finding]) -> list[Result]:
    actual, priced = total(inside, "amount"), _priced(inside, t)
    logistics = total(inside.filter(kind="logistics"), "amount")
    blocked = any(f.code.startswith("unassessable.") for f in found) or not inside.height
    parts = {
        "cost_fen": actual,
        "cost_baseline_prices_fen": priced,
        "accounts": ",".join(sorted(set(inside["account"].to_list()))),
        "kinds": ",".join(sorted(set(inside["kind"].to_list()))),
        "months": len(t.months),
        "standard_output": output.source,
    }
    unpriced = []
    if priced is None:
        n = inside["amount_baseline_prices"].null_count()
        why = f"{n} of {inside.height} bookings lack amount_baseline_prices; prices that moved "
        why += "would be taken for a saving; give each at the prices of the baseline"
        unpriced.append(finding("unassessable.costs.prices", f"operating_cost: {why}", lacking=n))
    out = []
    for name, cost, more in (
        ("operating_cost", priced, unpriced), ("operating_cost_actual_prices", actual, [])
    ):  # fmt: skip
        known = not blocked and cost is not None and output.earned_ns is not None
        terms = operating_cost(cost or 0, output.earned_ns or 0) if known else (None, None)
        out.append(
            result(
                name, VERSION, "plant", *terms, unit="fen/h", origin="imported", parts=parts,
                formula=f"{cost} fen / {output.earned_ns} ns of standard hours x {HOUR_NS} ns/h",
                findings=[*found, *more, *output.findings],
            )
        )  # fmt: skip
    moved = inside.filter(kind="logistics").height > 0
    share = (None, None) if blocked or not moved else logistics_cost_share(logistics, actual)
    if inside.height and not moved:
        why = "no booking is of kind logistics; book 0 where there was no such cost"
        found = [*found, finding("costs.logistics", f"logistics_cost_share: {why}")]
    out.append(
        result(
            "logistics_cost_share", VERSION, "plant", *share, origin="imported", parts=parts,
            formula="{n} fen of logistics / {d} fen of operating cost", findings=found,
        )
    )  # fmt: skip
    return out


def _priced(inside: pl.DataFrame, t: Term) -> int | None:
    """Return the cost at the baseline's prices [fen]; in the baseline itself, what was booked."""
    if t.baseline:
        return total(inside, "amount")
    if inside["amount_baseline_prices"].null_count():
        return None
    return total(inside, "amount_baseline_prices")


METRICS: Final = (
    Metric("operating_cost", VERSION, "单位标准产出运营成本", "fen/h", operating_cost,
           ("costs", "output"), "definitions 2.4"),
    Metric("operating_cost_actual_prices", VERSION, "单位标准产出运营成本（现价）", "fen/h",
           operating_cost_actual_prices, ("costs", "output"), "definitions 2.4"),
    Metric("operating_cost_reduction", VERSION, "运营成本降低", "1", operating_cost_reduction,
           ("costs", "output", "baseline"), f"{N20} 附件1 一(五)", ("operating_cost_reduction",)),
    Metric("logistics_cost_share", VERSION, "物流成本占比", "1", logistics_cost_share,
           ("costs",), "definitions 2.4"),
    Metric("logistics_cost_share_reduction", VERSION, "物流成本占比降低", "1",
           logistics_cost_share_reduction, ("costs", "baseline"), f"{N21} 附件5 field 14",
           ("logistics_cost_share_reduction",)),
)  # fmt: skip
IMPROVEMENTS: Final = (
    Change("operating_cost_reduction", "operating_cost", VERSION, operating_cost_reduction,
           "1 - c1 / c0 with c0 = {n0} / {d0}, c1 = {n1} / {d1} fen per standard hour",
           ("accounts", "standard_output")),
    Change("logistics_cost_share_reduction", "logistics_cost_share", VERSION,
           logistics_cost_share_reduction,
           "(s0 - s1) / s0 with s0 = {n0} / {d0}, s1 = {n1} / {d1}", ("accounts",)),
)  # fmt: skip
