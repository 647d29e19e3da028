"""Energy bills: what a meter's account says was used, spread over days where it must be.

A bill covers the local days [start, end). Where a bill and a step of the comparison do not have the
same borders, the bill is spread evenly over its days: an allocation, and flagged as one. Bills of
which only the reading dates are known are "backward": a reading on a day covers the days after the
previous reading up to and including that day.

Source: CalTRACK 2.0 2.2.3 (lengths), 2.3.2 (duplicates, conflicts); definitions 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import polars as pl

from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Carrier
from plantseal_kpi.report import Finding
from plantseal_kpi.units import OF_CARRIER, factor

Days = tuple[date, date]
"""Local days [first, end)."""

_DAY = timedelta(days=1)
_LENGTHS = (25, 70)


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill in base units.

    Attributes:
        amount: Consumption [base units of the carrier], exact.
    """

    meter: str
    start: date
    end: date
    amount: Fraction

    @property
    def days(self) -> int:
        """Number of days billed."""
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True)
class Billed:
    """What bills say of one step.

    Attributes:
        amount: Sum over the meters, rounded half-even to whole base units once; None where a meter
            has no bill in the step.
        billed_days: Days of the step with a bill, summed over the meters.
        days: Days of the step times meters.
        allocated: Whether a bill was spread over more than the step.
    """

    amount: int | None
    billed_days: int
    days: int
    allocated: bool


def backward(readings: Sequence[date]) -> list[Days]:
    """Return the days [first, end) that each reading but the first covers.

    Example:
        >>> backward([date(2022, 1, 28), date(2022, 2, 26)])
        [(datetime.date(2022, 1, 29), datetime.date(2022, 2, 27))]
    """
    ordered = sorted(readings)
    return [(a + _DAY, b + _DAY) for a, b in pairwise(ordered)]


def bills_of(ledger: pl.DataFrame | None, carrier: Carrier) -> tuple[list[Bill], list[Finding]]:
    """Return the usable bills of a carrier from the ledger ``energy_bills``, and what is amiss.

    A bill given twice counts once. Bills of a meter that overlap contradict each other: none of
    them is used. A unit that does not measure the carrier makes a bill unusable.
    """
    if ledger is None:
        return [], []
    found: list[Finding] = []
    read: set[Bill] = set()
    for r in ledger.filter(pl.col("carrier") == carrier).sort("meter", "start").to_dicts():
        where = f"{r['meter']}, bill of {r['start']}"
        try:
            water = carrier == "fresh_water" and r["unit"] in ("t", "吨")  # 1 t is taken for 1 m3
            by = factor("m3" if water else r["unit"], Decimal(1), OF_CARRIER[carrier])
            amount = Fraction(r["quantity"]) * by
        except ValueError as e:
            found.append(finding("energy.bill_unit", f"{where}: {e}", meter=r["meter"]))
            continue
        if amount < 0 or r["end"] <= r["start"]:
            why = f"got {r['quantity']} {r['unit']} until {r['end']}; left out, correct the ledger"
            found.append(finding("energy.bill_wrong", f"{where}: {why}", meter=r["meter"]))
            continue
        read.add(Bill(r["meter"], r["start"], r["end"], amount))
    usable = sorted(read, key=lambda b: (b.meter, b.start, b.end, b.amount))
    clash = _overlapping(usable)
    for b in sorted(clash, key=lambda b: (b.meter, b.start)):
        why = "overlaps another bill of the meter; neither is used; is it a second meter?"
        found.append(finding("energy.bill_overlap", f"{b.meter}, bill of {b.start}: {why}"))
    for b in usable:
        if not _LENGTHS[0] <= b.days <= _LENGTHS[1]:
            why = f"covers {b.days} days, expected {_LENGTHS[0]} to {_LENGTHS[1]}; still used"
            found.append(finding("energy.bill_length", f"{b.meter}, bill of {b.start}: {why}"))
    return [b for b in usable if b not in clash], found


def _overlapping(bills: Sequence[Bill]) -> set[Bill]:
    clash: set[Bill] = set()
    for i, a in enumerate(bills):
        for b in bills[i + 1 :]:
            if b.meter != a.meter or b.start >= a.end:
                break
            clash |= {a, b}
    return clash


def billed(bills: Sequence[Bill], step: Days) -> Billed:
    """Return what the bills say of the local days ``step``.

    Example:
        >>> january = Bill("m", date(2022, 1, 1), date(2022, 2, 1), Fraction(310))
        >>> billed([january], (date(2022, 1, 1), date(2022, 1, 11)))
        Billed(amount=100, billed_days=10, days=10, allocated=True)
    """
    meters = sorted({b.meter for b in bills})
    days = (step[1] - step[0]).days
    total, covered, silent, allocated = Fraction(0), 0, not meters, False
    for meter in meters:
        mine = [b for b in bills if b.meter == meter and b.start < step[1] and b.end > step[0]]
        silent = silent or not mine
        for b in mine:
            inside = (min(b.end, step[1]) - max(b.start, step[0])).days
            allocated = allocated or inside < b.days
            covered += inside
            total += b.amount * inside / b.days
    return Billed(None if silent else round(total), covered, days * len(meters), allocated)
