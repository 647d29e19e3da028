"""Defects by inspection records, where they and not the counters judge the pieces.

``inspections``: one piece judged once. Where several inspections judged the same pieces, the
plant says which counts (``quality.inspection``); the others are printed. A piece judged again by
the same inspection counts by its first judgement. ``lots``: pieces inspected and defective a lot.

Source: definitions 2.4 (inspection scope), 4.1 (production day).
"""

from dataclasses import dataclass, field

import polars as pl

from plantseal_kpi.figures import finding
from plantseal_kpi.machines.oee import Terms
from plantseal_kpi.report import Finding, ratio
from plantseal_kpi.rows.window import Window
from plantseal_kpi.study import Ledgers


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the inspection records of a period say.

    Attributes:
        terms: (pieces not accepted at first pass, pieces inspected); null where they are unclear.
        by: Which records count.
        parts: The same of the other inspections.
    """

    terms: tuple[int | None, int | None]
    by: str
    parts: dict[str, int | str | None] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def first_judgements(records: pl.DataFrame) -> dict[str, Terms]:
    """Return (not passed, pieces) by inspection, each piece by its first judgement.

    Args:
        records: Columns ``part``, ``inspection``, ``time``, ``passed``. Of two judgements at the
            same time that differ, the one not passed counts.
    """
    first = records.sort("inspection", "part", "time", "passed").unique(
        ["inspection", "part"], keep="first", maintain_order=True
    )
    sums = first.group_by("inspection").agg(
        failed=(~pl.col("passed")).cast(pl.Int64).sum(), n=pl.len().cast(pl.Int64)
    )
    return {name: (failed, n) for name, failed, n in sums.sort("inspection").iter_rows()}


def disagreements(records: pl.DataFrame) -> int:
    """Return how many pieces one inspection passed and another did not."""
    return (
        records.group_by("part")
        .agg(differ=pl.col("passed").n_unique())
        .filter(pl.col("differ") > 1)
        .height
    )


def inspected(w: Window, ledgers: Ledgers) -> Inspected | None:
    """Return what the inspection records of the period say; None where no ledger judges pieces."""
    if "inspections" in ledgers:
        return _by_piece(_inside(w, ledgers["inspections"]), w.plant.quality.inspection)
    if "lots" in ledgers:
        return _by_lot(_inside(w, ledgers["lots"]))
    return None


def _inside(w: Window, records: pl.DataFrame) -> pl.DataFrame:
    at = pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.epoch("ns")
    return records.filter((at >= w.start) & (at < w.end))


def _by_piece(records: pl.DataFrame, chosen: str) -> Inspected:
    each = first_judgements(records)
    parts: dict[str, int | str | None] = {
        f"inspection {name}": f"{n}/{d} = {ratio(n, d)}" for name, (n, d) in each.items()
    }
    name = chosen or (next(iter(each)) if len(each) == 1 else "")
    if name not in each:
        got = ", ".join(each) or "none"
        why = (
            f"got inspections {got} in the period; quality.inspection must name the one that counts"
            if not chosen
            else f"quality.inspection is {chosen!r}, but the period has {got}"
        )
        found = finding("defects.inspection", f"inspections: {why}", inspections=got)
        return Inspected((None, None), chosen, parts, (found,))
    differ = disagreements(records)
    notes = []
    if differ:
        parts["pieces_judged_differently"] = differ
        notes.append(
            finding(
                "defects.inspections_disagree",
                f"{differ} pieces were judged differently by different inspections or again by "
                f"the same one; {name!r} counts, by its first judgement of each piece",
                pieces=differ, inspection=name,
            )
        )  # fmt: skip
    return Inspected(each[name], f"inspection {name}", parts, tuple(notes))


def _by_lot(records: pl.DataFrame) -> Inspected:
    totals = records.select(pl.col("defective", "inspected").cast(pl.Int128).sum()).row(0)
    terms = int(totals[0]), int(totals[1])
    if not terms[1]:
        found = finding("defects.lots", "lots: no lot was inspected in the period")
        return Inspected((None, None), "lots", {"lots": records.height}, (found,))
    return Inspected(terms, "lots", {"lots": records.height})
