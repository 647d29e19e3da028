"""Comparators: a fact held against the threshold of a criterion, on exact values.

Thresholds include the number: 以上, 以下, 以内, 达到 and 不低于 alike.

Source: GB/T 8170 (comparison of full values); 民法典 art. 1259, by analogy.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from plantseal_kpi.figures import finding, text
from plantseal_kpi.judging.facts import FactValue
from plantseal_kpi.judging.notices import Criterion
from plantseal_kpi.report import Finding, Outcome

NEARLY: Final = Fraction(1, 10)
"""Tolerance of 左右, which the notices do not state."""
CHINA: Final = ZoneInfo("Asia/Shanghai")
"""Notices are Chinese, so their days begin there."""


def compare(c: Criterion, value: FactValue) -> bool:
    """Return whether ``value`` meets the criterion.

    Raises:
        TypeError: The value is of a kind that the comparator cannot take.

    Example:
        >>> from plantseal_kpi.judging.notices import load_notice
        >>> share = next(c for c in load_notice("CQ2020-15").criteria if c.id.endswith("w1.digital_share"))
        >>> compare(share, Fraction(1, 2)), compare(share, Fraction(499_999, 1_000_000))
        (True, False)
    """
    t = c.threshold
    match c.comparator:
        case ">=" | "<=":
            number, limit = _number(value), _limit(c)
            return number >= limit if c.comparator == ">=" else number <= limit
        case "approx":
            return abs(_number(value) - _limit(c)) <= NEARLY * _limit(c)
        case "==":
            return _text(value) == t if isinstance(t, str) else _number(value) == _limit(c)
        case "in":
            given = value if isinstance(value, tuple) else (value,)
            return bool(given) and {_plain(v) for v in given} <= {_plain(v) for v in _listed(t)}
        case "is_true" | "is_false":
            if not isinstance(value, bool):
                raise TypeError(f"got {_shown(value)}, expected true or false")
            return value is (c.comparator == "is_true")
        case "contains_all" | "contains_any" | "subset_of":
            return _sets(c, set(_texts(value)), {str(x) for x in _listed(t)})
        case "date>=" | "date<=" | "date_between":
            return _dated(c, value)
        case _:
            raise TypeError(f"{c.comparator} compares nothing")


def mismatches(c: Criterion, value: FactValue) -> tuple[Outcome, Finding | None]:
    """Return how one half of the rule of mismatches found on site stands.

    More than the number fails; at exactly the number both halves hold, as 以上 and 以内 both include
    it; below, what the experts confirmed on site is what counts.

    Raises:
        TypeError: The value is no count.

    Source: 渝经信智能〔2022〕38号 正文三(三); definitions 1.3.
    """
    number, limit = _number(value), _limit(c)
    if number.denominator != 1 or number < 0:
        raise TypeError(f"got {_shown(value)}, expected a count")
    if number == limit:
        both = (
            f"exactly {limit} mismatches: {limit}个以上 fails, {limit}个以内 is recomputed with what the "
            "experts confirmed; 以上 and 以内 both include the number, the notice contradicts itself; "
            f"ask the authority, and keep to {limit - 1} at most"
        )
        return "UNDECIDED", finding("criteria.both_readings", both)
    if c.comparator == "fail_if>=":
        return ("PASS", None) if number < limit else ("FAIL", None)
    if number > limit:
        other = f"{number} mismatches are more than {limit}: the other half of the sentence decides"
        return "NOT_APPLICABLE", finding("criteria.other_half", other)
    if number == 0:
        return "PASS", None
    fix = (
        f"{number} mismatches: what the experts confirmed on site counts; put those values in place of "
        "the ones that differed and compute the report anew"
    )
    return "PASS", finding("criteria.site_values", fix)


def on_the_edge(c: Criterion, value: FactValue) -> bool:
    """Return True where a date is exactly the day or the instant that the criterion names."""
    if c.comparator not in ("date>=", "date<=") or not isinstance(c.threshold, str):
        return False
    if _is_day(c.threshold):
        return moment(value).date() == moment(c.threshold).date()
    return moment(value) == moment(c.threshold)


def _dated(c: Criterion, value: FactValue) -> bool:
    """Return whether a date meets the limit.

    A limit that is a day is held against the day; a day held against an instant must lie whole on
    one side of it.
    """
    first, last = moment(value), moment(value)
    if isinstance(value, str) and _is_day(value):
        last += timedelta(days=1) - timedelta.resolution
    if c.comparator == "date_between":
        begin, end = (moment(x) for x in _listed(c.threshold))
        met = {begin <= at <= end for at in (first, last)}
    elif isinstance(c.threshold, str) and _is_day(c.threshold):
        day, limit = first.date(), moment(c.threshold).date()
        met = {day >= limit if c.comparator == "date>=" else day <= limit}
    else:
        at_limit = moment(c.threshold)
        met = {
            at >= at_limit if c.comparator == "date>=" else at <= at_limit for at in (first, last)
        }
    if len(met) > 1:
        raise TypeError(f"got {value!r}, expected the time of day too, as {c.threshold} names one")
    return met.pop()


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _sets(c: Criterion, has: set[str], wanted: set[str]) -> bool:
    if c.comparator == "contains_all":
        return wanted <= has
    if c.comparator == "contains_any":
        return bool(wanted & has)
    if not has:
        raise TypeError("got an empty list, expected at least one of the kinds")
    return has <= wanted


def _limit(c: Criterion) -> Fraction:
    limit = _number(c.threshold)
    return limit / 100 if c.unit == "%" else limit


def _number(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction):
        raise TypeError(f"got {_shown(value)}, expected a number")
    return Fraction(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"got {_shown(value)}, expected a text")
    return value


def _plain(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str | Fraction):
        raise TypeError(f"got {_shown(value)}, expected a text or a number")
    return text(value)


def _listed(threshold: object) -> tuple[int | str, ...]:
    if not isinstance(threshold, tuple):
        raise TypeError(f"got the threshold {threshold!r}, expected a list")
    return threshold


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, tuple):
        return tuple(str(v) for v in value)
    raise TypeError(f"got {_shown(value)}, expected a list of texts")


def _shown(value: object) -> str:
    return text(value) if isinstance(value, Fraction) else repr(value)


def moment(value: object) -> datetime:
    """Return a date or a time as an instant in China; a bare date begins there.

    Raises:
        TypeError: The value is no date.
    """
    given = _shown(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise TypeError(f"got {given}, expected a date such as 2020-03-17")
    try:
        # A bare date is a day of the plant.
        return value.astimezone(CHINA) if value.tzinfo else value.replace(tzinfo=CHINA)
    except OverflowError:
        raise TypeError(f"got {given}, expected a date such as 2020-03-17") from None
