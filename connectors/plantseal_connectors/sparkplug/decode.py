"""From Sparkplug B bytes to metrics, and from a metric's wire value to a scalar: pure.

Integers are read by their datatype: Int8 to Int64 travel as two's complement in an unsigned field,
some publishers extend the sign to 32 or 64 bits, others do not; both are read, and what fits
neither is refused rather than cut. Dates stay milliseconds since the epoch. Arrays stay their
bytes. A data set becomes JSON text; a template has no place in a scalar row and is UNPARSED.

**Source**: Sparkplug 3.0, 6.4.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError

from plantseal_connectors.rows import Scalar
from plantseal_connectors.sparkplug.schema import payload_class
from plantseal_connectors.status import BAD, BAD_NO_COMMUNICATION, GOOD, UNCERTAIN

MAX_METRICS: Final = 100_000
"""Metrics in one payload; an empty one takes two bytes, so a hostile payload could hold millions."""

INT8, INT64, UINT8, UINT64 = 1, 4, 5, 8
FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME, TEXT, UUID, DATASET = 9, 10, 11, 12, 13, 14, 15, 16
BYTES, FILE, TEMPLATE, FIRST_ARRAY, LAST_ARRAY = 17, 18, 19, 22, 34
_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64}
_WIRE_BITS: Final = {"int_value": 32, "long_value": 64}
_QUALITY: Final = {
    0: BAD,
    192: GOOD,
    500: BAD_NO_COMMUNICATION,
}  # Sparkplug 3.0, 6.4.10: 500 is stale


class Unreadable(ValueError):
    """Bytes, or a value in them, that the rules above cannot read."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it stands in a payload.

    Attributes:
        name: None when only the alias is given.
        alias: None when there is none.
        t_ms: Time of the metric [ms since the epoch]; None when only the payload has one.
        datatype: 0 when not given.
        historical: The sender says that it sends late.
        null: The sender says that there is no value.
        field: Name of the wire field that holds the value; empty when none does.
        raw: What it holds.
        status: From the property ``Quality``; good where there is none.
    """

    name: str | None
    alias: int | None
    t_ms: int | None
    datatype: int
    historical: bool
    null: bool
    field: str
    raw: Any
    status: int


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload: its time [ms since the epoch], sequence number and metrics."""

    t_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(payload: bytes) -> Payload:
    """Return the payload.

    Raises:
        Unreadable: Not protobuf, beyond 100,000 metrics, or a sequence number beyond 255.
    """
    try:
        message = payload_class().FromString(payload)
    except DecodeError:
        raise Unreadable("not a protobuf payload") from None
    if len(message.metrics) > MAX_METRICS:
        raise Unreadable(f"{len(message.metrics)} metrics, expected at most {MAX_METRICS}")
    seq = message.seq if message.HasField("seq") else None
    if seq is not None and seq > 255:
        raise Unreadable(f"seq {seq}, expected 0..255")
    return Payload(
        message.timestamp if message.HasField("timestamp") else None,
        seq,
        tuple(_metric(m) for m in message.metrics),
    )


def _metric(m: Any) -> Metric:
    field = m.WhichOneof("value") or ""
    return Metric(
        m.name.decode("utf-8", "backslashreplace") if m.HasField("name") else None,
        m.alias if m.HasField("alias") else None,
        m.timestamp if m.HasField("timestamp") else None,
        m.datatype,
        m.is_historical,
        m.is_null,
        field,
        getattr(m, field) if field else None,
        _quality(m.properties) if m.HasField("properties") else GOOD,
    )


def _quality(properties: Any) -> int:
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key == b"Quality" and not value.is_null:
            return _QUALITY.get(value.int_value, UNCERTAIN)
    return GOOD


def scalar(datatype: int, field: str, raw: Any) -> Scalar:
    """Return the value of a wire field read as ``datatype``.

    Raises:
        Unreadable: The field does not hold such a type, or not in its range.

    Example:
        >>> scalar(1, "int_value", 0xFF), scalar(1, "int_value", 0xFFFF_FFFF), scalar(5, "int_value", 255)
        (-1, -1, 255)
    """
    if INT8 <= datatype <= UINT64 and field in _WIRE_BITS:
        return _integer(datatype, raw, _WIRE_BITS[field])
    if datatype == DATETIME and field == "long_value":
        return _integer(INT64, raw, 64)
    if datatype in (FLOAT, DOUBLE) and field in ("float_value", "double_value"):
        return float(raw)
    if datatype == BOOLEAN and field == "boolean_value":
        return bool(raw)
    if datatype in (STRING, TEXT, UUID) and field == "string_value":
        return _text(raw)
    if (datatype in (BYTES, FILE) or FIRST_ARRAY <= datatype <= LAST_ARRAY) and (
        field == "bytes_value"
    ):
        return bytes(raw)
    if datatype == DATASET and field == "dataset_value":
        return _dataset(raw)
    raise Unreadable(f"datatype {datatype} in field {field or 'none'}")


def _integer(datatype: int, raw: int, wire_bits: int) -> int:
    bits = _BITS[datatype]
    top = 1 << bits
    if datatype >= UINT8:
        if raw < top:
            return raw
    elif raw < top:  # two's complement in its own width
        return raw - top if raw >= top >> 1 and bits <= wire_bits else raw
    elif raw >= (1 << wire_bits) - (top >> 1):  # the sign extended to the field
        return raw - (1 << wire_bits)
    raise Unreadable(f"{raw} is beyond {bits} bits of datatype {datatype}")


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _dataset(data: Any) -> str:
    types = list(data.types)

    def element(cell: Any, column: int) -> Any:
        field = cell.WhichOneof("value")
        if field is None:
            return None
        value = scalar(types[column] if column < len(types) else 0, field, getattr(cell, field))
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    table = {
        "columns": [c.decode("utf-8", "backslashreplace") for c in data.columns],
        "types": types,
        "rows": [[element(cell, i) for i, cell in enumerate(row.elements)] for row in data.rows],
    }
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"))
