"""Investment of the project from its contract and invoice ledger, in 万元.

The whole ledger up to the period's end counts: an investment belongs to the project, not to a
reporting period. Civil works and other costs are listed and left out.

Source: 渝经信智能〔2020〕15号 正文一(三); 〔2024〕4号 正文二(五).
"""

from typing import Final

import polars as pl

from plantseal_kpi.business.forms import Term, Terms, no_ledger, total
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.plant.business import COST_KINDS
from plantseal_kpi.report import Finding, Result

VERSION = 1
_FEN: Final = 1_000_000  # in 1 万元
_N24: Final = "渝经信智能〔2024〕4号"


def equipment_software_investment(invoiced_fen: int) -> Terms:
    """Return what was invoiced for equipment, software and their services [万元].

    Example:
        >>> equipment_software_investment(1_000_000_000)
        (1000000000, 1000000)
    """
    return invoiced_fen, _FEN


def planned_total_investment(planned_fen: int) -> Terms:
    """Return what is planned for the six cost kinds of the notice [万元]."""
    return planned_fen, _FEN


def software_investment_share(software_fen: int, planned_fen: int) -> Terms:
    """Return planned software over the planned total.

    Example:
        >>> software_investment_share(300, 1000)
        (300, 1000)
    """
    return software_fen, planned_fen


def investment_cost_kinds(kinds: tuple[str, ...]) -> Terms:
    """Return how many kinds of cost the ledger lists, as (count, 1); ``parts.members`` names them.

    Kinds that the notice does not list are among them, so that they can be seen.
    """
    return len(kinds), 1


def investment_results(plant: Plant, t: Term, ledgers: Ledgers) -> list[Result]:
    """Return the investment figures; null without the ledger."""
    missing = no_ledger(ledgers, "investments", "investment")
    if missing is not None:
        return [
            result(name, VERSION, "plant", None, None, unit=unit, origin="none",
                   findings=[missing])
            for name, unit in (
                ("equipment_software_investment", "万元"), ("planned_total_investment", "万元"),
                ("software_investment_share", "1"), ("investment_cost_kinds", "count"),
            )
        ]  # fmt: skip
    items = ledgers["investments"]
    counted = items.filter(pl.col("kind").is_in(COST_KINDS))
    outside = items.filter(~pl.col("kind").is_in(COST_KINDS))
    found = []
    if outside.height:
        why = f"{outside.height} items of other kinds (civil works and the like) are left out"
        found.append(finding("investments.other", f"investment: {why}", n=outside.height))
    return [_invoiced(counted, t, found), *_planned(plant, counted, found), _kinds(items, found)]


def _invoiced(counted: pl.DataFrame, t: Term, found: list[Finding]) -> Result:
    billed = counted.filter(pl.col("invoiced").is_not_null())
    undated = billed.filter(pl.col("date").is_null())
    later = billed.filter(pl.col("date") >= t.end)
    more = []
    for rows, code, why in (
        (undated, "investments.undated", "have no invoice date and do not count; give the date"),
        (later, "investments.later", f"were invoiced on or after {t.end} and do not count"),
    ):
        if rows.height:
            named = ", ".join(rows["item"].sort().head(10).to_list())
            message = f"equipment_software_investment: {rows.height} items {why}: {named}"
            more.append(finding(code, message, n=rows.height))
    if not billed.height:
        more.append(_empty("equipment_software_investment", "does not say what was invoiced"))
    fen = total(billed.filter(pl.col("date") < t.end), "invoiced")
    terms = equipment_software_investment(fen) if billed.height else (None, None)
    return result(
        "equipment_software_investment", VERSION, "plant", *terms, unit="万元", origin="imported",
        parts=_by_kind(billed.filter(pl.col("date") < t.end), "invoiced"),
        formula="{n} fen invoiced / {d} fen per 万元", findings=[*found, *more],
    )  # fmt: skip


