"""The tag: one point of a device, its address, type, unit, scale, period and role.

A tag table is a CSV or XLSX file with one row a tag; ``tables.py`` reads it with a finding per bad
row. What an address means is each protocol's affair.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal[
    "state",  # 运行状态: what the machine does
    "product",  # 产品型号: what is made now; cycle times by product are in the register
    "count_total",  # 产量计数: pieces made, a counter
    "count_good",  # 合格计数: pieces good at first pass, a counter
    "count_scrap",  # 不良计数: pieces rejected, a counter
    "energy",  # 电能读数: cumulative energy register, a counter
    "energy_interval",  # 区间电量: energy of the interval that ends at the row's time
    "alarm",  # 报警
    "heartbeat",  # 心跳: toggles while the PLC lives
    "parameter",  # 工艺参数: of the process-control plan
    "loop_mode",  # 回路模式: automatic or manual
    "loop_output",  # 回路输出: of the controller
    "value",  # 其他: a process value
]

Carrier = Literal[
    "electricity",  # 电力
    "natural_gas",  # 天然气
    "coke_oven_gas",  # 焦炉煤气
    "lpg",  # 液化石油气
    "lng",  # 液化天然气
    "raw_coal",  # 原煤
    "washed_coal",  # 洗精煤
    "coke",  # 焦炭
    "crude_oil",  # 原油
    "fuel_oil",  # 燃料油
    "petrol",  # 汽油
    "kerosene",  # 煤油
    "diesel",  # 柴油
    "heat",  # 热力
    "fresh_water",  # 新水
    "compressed_air",  # 压缩空气
    "oxygen",  # 氧气
]


class TagSpec(BaseModel):
    """One row of a tag table.

    Attributes:
        name: Unique in the plant, e.g. ``cnc1.state``.
        equipment: Id in the equipment register.
        address: Where the device keeps it, in the protocol's own notation.
        type: Type on the wire where the protocol does not say (Modbus), else empty.
        order: Byte order of a multi-register value: ABCD, CDAB, BADC or DCBA.
        scale: Engineering value = raw value times scale; kept exactly, applied by the KPI core.
        unit: Unit of the engineering value.
        period_ms: Poll period, or the interval within which a publisher is expected.
        role: What the figures use it for.
        required: True when the upload rate counts it.
        carrier: What a tag of the roles ``energy`` and ``energy_interval`` measures.
        stuck_periods: A value unchanged for so many periods while its machine produces is flagged
            as stuck; null: not looked at.
        description: What a person calls it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_.\-]+$", max_length=128)
    equipment: str
    address: str
    type: str = ""
    order: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"
    scale: Decimal = Field(default=Decimal(1), gt=0)
    unit: str = ""
    period_ms: int = Field(default=1000, ge=10, le=86_400_000)
    role: Role = "value"
    required: bool = True
    carrier: Carrier = "electricity"
    stuck_periods: int | None = Field(default=None, ge=2)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with the id that its rows carry; ids are assigned by a config entry, never reused."""

    id: int
    spec: TagSpec


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss in the input or the data, as data.

    Attributes:
        code: Dotted name of the rule, e.g. ``tags.address``.
        message: Where, what was found, what was expected, what to do.
        data: The values that the message names.
    """

    code: str
    message: str
    data: Mapping[str, object] = field(default_factory=dict)
