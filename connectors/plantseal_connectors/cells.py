"""What people type into spreadsheets, brought to exact values: dates, money, counts, masses, hours.

Nothing is guessed: a cell that can be read in two ways, or that a spreadsheet has shortened, is
refused with what to do. Full-width digits and letters count as the plain ones (Unicode NFKC).
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

UNITS: Final[dict[str, dict[str, Fraction]]] = {
    "money": {"元": Fraction(100), "yuan": Fraction(100), "cny": Fraction(100),
              "rmb": Fraction(100), "千元": Fraction(10**5), "万元": Fraction(10**6),
              "百万元": Fraction(10**8), "亿元": Fraction(10**10), "分": Fraction(1),
              "fen": Fraction(1)},
    "hours": {unit: Fraction(ns) for units, ns in (
        (("h", "hour", "hours", "小时", "工时"), 3600 * 10**9),
        (("min", "分钟"), 60 * 10**9), (("s", "秒"), 10**9)) for unit in units},
    "mass": {"g": Fraction(1), "克": Fraction(1), "kg": Fraction(1000), "公斤": Fraction(1000),
             "千克": Fraction(1000), "t": Fraction(10**6), "吨": Fraction(10**6)},
    "count": {unit: Fraction(1) for unit in ("件", "个", "人", "台", "只", "套", "pcs")}
    | {"万件": Fraction(10**4)},
}  # fmt: skip
"""Base units in one of each unit that a header or a cell may name, by kind of column."""
DEFAULT_UNIT: Final = {"money": "元", "hours": "h", "mass": "kg", "count": "件"}
_BASE: Final = {"money": "fen", "hours": "ns", "mass": "g", "count": "pieces"}
_NUMBER: Final = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d*)?|\.\d+")
_SHORTENED: Final = re.compile(r"\d(\.\d+)?e[+-]?\d+", re.IGNORECASE)
_DAY: Final = re.compile(r"(\d{4})([-/.年])(\d{1,2})(?:[-/.]|月)(\d{1,2})日?")
_MONTH: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})月?")
_CLOCK: Final = re.compile(
    r"(.+?)[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)? ?(Z|[+-]\d\d:\d\d)?"
)
_SERIAL: Final = re.compile(r"(\d{5})(\.\d+)?")
_SERIALS: Final = range(25569, 73051)  # 1970-01-01 .. 2099-12-31 in the 1900 date system
_EXCEL: Final = Context(prec=15)  # a spreadsheet keeps and shows 15 significant digits
_TRUTH: Final = {
    word: truth
    for truth, words in (
        (True, "true yes y 1 是 合格 通过 pass ok"), (False, "false no n 0 否 不合格 不通过 fail ng")
    )
    for word in words.split()
}  # fmt: skip


def plain(text: str) -> str:
    """Return text with full-width characters as plain ones and outer spaces gone.

    Example:
        >>> plain("　１２，３４５．６ ")
        '12,345.6'
    """
    return unicodedata.normalize("NFKC", text).replace("−", "-").strip()


def folded(text: str) -> str:
    """Return a word as it is compared: plain, without spaces, lower case."""
    return re.sub(r"\s+", "", plain(text)).lower()


def value(
    text: str, kind: str, words: Mapping[str, tuple[str, ...]], unit: str | None, zone: str
) -> object:
    """Return the value of a cell in the base unit of its kind.

    Args:
        text: The cell; not empty.
        kind: Kind of the column, as in the ledger's schema.
        words: For ``word``: identifiers and what stands for them.
        unit: Unit that the header names.
        zone: Time zone of times without an offset.

    Raises:
        ValueError: It cannot be read; the message says what is expected.

    Example:
        >>> value("1,234.5", "money", {}, "万元", "UTC"), value("2024年2月", "posting", {}, None, "UTC")
        (1234500000, datetime.date(2024, 2, 29))
    """
    cell = plain(text)
    match kind:
        case "id" | "text":
            return _name(text.strip() if kind == "text" else cell, kind)
        case "word":
            return _word(cell, words)
        case "truth":
            return _truth(cell)
        case "day" | "posting":
            return _date(cell, month=kind == "posting")
        case "time":
            return _time(cell, zone)
        case "number":
            return _decimal(cell)
        case _:
            return _amount(cell, kind, unit)


def _name(cell: str, kind: str) -> str:
    if kind == "id" and _SHORTENED.fullmatch(cell):
        raise ValueError("expected the whole number; format the column as text and type it again")
    if any(unicodedata.category(c) == "Cc" for c in cell):
        raise ValueError("expected one line of text without control characters")
    return cell


def _word(cell: str, words: Mapping[str, tuple[str, ...]]) -> str:
    known = {folded(x): name for name, others in words.items() for x in (name, *others)}
    if folded(cell) not in known:
        listed = ", ".join(f"{name} ({'/'.join(o)})" if o else name for name, o in words.items())
        raise ValueError(f"expected one of {listed}")
    return known[folded(cell)]


def _truth(cell: str) -> bool:
    if folded(cell) not in _TRUTH:
        raise ValueError("expected true or false (是/否, 合格/不合格)")
    return _TRUTH[folded(cell)]


def _amount(cell: str, kind: str, unit: str | None) -> int:
    named, number = _split_unit(cell, kind)
    if named and unit and UNITS[kind][named] != UNITS[kind][unit]:
        raise ValueError(f"expected {unit}, the unit of the header, not {named}")
    factor = UNITS[kind][named or unit or DEFAULT_UNIT[kind]]
    exact = Fraction(_number(number)) * factor
    if exact.denominator != 1:
        raise ValueError(f"expected whole {_BASE[kind]}; round it in the table")
    if abs(exact) >= 2**63:
        raise ValueError(f"expected less than 2^63 {_BASE[kind]}; check the unit")
    return int(exact)


def _split_unit(cell: str, kind: str) -> tuple[str, str]:
    lower = cell.lower()
    number = lower.removeprefix("¥").strip() if kind == "money" else lower
    for unit in sorted(UNITS[kind], key=len, reverse=True):
        if number.endswith(unit):
            return unit, number.removesuffix(unit).strip()
    return "", number


def _number(cell: str) -> Decimal:
    sign, body = "", cell
    if body.startswith("(") and body.endswith(")"):  # accountants write a minus so
        sign, body = "-", body[1:-1]
    elif body[:1] in ("-", "+"):
        sign, body = body[:1].replace("+", ""), body[1:]
    body = body.removeprefix("¥").strip()
    if _SHORTENED.fullmatch(body):
        raise ValueError("expected all digits; the spreadsheet has shortened it, widen its format")
    if not body.isascii() or not _NUMBER.fullmatch(body) or len(body) > 60:
        raise ValueError("expected a number such as 1234.56 or 1,234.56")
    number = Decimal(sign + body.replace(",", ""))
    if "." in body and len(number.as_tuple().digits) > 15:
        number = _EXCEL.plus(number)  # 0.30000000000000004 is 0.3 to everybody who sees the sheet
    return number


def _decimal(cell: str) -> str:
    percent = cell.endswith("%")
    number = _number(cell.removesuffix("%").strip())
    text = format(number.scaleb(-2) if percent else number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _date(cell: str, *, month: bool) -> date:
    clock = _CLOCK.fullmatch(cell)
    if clock is not None:
        if int(clock[2]) or int(clock[3]) or int(clock[4] or 0) or int(clock[5] or 0):
            raise ValueError("expected a date without a time of day")
        cell = clock[1]
    found = _day(cell)
    if found is not None:
        return found
    if month and (short := _MONTH.fullmatch(cell) or re.fullmatch(r"(\d{4})(\d{2})", cell)):
        year, number = int(short[1]), int(short[2])
        if 1970 <= year < 2100 and 1 <= number <= 12:
            return date(year, number, monthrange(year, number)[1])
    also = " or a month such as 2024-01" if month else ""
    raise ValueError(f"expected a date such as 2024-01-31{also}")


def _day(cell: str) -> date | None:
    serial = _SERIAL.fullmatch(cell)
    if serial is not None and not (serial[2] or "").strip(".0"):
        return _of_serial(int(serial[1]))
    parts = _DAY.fullmatch(cell)
    numbers = (parts[1], parts[3], parts[4]) if parts else None
    if numbers is None and (run := re.fullmatch(r"(\d{4})(\d{2})(\d{2})", cell)):
        numbers = (run[1], run[2], run[3])
    if numbers is None:
        return None
    try:
        found = date(*map(int, numbers))
    except ValueError as e:
        raise ValueError(f"expected a day of the calendar ({e})") from e
    if not 1970 <= found.year < 2100:
        raise ValueError("expected a year from 1970 to 2099")
    return found


def _of_serial(number: int) -> date:
    """Return the date of a spreadsheet's day number, 1900 system; past its false 1900-02-29."""
    if number not in _SERIALS:
        raise ValueError("expected a date; as a day number it would lie outside 1970 to 2099")
    return date(1899, 12, 30) + timedelta(days=number)


