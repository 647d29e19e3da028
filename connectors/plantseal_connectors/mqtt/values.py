"""JSON from untrusted bytes, its numbers kept as they were written: pure.

What Python's reader lets through and this one does not: ``NaN`` and ``Infinity``, a key given
twice, floats where the digits matter. What ends it otherwise than with ``ValueError`` is mapped
to ``ValueError``: nesting beyond the stack, bytes that are not UTF-8, -16 or -32.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from plantseal_connectors.mqtt.plan import Pointer
from plantseal_connectors.mqtt.settings import TimeUnit
from plantseal_connectors.rows import Scalar

INT64_END: Final = 2**63
UINT64_END: Final = 2**64
_SAFE_DIGITS: Final = 20  # of an integer that may fit in 64 bits, sign included
_TIME_DIGITS: Final = 40  # of a time; more is garbage and would make huge integers
_NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,18}))?\s?([Zz]|[+-]\d\d:?\d\d)",
    re.ASCII,
)


class Number(str):
    """The digits of a JSON number that no 64-bit integer holds exactly."""

    __slots__ = ()


class Missing:
    """The type of :data:`MISSING`."""


MISSING: Final = Missing()
"""A pointer led nowhere: the payload says nothing of that tag."""


def _integer(digits: str) -> int | Number:
    if len(digits) > _SAFE_DIGITS:
        return Number(digits)
    value = int(digits)
    return value if -INT64_END <= value < UINT64_END else Number(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {twice[:80]!r} is given twice")
    return members


_DECODER: Final = json.JSONDecoder(
    parse_int=_integer, parse_float=Number, parse_constant=_constant, object_pairs_hook=_object
)


def parse(payload: bytes) -> Any:
    """Return the JSON value of a payload; non-integers and great integers as :class:`Number`.

    A byte order mark is dropped; UTF-16 and UTF-32 are recognised as RFC 4627, 3 says.

    Raises:
        ValueError: Not JSON, and why.

    Example:
        >>> parse(b'{"a": 3, "b": 3.10}')
        {'a': 3, 'b': '3.10'}
    """
    try:
        text = payload.decode(json.detect_encoding(payload))
        return _DECODER.decode(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not {error.encoding}") from None


def at(document: Any, pointer: Pointer) -> Any:
    """Return the value that a JSON pointer leads to, or :data:`MISSING`.

    **Source**: RFC 6901, 4. ``-`` and an index with leading zeros lead nowhere.
    """
    for token in pointer:
        if isinstance(document, dict):
            if token not in document:
                return MISSING
            document = document[token]
        elif isinstance(document, list):
            if not re.fullmatch(r"0|[1-9][0-9]{0,8}", token) or int(token) >= len(document):
                return MISSING
            document = document[int(token)]
        else:
            return MISSING
    return document


def scalar(value: Any) -> Scalar:
    """Return what a row holds for a JSON value.

    Integers stay integers, other numbers become the nearest double, numbers beyond either become
    their digits as text, objects and arrays their JSON as text. A string with a lone surrogate,
    which UTF-8 cannot hold, becomes bytes.

    Raises:
        ValueError: An object or array is nested too deeply to be written again.
    """
    if isinstance(value, Number):
        double = float(value) if len(value) <= 400 else float("inf")
        return double if abs(double) != float("inf") and not _is_integer(value) else str(value)
    if isinstance(value, dict | list):
        try:
            value = _text(value)
        except RecursionError:
            raise ValueError("nested too deeply") from None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value
    plain: Scalar = value
    return plain


def _is_integer(digits: str) -> bool:
    return digits.lstrip("-").isdigit()


def _text(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def time_ns(value: Any, unit: TimeUnit) -> int:
    """Return a payload's time [ns since the Unix epoch, UTC], exact; finer digits are cut off.

    A number may also stand in a string. The result may lie beyond 64 bits.

    Raises:
        ValueError: Not a time in ``unit``; text without a zone is none.

    Example:
        >>> time_ns(Number("1700000000.123456789"), "s")
        1700000000123456789
        >>> time_ns("2024-01-01T08:00:00.5+08:00", "iso")
        1704067200500000000
    """
    if unit == "iso":
        if not isinstance(value, str) or isinstance(value, Number):
            raise ValueError("expected RFC 3339 text")
        return _rfc3339(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | str)
        or len(str(value)) > _TIME_DIGITS
    ):
        raise ValueError(f"expected a number of {unit}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"expected a number of {unit}") from None
    if not number.is_finite() or number.adjusted() > _TIME_DIGITS:
        raise ValueError(f"expected a number of {unit}")
    numerator, denominator = (
        number.as_integer_ratio() if number.adjusted() > -_TIME_DIGITS else (0, 1)
    )
    return numerator * _NS[unit] // denominator


def _rfc3339(text: str) -> int:
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("expected RFC 3339 text with a zone")
    day, clock, fraction, zone = found.groups()
    leap = clock.endswith(":60")  # a leap second is the second after :59
    moment = datetime.fromisoformat(f"{day}T{clock[:-2] + '59' if leap else clock}+00:00")
    seconds = (moment - _EPOCH) // timedelta(seconds=1) + leap
    if zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 23 or minutes > 59:
            raise ValueError("expected RFC 3339 text with a zone")
        offset = (hours * 60 + minutes) * 60
        seconds -= -offset if zone[0] == "-" else offset
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0")[:9])