def _planned(plant: Plant, counted: pl.DataFrame, found: list[Finding]) -> list[Result]:
    planned = counted.filter(pl.col("planned").is_not_null())
    kinds = plant.business.software_kinds
    fen, software = total(planned, "planned"), total(
        planned.filter(pl.col("kind").is_in(kinds)), "planned"
    )  # fmt: skip
    lacks = counted.height - planned.height
    more = list(found)
    if lacks:
        why = f"{lacks} items have no planned amount and add nothing"
        more.append(finding("investments.unplanned", f"planned_total_investment: {why}", n=lacks))
    reading = finding(
        "investments.software",
        f"software_investment_share: {', '.join(kinds)} counts as software; the notice does not "
        "say which kinds do",
    )
    known = planned.height > 0
    bare = counted.filter(pl.col("planned").is_null() & ~pl.col("kind").is_in(kinds))
    blank = []
    if bare.height:
        named = ", ".join(bare["item"].sort().head(10).to_list())
        why = f"{bare.height} items that are no software have no planned amount, so the share of "
        why += f"software would look greater than it is; give their planned amounts: {named}"
        blank.append(
            finding("unassessable.investments.unplanned", f"software_investment_share: {why}",
                    n=bare.height)
        )  # fmt: skip
    if not known:
        more.append(_empty("planned_total_investment", "does not say what is planned"))
    return [
        result(
            "planned_total_investment", VERSION, "plant",
            *(planned_total_investment(fen) if known else (None, None)), unit="万元",
            origin="imported", parts=_by_kind(planned, "planned"),
            formula="{n} fen planned / {d} fen per 万元", findings=more,
        ),
        result(
            "software_investment_share", VERSION, "plant",
            *(software_investment_share(software, fen) if known and not blank else (None, None)),
            origin="imported", parts={"software_kinds": ",".join(kinds)},
            formula="{n} fen of software / {d} fen planned", findings=[*more, *blank, reading],
        ),
    ]  # fmt: skip


def _by_kind(items: pl.DataFrame, column: str) -> dict[str, int]:
    used = [k for k in COST_KINDS if k in items["kind"]]
    return {f"{k}_fen": total(items.filter(kind=k), column) for k in used}


def _kinds(items: pl.DataFrame, found: list[Finding]) -> Result:
    named = {*items["kind"].to_list()}
    kinds = (*(k for k in COST_KINDS if k in named), *sorted(named - {*COST_KINDS}))
    empty = [] if kinds else [_empty("investment_cost_kinds", "has no item")]
    return result(
        "investment_cost_kinds", VERSION, "plant",
        *(investment_cost_kinds(kinds) if kinds else (None, None)), unit="count",
        origin="imported",
        parts={"members": ",".join(kinds), "listed": len(named & {*COST_KINDS}),
               "other": len(named - {*COST_KINDS})},
        formula="{n} kinds of cost in the ledger investments", findings=[*found, *empty],
    )  # fmt: skip


def _empty(metric: str, what: str) -> Finding:
    why = f"{metric}: the ledger investments {what}; enter the project's contracts and invoices"
    return finding("ledger.empty", why, ledger="investments")


METRICS: Final = (
    Metric("equipment_software_investment", VERSION, "设备和软件投资", "万元",
           equipment_software_investment, ("investments",), f"{N20} 正文一(三)",
           ("equipment_software_investment",)),
    Metric("planned_total_investment", VERSION, "计划总投资", "万元", planned_total_investment,
           ("investments",), f"{_N24} 正文二(五)", ("planned_total_investment",)),
    Metric("software_investment_share", VERSION, "软件投资占比", "1", software_investment_share,
           ("investments",), f"{_N24} 正文二(五)", ("software_investment_share",)),
    Metric("investment_cost_kinds", VERSION, "投资费用类别", "count", investment_cost_kinds,
           ("investments",), f"{_N24} 正文二(五)", ("investment_cost_kinds",)),
)  # fmt: skip
