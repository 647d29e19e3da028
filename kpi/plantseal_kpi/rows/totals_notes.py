"""What a reader must know of a total: counters that went back, stood silent or made no sense."""

from collections.abc import Mapping, Sequence

import polars as pl

from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Point
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.counters import in_base_units, misfits
from plantseal_kpi.rows.lines import COUNTS
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import Base

_MESSAGES = {
    "reset": "{n} decreases without a registered change of meter: the difference is unknown and "
    "left out; at least {lower} more were counted",
    "rollover": "{n} rollovers of the register, added across its end",
    "false_zero": "{n} readings of 0 between readings that go on: left out",
    "implausible": "{n} steps beyond the rated maximum, {lower} in all: left out; check meter "
    "and scale",
    "straddles": "{n} steps began before the period after a long silence, {lower} in all: left out",
}


def flag_findings(points: Sequence[Point], steps: pl.DataFrame) -> list[Finding]:
    """Return one finding a counter and kind of flagged step, with their number and amount."""
    names = {p.tag: p.name for p in points}
    rise = pl.col("base").cast(pl.Int128) - pl.col("previous").cast(pl.Int128)
    marked = steps.with_columns(
        flag=pl.when("straddles").then(pl.lit("straddles")).otherwise("flag"),
        amount=pl.when(pl.col("flag") == "reset").then(pl.col("lower").cast(pl.Int128))
        .otherwise(rise),
    )  # fmt: skip
    grouped = (
        marked.filter(pl.col("flag") != "")
        .group_by("tag", "flag")
        .agg(n=_rows(), lower=pl.col("amount").sum())
        .sort("tag", "flag")
    )
    return [
        finding(
            f"counter.{flag}",
            f"{names[tag]}: {_MESSAGES[flag].format(n=n, lower=lower)}",
            tag=names[tag],
            n=n,
            amount=lower,
        )
        for tag, flag, n, lower in grouped.iter_rows()
    ]


def _rows() -> pl.Expr:
    return pl.len().cast(pl.Int64) + pl.col("dropped").sum()


def reading_findings(
    w: Window, points: Sequence[Point], base: Base, known_ns: Mapping[int, int]
) -> list[Finding]:
    """Return what is wrong with the readings of ``points``: unit, form, silence.

    Args:
        w: The period.
        points: Counters of one kind.
        base: Unit that they must measure.
        known_ns: Time for which each counter is known [ns], by tag; absent ones are not judged.
    """
    read = _read(w, base)
    found = []
    for p in points:
        n, lost = read.get(p.tag, (0, 0))
        if p.name in misfits([p], base):
            why = f"unit is {p.unit!r}, expected one that measures {base}; left out"
            found.append(finding("counter.unit", f"{p.name}: {why}", tag=p.name))
            continue
        if lost:
            why = f"{lost} of {n} good readings are no number that a counter can show; left out"
            found.append(finding("counter.unreadable", f"{p.name}: {why}", tag=p.name, n=lost))
        if known_ns.get(p.tag) == 0:
            why = f"got {n - lost} usable readings in the period: no difference is known"
            found.append(finding("counter.silent", f"{p.name}: {why}", tag=p.name, n=n - lost))
    return found


def _read(w: Window, base: Base) -> dict[int, tuple[int, int]]:
    """Return (good readings, those that are no number) in the period of each counter by tag."""
    if ("read", base) not in w.memo:
        points = [p for p in w.plant.points if p.role in (*COUNTS, "energy", "energy_interval")]
        inside = pl.col("at").is_between(w.start, w.end)
        values = in_base_units(w.seen.values.filter(inside), points, base)
        counts = values.group_by("tag").agg(n=_rows(), lost=pl.col("base").null_count())
        w.memo["read", base] = {tag: (n, int(lost)) for tag, n, lost in counts.iter_rows()}
    found: dict[int, tuple[int, int]] = w.memo["read", base]
    return found
