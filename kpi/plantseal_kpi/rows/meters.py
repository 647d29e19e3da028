"""Registers that were replaced: the old one is closed, the new one opened, nothing counted across.

Source: definitions 4.1, row "counter decrease", rule 1.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.calendar import local_text, ns
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import MeterChange, Plant, Point
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.counters import misfits
from plantseal_kpi.units import FACTORS, Base

_LAST: Final = 2**64 - 2


def changes(plant: Plant, points: Sequence[Point], base: Base) -> list[tuple[Point, MeterChange]]:
    """Return the registered changes of the meters among ``points`` that measure ``base``."""
    named = {p.name: p for p in points if not misfits([p], base)}
    return [(named[c.point], c) for c in plant.meters if c.point in named]


def with_changes(
    values: pl.DataFrame, plant: Plant, points: Sequence[Point], base: Base
) -> pl.DataFrame:
    """Return ``values`` with the last reading of each old register and the first of each new one.

    They stand at the moment of the change, after any reading of that moment, as readings like the
    others; the first of a new register is marked ``opens``.
    """
    rows = []
    for p, c in changes(plant, points, base):
        by = FACTORS[p.unit][1]
        rows += [
            {"tag": p.tag, "at": ns(c.at), "seq": _LAST + i, "base": round(Fraction(x) * by),
             "opens": bool(i), "period": p.period_ms * 10**6, "mode": p.mode, "flags": 0,
             "dropped": 0}
            for i, x in enumerate((c.last, c.first))
        ]  # fmt: skip
    if not rows:
        return values
    schema = {c: values.schema[c] for c in rows[0] if c in values.columns} | {"opens": pl.Boolean}
    both = pl.concat([values, pl.DataFrame(rows, schema=schema)], how="diagonal")
    return both.with_columns(pl.col("opens").fill_null(False)).sort("tag", "at", "seq")


def change_findings(
    plant: Plant, points: Sequence[Point], base: Base, start: int, end: int
) -> list[Finding]:
    """Return one finding a change of meter in (start, end] [ns], with what documents it."""
    return [
        finding(
            "counter.meter_change",
            f"{p.name}: the register was replaced at {local_text(ns(c.at), plant.zone)}, last "
            f"{c.last}, first {c.first} {p.unit}; see {c.document}",
            tag=p.name, last=c.last, first=c.first, document=c.document,
        )
        for p, c in changes(plant, points, base)
        if start < ns(c.at) <= end
    ]  # fmt: skip
