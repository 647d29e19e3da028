"""From tag addresses to read requests: pure, no network.

An address is ``[unit/]table:register[.bit]``, the table one of holding, input, coil and discrete,
the register zero-based as it goes into the request; or ``[unit/]profile:name`` for a register of
the source's device profile. Neighbouring values are read in one request, a value is never split.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from plantseal_connectors import profiles
from plantseal_connectors.modbus.settings import MAX_READ_BITS, ModbusSettings, unit_number
from plantseal_connectors.source import SourceSettings
from plantseal_connectors.tags import Finding, Tag, TagSpec

FUNCTIONS: Final = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""Function code that reads each table; there is none here that writes.

Source: Modbus Application Protocol V1.1b3, 6.1 to 6.4.
"""
WIDTHS: Final = {
    "bool": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "float32": 2,
    "uint64": 4, "int64": 4, "float64": 4,
}  # fmt: skip
"""Registers that a value of each type fills."""

_ADDRESS = re.compile(r"(?:(\d{1,5})/)?(holding|input|coil|discrete):(\d{1,6})(?:\.(\d{1,3}))?")
_PROFILE = re.compile(r"(?:(\d{1,5})/)?profile:(\S+)")
_EXPECTED = "[unit/]table:register such as holding:10, 3/input:72 or holding:10.3"


@dataclass(frozen=True, slots=True)
class Point:
    """Where one tag's value lies and how it is read.

    Attributes:
        position: Index of the tag among those it is polled with.
        unit: Unit id.
        table: Key of :data:`FUNCTIONS`.
        register: First register or bit, zero-based.
        type: Key of :data:`WIDTHS`.
        order: Byte order: ABCD big-endian, CDAB words swapped, BADC bytes swapped, DCBA both.
        bit: Bit within the register, 0 the lowest; None where the whole value is meant.
    """

    position: int
    unit: int
    table: str
    register: int
    type: str
    order: str
    bit: int | None = None

    @property
    def end(self) -> int:
        """Return the register after the last that the value fills."""
        return self.register + WIDTHS[self.type]


