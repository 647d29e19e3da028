"""Register maps of devices as data: one YAML file a model, its sources named, its status stated.

A map is *unconfirmed* until somebody has read the figures of a real device with it and compared
them with its display.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal

from ruamel.yaml import YAML


@dataclass(frozen=True, slots=True)
class Register:
    """One value of a device.

    Attributes:
        name: Name used after ``profile:`` in a tag address.
        table: ``holding``, ``input``, ``coil`` or ``discrete``.
        address: Zero-based address as it goes into the request.
        type: Type on the wire.
        order: Byte order of a multi-register value.
        scale: Value in ``unit`` = raw value times scale, exact.
        unit: Unit of the value; empty where the source names none.
    """

    name: str
    table: str
    address: int
    type: str
    order: Literal["ABCD", "CDAB", "BADC", "DCBA"]
    scale: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Profile:
    """The register map of one model.

    Attributes:
        name: File name without its ending.
        vendor: Who makes it.
        model: Maker's own designation.
        status: ``unconfirmed``, or who confirmed it, with what and when.
        sources: Where the facts come from.
        quirks: What a person should know before trusting a value.
        registers: Registers by name.
    """

    name: str
    vendor: str
    model: str
    status: str
    sources: tuple[str, ...]
    quirks: tuple[str, ...]
    registers: Mapping[str, Register]


@cache
def names() -> tuple[str, ...]:
    """Return the names of all profiles that come with the product, in order.

    Example:
        >>> names()
        ('acrel_dtsd1352', 'eastron_sdm630')
    """
    files = resources.files("plantseal_connectors.profiles").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


@cache
def load(name: str) -> Profile:
    """Return the profile ``name``.

    Raises:
        KeyError: There is no such profile; :func:`names` lists them.

    Example:
        >>> load("acrel_dtsd1352").registers["active_energy_import_total"].scale
        Decimal('0.01')
    """
    if name not in names():
        raise KeyError(name)
    text = (resources.files("plantseal_connectors.profiles") / f"{name}.yaml").read_text("utf-8")
    data: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    registers = (_register(data["defaults"] | entry) for entry in data["registers"])
    return Profile(
        name=name,
        vendor=data["vendor"],
        model=data["model"],
        status=data["status"],
        sources=tuple(data["sources"]),
        quirks=tuple(data["quirks"]),
        registers={r.name: r for r in registers},
    )


def _register(entry: Mapping[str, Any]) -> Register:
    return Register(
        name=entry["name"],
        table=entry["table"],
        address=entry["address"],
        type=entry["type"],
        order=entry["order"],
        scale=Decimal(entry["scale"]),  # text in the file: no float on the way
        unit=entry["unit"],
    )