def _time(cell: str, zone: str) -> datetime:
    serial = _SERIAL.fullmatch(cell)
    if serial is not None:
        day = _of_serial(int(serial[1]))
        ms = round(Fraction("0" + (serial[2] or ".0")) * 86_400_000)  # a serial is exact to 1 ms
        return _local(datetime(day.year, day.month, day.day) + timedelta(milliseconds=ms), zone)  # noqa: DTZ001
    clock = _CLOCK.fullmatch(cell)
    day_only = _day(clock[1]) if clock is not None else None
    if clock is None or day_only is None:
        raise ValueError("expected a time such as 2024-01-31 08:00:00, with +08:00 where not local")
    part = clock[5] or ""
    if part[6:].strip("0"):
        raise ValueError("expected at most microseconds")
    try:
        moment = datetime(day_only.year, day_only.month, day_only.day,  # noqa: DTZ001
                          int(clock[2]), int(clock[3]), int(clock[4] or 0),
                          int(part[:6].ljust(6, "0")))  # fmt: skip
    except ValueError as e:
        raise ValueError(f"expected a time of the day ({e})") from e
    if clock[6]:
        return datetime.fromisoformat(moment.isoformat() + clock[6]).astimezone(UTC)
    return _local(moment, zone)


def _local(moment: datetime, zone: str) -> datetime:
    where = ZoneInfo(zone)
    early, late = (moment.replace(tzinfo=where, fold=f) for f in (0, 1))
    if early.utcoffset() != late.utcoffset():
        raise ValueError(f"expected an offset such as +01:00: the clocks of {zone} change then")
    return early.astimezone(UTC)