@dataclass(frozen=True, slots=True)
class Block:
    """One read request and the points that its answer holds, by register."""

    unit: int
    table: str
    points: tuple[Point, ...]

    @property
    def start(self) -> int:
        """Return the first register asked for."""
        return self.points[0].register

    @property
    def count(self) -> int:
        """Return how many registers or bits are asked for."""
        return max(p.end for p in self.points) - self.start

    def halves(self) -> tuple["Block", ...]:
        """Return the block in two parts, or itself where all its points fill the same registers."""
        spans = sorted({(p.register, p.end) for p in self.points})
        if len(spans) == 1:
            return (self,)
        cut = spans[len(spans) // 2]
        low = tuple(p for p in self.points if (p.register, p.end) < cut)
        high = tuple(p for p in self.points if (p.register, p.end) >= cut)
        return (Block(self.unit, self.table, low), Block(self.unit, self.table, high))


def resolve(settings: SourceSettings, spec: TagSpec) -> TagSpec:
    """Return ``spec`` with what the device profile knows filled in; unchanged if it names none.

    Address, type and byte order come from the profile; scale and unit too, unless the tag table
    gives them (a meter behind current transformers has a scale of its own). What cannot be
    resolved comes back as it is, and :func:`check` names it.

    Example:
        >>> meter = ModbusSettings(host="10.0.0.7", profile="eastron_sdm630")
        >>> row = TagSpec(name="m.e", equipment="m", address="3/profile:active_energy_import_total")
        >>> tag = resolve(meter, row)
        >>> (tag.address, tag.type, tag.unit)
        ('3/input:72', 'float32', 'kWh')
    """
    found = _PROFILE.fullmatch(spec.address)
    if not isinstance(settings, ModbusSettings) or found is None or not settings.profile:
        return spec
    register = profiles.load(settings.profile).registers.get(found[2])
    if register is None:
        return spec
    prefix = f"{found[1]}/" if found[1] else ""
    filled: dict[str, object] = {
        "address": f"{prefix}{register.table}:{register.address}",
        "type": register.type,
        "order": register.order,
    }
    if "scale" not in spec.model_fields_set:
        filled["scale"] = register.scale
    if not spec.unit:
        filled["unit"] = register.unit
    return spec.model_copy(update=filled)


def point(settings: ModbusSettings, spec: TagSpec, position: int = 0) -> Point:
    """Return where the value of ``spec`` lies.

    Raises:
        ValueError: The address or type cannot be read; the message says what was expected.

    Example:
        >>> point(ModbusSettings(host="plc"), TagSpec(
        ...     name="m.run", equipment="m", address="holding:10.3"))
        Point(position=0, unit=1, table='holding', register=10, type='bool', order='ABCD', bit=3)
    """
    spec = resolve(settings, spec)
    found = _ADDRESS.fullmatch(spec.address)
    if found is None:
        raise ValueError(_address_problem(settings, spec.address))
    unit = settings.unit_id if found[1] is None else _unit(int(found[1]))
    table, register = found[2], int(found[3])
    bit = None if found[4] is None else int(found[4])
    in_bits = table in ("coil", "discrete")
    kind = spec.type.lower() or ("bool" if in_bits or bit is not None else "")
    expected = "bool" if in_bits or bit is not None else ", ".join(list(WIDTHS)[1:])
    if kind not in expected.split(", "):
        raise ValueError(f"type: got {spec.type!r} at {spec.address}, expected one of {expected}")
    if bit is not None and (in_bits or bit > 15):
        raise ValueError(f"address: got {spec.address!r}, expected a register with bit 0..15")
    if register + WIDTHS[kind] > 65536:
        raise ValueError(f"address: got {spec.address!r}, expected a register in 0..65535")
    if not in_bits and WIDTHS[kind] > settings.max_registers:
        raise ValueError(
            f"type: {kind} fills {WIDTHS[kind]} registers, and max_registers is "
            f"{settings.max_registers}; raise max_registers, a value is never split"
        )
    return Point(position, unit, table, register, kind, spec.order, bit)


def _unit(number: int) -> int:
    try:
        return unit_number(number)
    except ValueError as e:
        raise ValueError(f"address: unit: {e}") from e


def _address_problem(settings: ModbusSettings, address: str) -> str:
    found = _PROFILE.fullmatch(address)
    if found is None:
        return f"address: got {address!r}, expected {_EXPECTED}"
    if not settings.profile:
        return f"address: got {address!r}, and the source names no profile; set profile"
    known = profiles.load(settings.profile).registers
    near = get_close_matches(found[2], known, n=3) or sorted(known)[:3]
    return (
        f"address: got {address!r}, expected a register of {settings.profile} "
        f"such as {', '.join(near)}"
    )


def check(settings: SourceSettings, tags: Sequence[Tag]) -> list[Finding]:
    """Return one finding per tag that cannot be read or that another tag already reads."""
    if not isinstance(settings, ModbusSettings):
        raise TypeError(f"got {type(settings).__name__}, expected ModbusSettings")
    findings = []
    seen: dict[Point, str] = {}
    for tag in tags:
        name = tag.spec.name
        try:
            where = point(settings, tag.spec)
        except ValueError as e:
            findings.append(Finding("tags.address", f"{name}: {e}", {"tag": name}))
            continue
        first = seen.setdefault(where, name)
        if first != name:
            message = f"{name}: address: {tag.spec.address} is already read as {first}"
            findings.append(
                Finding("tags.duplicate", f"{message}; remove one", {"tag": name, "first": first})
            )
    return findings


def blocks(settings: ModbusSettings, points: Iterable[Point]) -> tuple[Block, ...]:
    """Return the requests that read all ``points``: by unit, table and register.

    Two points share a request when they are at most ``gap_registers`` apart and fit within
    ``max_registers`` (sixteen times as many bits, at most 2,000).
    """
    made: list[Block] = []
    current: list[Point] = []
    for p in sorted(points, key=lambda p: (p.unit, p.table, p.register, p.end, p.position)):
        if current and not _joins(settings, current, p):
            made.append(Block(current[0].unit, current[0].table, tuple(current)))
            current = []
        current.append(p)
    if current:
        made.append(Block(current[0].unit, current[0].table, tuple(current)))
    return tuple(made)


def _joins(settings: ModbusSettings, current: Sequence[Point], p: Point) -> bool:
    head = current[0]
    if (p.unit, p.table) != (head.unit, head.table):
        return False
    most, gap = settings.max_registers, settings.gap_registers
    if p.table in ("coil", "discrete"):
        most, gap = min(MAX_READ_BITS, most * 16), gap * 16
    end = max(c.end for c in current)
    return p.register <= end + gap and max(end, p.end) - head.register <= most
