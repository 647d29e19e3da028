"""RFC 8785 JSON, the one byte form of log entries, configurations and envelopes.

Rules: UTF-8, no duplicate keys, no NaN, no infinity; numbers are doubles, so int only within 2^53.
64-bit numbers and times are therefore decimal strings wherever plantseal writes them. Parsing is strict on purpose: two
readers that disagree on the meaning of the same signed bytes are two truths.
"""

import json
import math
from typing import Any, Final, NoReturn

import rfc8785

_MAX_INT: Final = 2**53 - 1


def dumps(obj: Any) -> bytes:
    """Return ``obj`` as RFC 8785 JSON, UTF-8, without a trailing newline.

    Raises:
        ValueError: A type that JSON lacks, NaN, infinity, an integer beyond 2^53, a lone
            surrogate, or nesting too deep.

    Source: RFC 8785, 3.2.

    Example:
        >>> dumps({"b": 1.0, "a": "渝"}).decode()
        '{"a":"渝","b":1}'
    """
    try:
        return rfc8785.dumps(obj)
    except RecursionError as e:
        raise ValueError("canonical JSON: nested too deeply") from e
    except (TypeError, AttributeError) as e:  # a key that is no string
        raise ValueError(f"canonical JSON: {e}") from e


def loads(data: bytes) -> Any:
    """Return the value of JSON bytes; whole numbers within 2^53 are int, all others float.

    Raises:
        ValueError: Not UTF-8, not JSON, a duplicate key, NaN, a number beyond a double, a lone
            surrogate, or nesting too deep; the message says where.

    Example:
        >>> loads(b'{"a":1,"a":2}')
        Traceback (most recent call last):
        ...
        ValueError: json: key 'a' is given twice in one object
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise ValueError(f"json: byte {e.start} is not UTF-8") from e
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_whole,
        )
    except json.JSONDecodeError as e:
        raise ValueError(f"json: {e.msg.lower()} at byte {_byte(e)}") from e
    except RecursionError as e:
        raise ValueError("json: nested too deeply") from e
    if "\\u" in text and _has_lone_surrogate(value):
        raise ValueError("json: a text holds half of a surrogate pair")
    return value


def loads_canonical(data: bytes) -> Any:
    """Return the value of bytes that are their own RFC 8785 form.

    Raises:
        ValueError: As :func:`loads`, or the bytes differ from the canonical form; the message
            names the first byte that differs.

    Example:
        >>> loads_canonical(b'{"a": 1}')
        Traceback (most recent call last):
        ...
        ValueError: json: not canonical from byte 5 on
    """
    value = loads(data)
    canonical = dumps(value)
    if canonical != data:
        same = min(len(data), len(canonical))
        at = next((i for i in range(same) if data[i] != canonical[i]), same)
        raise ValueError(f"json: not canonical from byte {at} on")
    return value


def _byte(e: json.JSONDecodeError) -> int:
    return len(e.doc[: e.pos].encode("utf-8"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"json: key {twice[:80]!r} is given twice in one object")
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"json: {name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"json: number {text[:40]} is beyond a double")
    return value


def _whole(text: str) -> int | float:
    value = _float(text)  # first: a text of thousands of digits is never made an int
    return int(text) if abs(value) <= _MAX_INT else value


def _has_lone_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, list):
        return any(map(_has_lone_surrogate, value))
    if isinstance(value, dict):
        return any(_has_lone_surrogate(k) or _has_lone_surrogate(v) for k, v in value.items())
    return False
