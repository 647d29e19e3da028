"""The equipment register: one fixed-asset card an entry, connected or not."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from plantseal_kpi.plant.base import Id, Model

EquipmentClass = Literal["processing", "inspection", "logistics", "other"]  # 加工 检测 物流 其他
MachineState = Literal["producing", "setup", "idle", "down", "planned_stop", "off", "unknown"]
Seconds = Annotated[Decimal, Field(gt=0)]


class Equipment(Model):
    """One unit of the equipment register: one fixed-asset card, connected or not.

    Attributes:
        id: Unique in the register.
        name: What the plant calls it.
        card: Fixed-asset card number (固定资产卡片号).
        cls: 加工, 检测, 物流 or other; the first three are in scope of the upload rate.
        production: Counts as production equipment (生产装备).
        key: Key equipment (关键设备).
        declared_level: L0 no digital controller, L1 programmable with a data interface.
        numeric: Numerically controlled (数控装备), the narrower count of before 2020; null where
            nobody said.
        ideal_cycle_s: Planned run time per unit, PRU [s]; null where the machine makes no pieces.
        cycles_s: PRU by product [s], where a tag of the role ``product`` tells what is made.
        rated_power_kw: Rated maximum [kW], for plausibility of energy.
        rated_cycle_s: Shortest possible cycle [s], for plausibility of counts; null: no limit.
        short_stop_s: Stops up to here are performance loss, longer ones availability loss [s].
        states: Text or number of the state tag to machine state; what is not listed is unknown.
        stale_s: A state is unknown when the device gave no sign of life for so long [s].
    """

    id: Id
    name: str
    card: str = ""
    cls: EquipmentClass
    production: bool = True
    key: bool = False
    declared_level: Literal["L0", "L1"] = "L0"
    numeric: bool | None = None
    ideal_cycle_s: Seconds | None = None
    cycles_s: dict[str, Seconds] = {}
    rated_power_kw: Decimal | None = Field(default=None, gt=0)
    rated_cycle_s: Seconds | None = None
    short_stop_s: int = Field(default=0, ge=0, le=600)
    states: dict[str, MachineState] = {}
    stale_s: int | None = Field(default=60, ge=1)
