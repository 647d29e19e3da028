"""Figures of pieces: OEE and its factors, defects, yields, production efficiency."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from plantseal_kpi.drill.counts import piece_rows, planned_of
from plantseal_kpi.drill.frames import Drill, Entries
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.drill.states import add_state_rows, add_time, machines, shift_of
from plantseal_kpi.machines import oee, ratios
from plantseal_kpi.machines.ratios import HOUR_NS
from plantseal_kpi.machines.work import Machine
from plantseal_kpi.report import Result

Pair = tuple[Any, Any]
"""What pieces add to numerator and denominator, as expressions of made, good, scrap."""
MADE, GOOD, SCRAP = (pl.col(c) for c in ("made", "good", "scrap"))
_NONE = pl.lit(0, pl.Int64)
PRICED: dict[str, Pair] = {
    "effectiveness": (MADE, _NONE), "quality": (GOOD, MADE), "oee": (GOOD, _NONE),
    "production_efficiency": (GOOD, _NONE), "standard output": (_NONE, GOOD),
}  # fmt: skip
"""Figures whose pieces count with their planned run time."""


def _defects(s: Scene) -> Pair:
    passed: Any = MADE - SCRAP if s.plant.quality.variant == "scrap" else GOOD
    return MADE - passed, MADE


_closed: Any = (ratios.first_pass_yield, ratios.scrap_ratio, ratios.rework_ratio)
PLAIN: dict[str, Callable[[Scene], Pair]] = {
    "throughput_rate": lambda _: (MADE, _NONE),
    "defect_rate": _defects,
    "first_pass_yield": lambda _: _closed[0](GOOD, MADE),
    "scrap_ratio": lambda _: _closed[1](SCRAP, MADE),
    "rework_ratio": lambda _: _closed[2](MADE, GOOD, SCRAP),
    "good pieces": lambda _: (GOOD, _NONE),
    "good pieces below": lambda _: (_NONE, GOOD),
}
_TIMED = ("effectiveness", "oee", "throughput_rate", "production_efficiency")


def piece_figure(s: Scene, metric: str, scope: str) -> Drill:
    """Return the drill-down of a figure of pieces: counter rows, and time where it divides by time."""
    figure = s.figure(metric, scope)
    ids = makers(s, metric, scope, figure)
    e = Entries(s.limit)
    add_pieces(s, e, metric, scope, ids)
    if metric in _TIMED:
        add_time(s, e, metric, scope, set(ids))
        add_state_rows(s, e, ids)
    return e.drill(metric, scope, figure)


def makers(s: Scene, metric: str, scope: str, figure: Result | None) -> list[str]:
    """Return the machines that form a figure, as it says itself."""
    said = figure
    if metric == "throughput_rate":
        said = s.figure("oee", scope)
        if said is None and figure is not None and figure.numerator is not None:
            return [m.equipment.id for m in machines(s, scope)]
    named = set((said.parts.get("machines", "") if said else "").split(","))
    return [m.equipment.id for m in machines(s, scope) if m.equipment.id in named]


def add_pieces(s: Scene, e: Entries, metric: str, scope: str, ids: Sequence[str]) -> None:
    """Take the rows of the counters of a scope; those of machines not in ``ids`` add nothing."""
    priced = metric in PRICED
    shift = shift_of(s, scope)
    above, below = PRICED[metric] if priced else PLAIN[metric](s)
    weight = pl.lit("1")
    if priced:
        weight = pl.col("pru_ns").cast(pl.String)
    elif metric == "throughput_rate":
        weight = pl.lit(str(HOUR_NS))
    for frame in piece_rows(s, ids, planned_of(s.window, ids, shift), priced=priced):
        e.add("rows", frame.with_columns(numerator=above, denominator=below, weight=weight))
    if priced:
        add_state_rows(s, e, ids, "product")
    others = [m for m in machines(s, scope) if m.equipment.id not in ids]
    for m in others:
        why = _left_out(m)
        spans = planned_of(s.window, [m.equipment.id], shift)
        for frame in piece_rows(s, [m.equipment.id], spans, priced=False):
            named = pl.when("used").then(pl.lit(why)).otherwise("reason")
            e.add("rows", frame.with_columns(used=pl.lit(False), reason=named, delta="delta"))


def _left_out(m: Machine) -> str:
    codes = {f.code for f in m.findings}
    if "counter.contradiction" in codes:
        return "contradiction"
    return "contradiction" if oee.contradicts(m.times, m.outputs or ()) else "not_in_figure"


def nee(s: Scene, metric: str, scope: str) -> Drill:
    """Return NEE as it is formed: OEE, times (producing + setup) / producing of its machines."""
    figure = s.figure(metric, scope)
    whole = piece_figure(s, "oee", scope)
    ids = set(makers(s, "oee", scope, s.figure("oee", scope)))
    e = Entries(s.limit)
    add_time(s, e, "nee setup", scope, ids)
    setup = e.drill("nee setup", scope, None)
    return Entries(s.limit).drill(metric, scope, figure, (whole, setup), _net)


def _net(whole: tuple[int, int], setup: tuple[int, int]) -> tuple[int, int]:
    apt = setup[1]
    return oee.nee(
        oee.Times(pbt=whole[1], apt=apt, setup=setup[0] - apt), [oee.Output(1, 0, whole[0])]
    ) or (0, whole[1])  # fmt: skip


def defect_rate(s: Scene, metric: str, scope: str) -> Drill:
    """Return the defect rate by counters, or by the inspection records that judge the plant."""
    figure = s.figure(metric, scope)
    judge = figure.parts.get("judged_by", "counters") if figure else "counters"
    if judge == "counters":
        return piece_figure(s, metric, scope)
    from plantseal_kpi.drill.frames import renamed
    from plantseal_kpi.drill.records import record_figure

    return renamed(record_figure(s, judge.partition("/")[0], scope), metric, figure)
