"""Coal-equivalent and carbon factors as data: ``factors.yaml``, checked when it is read.

A factor whose calorific value no such carrier has is refused, whether it stands in the file or in
the plan. Known slips are a thousandfold: natural gas 0.0013 kgce/m3, heat 0.0341 kgce/GJ; or of a
kind: 0.1229 kgce/kWh called 等价值.

Source: GB/T 2589 as quoted in definitions 2.5; 1 kgce = 29.3076 MJ.
"""

from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

from plantseal_kpi.plant import Carrier
from plantseal_kpi.units import Base

Per = Literal["kWh", "MJ", "m3", "kg", "t"]
Exact = str | tuple[str, str]

BASE: dict[Per, tuple[Base, Fraction]] = {
    "kWh": ("Wh", Fraction(1000)),
    "MJ": ("Wh", Fraction(2500, 9)),
    "m3": ("mL", Fraction(10**6)),
    "kg": ("g", Fraction(1000)),
    "t": ("mL", Fraction(10**6)),  # of water: 1 t is taken for 1 m3
}
"""The base unit in which a carrier is summed, and how many of it the factor's unit is."""

MEDIA: tuple[Carrier, ...] = ("fresh_water", "compressed_air", "oxygen")
_AGREES = Fraction(2, 1000)  # printed factors and calorific values are rounded to four digits


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Row):
    """What a factor of a carrier can be: calorific value [MJ/unit] or, of media, kgce/unit."""

    carrier: Carrier
    per: Per
    accounting: str = ""
    mj: tuple[str, str] | None = None
    kgce: tuple[str, str] | None = None


class CoalFactor(_Row):
    """A row of the coefficient table.

    Attributes:
        kgce: Per unit; two numbers where the table prints a range.
        mj: Calorific value that stands beside it.
        kind: Which of several rows of a carrier.
        accounting: 当量值 (equivalent) or 等价值 (primary), for electricity.
        editions: Editions of the standard it is used for.
        state: How sure it is; see the head of the file.
    """

    carrier: Carrier
    per: Per
    kgce: Exact
    mj: str | None = None
    kind: str = ""
    accounting: str = ""
    editions: tuple[str, ...]
    citation: str = Field(min_length=1)
    state: str = Field(min_length=1)


class CarbonFactor(_Row):
    """An emission factor [kg CO2/unit]."""

    carrier: Carrier
    per: Per
    kg: str
    mj: str | None = None
    kind: str = ""
    region: str = ""
    year: int | None = None
    citation: str = Field(min_length=1)
    state: str = Field(min_length=1)


class Factors(_Row):
    """The whole file; made only if every row is possible.

    Raises:
        ValueError: A factor lies outside what its carrier's calorific value allows.
    """

    id: str
    mj_per_kgce: str
    limits: tuple[Limit, ...]
    coal: tuple[CoalFactor, ...]
    carbon: tuple[CarbonFactor, ...]

    @model_validator(mode="after")
    def _possible(self) -> "Factors":
        wrong: list[str] = []
        for row in self.coal:
            values = (row.kgce,) if isinstance(row.kgce, str) else row.kgce
            why = [self.refusal(row.carrier, Fraction(v), row.per, row.accounting) for v in values]
            if row.mj is not None and isinstance(row.kgce, str):
                implied = Fraction(row.mj) / Fraction(self.mj_per_kgce)
                if abs(Fraction(row.kgce) / implied - 1) > _AGREES:
                    why.append(f"got {row.kgce} kgce, but {row.mj} MJ are {float(implied):.4f}")
            wrong += [f"{row.carrier} ({row.citation}): {w}" for w in why if w]
        for emission in self.carbon:
            low, high = ("0.05", "1.2") if emission.carrier == "electricity" else ("1.5", "3.5")
            if not Fraction(low) <= Fraction(emission.kg) <= Fraction(high):
                wrong.append(
                    f"{emission.carrier} ({emission.citation}): got {emission.kg} kg CO2 per "
                    f"{emission.per}, expected {low} to {high}"
                )
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def refusal(self, carrier: Carrier, kgce: Fraction, per: Per, accounting: str) -> str:
        """Return why ``kgce`` per unit cannot be a factor of the carrier; empty if it can."""
        for limit in self.limits:
            if (limit.carrier, limit.accounting) == (carrier, accounting):
                break
        else:
            return f"no limits are known for {carrier} {accounting}".rstrip()
        if per != limit.per:
            return f"got a factor per {per}, expected per {limit.per}"
        scale = Fraction(self.mj_per_kgce) if limit.mj else Fraction(1)
        low, high = (Fraction(x) / scale for x in limit.mj or limit.kgce or ("0", "0"))
        if low <= kgce <= high:
            return ""
        why = f"calorific value {' to '.join(limit.mj)} MJ/{per}" if limit.mj else "what is known"
        hint = (
            "; 0.1229 is the 当量值, not the 等价值" if kgce == Fraction(1229, 10**4) else
            "; a thousandfold slip of the unit?" if low <= kgce * 1000 <= high else ""
        )  # fmt: skip
        return (
            f"got {float(kgce):g} kgce/{per}, expected {float(low):.4f} to {float(high):.4f} "
            f"({why}){hint}"
        )


@cache
def load_factors() -> Factors:
    """Return the checked content of ``factors.yaml``."""
    text = files("plantseal_kpi.energy").joinpath("factors.yaml").read_text(encoding="utf-8")
    return Factors.model_validate(_tuples(YAML(typ="safe", pure=True).load(text)))


def _tuples(value: object) -> object:
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def per_of(carrier: Carrier) -> Per:
    """Return the unit that the factors of a carrier are of."""
    return next(x.per for x in load_factors().limits if x.carrier == carrier)
