"""What was used of each energy carrier: from meters where there are any, else from bills.

Amounts are whole base units: Wh of electricity and heat, mL of gases and water, g of fuels. A
carrier is never taken from meters and bills at once; where it has both, the bills are a check.

Source: definitions 4.1 (counters), 3.2 (missing is never filled).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property, partial
from typing import get_args
from zoneinfo import ZoneInfo

import polars as pl

from plantseal_kpi.calendar import Span, local_days
from plantseal_kpi.energy.bills import Bill, Days, billed, bills_of
from plantseal_kpi.energy.whole import LEAST_KNOWN, known_whole, shares_known
from plantseal_kpi.figures import finding, mean_terms
from plantseal_kpi.plant import Carrier, Point
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.by_span import amount_in
from plantseal_kpi.rows.totals import of_origin
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import OF_CARRIER, Base

ROLES = ("energy", "energy_interval")
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)


@dataclass(frozen=True)
class Source:
    """Where the amounts of one carrier come from.

    Attributes:
        points: Its meters; empty where bills give it.
        bills: Its bills; beside meters they are a check only.
        findings: What is amiss with the bills.
    """

    window: Window
    carrier: Carrier
    points: tuple[Point, ...]
    bills: tuple[Bill, ...]
    findings: tuple[Finding, ...]

    @property
    def base(self) -> Base:
        """Unit of the amounts."""
        return OF_CARRIER[self.carrier]

    @property
    def names(self) -> tuple[str, ...]:
        """Points, or meters of the bills."""
        if self.points:
            return tuple(p.name for p in self.points)
        return tuple(sorted({b.meter for b in self.bills}))

    def amounts(self, spans: Sequence[Span]) -> list[int | None]:
        """Return the amount in each span [base units]; None where a meter says nothing of it."""
        if self.points:
            each = [amount_in(self.window, p, spans) for p in self.points]
            return [added(column) for column in zip(*each, strict=True)]
        zone = self.window.plant.zone
        return [
            billed(self.bills, days_of(s, ZoneInfo(zone))).amount if whole_days(s, zone) else None
            for s in spans
        ]

    def silent(self, span: Span) -> list[str]:
        """Return the meters that say nothing of a span."""
        if self.points:
            return [p.name for p in self.points if amount_in(self.window, p, [span]) == [None]]
        zone = ZoneInfo(self.window.plant.zone)
        days = days_of(span, zone)
        return [
            m for m in self.names
            if billed([b for b in self.bills if b.meter == m], days).amount is None
        ]  # fmt: skip

    def known(self, span: Span) -> tuple[int, int]:
        """Return (known, expected) of a span: slices of each meter, or days with a bill."""
        if not self.points:
            b = billed(self.bills, days_of(span, ZoneInfo(self.window.plant.zone)))
            return b.billed_days, b.days
        shares = [
            shares_known(self.window, [p], [span], partial(amount_in, self.window, p))[0]
            for p in self.points
        ]
        return mean_terms([x.as_integer_ratio() for x in shares])

    def whole(self, spans: Sequence[Span]) -> list[int | None]:
        """Return the amount of each day or month; None where it is not known whole."""
        w = self.window
        if self.points:
            each = [
                known_whole(w, [p], self.base, spans, partial(amount_in, w, p)) for p in self.points
            ]
            return [added(column) for column in zip(*each, strict=True)]
        zone = ZoneInfo(w.plant.zone)
        told = [billed(self.bills, days_of(s, zone)) for s in spans]
        return [
            b.amount if b.days and Fraction(b.billed_days, b.days) >= LEAST_KNOWN else None
            for b in told
        ]

    @cached_property
    def check(self) -> Finding | None:
        """What the bills of a metered carrier say, as far as they lie in the period."""
        span = (self.window.start, self.window.end)
        if not self.points or not self.bills:
            return None
        says = billed(self.bills, days_of(span, ZoneInfo(self.window.plant.zone)))
        metered = added(self.amounts([span]))
        return finding(
            "energy.bills_beside",
            f"{self.carrier}: meters {', '.join(self.names)} count, with {metered} {self.base}; "
            f"the bills say {says.amount} {self.base} for {says.billed_days} of {says.days} days",
            carrier=self.carrier,
        )


def sources(w: Window, bills: pl.DataFrame | None) -> list[Source]:
    """Return each carrier that is metered or billed, in the order of the carriers' list."""
    out = []
    for carrier in CARRIERS:
        metered = [p for p in w.plant.points if p.role in ROLES and p.carrier == carrier]
        points = tuple(sorted(of_origin(w, metered), key=lambda p: p.tag))
        usable, found = bills_of(bills, carrier)
        if not points and not usable and not found:
            continue
        source = Source(w, carrier, points, tuple(usable), tuple(found))
        if points and usable and len(source.silent((w.start, w.end))) == len(points):
            why = f"{carrier}: no meter says anything of the period, so its bills count"
            note = finding("energy.bills_instead", why, carrier=carrier)
            source = Source(w, carrier, (), tuple(usable), (*found, note))
        if not source.points and not whole_days((w.start, w.end), w.plant.zone):
            why = f"{carrier}: the period cuts a local day, and bills cannot tell parts of days"
            note = finding("energy.bill_days", why, carrier=carrier)
            source = replace(source, findings=(*source.findings, note))
        out.append(source)
    return out


def added(amounts: Sequence[int | None]) -> int | None:
    """Return the sum, or None where one is missing or there is none.

    Example:
        >>> added([1, 2]), added([1, None]), added([])
        (3, None, None)
    """
    known = [a for a in amounts if a is not None]
    return sum(known) if known and len(known) == len(amounts) else None


def days_of(span: Span, zone: ZoneInfo) -> Days:
    """Return the local days that a span touches, [first, end).

    Example:
        >>> days_of((0, 1), ZoneInfo("Asia/Shanghai"))
        (datetime.date(1970, 1, 1), datetime.date(1970, 1, 2))
    """
    return _day(span[0], zone), _day(span[1] - 1, zone) + timedelta(days=1)


def whole_days(span: Span, zone: str) -> bool:
    """Return whether a span begins and ends at local midnight."""
    days = local_days(span, zone)
    return (days[0][1], days[-1][2]) == span


def _day(t_ns: int, zone: ZoneInfo) -> date:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t_ns // 1000)
    return moment.astimezone(zone).date()
