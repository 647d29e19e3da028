"""The plant as the core sees it: register, calendar, points, baseline, declarations.

This model is hashed into the log as part of every configuration and travels in the bundle, so an
evaluator's machine judges with exactly the register and calendar that were in force.
"""

from collections import Counter
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ValueError("expected an IANA time zone such as Asia/Shanghai") from e
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+$", max_length=128)]
EquipmentClass = Literal["processing", "inspection", "logistics", "other"]  # 加工 检测 物流 其他
MachineState = Literal["producing", "setup", "idle", "down", "planned_stop", "off", "unknown"]
Role = Literal[
    "state", "count_total", "count_good", "count_scrap", "energy", "energy_interval", "alarm",
    "heartbeat", "value", "link",
]  # fmt: skip


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(_Model):
    """A half-open time interval [start, end)."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "Period":
        if self.end <= self.start:
            raise ValueError("end must be later than start")
        return self


class Equipment(_Model):
    """One unit of the equipment register: one fixed-asset card, connected or not.

    Attributes:
        id: Unique in the register.
        name: What the plant calls it.
        card: Fixed-asset card number (固定资产卡片号).
        cls: 加工, 检测, 物流 or other; the first three are in scope of the upload rate.
        production: Counts as production equipment (生产装备).
        key: Key equipment (关键设备).
        declared_level: L0 no digital controller, L1 programmable with a data interface.
        ideal_cycle_s: Planned run time per unit, PRU [s]; null where the machine makes no pieces.
        rated_power_kw: Rated maximum [kW], for plausibility of energy.
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
    ideal_cycle_s: Decimal | None = Field(default=None, gt=0)
    rated_power_kw: Decimal | None = Field(default=None, gt=0)
    states: dict[str, MachineState] = {}
    stale_s: int | None = Field(default=60, ge=1)


class Point(_Model):
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


class Shift(_Model):
    """A shift in local time; an end not later than its start lies on the next day."""

    name: str
    start: time
    end: time
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip


class PlannedStop(_Model):
    """A stop planned before it began; with ``equipment`` empty, of the whole plant."""

    period: Period
    reason: str
    equipment: tuple[Id, ...] = ()


class Calendar(_Model):
    """When production is planned. Without shifts, planned around the clock."""

    shifts: tuple[Shift, ...] = ()
    holidays: tuple[date, ...] = ()
    stops: tuple[PlannedStop, ...] = ()


class Baseline(_Model):
    """What the improvement is measured against.

    Attributes:
        kind: 改造项目: before the project; 新建项目: industry average.
        period: Window of the records before the project.
        figures: Cited figures by metric id where kind is industry_average.
        citation: Document, page, year and boundary of those figures.
    """

    kind: Literal["pre_project", "industry_average"]
    period: Period | None = None
    figures: dict[str, Decimal] = {}
    citation: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "Baseline":
        if self.kind == "pre_project" and self.period is None:
            raise ValueError("a pre_project baseline needs its period")
        if self.kind == "industry_average" and not self.citation:
            raise ValueError("an industry_average baseline needs its citation")
        return self


Declared = bool | Decimal | str | date | datetime | tuple[str, ...]


class Plant(_Model):
    """Everything the figures depend on besides the rows.

    Attributes:
        upload_delay_s: L_rt: evidence older than this on arrival is not real-time [s].
        project: Class, build kind, track, region: what decides which criteria apply.
        declared: Facts that the applicant states, by metric id of the notice.
    """

    site: str
    name: str = ""
    zone: Zone = "Asia/Shanghai"
    equipment: tuple[Equipment, ...]
    points: tuple[Point, ...] = ()
    calendar: Calendar = Calendar()
    upload_delay_s: int = Field(default=60, ge=1)
    baseline: Baseline | None = None
    notices: tuple[str, ...] = ("CQ2020-15",)
    project: dict[str, str] = {"track": "workshop", "build": "renovation"}
    declared: dict[str, Declared] = {}

    @model_validator(mode="after")
    def _references(self) -> "Plant":
        ids = [e.id for e in self.equipment]
        for what, seen in (("equipment", ids), ("tag", [str(p.tag) for p in self.points])):
            twice = sorted(x for x, n in Counter(seen).items() if n > 1)
            if twice:
                raise ValueError(f"{what} given more than once: {', '.join(twice)}")
        unknown = sorted({p.equipment for p in self.points} - set(ids))
        if unknown:
            raise ValueError(f"points name equipment that is not in the register: {unknown}")
        return self
