"""What a Modbus TCP source has in plant.yaml."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from plantseal_connectors import profiles
from plantseal_connectors.source import SourceSettings

MAX_READ_REGISTERS: Final = 125  # Modbus Application Protocol V1.1b3, 6.3
MAX_READ_BITS: Final = 2000  # Modbus Application Protocol V1.1b3, 6.1
DIRECT_UNITS: Final = (0, 255)
"""Ids of a device that is not behind a gateway.

Source: Modbus Messaging on TCP/IP Implementation Guide V1.0b, unit identifier (255 recommended, 0
in use).
"""


def in_range(value: int, low: int, high: int) -> int:
    """Return ``value``.

    Raises:
        ValueError: It is not in ``low`` to ``high``.
    """
    if not low <= value <= high:
        raise ValueError(f"got {value}, expected {low}..{high}")
    return value


def unit_number(value: int) -> int:
    """Return ``value`` when it is a unit id: 1..247 behind a gateway, 0 or 255 for a direct device.

    Raises:
        ValueError: It is none of them.

    Example:
        >>> unit_number(300)
        Traceback (most recent call last):
            ...
        ValueError: got 300, expected 1..247
    """
    return value if value in DIRECT_UNITS else in_range(value, 1, 247)


def _known_profile(name: str) -> str:
    if name and name not in profiles.names():
        raise ValueError(f"got {name!r}, expected one of {', '.join(profiles.names())}")
    return name


def _between(low: int, high: int) -> tuple[AfterValidator, object]:
    """Return the check of a range and the same range for the JSON Schema."""
    return (
        AfterValidator(lambda value: in_range(value, low, high)),
        Field(json_schema_extra={"minimum": low, "maximum": high}),
    )


class ModbusSettings(SourceSettings):
    """Settings of one Modbus TCP endpoint: a device, or a gateway with several units behind it.

    Attributes:
        host: Name or address of the device.
        port: TCP port.
        unit_id: Unit that a tag address without ``unit/`` means; 0 or 255 for a direct device.
        timeout_ms: How long an answer may take, and a connection [ms].
        max_registers: Most registers in one request; some devices answer no more than 16.
        gap_registers: Registers nobody asked for that may be read along to save a request.
        pause_ms: Rest between an answer and the next request, for slow devices [ms].
        profile: Register map that tag addresses like ``profile:voltage_l1`` refer to.
    """

    host: str = Field(min_length=1)
    port: Annotated[int, *_between(1, 65535)] = 502
    unit_id: Annotated[
        int,
        AfterValidator(unit_number),
        Field(json_schema_extra={"minimum": 0, "maximum": 255}),
    ] = 1
    timeout_ms: Annotated[int, *_between(10, 60_000)] = 1000
    max_registers: Annotated[int, *_between(1, MAX_READ_REGISTERS)] = MAX_READ_REGISTERS
    gap_registers: Annotated[int, *_between(0, MAX_READ_REGISTERS)] = 8
    pause_ms: Annotated[int, *_between(0, 10_000)] = 0
    profile: Annotated[str, AfterValidator(_known_profile)] = ""
