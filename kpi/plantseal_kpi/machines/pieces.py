"""Figures of the pieces alone: defect rate, first-pass yield, scrap, rework, standard hours earned.

Source: definitions 2.3, 2.4.
"""

from collections.abc import Sequence
from fractions import Fraction

from plantseal_kpi.business.inspections import inspection_results
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, result
from plantseal_kpi.machines import defects, efficiency, oee, ratios
from plantseal_kpi.machines.bounds import Bounds, good_bounds, missing_pieces
from plantseal_kpi.machines.oee import Terms
from plantseal_kpi.machines.work import EARNS, SORTS, Machine, counted_share, nothing, should_earn
from plantseal_kpi.report import Finding, Result
from plantseal_kpi.rows.window import Window

_NONE = "no machine has what it needs and readings in the period"
_FORMULA = {
    "first_pass": "{n} not good at first pass / {d} made",
    "scrap": "{n} scrapped / {d} made",
}


def piece_results(
    w: Window, scope: str, machines: Sequence[Machine], ledgers: Ledgers | None = None
) -> list[Result]:
    """Return the figures of ``machines``; of a machine only those that its counters give.

    Args:
        w: The period.
        scope: ``plant`` or an equipment id.
        machines: Whose pieces are summed.
        ledgers: Inspections or lots, where they and not the counters judge the plant's pieces.
    """
    found = [f for m in machines for f in m.findings]
    judged = _judged(w, ledgers) if scope == "plant" and ledgers else None
    if judged is None:
        rate = _defects(w, scope, machines, found)
    elif w.plant.quality.variant == "scrap":
        known = bool(_terms(w, machines)[0])
        rate = _defects(w, scope, machines, [*found, _first_pass_only(judged, known=known)])
    else:
        rate = _inspected_defects(w, judged, machines)
    return [*rate, *_shares(w, scope, machines, found), *_efficiency(w, scope, machines, found)]


def _terms(w: Window, machines: Sequence[Machine]) -> tuple[list[Machine], Terms]:
    """Return the machines whose defects are known in the plant's variant, and their sum."""
    if w.plant.quality.variant == "scrap":
        using = [m for m in machines if m.made is not None and m.scrap is not None]
        return using, defects.defect_rate(
            (m.made or 0, (m.made or 0) - (m.scrap or 0)) for m in using
        )
    using = [m for m in machines if m.made is not None and m.good is not None]
    return using, defects.defect_rate((m.made or 0, m.good or 0) for m in using)


def _defects(
    w: Window, scope: str, machines: Sequence[Machine], found: Sequence[Finding]
) -> list[Result]:
    variant = w.plant.quality.variant
    checked, terms = _terms(w, machines)
    if not checked and scope != "plant":
        return []
    why = []
    if not terms[1]:
        needs = SORTS if variant == "first_pass" else "a counter of scrap and one of made or good"
        why.append(nothing("defect_rate", "nothing was made" if checked else f"{_NONE}: {needs}"))
    blind = [m.equipment.id for m in checked if variant == "first_pass" and _made_less_scrap(w, m)]
    if blind:
        why.append(
            finding(
                "defects.rework_unseen",
                f"{', '.join(blind)}: good pieces are those made less scrap, so rework counts as "
                "good at first pass; add a counter of pieces good at first pass",
                equipment=",".join(blind),
            )
        )
    return [
        result(
            "defect_rate", defects.VERSION, scope, *(terms if checked else (None, None)),
            bounds=_bad_bounds(checked, terms),
            coverage=counted_share(m for m in machines if m.sorts), origin=w.origin,
            parts={"machines": _ids(checked), "variant": variant, "scope": w.plant.quality.scope,
                   "judged_by": "counters"},
            formula=_FORMULA[variant], findings=[*found, *why],
        )
    ]  # fmt: skip


def _made_less_scrap(w: Window, m: Machine) -> bool:
    return m.scrap is not None and not w.points_of(m.equipment, "count_good")


def _judged(w: Window, ledgers: Ledgers) -> Result | None:
    """Return the defect rate by inspection records, pieces before lots; None without either."""
    found = inspection_results(w.plant, (w.start, w.end), ledgers)
    return found[0] if found else None


def _first_pass_only(judged: Result, *, known: bool) -> Finding:
    """Return why a ledger of first judgements does not answer the variant ``scrap``.

    Where counters of scrap do, it is a remark.
    """
    ledger = "lots" if judged.metric == "lot_defect_rate" else "inspections"
    return finding(
        "defects.ledger_unused" if known else "unassessable.defects.variant",
        f"defect_rate: quality.variant is scrap, the ledger {ledger} records what was not accepted at "
        "first pass and says nothing of scrap; "
        + ("the counters of scrap count" if known else "choose first_pass, or count scrap with tags "
           "of the role count_scrap"),
        ledger=ledger,
    )  # fmt: skip


