"""Which windows before and after may be compared.

A broken rule makes the improvements not assessable (``unassessable.*``) where the two sides are not
before and after; a window that is short or of another season leaves a point value at best
(``point_only.*``).

Source: definitions 3.5, baseline windows: 12 months before start of works, same calendar months in
reporting (at least 3, 12 preferred), works period cut out, product-family overlap of 80 % of
standard hours.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from plantseal_kpi.calendar import Span, local_text, ns, period_span
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Finding
from plantseal_kpi.statistics.exact import digits

LEAST_MONTHS: Final = 3
YEAR_MONTHS: Final = 12
LEAST_OVERLAP: Final = Fraction(80, 100)
GAP_NS: Final = 31 * 86_400 * 10**9


def window_findings(plant: Plant, reported: Span) -> list[Finding]:
    """Return what is wrong with comparing ``reported`` [ns] with the plant's baseline period.

    Nothing without a baseline period: then there is nothing to compare in time.
    """
    base = plant.baseline
    if base is None or base.kind != "pre_project" or base.period is None:
        return []
    then = period_span(base.period)
    works = None if base.works is None else period_span(base.works)
    return [
        *_order(plant.zone, then, works, reported),
        *_seasons(plant.zone, then, reported),
    ]


def _order(zone: str, then: Span, works: Span | None, reported: Span) -> list[Finding]:
    found = []
    if reported[0] < then[1]:
        why = (
            f"the reported period begins {local_text(reported[0], zone)}, before the baseline ends "
            f"{local_text(then[1], zone)}; report a period after it"
        )
        found.append(finding("unassessable.baseline.overlap", why))
    if works is None:
        why = (
            "when the works were done is not stated, so that the baseline lies before and the reported "
            "period after them cannot be checked; give baseline.works"
        )
        return [*found, finding("point_only.baseline.works", why)]
    if then[1] > works[0]:
        why = (
            f"the baseline ends {local_text(then[1], zone)}, after the works began "
            f"{local_text(works[0], zone)}; end it there"
        )
        found.append(finding("unassessable.baseline.works", why))
    elif works[0] - then[1] > GAP_NS:
        days = (works[0] - then[1]) // (86_400 * 10**9)
        why = f"the baseline ends {days} days before the works begin; it should end there"
        found.append(finding("baseline.gap", why, days=days))
    if reported[0] < works[1]:
        why = (
            f"the reported period begins {local_text(reported[0], zone)}, before the works ended "
            f"{local_text(works[1], zone)}; report a period after them"
        )
        found.append(finding("unassessable.reporting.works", why))
    return found


def _seasons(zone: str, then: Span, reported: Span) -> list[Finding]:
    long0, long1 = whole_months(then, zone), whole_months(reported, zone)
    found = []
    for code, side, n in (("baseline", "baseline", long0), ("reporting", "reported period", long1)):
        if n < LEAST_MONTHS:
            why = f"the {side} has {n} whole months, at least {LEAST_MONTHS} are needed for a proof"
            found.append(finding(f"point_only.{code}.short", why, months=n))
    if found:
        return found
    of0, of1 = months_of(then, zone), months_of(reported, zone)
    if of0 != of1:
        only0, only1 = (", ".join(map(str, sorted(s))) or "none" for s in (of0 - of1, of1 - of0))
        why = (
            f"calendar months in the baseline alone: {only0}; in the reported period alone: {only1}; "
            "compare the same months, best of a whole year"
        )
        found.append(finding("point_only.baseline.months", why, before=only0, after=only1))
    elif long0 < YEAR_MONTHS or long1 < YEAR_MONTHS:
        why = f"{long0} months before and {long1} after are compared; 12 show a whole year"
        found.append(finding("baseline.season", why))
    return found


def whole_months(span: Span, zone: str) -> int:
    """Return how many months fit into ``span`` [ns], from its local begin.

    Example:
        >>> day = 86_400 * 10**9
        >>> whole_months((0, 31 * day), "UTC"), whole_months((0, 364 * day), "UTC")
        (1, 11)
    """
    where = ZoneInfo(zone)
    first = _local(span[0], where)
    n = 0
    while ns(_months_on(first, n + 1)) <= span[1]:
        n += 1
    return n


def months_of(span: Span, zone: str) -> frozenset[int]:
    """Return the calendar months 1..12 that ``span`` [ns] touches by more than a day.

    Example:
        >>> sorted(months_of((0, 60 * 86_400 * 10**9), "UTC"))
        [1, 2]
    """
    where = ZoneInfo(zone)
    out, at = (
        set(),
        _local(span[0], where).replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    )
    while ns(at) < span[1]:
        end = _months_on(at, 1)
        if min(ns(end), span[1]) - max(ns(at), span[0]) > 86_400 * 10**9:
            out.add(at.month)
        at = end
    return frozenset(out)


def _local(t_ns: int, where: ZoneInfo) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (epoch + timedelta(microseconds=t_ns // 1000)).astimezone(where)


def _months_on(at: datetime, months: int) -> datetime:
    """Return the same day and time some months later; the month's last day where it has no such."""
    index = at.year * 12 + at.month - 1 + months
    year, month = divmod(index, 12)
    following = at.replace(year=year + (month == 11), month=(month + 1) % 12 + 1, day=1)
    last = (following - timedelta(days=1)).day
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def overlap(
    before: Mapping[str, int], after: Mapping[str, int], families: Mapping[str, str]
) -> Fraction | None:
    """Return the share of standard hours in product families made on both sides: the lesser share.

    Args:
        before: Standard time earned by product before [ns].
        after: The same after.
        families: Family by product; others are families of their own.

    Returns:
        None where a side earned nothing.

    Example:
        >>> overlap({"a": 80, "b": 20}, {"a": 50, "c": 50}, {})
        Fraction(1, 2)
    """
    sides = []
    for made in (before, after):
        by_family: dict[str, int] = {}
        for product, earned in made.items():
            name = families.get(product, product)
            by_family[name] = by_family.get(name, 0) + earned
        sides.append({f: earned for f, earned in by_family.items() if earned > 0})
    if not all(sides):
        return None
    common = sides[0].keys() & sides[1].keys()
    return min(Fraction(sum(s[f] for f in common), sum(s.values())) for s in sides)


def overlap_findings(
    before: Mapping[str, int], after: Mapping[str, int], families: Mapping[str, str]
) -> list[Finding]:
    """Return whether too little of what was made is of the same families."""
    if not before and not after:
        return []
    share = overlap(before, after, families)
    if share is None:
        why = "products are told apart on one side only, so that the mix is the same is not shown"
        return [finding("point_only.baseline.families", why)]
    said = f"{digits(round(share * 100, 2))} % of the standard hours are of families made on both sides"
    if share < LEAST_OVERLAP:
        more = f"{said}, at least {LEAST_OVERLAP * 100} % are needed; name baseline.families, or compare "
        return [finding("unassessable.baseline.families", f"{more}a period of the same products")]
    return [finding("baseline.families", said, share=digits(share))]
