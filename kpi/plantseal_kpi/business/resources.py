"""资源综合利用率: material yield, or reuse of waste. The plan says which; the figure says so too.

Source: definitions 2.4; 渝经信智能〔2021〕114号 附件5 field 4.
"""

from typing import Final

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
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N21, Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Result

VERSION = 1
MEANING: Final = {
    "material": ("good_product", "input", "g in good product / {d} g put in"),
    "waste": ("waste_reused", "waste_generated", "g of waste reused / {d} g of waste generated"),
}


def resource_utilisation(used_g: int, of_g: int) -> Terms:
    """Return mass in good product over mass put in, or waste reused over waste generated.

    Example:
        >>> resource_utilisation(9, 10)
        (9, 10)
    """
    return used_g, of_g


def resource_utilisation_gain(before: Terms, after: Terms) -> Terms:
    """Return r1 / r0 - 1, relative; the difference in points stands beside it.

    Example:
        >>> resource_utilisation_gain((80, 100), (90, 100))
        (1000, 8000)
    """
    return gain(before, after)


def resource_results(plant: Plant, t: Term, ledgers: Ledgers) -> list[Result]:
    """Return the resource utilisation of a period."""
    meaning = plant.business.resource
    used, of, words = MEANING[meaning]
    missing = no_ledger(ledgers, "materials", "resource_utilisation")
    found = [missing] if missing is not None else []
    parts: dict[str, int | str | None] = {"resource": meaning}
    terms: tuple[int | None, int | None] = (None, None)
    if missing is None:
        weighed = ledgers["materials"].filter(days_in(t))
        over, under = weighed.filter(kind=used), weighed.filter(kind=of)
        found += missing_months(under, "materials", t, "resource_utilisation")
        if not over.height:
            why = f"no record is of kind {used}; give 0 where there was none"
            found.append(finding("unassessable.materials.kind", f"resource_utilisation: {why}"))
        else:
            found += [
                f for f in missing_months(over, "materials", t, "resource_utilisation")
                if f not in found
            ]  # fmt: skip
        if not any(f.code.startswith("unassessable.") for f in found):
            terms = resource_utilisation(total(over, "mass"), total(under, "mass"))
            parts |= {f"{used}_g": terms[0], f"{of}_g": terms[1]}
            if total(over, "mass") > total(under, "mass"):
                why = f"{terms[0]} g {used} are more than {terms[1]} g {of}; check both lists"
                found.append(finding("materials.balance", f"resource_utilisation: {why}"))
    return [
        result(
            "resource_utilisation", VERSION, "plant", *terms,
            origin="none" if terms[0] is None else "imported", parts=parts,
            formula="{n} " + words, findings=found,
        )
    ]  # fmt: skip


METRICS: Final = (
    Metric("resource_utilisation", VERSION, "资源综合利用率", "1", resource_utilisation,
           ("materials",), "definitions 2.4"),
    Metric("resource_utilisation_gain", VERSION, "资源综合利用率提升", "1",
           resource_utilisation_gain, ("materials", "baseline"), f"{N21} 附件5 field 4",
           ("resource_utilisation_gain",)),
)  # fmt: skip
IMPROVEMENTS: Final = (
    Change("resource_utilisation_gain", "resource_utilisation", VERSION,
           resource_utilisation_gain, "r1 / r0 - 1 with r0 = {n0} / {d0}, r1 = {n1} / {d1}",
           ("resource",)),
)  # fmt: skip
