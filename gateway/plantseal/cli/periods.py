"""Periods and durations as a person types them."""

import re
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from plantseal.cli.exits import Exit, Stop
from plantseal_kpi.plant import Period

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_YEARS: Final = range(1971, 2200)
"""Years whose times fit into 64 bits of nanoseconds, with room for a baseline before them."""
_EXPECTED: Final = (
    "expected a day (2026-11-01), days (2026-11-01..2026-11-30, both included) "
    "or times (2026-11-01T08:00..2026-11-01T16:00)"
)


def period(text: str, zone: str) -> Period:
    """Return the half-open period that ``text`` names, in the plant's zone.

    Raises:
        Stop: With exit code 3, when the text cannot be read or ends before it starts.

    Example:
        >>> period("2026-11-01", "Asia/Shanghai").end.isoformat()
        '2026-11-02T00:00:00+08:00'
    """
    first, dots, last = text.partition("..")
    start = _moment(first, zone, text, whole_day_end=False)
    end = _moment(last if dots else first, zone, text, whole_day_end=True)
    if end <= start:
        raise Stop(Exit.INPUT, f"--period {text}: the end is not later than the start; {_EXPECTED}")
    return Period(start=start, end=end)


def _moment(text: str, zone: str, whole: str, *, whole_day_end: bool) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.year not in _YEARS:
            raise ValueError(f"year {moment.year}")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = moment.date() + timedelta(days=1 if whole_day_end else 0)
            return datetime.combine(day, time(), ZoneInfo(zone))
    except ValueError as e:
        raise Stop(Exit.INPUT, f"--period {whole}: cannot read {text!r}; {_EXPECTED}") from e
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def seconds_until(text: str, now: datetime) -> float:
    """Return the seconds to go: a duration such as ``90s`` or ``8h``, or until a time.

    Raises:
        Stop: With exit code 3, when the text cannot be read or lies in the past.

    Example:
        >>> from datetime import UTC
        >>> seconds_until("15m", datetime(2026, 1, 1, tzinfo=UTC))
        900.0
    """
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text.strip()):
        return float(found[1]) * _UNITS[found[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        message = f"--until {text}: expected a duration (90s, 15m, 8h) or a time (RFC 3339)"
        raise Stop(Exit.INPUT, message) from e
    left = ((moment if moment.tzinfo else moment.astimezone()) - now).total_seconds()
    if left <= 0:
        raise Stop(Exit.INPUT, f"--until {text}: lies in the past; it is {now.isoformat()} now")
    return left
