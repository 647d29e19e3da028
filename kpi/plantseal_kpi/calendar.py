"""Planned production time: shifts, holidays and planned stops in the plant's zone.

Intervals are half-open. Local wall times become instants through the zone's own rules, so a shift
over a change of daylight saving is as long as it really is. A holiday takes out the shifts that
*begin* on it: the production day is the date of the shift's start.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plantseal_kpi.plant import Calendar, Period, Plant

Span = tuple[int, int]
ShiftOf = tuple[date, str, int, int]
"""Production day, name, start and end [ns] of one shift."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def ns(moment: datetime) -> int:
    """Return an aware time as ns since the epoch, exactly.

    Example:
        >>> ns(datetime(1970, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")))
        0
    """
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def period_span(period: Period) -> Span:
    """Return the period as (start, end) [ns]."""
    return ns(period.start), ns(period.end)


def local_text(t_ns: int, zone: str) -> str:
    """Return an instant as RFC 3339 in ``zone``, to the microsecond where there is one.

    Example:
        >>> local_text(0, "Asia/Shanghai")
        '1970-01-01T08:00:00+08:00'
    """
    return (_EPOCH + timedelta(microseconds=t_ns // 1000)).astimezone(ZoneInfo(zone)).isoformat()


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans sorted, without overlap, touching ones joined, empty ones gone.

    Example:
        >>> merged([(5, 7), (0, 5), (9, 9)])
        [(0, 7)]
    """
    out: list[Span] = []
    for start, end in sorted(s for s in spans if s[1] > s[0]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def without(spans: Iterable[Span], removed: Iterable[Span]) -> list[Span]:
    """Return the time of ``spans`` that does not lie in ``removed``.

    Example:
        >>> without([(0, 9)], [(3, 5)])
        [(0, 3), (5, 9)]
    """
    holes, out = merged(removed), []
    for start, end in merged(spans):
        at = start
        for a, b in holes:
            if a >= end:
                break
            if b > at:
                if a > at:
                    out.append((at, a))
                at = b
        if at < end:
            out.append((at, end))
    return out


def common(a: Iterable[Span], b: Iterable[Span]) -> list[Span]:
    """Return the time that lies in both sets of spans.

    Example:
        >>> common([(0, 4), (6, 9)], [(3, 7)])
        [(3, 4), (6, 7)]
    """
    one, other, out = merged(a), merged(b), []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            out.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return out


def _dates(span: Span, zone: ZoneInfo) -> list[date]:
    first = (_EPOCH + timedelta(microseconds=span[0] // 1000)).astimezone(zone).date()
    last = (_EPOCH + timedelta(microseconds=span[1] // 1000)).astimezone(zone).date()
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def local_days(span: Span, zone: str) -> list[tuple[date, int, int]]:
    """Return (date, start, end) [ns] of each local day that meets ``span``, midnight to midnight.

    Example:
        >>> [(end - start) // 3_600_000_000_000 for _, start, end in local_days(
        ...     (1616886000_000000000, 1616886000_000000001), "Europe/Berlin")]
        [23]
    """
    where = ZoneInfo(zone)
    days = []
    for day in _dates(span, where):
        start = ns(datetime.combine(day, time(), where))
        end = ns(datetime.combine(day + timedelta(days=1), time(), where))
        if start < span[1] and end > span[0]:
            days.append((day, start, end))
    return days


def shift_spans(calendar: Calendar, zone: str, span: Span) -> list[Span]:
    """Return the time in ``span`` [ns] that lies in a shift; without shifts, all of it."""
    if not calendar.shifts:
        return without([span], _holidays(calendar, zone))
    whole = _shifts(calendar, zone, span)
    return merged((max(start, span[0]), end) for _, _, start, end in whole)


def shifts_of(plant: Plant, span: Span) -> list[ShiftOf]:
    """Return (production day, name, start, end) [ns] of each shift that meets ``span``, by start.

    The production day is the local date on which the shift begins, for a night shift the day
    before its end. The spans are cut to ``span`` and disjoint: where shifts overlap, the time
    belongs to the one that began first (of equal starts, the first of the calendar), so that
    sums over shifts are sums over planned time. Planned stops are not taken out. Without shifts,
    each local day that is no holiday is one shift without a name.

    Source: definitions 4.1, row "shifts".

    Example:
        >>> plant = Plant.model_validate({"site": "s", "zone": "UTC", "equipment": [], "calendar": {
        ...     "shifts": [{"name": "night", "start": "22:00", "end": "06:00"}]}})
        >>> [(str(day), name, (end - start) // 3_600_000_000_000)
        ...  for day, name, start, end in shifts_of(plant, (0, 86_400_000_000_000))]
        [('1969-12-31', 'night', 6), ('1970-01-01', 'night', 2)]
    """
    calendar = plant.calendar
    if not calendar.shifts:
        found = [
            (day, "", max(start, span[0]), min(end, span[1]))
            for day, start, end in local_days(span, plant.zone)
            if day not in calendar.holidays
        ]
    else:
        found = _shifts(calendar, plant.zone, span)
    out: list[ShiftOf] = []
    reached = span[0]
    for day, name, start, end in sorted(found, key=lambda s: s[2]):
        if end > max(start, reached):
            out.append((day, name, max(start, reached), min(end, span[1])))
            reached = end
    return [s for s in out if s[3] > s[2]]


def _shifts(calendar: Calendar, zone: str, span: Span) -> list[ShiftOf]:
    """Return the shifts that meet ``span``, cut to it at its end only: who began first must show."""
    where, holidays, out = ZoneInfo(zone), set(calendar.holidays), []
    before = (span[0] - 2 * 86_400 * 10**9, span[1])  # a night shift may have begun the day before
    for day in _dates(before, where):
        for shift in calendar.shifts:
            if day in holidays or _DAYS[day.weekday()] not in shift.days:
                continue
            last = day if shift.end > shift.start else day + timedelta(days=1)
            start = ns(datetime.combine(day, shift.start, where))
            end = ns(datetime.combine(last, shift.end, where))
            if start < span[1] and end > span[0]:
                out.append((day, shift.name, start, min(end, span[1])))
    return out


def _holidays(calendar: Calendar, zone: str) -> list[Span]:
    where = ZoneInfo(zone)
    return [
        (
            ns(datetime.combine(day, time(), where)),
            ns(datetime.combine(day + timedelta(days=1), time(), where)),
        )
        for day in calendar.holidays
    ]


def stop_spans(calendar: Calendar, equipment: str) -> list[Span]:
    """Return the planned stops [ns] of one machine, those of the whole plant included."""
    return merged(
        period_span(s.period) for s in calendar.stops if not s.equipment or equipment in s.equipment
    )


def planned_spans(plant: Plant, equipment: str, span: Span) -> list[Span]:
    """Return the planned production time of one machine within ``span`` [ns].

    Shifts less holidays less planned stops; around the clock where no shift is given.

    Source: ISO 22400-2, planned busy time = operating time minus planned downtime.

    Example:
        >>> plant = Plant.model_validate({"site": "s", "equipment": [
        ...     {"id": "m", "name": "m", "cls": "processing"}]})
        >>> planned_spans(plant, "m", (0, 10))
        [(0, 10)]
    """
    shifts = shift_spans(plant.calendar, plant.zone, span)
    return without(shifts, stop_spans(plant.calendar, equipment))


def within(t_ns: int, spans: Sequence[Span]) -> bool:
    """Return True when an instant lies in one of the half-open spans."""
    return any(start <= t_ns < end for start, end in spans)
