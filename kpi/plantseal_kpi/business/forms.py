"""What the families of business figures share: the time of a period, and before against after."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.calendar import Span, ns
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import LedgerName, Plant
from plantseal_kpi.report import Finding

Terms = tuple[int, int]
HOUR_NS: Final = 3600 * 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """How an improvement is formed from one business figure before and after.

    Attributes:
        metric: The improvement.
        of: The figure compared.
        form: From the terms before and after to the terms of the improvement.
        formula: With places for the terms before (n0, d0) and after (n1, d1).
        same: Parts of the figure that must be equal on both sides.
    """

    metric: str
    of: str
    version: int
    form: Callable[[Terms, Terms], Terms]
    formula: str
    same: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One period in the terms of a ledger.

    Attributes:
        first: First local day that begins in the period.
        end: First local day that begins after it.
        months: Months from first to end, as their last days.
        whole: True where the period is made of whole months.
        baseline: True where all of it is in the baseline's period.
    """

    first: date
    end: date
    months: tuple[date, ...]
    whole: bool
    baseline: bool


def reduction(before: Terms, after: Terms) -> Terms:
    """Return 1 - x1 / x0 as (numerator, denominator).

    Example:
        >>> reduction((10, 1), (17, 2))
        (3, 20)
    """
    return before[0] * after[1] - after[0] * before[1], before[0] * after[1]


def gain(before: Terms, after: Terms) -> Terms:
    """Return x1 / x0 - 1 as (numerator, denominator).

    Example:
        >>> gain((2, 1), (3, 1))
        (1, 2)
    """
    return after[0] * before[1] - before[0] * after[1], before[0] * after[1]


def term(plant: Plant, span: Span) -> Term:
    """Return ``span`` [ns] in local days and months.

    Example:
        >>> plant = Plant.model_validate({"site": "s", "zone": "UTC", "equipment": []})
        >>> t = term(plant, (0, 31 * 86_400 * 10**9))
        >>> t.whole, t.months
        (True, (datetime.date(1970, 1, 31),))
    """
    zone = ZoneInfo(plant.zone)
    first, end = (_first_day(t, zone) for t in span)
    months, at = [], first.replace(day=1)
    while at < end:
        at = (at + timedelta(days=32)).replace(day=1)
        months.append(at - timedelta(days=1))
    exact = all(_midnight(d, zone) == t for d, t in ((first, span[0]), (end, span[1])))
    base = plant.baseline.period if plant.baseline is not None else None
    return Term(
        first, end, tuple(months), exact and first.day == 1 and end.day == 1 and first < end,
        base is not None and ns(base.start) <= span[0] and span[1] <= ns(base.end),
    )  # fmt: skip


def _midnight(day: date, zone: ZoneInfo) -> int:
    return ns(datetime.combine(day, time(), zone))


def _first_day(t_ns: int, zone: ZoneInfo) -> date:
    day = (_EPOCH + timedelta(microseconds=t_ns // 1000)).astimezone(zone).date()
    return day if _midnight(day, zone) >= t_ns else day + timedelta(days=1)


def days_in(t: Term, column: str = "date") -> pl.Expr:
    """Return whether a local date lies in the period."""
    return (pl.col(column) >= t.first) & (pl.col(column) < t.end)


def times_in(span: Span, column: str = "time") -> pl.Expr:
    """Return whether an instant lies in the period."""
    at = pl.col(column).dt.epoch("ns")
    return (at >= span[0]) & (at < span[1])


def total(frame: pl.DataFrame, column: str) -> int:
    """Return the exact sum of a whole-number column, beyond 64 bits too; nulls add nothing."""
    return int(frame[column].cast(pl.Int128).sum())


def no_ledger(ledgers: Ledgers, name: LedgerName, metric: str) -> Finding | None:
    """Return what to say when a ledger is not there."""
    if name in ledgers:
        return None
    return finding(
        "ledger.missing",
        f"{metric}: the ledger {name} is not configured; name its file in ledgers.{name}",
        ledger=name,
    )


def no_records(name: LedgerName, t: Term, metric: str) -> Finding:
    """Return what to say when a ledger has nothing in the period."""
    return finding(
        "ledger.empty",
        f"{metric}: the ledger {name} has no record from {t.first} up to {t.end}; import them",
        ledger=name,
    )


def missing_months(frame: pl.DataFrame, name: LedgerName, t: Term, metric: str) -> list[Finding]:
    """Return what to say when a monthly ledger does not hold every whole month of the period."""
    found = []
    if not t.whole:
        why = "is not made of whole local months; bookings of a month cannot be split"
        found.append(
            finding(
                "point_only.ledger.part_month", f"{metric}: the period {t.first} to {t.end} {why}"
            )
        )
    have = set(frame["date"].dt.month_end().to_list())
    lacks = [f"{m:%Y-%m}" for m in t.months if m not in have]
    if lacks:
        found.append(
            finding(
                "unassessable.ledger.months",
                f"{metric}: the ledger {name} has no record in {', '.join(lacks)}; a month without "
                "records is not a month of zero; add them, with 0 where it is so",
                ledger=name, months=",".join(lacks),
            )
        )  # fmt: skip
    return found
