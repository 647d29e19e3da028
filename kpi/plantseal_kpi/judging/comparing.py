"""Comparators: a fact held against the threshold of a criterion, on exact values.

Thresholds include the number: 以上, 以下, 以内, 达到 and 不低于 alike.

Source: GB/T 8170 (comparison of full values); 民法典 art. 1259, by analogy.
"""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from plantseal_kpi.figures import text
from plantseal_kpi.judging.notices import Criterion

FactValue = Fraction | bool | str | tuple[str, ...]


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
            number, most = _number(value), _threshold(c)
            return number >= most if c.comparator == ">=" else number <= most
        case "==":
            return value == (Fraction(t) if isinstance(t, int | Decimal) else t)
        case "is_true" | "is_false":
            if not isinstance(value, bool):
                raise TypeError(f"got {_shown(value)}, expected true or false")
            return value is (c.comparator == "is_true")
        case "contains_all" | "contains_any":
            has = set(_texts(value))
            wanted = set(_texts(t))
            return wanted <= has if c.comparator == "contains_all" else bool(wanted & has)
        case "date>=" | "date<=":
            at, limit = moment(value), moment(t)
            return at >= limit if c.comparator == "date>=" else at <= limit
        case "date_between":
            first, last = _texts(t)
            return moment(first) <= moment(value) <= moment(last)
        case "info" | "report":
            raise TypeError("nothing to compare")


def _threshold(c: Criterion) -> Fraction:
    limit = _number(c.threshold)
    return limit / 100 if c.unit == "%" else limit


def _number(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction):
        raise TypeError(f"got {_shown(value)}, expected a number")
    return Fraction(value)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, tuple):
        return value
    raise TypeError(f"got {_shown(value)}, expected a list of texts")


def _shown(value: object) -> str:
    return text(value) if isinstance(value, Fraction) else repr(value)


def moment(value: object) -> datetime:
    """Return a date or a time as an aware instant; a bare date begins in China.

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
    # A bare date is a day of the plant; notices are Chinese, so their days begin there.
    return value if value.tzinfo else value.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
