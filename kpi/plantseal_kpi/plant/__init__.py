"""The plant as the core sees it: register, calendar, points, baseline, declarations.

This model is hashed into the log as part of every configuration and travels in the bundle, so an
evaluator's machine judges with exactly the register and calendar that were in force.
"""

from collections import Counter
from datetime import date, datetime
from decimal import Decimal

from pydantic import Field, model_validator

from plantseal_kpi.plant.base import Id, Model, Period, Zone
from plantseal_kpi.plant.baseline import Baseline
from plantseal_kpi.plant.business import Business, LedgerName, LedgerRef
from plantseal_kpi.plant.calendar import Calendar, PlannedStop, Shift
from plantseal_kpi.plant.energy import Adjustment, Driver, EnergyPlan, HeatingValue
from plantseal_kpi.plant.equipment import Equipment, EquipmentClass, MachineState
from plantseal_kpi.plant.points import Carrier, MeterChange, Point, Role
from plantseal_kpi.plant.process import Loop, LoopExclusion, Parameter, Process
from plantseal_kpi.plant.quality import Quality
from plantseal_kpi.plant.windows import Window

__all__ = [
    "Adjustment", "Baseline", "Business", "Calendar", "Carrier", "Declared", "Driver", "EnergyPlan",
    "Equipment", "EquipmentClass", "HeatingValue", "Id", "LedgerName", "LedgerRef", "Loop",
    "LoopExclusion", "MachineState", "MeterChange", "Parameter", "Period", "PlannedStop", "Plant",
    "PlantHead", "Point", "Process", "Quality", "Role", "Shift", "Window", "Zone",
]  # fmt: skip

Declared = bool | Decimal | str | date | datetime | tuple[str, ...]


class PlantHead(Model):
    """What a plant says of itself besides register, points and ledgers; plant.yaml has the same.

    Attributes:
        upload_delay_s: L_rt: evidence older than this on arrival is not real-time [s].
        meters: Registers that were replaced.
        windows: Periods declared to be reported.
        project: Class, build kind, track, region: what decides which criteria apply.
        declared: Facts that the applicant states, by metric id of the notice.
    """

    site: str
    name: str = ""
    zone: Zone = "Asia/Shanghai"
    calendar: Calendar = Calendar()
    upload_delay_s: int = Field(default=60, ge=1)
    meters: tuple[MeterChange, ...] = ()
    process: Process = Process()
    quality: Quality = Quality()
    energy: EnergyPlan = EnergyPlan()
    business: Business = Business()
    windows: tuple[Window, ...] = ()
    baseline: Baseline | None = None
    notices: tuple[str, ...] = ("CQ2020-15",)
    project: dict[str, str] = {"track": "workshop", "build": "renovation"}
    declared: dict[str, Declared] = {}


class Plant(PlantHead):
    """Everything the figures depend on besides the rows and the ledgers' records.

    Attributes:
        equipment: The register.
        points: Tags as the figures see them.
        ledgers: Ledgers in force, by name.
    """

    equipment: tuple[Equipment, ...]
    points: tuple[Point, ...] = ()
    ledgers: dict[LedgerName, LedgerRef] = {}

    @model_validator(mode="after")
    def _references(self) -> "Plant":
        ids = [e.id for e in self.equipment]
        listed = (
            ("equipment", ids),
            ("tag", [str(p.tag) for p in self.points]),
            ("window", [w.id for w in self.windows]),
            ("loop", [x.id for x in self.process.loops]),
            ("parameter", [x.id for x in self.process.parameters]),
        )
        for what, seen in listed:
            twice = sorted(x for x, n in Counter(seen).items() if n > 1)
            if twice:
                raise ValueError(f"{what} given more than once: {', '.join(twice)}")
        unknown = sorted({p.equipment for p in self.points} - set(ids))
        if unknown:
            raise ValueError(f"points name equipment that is not in the register: {unknown}")
        return self
