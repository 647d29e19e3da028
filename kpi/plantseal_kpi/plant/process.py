"""The process-control plan: what must be collected, and which loops must run in automatic."""

from decimal import Decimal

from pydantic import Field

from plantseal_kpi.plant.base import Id, Model, Period


class Parameter(Model):
    """One parameter of the process-control plan (工艺参数).

    Attributes:
        id: Unique in the plan.
        name: As in the plan.
        point: Name of the point that collects it; null where it is written down by hand.
        kind: What quality early warning counts it as: 原料, 关键工艺, 成品检测, or empty.
    """

    id: Id
    name: str
    point: Id | None = None
    kind: str = ""


class Loop(Model):
    """One control loop (控制回路).

    Attributes:
        id: Unique in the plan.
        mode: Name of the point with the controller's mode (role ``loop_mode``).
        output: Name of the point with its output (role ``loop_output``); null: not known, and the
            loop cannot be shown to be unsaturated.
        auto: Values of the mode that are automatic.
        low: Lower end of the output's range, in the point's unit.
        high: Upper end.
    """

    id: Id
    name: str = ""
    mode: Id
    output: Id | None = None
    auto: tuple[str, ...] = ("AUTO", "CAS", "RCAS")
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(100)


class LoopExclusion(Model):
    """A loop that need not be in automatic for a while, for a reason of the process."""

    loop: Id
    period: Period
    reason: str = Field(min_length=1)


class Process(Model):
    """The signed process-control plan of a process-type plant."""

    parameters: tuple[Parameter, ...] = ()
    loops: tuple[Loop, ...] = ()
    exclusions: tuple[LoopExclusion, ...] = ()