def _inspected_defects(w: Window, judged: Result, machines: Sequence[Machine]) -> list[Result]:
    checked, terms = _terms(w, machines)
    counters = {"counters_defective": terms[0], "counters_made": terms[1]} if checked else {}
    n, d = (None if x is None else int(x) for x in (judged.numerator, judged.denominator))
    return [
        result(
            "defect_rate", defects.VERSION, "plant", n, d, origin=judged.origin,
            parts={**judged.parts, **counters, "variant": "first_pass",
                   "judged_by": f"{judged.metric}/{judged.version}"},
            formula="{n} not accepted at first pass / {d} inspected", findings=judged.findings,
        )
    ]  # fmt: skip


def _shares(
    w: Window, scope: str, machines: Sequence[Machine], found: Sequence[Finding]
) -> list[Result]:
    coverage = counted_share(m for m in machines if m.sorts)
    sorted_ = [m for m in machines if m.made is not None and m.good is not None]
    scrapped = [m for m in machines if m.made is not None and m.scrap is not None]
    three = [m for m in scrapped if m.good is not None and not _lacks_one(w, m)]
    rows = (
        ("first_pass_yield", sorted_, ratios.first_pass_yield(_sum(sorted_, "good"), _sum(sorted_, "made")),
         "{n} good at first pass / {d} made", SORTS),
        ("scrap_ratio", scrapped, ratios.scrap_ratio(_sum(scrapped, "scrap"), _sum(scrapped, "made")),
         "{n} scrapped / {d} made", "a counter of scrap and one of made or good"),
        ("rework_ratio", three, ratios.rework_ratio(*(_sum(three, x) for x in ("made", "good", "scrap"))),
         "{n} neither good at first pass nor scrapped / {d} made",
         "counters of all three: made, good, scrap"),
    )  # fmt: skip
    return [
        result(
            metric, ratios.VERSION, scope, *(terms if group else (None, None)), coverage=coverage,
            origin=w.origin, parts={"machines": _ids(group)}, formula=formula,
            bounds=(_good_bounds if metric == "first_pass_yield" else _bad_bounds)(group, terms),
            findings=[*found, *([] if terms[1] else [nothing(metric, f"{_NONE}: {needs}")])],
        )
        for metric, group, terms, formula, needs in rows
        if group or scope == "plant"
    ]  # fmt: skip


def _good_bounds(machines: Sequence[Machine], terms: Terms) -> Bounds | None:
    """Return the bounds of a share of good pieces, of (good, made)."""
    lost = missing_pieces(machines)
    return None if lost is None else good_bounds(terms[1], terms[0], *lost)


def _bad_bounds(machines: Sequence[Machine], terms: Terms) -> Bounds | None:
    """Return the bounds of a share of pieces that are not good, of (these, made)."""
    limits = _good_bounds(machines, (terms[1] - terms[0], terms[1]))
    return None if limits is None else (1 - limits[1], 1 - limits[0])


def _sum(machines: Sequence[Machine], count: str) -> int:
    return sum(getattr(m, count) or 0 for m in machines)


def _lacks_one(w: Window, m: Machine) -> bool:
    return not (w.points_of(m.equipment, "count_total") and w.points_of(m.equipment, "count_good"))


def _efficiency(
    w: Window, scope: str, machines: Sequence[Machine], found: Sequence[Finding]
) -> list[Result]:
    earning = [m for m in machines if m.outputs is not None and m.planned_ns]
    if not earning and scope != "plant":
        return []
    hours = efficiency.production_efficiency((m.planned_ns, m.outputs or ()) for m in earning)
    why = [] if earning else [nothing("production_efficiency", f"{_NONE}: {EARNS}")]
    return [
        result(
            "production_efficiency", efficiency.VERSION, scope,
            *(hours if earning else (None, None)), bounds=_hours_bounds(earning),
            coverage=counted_share(m for m in machines if should_earn(m)), origin=w.origin,
            parts={"machines": _ids(earning)},
            formula="{n} ns standard time earned / {d} ns planned busy time",
            findings=[*found, *why],
        )
    ]  # fmt: skip


def _hours_bounds(earning: Sequence[Machine]) -> Bounds | None:
    """Return the bounds of standard hours earned per planned hour; None where nothing is open."""
    planned = sum(m.planned_ns for m in earning)
    missing, doubtful = sum(m.missing_ns for m in earning), sum(m.doubtful_ns for m in earning)
    if not planned or not (missing or doubtful):
        return None
    products = [o for m in earning for o in m.outputs or ()]
    earned = oee.Times(pbt=planned, apt=planned)
    limits = oee.oee_bounds(earned, products, doubtful, missing)
    return None if limits is None else (Fraction(*limits[0]), Fraction(*limits[1]))


def _ids(machines: Sequence[Machine]) -> str:
    return ",".join(m.equipment.id for m in machines)
