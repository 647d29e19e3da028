"""What is chosen about energy: factors by citation, and the model of the adjusted baseline."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from plantseal_kpi.plant.base import Id, Model
from plantseal_kpi.plant.points import Carrier


class HeatingValue(Model):
    """A measured net calorific value; it wins over the table.

    Attributes:
        mj: Net calorific value [MJ per kg, or per m3 of a gas].
        citation: Report of the measurement.
    """

    mj: Decimal = Field(gt=0)
    citation: str = Field(min_length=1)


class Driver(Model):
    """What the energy use depends on besides the base load.

    Attributes:
        name: Name in the report.
        of: ``output``: good pieces counted; ``hdd`` or ``cdd``: heating or cooling degree days
            from the ledger ``weather``; ``ledger``: the column ``name`` of the ledger ``drivers``.
        base_c: Base temperature of degree days [°C].
    """

    name: Id
    of: Literal["output", "hdd", "cdd", "ledger"] = "output"
    base_c: Decimal | None = None


class Adjustment(Model):
    """The model E = a + sum(b x driver) that is fitted on the baseline (definitions 3.3).

    Attributes:
        step: Energy and drivers are summed over local days or months.
    """

    step: Literal["day", "month"] = "month"
    drivers: tuple[Driver, ...] = (Driver(name="output"),)


class EnergyPlan(Model):
    """Choices that a signed plan makes once, for both sides of a comparison.

    Attributes:
        electricity: 当量值 or 等价值.
        grid: Region of the grid factor.
        grid_year: Its year; the same on both sides.
        edition: Edition of the coefficient table, e.g. GB/T 2589-2020.
        heating_values: Measured calorific values by carrier.
        adjustment: Null: raw form only, and the gain is not assessable beyond a point value.
    """

    electricity: Literal["equivalent", "primary"] = "equivalent"
    grid: str = "national"
    grid_year: int = 2023
    edition: Literal["2008", "2020"] = "2020"
    heating_values: dict[Carrier, HeatingValue] = {}
    adjustment: Adjustment | None = None
