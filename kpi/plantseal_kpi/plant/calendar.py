"""When production is planned."""

from datetime import date, time
from typing import Literal

from plantseal_kpi.plant.base import Id, Model, Period


class Shift(Model):
    """A shift in local time; an end not later than its start lies on the next day."""

    name: str
    start: time
    end: time
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip


class PlannedStop(Model):
    """A stop planned before it began; with ``equipment`` empty, of the whole plant."""

    period: Period
    reason: str
    equipment: tuple[Id, ...] = ()


class Calendar(Model):
    """When production is planned. Without shifts, planned around the clock."""

    shifts: tuple[Shift, ...] = ()
    holidays: tuple[date, ...] = ()
    stops: tuple[PlannedStop, ...] = ()
