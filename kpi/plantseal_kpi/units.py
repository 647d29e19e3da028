"""Raw values to whole base units: Wh, pieces, mL, g, ns, each reading rounded half-even exactly once.

Integers go through 128-bit arithmetic. A float reading is taken for the binary number it is; where
the product comes so near to a tie that 64-bit floats cannot decide, rational arithmetic does.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import polars as pl

Base = Literal["Wh", "piece", "mL", "g", "ns"]

FACTORS: Final[dict[str, tuple[Base, Fraction]]] = {
    "Wh": ("Wh", Fraction(1)),
    "kWh": ("Wh", Fraction(1000)),
    "MWh": ("Wh", Fraction(10**6)),
    "GWh": ("Wh", Fraction(10**9)),
    "度": ("Wh", Fraction(1000)),
    "千瓦时": ("Wh", Fraction(1000)),
    "万千瓦时": ("Wh", Fraction(10**7)),
    "J": ("Wh", Fraction(1, 3600)),
    "kJ": ("Wh", Fraction(10, 36)),
    "MJ": ("Wh", Fraction(10**4, 36)),
    "GJ": ("Wh", Fraction(10**7, 36)),
    "": ("piece", Fraction(1)),
    "1": ("piece", Fraction(1)),
    "piece": ("piece", Fraction(1)),
    "pieces": ("piece", Fraction(1)),
    "pcs": ("piece", Fraction(1)),
    "件": ("piece", Fraction(1)),
    "个": ("piece", Fraction(1)),
    "mL": ("mL", Fraction(1)),
    "L": ("mL", Fraction(1000)),
    "m3": ("mL", Fraction(10**6)),
    "m³": ("mL", Fraction(10**6)),
    "立方米": ("mL", Fraction(10**6)),
    "g": ("g", Fraction(1)),
    "kg": ("g", Fraction(1000)),
    "t": ("g", Fraction(10**6)),
    "千克": ("g", Fraction(1000)),
    "吨": ("g", Fraction(10**6)),
    "ns": ("ns", Fraction(1)),
    "ms": ("ns", Fraction(10**6)),
    "s": ("ns", Fraction(10**9)),
    "min": ("ns", Fraction(60 * 10**9)),
    "h": ("ns", Fraction(3600 * 10**9)),
}
"""Unit as written in a tag table to its base unit and the exact number of base units in one."""

OF_CARRIER: Final[dict[str, Base]] = {
    **dict.fromkeys(("electricity", "heat"), "Wh"),
    **dict.fromkeys(
        ("natural_gas", "coke_oven_gas", "compressed_air", "oxygen", "fresh_water"), "mL"
    ),
    **dict.fromkeys(
        ("lpg", "lng", "raw_coal", "washed_coal", "coke", "crude_oil", "fuel_oil", "petrol",
         "kerosene", "diesel"), "g"
    ),
}  # fmt: skip
"""Base unit in which the amounts of each carrier are summed."""

_WIDEST = 2**63  # an Int64 times less than this fits in Int128


def factor(unit: str, scale: Decimal, base: Base) -> Fraction:
    """Return how many base units one raw count is, exactly.

    Raises:
        ValueError: The unit is unknown or measures something else.

    Example:
        >>> factor("kWh", Decimal("0.01"), "Wh")
        Fraction(10, 1)
    """
    known = FACTORS.get(unit)
    if known is None or known[0] != base:
        fitting = ", ".join(repr(u) for u, (b, _) in FACTORS.items() if b == base)
        raise ValueError(f"unit: got {unit!r}, expected one of {fitting}")
    return Fraction(scale) * known[1]


def round_exactly(value: int | float, by: Fraction) -> int:
    """Return value times ``by``, rounded half-even once; the slow definition of this module.

    Example:
        >>> round_exactly(3.17, Fraction(1000)), round_exactly(5, Fraction(1, 2))
        (3170, 2)
    """
    return round(Fraction(value) * by)


def base_units(by: Fraction, integers: str = "value_i", floats: str = "value_f") -> pl.Expr:
    """Return the readings as whole base units [Int64]; null where there is no finite number.

    Example:
        >>> rows = pl.DataFrame({"value_i": [317, None], "value_f": [None, 3.17]})
        >>> rows.select(base_units(Fraction(10))).to_series().to_list()
        [3170, 32]
    """
    return pl.coalesce(_of_integers(pl.col(integers), by), _of_floats(pl.col(floats), by))


def _of_integers(raw: pl.Expr, by: Fraction) -> pl.Expr:
    if by == 1:
        return raw
    if abs(by.numerator) >= _WIDEST or by.denominator >= _WIDEST:
        return raw.map_elements(lambda v: _fits(round_exactly(v, by)), return_dtype=pl.Int64)
    over, under = pl.lit(by.numerator, pl.Int128), pl.lit(by.denominator, pl.Int128)
    product = raw.cast(pl.Int128) * over
    whole, twice = product // under, product % under * pl.lit(2, pl.Int128)
    odd = whole % pl.lit(2, pl.Int128) == pl.lit(1, pl.Int128)
    up = (twice > under) | ((twice == under) & odd)
    return (whole + up.cast(pl.Int128)).cast(pl.Int64, strict=False)


def _of_floats(raw: pl.Expr, by: Fraction) -> pl.Expr:
    finite = pl.when(raw.is_finite()).then(raw)
    product = finite * float(by)
    # Two roundings, each of at most 2^-53 of the product, may have moved it across a tie.
    doubt = ((product - product.floor()) - 0.5).abs() <= product.abs() * 2.0**-51 + 2.0**-1000
    unsure = doubt | (product.abs() >= 2.0**50)
    exact = (
        pl.when(unsure)
        .then(finite)
        .map_elements(lambda v: _fits(round_exactly(v, by)), return_dtype=pl.Int64)
    )
    plain = pl.when(~unsure).then(product.round(0)).cast(pl.Int64, strict=False)
    return pl.coalesce(exact, plain)


def _fits(value: int) -> int | None:
    return value if -(2**63) <= value < 2**63 else None
