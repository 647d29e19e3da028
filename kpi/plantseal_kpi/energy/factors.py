"""Which factor counts for a carrier: the plan chooses, the table and its citation answer.

A measured calorific value wins over the table; where the table prints a range there is no factor,
only its two ends. Every choice is a finding that names factor, edition and citation.

Source: GB/T 2589 as quoted in definitions 2.5.
"""

from dataclasses import dataclass
from fractions import Fraction

from plantseal_kpi.energy.factor_table import BASE, MEDIA, CoalFactor, Per, load_factors, per_of
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Carrier, EnergyPlan
from plantseal_kpi.report import Finding
from plantseal_kpi.units import Base


@dataclass(frozen=True, slots=True)
class Chosen:
    """The factor that the plan chooses for a carrier.

    Attributes:
        base: Unit in which the carrier is summed.
        value: Factor per base unit; None where there is none, or only a range.
        low: Least it may be.
        high: Most.
        year: Year of the factor; empty where it has none.
        note: Names factor, edition, citation; or what lacks and how to give it.
    """

    base: Base
    value: Fraction | None
    low: Fraction | None
    high: Fraction | None
    year: str
    note: Finding


def coal_factor(plan: EnergyPlan, carrier: Carrier) -> Chosen:
    """Return kgce per base unit of a carrier; a measured calorific value wins over the table.

    Source: GB/T 2589, 折标准煤系数; definitions 2.5.

    Example:
        >>> coal_factor(EnergyPlan(), "electricity").value * 1000
        Fraction(1229, 10000)
    """
    per = per_of(carrier)
    measured = plan.heating_values.get(carrier)
    accounting = plan.electricity if carrier == "electricity" else ""
    if measured is not None and carrier not in (*MEDIA, "electricity", "heat"):
        value = Fraction(measured.mj) / Fraction(load_factors().mj_per_kgce)
        said = f"{measured.mj} MJ/{per} measured"
        return _given(carrier, value, per, accounting, "", said, measured.citation)
    if accounting == "primary":
        rate = plan.supply_coal_rate
        if rate is None:
            return _lacking(
                carrier, per, "the 等价值 of electricity needs supply_coal_rate: last year's "
                "national 供电煤耗 with its citation",
            )  # fmt: skip
        said = f"等价值 {rate.value} kgce/kWh of {rate.year}"
        return _given(
            carrier, Fraction(rate.value), per, accounting, str(rate.year), said, rate.citation
        )
    kind = plan.natural_gas if carrier == "natural_gas" else ""
    for row in load_factors().coal:
        fits = plan.edition in row.editions and row.accounting in ("", accounting)
        if row.carrier == carrier and row.kind == kind and fits:
            return _row(row)
    return _lacking(
        carrier, per, f"the table of {plan.edition} has none; give its measured calorific value"
    )


def _row(row: CoalFactor) -> Chosen:
    base, units = BASE[row.per]
    what = {"equivalent": " 当量值", "primary": " 等价值"}.get(row.accounting, "")
    if isinstance(row.kgce, str):
        value = Fraction(row.kgce) / units
        note = f"{row.carrier}{what}: {row.kgce} kgce/{row.per}, {row.citation} (state {row.state})"
        return Chosen(base, value, value, value, "", _said(row.carrier, note))
    low, high = (Fraction(v) / units for v in row.kgce)
    why = (
        f"{row.carrier}: the table prints a range, {row.kgce[0]} to {row.kgce[1]} kgce/{row.per}, "
        f"{row.citation} (state {row.state}); give the measured calorific value"
    )
    note_of = finding("energy.factor_range", why, carrier=row.carrier)
    return Chosen(base, None, low, high, "", note_of)


def _given(
    carrier: Carrier, value: Fraction, per: Per, accounting: str, year: str, said: str, cited: str
) -> Chosen:
    """Return a factor of the plan, or why it is impossible."""
    base, units = BASE[per]
    why = load_factors().refusal(carrier, value, per, accounting)
    if why:
        return _lacking(carrier, per, f"{said}, {cited}: {why}", "energy.factor_refused")
    exact = value / units
    return Chosen(base, exact, exact, exact, year, _said(carrier, f"{carrier}: {said}, {cited}"))


def _said(carrier: str, text: str) -> Finding:
    return finding("energy.factor", text, carrier=carrier)


def _lacking(carrier: str, per: Per, why: str, code: str = "energy.no_factor") -> Chosen:
    said = finding(code, f"{carrier}: {why}", carrier=carrier)
    return Chosen(BASE[per][0], None, None, None, "", said)


def carbon_factor(plan: EnergyPlan, carrier: Carrier) -> Chosen:
    """Return kg CO2 per base unit of a carrier, by region and year for electricity.

    Source: definitions 2.5; a factor of the plan, with its citation, wins over the table.

    Example:
        >>> carbon_factor(EnergyPlan(), "electricity").value * 1000
        Fraction(2653, 5000)
    """
    per = per_of(carrier)
    base, units = BASE[per]
    own = plan.carbon_factors.get(carrier)
    if own is not None:
        said = f"{carrier}: {own.value} kg CO2/{per} of {own.year}, {own.citation}"
        exact = Fraction(own.value) / units
        return Chosen(base, exact, exact, exact, str(own.year), _said(carrier, said))
    rows = [r for r in load_factors().carbon if r.carrier == carrier]
    fitting = [
        r for r in rows
        if (carrier != "electricity" or (r.region, r.year) == (plan.grid, plan.grid_year))
        and r.kind in ("", plan.gas_oxidation)
    ]  # fmt: skip
    if not fitting:
        known = ", ".join(f"{r.region} {r.year}" for r in rows if r.region)
        asked = f"{plan.grid} {plan.grid_year} is not in the table ({known})" if known else "none"
        return _lacking(
            carrier, per,
            f"no emission factor: {asked}; give one in carbon_factors, with its citation",
            "energy.no_carbon_factor",
        )  # fmt: skip
    row = fitting[0]
    own_value = plan.heating_values.get(carrier)
    value, more = Fraction(row.kg), ""
    if own_value is not None and row.mj is not None:
        value = value * Fraction(own_value.mj) / Fraction(row.mj)
        more = f", times {own_value.mj} / {row.mj} MJ by the measured calorific value"
    of = f" ({row.region} {row.year})" if row.region else ""
    said = f"{carrier}: {row.kg} kg CO2/{per}{of}{more}, {row.citation} (state {row.state})"
    exact = value / units
    year = str(row.year or "")
    return Chosen(base, exact, exact, exact, year, _said(carrier, said))
