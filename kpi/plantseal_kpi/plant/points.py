"""Points: tags as the figures see them, and the meters behind them."""

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, Field

from plantseal_kpi.plant.base import Id, Model

Role = Literal[
    "state", "product", "count_total", "count_good", "count_scrap", "energy", "energy_interval",
    "alarm", "heartbeat", "parameter", "loop_mode", "loop_output", "value", "link",
]  # fmt: skip
Carrier = Literal[
    "electricity", "natural_gas", "coke_oven_gas", "lpg", "lng", "raw_coal", "washed_coal", "coke",
    "crude_oil", "fuel_oil", "petrol", "kerosene", "diesel", "heat", "fresh_water",
    "compressed_air", "oxygen",
]  # fmt: skip


class Point(Model):
    """A tag as the figures see it.

    Attributes:
        tag: Tag id in the rows.
        link: Tag id of the link tag whose births, deaths and keep-alives speak for this tag.
        mode: How it is acquired; ``imported`` points never had a device behind them.
        period_ms: Poll period, expected interval of a publisher, or interval of an
            ``energy_interval``.
        keepalive_ms: Longest silence after which a living source is heard from (OPC UA:
            publishing interval times keep-alive count; MQTT: expected interval) [ms].
        publishing_ms: OPC UA publishing interval [ms]; 0 elsewhere.
        scale: Engineering value = raw value times scale, exact.
        source_link: Link tag id of the source itself, where ``link`` is that of a device behind
            it; deaths and gaps of the source are then deaths and gaps of the device.
        register_max: Raw value at which a counter rolls over to 0 (e.g. 4294967296); without it
            every decrease is a reset.
        carrier: What a meter of the roles ``energy`` and ``energy_interval`` measures; its unit
            must measure that (Wh, MJ, m3, kg, t).
        stuck_periods: A process value unchanged for so many periods while its machine produces is
            flagged as stuck; null: not looked at.
    """

    tag: int = Field(ge=0, lt=2**32)
    name: Id
    equipment: Id
    source: Id
    link: int = Field(ge=0, lt=2**32)
    mode: Literal["polled", "subscribed", "published", "imported"]
    protocol: str
    role: Role = "value"
    required: bool = True
    period_ms: int = Field(ge=1)
    keepalive_ms: int = Field(ge=1)
    publishing_ms: int = Field(default=0, ge=0)
    scale: Decimal = Decimal(1)
    unit: str = ""
    source_link: int | None = Field(default=None, ge=0, lt=2**32)
    register_max: int | None = Field(default=None, gt=0, lt=2**63)
    carrier: Carrier = "electricity"
    stuck_periods: int | None = Field(default=None, ge=2)


class MeterChange(Model):
    """A register that was replaced: no difference is formed across ``at``.

    Attributes:
        point: Name of the point.
        last: Final reading of the old register, in the point's unit.
        first: First reading of the new one.
        document: Where the change is recorded (work order, photo).
    """

    point: Id
    at: AwareDatetime
    last: Decimal
    first: Decimal
    document: str = Field(min_length=1)
