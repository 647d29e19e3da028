"""What was used of each energy carrier: from meters where there are any, else from bills.

Amounts are whole base units: Wh of electricity and heat, mL of gases and water, g of fuels. A
carrier is never taken from meters and bills at once; where it has both, the bills are a check.

Source: definitions 4.1 (counters), 3.2 (missing is never filled).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import get_args
from zoneinfo import ZoneInfo

import polars as pl

from plantseal_kpi.calendar import Span, local_days
from plantseal_kpi.energy.bills import Bill, Days, billed, bills_of
from plantseal_kpi.energy.factor_table import base_of
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Carrier, Point
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.by_span import amount_in
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import Base

ROLES = ("energy", "energy_interval")
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)
_MILLI = 10**6
_HOUR_NS = 3600 * 10**9


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
        return base_of(self.carrier)

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
        zone = ZoneInfo(self.window.plant.zone)
        return [billed(self.bills, days_of(s, zone)).amount for s in spans]

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

    def known(self, spans: Sequence[Span]) -> list[tuple[int, int]]:
        """Return (known, expected) of each span: slices of each meter, or days with a bill.

        A span longer than a day has days for slices, another one hours; a meter that is read more
        seldom, or tells changes only, has one slice.
        """
        if not self.points:
            zone = ZoneInfo(self.window.plant.zone)
            each = [billed(self.bills, days_of(s, zone)) for s in spans]
            return [(b.billed_days, b.days) for b in each]
        seen, wanted = [0] * len(spans), [0] * len(spans)
        for p in self.points:
            slices = [(i, x) for i, s in enumerate(spans) for x in self._slices(p, s)]
            told = amount_in(self.window, p, [x for _, x in slices])
            for (i, _), amount in zip(slices, told, strict=True):
                seen[i] += amount is not None
                wanted[i] += 1
        return list(zip(seen, wanted, strict=True))

    def _slices(self, p: Point, span: Span) -> list[Span]:
        start, end = span
        long = end - start > 25 * _HOUR_NS  # a day of 25 hours is still a day
        most = 24 * _HOUR_NS if long else _HOUR_NS
        if p.period_ms * _MILLI > most or p.mode == "subscribed" or p.protocol == "sparkplug":
            return [span]
        if not long:
            return [(t, min(t + _HOUR_NS, end)) for t in range(start, end, _HOUR_NS)]
        days = local_days(span, self.window.plant.zone)
        return [(max(a, start), min(b, end)) for _, a, b in days if a < end and b > start]

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
        points = tuple(sorted(_of_origin(w, metered), key=lambda p: p.tag))
        usable, found = bills_of(bills, carrier)
        if not points and not usable and not found:
            continue
        source = Source(w, carrier, points, tuple(usable), tuple(found))
        if points and usable and len(source.silent((w.start, w.end))) == len(points):
            why = f"{carrier}: no meter says anything of the period, so its bills count"
            note = finding("energy.bills_instead", why, carrier=carrier)
            source = Source(w, carrier, (), tuple(usable), (*found, note))
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


def _day(t_ns: int, zone: ZoneInfo) -> date:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t_ns // 1000)
    return moment.astimezone(zone).date()


def _of_origin(w: Window, points: Sequence[Point]) -> list[Point]:
    """Return the points that rows of this origin can belong to; see :mod:`rows.totals`."""
    recorded = [p for p in points if p.mode == "imported"]
    if w.origin == "imported":
        return recorded or list(points)
    return [p for p in points if p.mode != "imported"]
