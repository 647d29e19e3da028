"""Standard output: the standard hours of the good pieces, by which costs and staff are divided.

From the ledger ``output`` where it is configured; else what the counters of the machines earned.

Source: definitions 2.4 (per standard output), 4.5 (the same PRU table on both sides).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.business.forms import Term, days_in, missing_months
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, text
from plantseal_kpi.report import Finding, Result

LEAST_KNOWN: Final = Fraction(9, 10)
"""Share of the planned time that counters must cover to stand for the output of a whole period."""


@dataclass(frozen=True, slots=True)
class Output:
    """What was made in a period, in standard hours.

    Attributes:
        earned_ns: Sum of good pieces times their standard time [ns]; None where not known.
        source: Where it comes from.
        pieces: Good pieces; None where only counters tell.
    """

    earned_ns: int | None
    source: str
    pieces: int | None
    findings: tuple[Finding, ...] = ()


def standard_output(good: Sequence[int], standard_ns: Sequence[int]) -> int:
    """Return the standard hours earned [ns]: sum of good pieces times standard time.

    Example:
        >>> standard_output([2, 1], [10, 5])
        25
    """
    return sum(n * each for n, each in zip(good, standard_ns, strict=True))


def output_of(t: Term, ledgers: Ledgers, others: Sequence[Result]) -> Output:
    """Return the standard output of a period; ``others`` are the figures of the machines."""
    if "output" not in ledgers:
        return _counted(others)
    everything = ledgers["output"]
    made = everything.filter(days_in(t))
    found = missing_months(made, "output", t, "standard output")
    moved = (
        everything.group_by("product")
        .agg(n=pl.col("standard").n_unique(), low=pl.min("standard"), high=pl.max("standard"))
        .filter(pl.col("n") > 1)
        .sort("product")
    )
    found += [
        finding(
            "unassessable.output.standard",
            f"standard output: the standard time of {product} is {low} ns and {high} ns; one table "
            "must hold before and after, else the figure moves without the plant",
            product=product, low=low, high=high,
        )
        for product, _, low, high in moved.iter_rows()
    ]  # fmt: skip
    earned = standard_output(made["good"].to_list(), made["standard"].to_list())
    blocked = any(f.code.startswith("unassessable.") for f in found)
    return Output(
        None if blocked else earned, "ledger output", int(made["good"].sum()), tuple(found)
    )


def _counted(others: Sequence[Result]) -> Output:
    found = next((r for r in others if _of_plant(r) and r.numerator is not None), None)
    if found is None or found.numerator is None:
        why = "standard output: neither the ledger output nor counters with standard times give it"
        return Output(None, "none", None, (finding("output.none", why),))
    why = f"standard output comes from the counters of the machines, coverage {found.coverage}"
    notes = [finding("output.counted", why)]
    if found.coverage is None or Fraction(found.coverage) < LEAST_KNOWN:
        notes.append(
            finding(
                "unassessable.output.coverage",
                f"standard output: the counters cover {found.coverage or 'none'} of the planned time, "
                f"at least {text(LEAST_KNOWN)} is needed to set it against costs or hours of the whole "
                "period; configure the ledger output, or report a period that the counters cover",
                coverage=found.coverage or "",
            )
        )
    return Output(int(found.numerator), "counters", None, (*notes, *found.findings))


def _of_plant(r: Result) -> bool:
    return r.metric == "production_efficiency" and r.scope == "plant"
