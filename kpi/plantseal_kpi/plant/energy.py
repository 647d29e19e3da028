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


class CitedFactor(Model):
    """A factor that the tables lack, or that the plant's own document replaces.

    Attributes:
        value: In the unit that the field says.
        year: Year that it is of.
        citation: Document, page, issuer.
    """

    value: Decimal = Field(ge=0)
    year: int = Field(ge=1990, le=2100)
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
        natural_gas: Which of the two table values gas without a measured calorific value has.
        gas_oxidation: Share of the carbon of natural gas that burns; both rates are in use.
        supply_coal_rate: 供电煤耗 for electricity as 等价值 [kgce/kWh].
        heating_values: Measured calorific values by carrier.
        carbon_factors: Emission factors by carrier that replace the table's [kg CO2 per kWh of
            electricity, MJ of heat, m3 of a gas, kg of a fuel, t of water].
        adjustment: Null: raw form only, and the gain is not assessable beyond a point value.
    """

    electricity: Literal["equivalent", "primary"] = "equivalent"
    grid: str = "national"
    grid_year: int = 2023
    edition: Literal["2008", "2020"] = "2020"
    natural_gas: Literal["measured", "oilfield", "gasfield"] = "measured"
    gas_oxidation: Literal["0.99", "0.995"] = "0.99"
    supply_coal_rate: CitedFactor | None = None
    heating_values: dict[Carrier, HeatingValue] = {}
    carbon_factors: dict[Carrier, CitedFactor] = {}
    adjustment: Adjustment | None = None
