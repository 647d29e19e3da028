"""Rows of counters: each difference, what it adds in pieces, and for which product."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from plantseal_kpi.calendar import Span, common
from plantseal_kpi.drill.listing import listed
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.machines.products import ROLES, counts_in, cycle_ns, derived, product_spans
from plantseal_kpi.plant import Equipment, Point
from plantseal_kpi.rows.counters import in_base_units, misfits
from plantseal_kpi.rows.totals import of_origin, steps_of
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import Base

CHANGED = 2**64 - 2
"""Sequence numbers from here on are those of registered meter changes (``rows/meters.py``)."""
COUNTS = ("made", "good", "scrap")


@dataclass(frozen=True, slots=True)
class Priced:
    """A time of one product.

    Attributes:
        start: Begin [ns]; a count belongs to it when its moment is in (start, end].
        pru_ns: Planned run time per unit [ns]; 0 where pieces of it earn nothing.
        reason: Why they earn nothing.
    """

    start: int
    end: int
    pru_ns: int
    reason: str


def counter_steps_of(w: Window, points: Sequence[Point], base: Base) -> pl.DataFrame:
    """Return ``seq``, ``base``, ``before``, ``delta``, ``flag`` of the readings of counters.

    ``flag`` is that of the production's step, ``straddles``, or ``first_reading`` without one.
    """
    steps = steps_of(w, points, base).select(
        "seq", "before", "delta",
        flag=pl.when("straddles").then(pl.lit("straddles")).otherwise("flag"),
    )  # fmt: skip
    read = in_base_units(w.events, points, base).select("seq", "base")
    return read.join(steps, on="seq", how="left")


def judged(w: Window, rows: pl.DataFrame, points: Sequence[Point], base: Base) -> pl.DataFrame:
    """Return the rows of counters with ``before``, ``delta``, ``base``, ``flag`` and ``reason``.

    ``delta`` is null where it is not counted.
    """
    odd = [p.tag for p in points if p.name in misfits([p], base)]
    found = listed(w, rows, points, at="happened").join(
        counter_steps_of(w, points, base), on="seq", how="left"
    )
    outside = ~((pl.col("at") > w.start) & (pl.col("at") <= w.end)).fill_null(False)
    why = (
        pl.when(pl.col("reason") != "").then("reason")
        .when(pl.col("tag").is_in(odd)).then(pl.lit("unit"))
        .when(pl.col("base").is_null()).then(pl.lit("unreadable"))
        .when(outside).then(pl.lit("outside_period"))
        .when(pl.col("flag").is_null()).then(pl.lit("first_reading"))
        .otherwise(pl.col("flag"))
    )  # fmt: skip
    lost = pl.col("reason").is_in(["straddles", "reset", "implausible", "false_zero"])
    counted = pl.col("reason").is_in(["", "rollover"])
    return found.with_columns(reason=why).with_columns(
        delta=pl.when(counted).then("delta"), before=pl.when(counted | lost).then("before")
    )


def change_rows(w: Window, points: Sequence[Point], base: Base) -> pl.DataFrame:
    """Return the readings at registered changes of meters, as :func:`judged`: no row has them."""
    of = pl.DataFrame(
        [(p.tag, p.name, p.equipment) for p in points],
        schema={"tag": pl.UInt32, "point": pl.String, "equipment": pl.String}, orient="row",
    )  # fmt: skip
    made = steps_of(w, points, base).filter(pl.col("seq") >= CHANGED)
    flag = pl.when("straddles").then(pl.lit("straddles")).otherwise("flag")
    counted = flag.is_in(["", "rollover"])
    return made.join(of, on="tag").select(
        "seq", "tag", "point", "equipment", "at", "base", "before", kind=pl.lit("METER_CHANGE"),
        value=pl.lit(""), reason=flag, delta=pl.when(counted).then("delta"),
    )  # fmt: skip


def piece_rows(
    s: Scene, ids: Sequence[str], spans: dict[str, list[Span]], *, priced: bool
) -> list[pl.DataFrame]:
    """Return the rows of the counters of machines, with ``made``, ``good``, ``scrap``, ``pru_ns``.

    Args:
        s: The scene.
        ids: Machines.
        spans: Planned time, or that of one shift, by machine [ns]; counts outside add nothing.
        priced: Pieces count with the planned run time of their product, and only with one.
    """
    points = [
        p for e in s.plant.equipment if e.id in ids
        for role in ROLES for p in of_origin(s.window, s.window.points_of(e, role))
    ]  # fmt: skip
    if not points:
        return []
    effects = _effects(s, points)
    by_id = {e.id: e for e in s.plant.equipment}
    prices = {i: _prices(s.window, by_id[i], spans[i]) if priced else _free(spans[i]) for i in ids}
    out = []
    for w, rows in s.opened(points):
        found = judged(w, rows, points, "piece").join(effects, on="tag", how="left")
        out += [_placed(part, prices) for part in [found] if part.height]
    replaced = change_rows(s.window, points, "piece").join(effects, on="tag", how="left")
    return [*out, _placed(replaced, prices)] if replaced.height else out


def _effects(s: Scene, points: Sequence[Point]) -> pl.DataFrame:
    """Return what one piece on each counter adds to made, good and scrap."""
    roles: dict[str, set[str]] = {}
    for p in points:
        roles.setdefault(p.equipment, set()).add(p.role)
    return pl.DataFrame(
        [(p.tag, *role_effect(p.role, roles[p.equipment])) for p in points],
        schema={"tag": pl.UInt32, **{f"per_{c}": pl.Int64 for c in COUNTS}}, orient="row",
    )  # fmt: skip


def role_effect(role: str, counted: set[str]) -> tuple[int, int, int]:
    """Return what one piece on the counter ``role`` adds to made, good and scrap.

    Example:
        >>> role_effect("count_scrap", {"count_total", "count_scrap"})
        (0, -1, 1)
    """
    made, good, scrap = (int(r == role) if r in counted else None for r in ROLES)
    c = derived(made, good, scrap, counted)
    return c.made or 0, c.good or 0, c.scrap or 0


def _free(spans: Sequence[Span]) -> list[Priced]:
    return [Priced(a, b, 1, "") for a, b in spans]


def _prices(w: Window, e: Equipment, spans: Sequence[Span]) -> list[Priced]:
    """Return the time of each product, as the production prices it."""
    told = product_spans(w, e, spans)
    if told is None:
        pru = cycle_ns(e, None)
        return [Priced(a, b, pru or 0, "" if pru is not None else "no_run_time") for a, b in spans]
    counted = {p.role for p in of_origin(w, w.points_of(e, *ROLES))}
    counts = counts_in(w, e, list(told.values()), counted)
    out = []
    for (product, mine), c in zip(told.items(), counts, strict=True):
        pru = cycle_ns(e, product)
        why = f"no_run_time:{product}" if pru is None else ""
        if not why and (c.made is None or c.good is None):
            why = f"good_unknown:{product}"
        out += [Priced(a, b, 0 if why else pru or 0, why) for a, b in mine]
    return out


def _placed(found: pl.DataFrame, prices: dict[str, list[Priced]]) -> pl.DataFrame:
    """Return the rows with the pieces that each adds; what lies outside every span adds none."""
    times = pl.DataFrame(
        [(i, x.start, x.end, x.pru_ns, x.reason) for i, each in prices.items() for x in each],
        schema={"equipment": pl.String, "from": pl.Int64, "until": pl.Int64, "pru_ns": pl.Int64,
                "why": pl.String},
        orient="row",
    ).sort("from")  # fmt: skip
    placed = found.sort("at", "tag", "seq").join_asof(
        times, left_on="at", right_on="from", by="equipment", strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    ).with_columns(inside=(pl.col("at") <= pl.col("until")).fill_null(False))  # fmt: skip
    counted = pl.col("delta").is_not_null()
    why = (
        pl.when(~counted).then("reason")
        .when(~pl.col("inside")).then(pl.lit("outside_planned"))
        .when(pl.col("why") != "").then("why")
        .otherwise("reason")
    )  # fmt: skip
    takes = counted & pl.col("inside") & (pl.col("why") == "")
    return placed.with_columns(
        reason=why, used=takes,
        pru_ns=pl.when(takes).then("pru_ns").otherwise(0),
        **{c: pl.when(takes).then(pl.col("delta") * pl.col(f"per_{c}")).otherwise(0)
           for c in COUNTS},
    )  # fmt: skip


def planned_of(
    w: Window, ids: Sequence[str], shift: Sequence[Span] | None
) -> dict[str, list[Span]]:
    """Return the planned time of machines, within a shift where one is given [ns]."""
    return {i: w.planned[i] if shift is None else common(shift, w.planned[i]) for i in ids}
