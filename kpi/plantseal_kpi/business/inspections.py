"""Defects by inspection records: pieces judged one by one, and lots.

Where several inspections judged the same pieces, ``quality.inspection`` names the one that counts;
the figure says so and prints the others. A piece judged again counts as it was judged first.

Source: definitions 2.4 不良品率 (first pass).
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from plantseal_kpi.business.forms import Terms, times_in
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.calendar import Span
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding, Result

VERSION = 1


@dataclass(frozen=True, slots=True)
class Lot:
    """One inspected lot."""

    lot: str
    t_ns: int
    inspected: int
    defective: int


def inspection_defect_rate(rejected: int, judged: int) -> Terms:
    """Return pieces rejected at first judgement over pieces judged, one inspection.

    Example:
        >>> inspection_defect_rate(1, 20)
        (1, 20)
    """
    return rejected, judged


def lot_defect_rate(defective: int, inspected: int) -> Terms:
    """Return defective over inspected pieces of all lots: a ratio of sums.

    Example:
        >>> lot_defect_rate(3, 200)
        (3, 200)
    """
    return defective, inspected


def lots_in(span: Span, ledgers: Ledgers) -> list[Lot]:
    """Return the lots judged in ``span`` [ns], in the order of time; none without the ledger."""
    if "lots" not in ledgers:
        return []
    found = ledgers["lots"].filter(times_in(span)).with_columns(pl.col("time").dt.epoch("ns"))
    return [
        Lot(lot, t, n, bad)
        for lot, t, n, bad in found.select("lot", "time", "inspected", "defective")
        .sort("time", "lot")
        .iter_rows()
    ]


def inspection_results(plant: Plant, span: Span, ledgers: Ledgers) -> list[Result]:
    """Return the defect rates by inspection records; nothing where neither ledger is configured."""
    out = []
    if "inspections" in ledgers:
        out.append(_pieces(plant, first_judged(ledgers["inspections"]).filter(times_in(span))))
    if "lots" in ledgers:
        out.append(_lots(plant, lots_in(span, ledgers)))
    return out


def first_judged(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the first judgement of each piece by each inspection.

    Judged twice at the same instant: the worse counts, whatever the order of the records. Give it
    all records and cut its answer to a period: a piece rejected before the period and accepted in
    it was not accepted at first pass.
    """
    return (
        judged.sort("part", "inspection", "time", "passed")
        .group_by("inspection", "part", maintain_order=True)
        .first()
    )


def _pieces(plant: Plant, first: pl.DataFrame) -> Result:
    tally = {
        name: (bad, n)
        for name, bad, n in first.group_by("inspection")
        .agg(bad=(~pl.col("passed")).sum(), n=pl.len())
        .sort("inspection")
        .iter_rows()
    }
    counts, found = _counting(plant, tally)
    each = first.group_by("part").agg(pl.col("passed").n_unique(), pl.col("inspection"))
    disagree = each.filter(pl.col("passed") > 1).height
    if disagree:
        why = f"inspections disagree about {disagree} of {each.height} pieces"
        which = f"{why}; {counts or 'none'} counts, the others stand in the parts"
        found.append(finding("inspections.disagree", which, n=disagree))
    if counts is not None:
        lacks = each.filter(~pl.col("inspection").list.contains(counts)).height
        if lacks:
            why = f"{lacks} pieces were judged by another inspection alone and are not counted"
            found.append(finding("inspections.unjudged", why, n=lacks))
    terms = (None, None) if counts is None else inspection_defect_rate(*tally[counts])
    return result(
        "inspection_defect_rate", VERSION, "plant", *terms, origin="imported",
        parts={
            "inspection": counts, "scope": plant.quality.scope, "disagree": disagree,
            **{f"by_{name}": f"{bad} / {n}" for name, (bad, n) in tally.items()},
        },
        formula=f"{{n}} rejected at first / {{d}} judged by {_safe(counts or 'no inspection')}",
        findings=found,
    )  # fmt: skip


def _safe(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")


def _counting(plant: Plant, tally: dict[str, tuple[int, int]]) -> tuple[str | None, list[Finding]]:
    chosen = plant.quality.inspection or (next(iter(tally)) if len(tally) == 1 else "")
    if chosen in tally:
        return chosen, []
    if not tally:
        why = "the ledger inspections has no record in the period; import them"
        return None, [finding("ledger.empty", f"inspection_defect_rate: {why}")]
    asked = f"quality.inspection is {chosen!r}, " if chosen else "quality.inspection is not set, "
    why = f"{asked}the records are of {', '.join(tally)}; name the one that counts"
    return None, [finding("unassessable.inspection", f"inspection_defect_rate: {why}")]


def _lots(plant: Plant, lots: list[Lot]) -> Result:
    found = []
    if not lots:
        why = "the ledger lots has no record in the period; import them"
        found.append(finding("ledger.empty", f"lot_defect_rate: {why}"))
    terms = lot_defect_rate(sum(x.defective for x in lots), sum(x.inspected for x in lots))
    return result(
        "lot_defect_rate", VERSION, "plant", *(terms if lots else (None, None)),
        origin="imported", parts={"lots": len(lots), "scope": plant.quality.scope},
        formula="{n} defective / {d} inspected", findings=found,
    )  # fmt: skip


METRICS: Final = (
    Metric("inspection_defect_rate", VERSION, "检验不良品率", "1", inspection_defect_rate,
           ("inspections", "quality"), "definitions 2.4"),
    Metric("lot_defect_rate", VERSION, "批次不良品率", "1", lot_defect_rate, ("lots",),
           "definitions 2.4"),
)  # fmt: skip
