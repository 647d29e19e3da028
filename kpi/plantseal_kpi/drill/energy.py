"""Figures of energy: readings of meters, bills, factors, and the steps of the adjusted baseline."""

from collections.abc import Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl

from plantseal_kpi.drill.counts import change_rows, judged
from plantseal_kpi.drill.frames import Drill, Entries, constant
from plantseal_kpi.drill.layers import divided, spread
from plantseal_kpi.drill.listing import listed
from plantseal_kpi.drill.pieces import add_pieces
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.energy.bills import bills_of
from plantseal_kpi.energy.carriers import ROLES, Source, days_of, sources
from plantseal_kpi.energy.comprehensive import comprehensive_energy_per_unit
from plantseal_kpi.energy.factors import carbon_factor, coal_factor
from plantseal_kpi.plant import Point
from plantseal_kpi.rows.counters import in_base_units, misfits
from plantseal_kpi.rows.totals import known_spans, of_origin, steps_of, usable_intervals
from plantseal_kpi.rows.window import Window
from plantseal_kpi.units import Base


def energy(s: Scene, metric: str, scope: str) -> Drill:
    """Return the electricity of a scope [Wh], reading by reading."""
    e = Entries(s.limit)
    figure = s.figure(metric, scope)
    _electricity(s, e, scope, figure.parts.get("meters", "") if figure else "")
    e.add("records", constant(denominator=1, what="a sum"))
    return e.drill(metric, scope, figure)


def energy_per_unit(s: Scene, metric: str, scope: str) -> Drill:
    """Return energy [Wh] over good pieces, reading by reading."""
    e = Entries(s.limit)
    figure = s.figure(metric, scope)
    said = figure.parts if figure else {}
    _electricity(s, e, scope, said.get("meters", ""))
    ids = [x for x in said.get("machines", "").split(",") if x]
    add_pieces(s, e, "good pieces below", scope, ids)
    return e.drill(metric, scope, figure)


def _electricity(s: Scene, e: Entries, scope: str, read: str) -> None:
    ids = {m.id for m in s.equipment(scope)}
    metered = [p for p in s.points(ids, ROLES) if p.carrier == "electricity"]
    points = of_each_origin(s.window, metered)
    used = [p for p in points if p.equipment in read.split(",")]
    add_meters(s, e, points, "Wh", "1", used)
    add_known(s, e, points, "Wh")


def of_each_origin(w: Window, points: Sequence[Point]) -> list[Point]:
    """Return the meters that rows of the window's origin can belong to, as each machine reads them."""
    out: list[Point] = []
    for equipment in dict.fromkeys(p.equipment for p in points):
        for role in ROLES:
            mine = [p for p in points if (p.equipment, p.role) == (equipment, role)]
            out += of_origin(w, mine)
    return sorted(out, key=lambda p: p.tag)


def add_meters(
    s: Scene, e: Entries, points: Sequence[Point], base: Base, weight: str, used: Sequence[Point]
) -> None:
    """Take the rows of meters; those of meters not in ``used`` add nothing."""
    tags = [p.tag for p in used]
    registers = [p for p in points if p.role == "energy"]
    parts = [p for p in points if p.role == "energy_interval"]

    def take(frame: pl.DataFrame) -> None:
        counts = pl.col("tag").is_in(tags) & pl.col("amount").is_not_null()
        lost = pl.col("amount").is_not_null() & ~counts
        e.add("rows", frame.with_columns(
            numerator=pl.when(counts).then("amount").otherwise(0), weight=pl.lit(weight),
            used=counts, reason=pl.when(lost).then(pl.lit("not_in_figure")).otherwise("reason"),
        ))  # fmt: skip

    for w, rows in s.opened(points) if points else ():
        if registers:
            mine = judged(w, _without(rows, parts), registers, base)
            take(mine.with_columns(amount=pl.col("delta")))
        if parts:
            take(_interval_rows(w, _without(rows, registers), parts, base))
    if registers:
        take(change_rows(s.window, registers, base).with_columns(amount=pl.col("delta")))


def _without(rows: pl.DataFrame, others: Sequence[Point]) -> pl.DataFrame:
    return rows.filter(~pl.col("tag").is_in([p.tag for p in others]))


def _interval_rows(
    w: Window, rows: pl.DataFrame, points: Sequence[Point], base: Base
) -> pl.DataFrame:
    """Return the rows of interval meters with ``amount``, null where it does not count."""
    odd = [p.tag for p in points if p.name in misfits([p], base)]
    usable = pl.concat(
        [usable_intervals(w, p, base).select("seq", amount=pl.col("base")) for p in points]
    )
    read = in_base_units(w.seen.values, points, base).select(
        "seq", "base", ends=pl.coalesce("t_source", "at")
    )
    found = listed(w, rows, points, at="at").join(read, on="seq", how="left").join(
        usable, on="seq", how="left"
    )  # fmt: skip
    seen = usable.join(read, on="seq").join(rows.select("seq", "tag"), on="seq")
    taken = seen.select("tag", "ends", taken=pl.lit(True)).unique()
    found = found.join(taken, on=["tag", "ends"], how="left")
    inside = ((pl.col("ends") > w.start) & (pl.col("ends") <= w.end)).fill_null(False)
    why = (
        pl.when(pl.col("reason") != "").then("reason")
        .when(pl.col("amount").is_not_null()).then(pl.lit(""))
        .when(pl.col("tag").is_in(odd)).then(pl.lit("unit"))
        .when(pl.col("base").is_null()).then(pl.lit("unreadable"))
        .when(~inside).then(pl.lit("outside_period"))
        .when("taken").then(pl.lit("repeated"))
        .otherwise(pl.lit("implausible"))
    )  # fmt: skip
    return found.with_columns(reason=why, at=pl.coalesce("ends", "at"))


def add_known(s: Scene, e: Entries, points: Sequence[Point], base: Base) -> None:
    """Take the time for which each register is known, and for which it is not; it adds nothing."""
    w = s.window
    registers = [p for p in points if p.role == "energy"]
    for p in registers:
        known = known_spans(w, [p], steps_of(w, [p], base), base)
        whole = spread([(w.start, w.end)], [p.tag])
        mine = known.filter(pl.col("tag") == p.tag)
        found = divided(whole, [("known", "", mine), ("not known", "silent", whole)], ["tag"])
        e.add("intervals", found.with_columns(
            equipment=pl.lit(p.equipment), point=pl.lit(p.name), weight=pl.lit("0"),
            used=pl.col("what") == "known",
        ))  # fmt: skip


def comprehensive(s: Scene, metric: str, scope: str) -> Drill:
    """Return energy of all carriers times their factors [kgce or kg CO2], reading by reading."""
    e = Entries(s.limit)
    factor = carbon_factor if metric == "carbon_emissions" else coal_factor
    for source in sources(s.window, s.study.ledgers.get("energy_bills")):
        by = factor(s.plant.energy, source.carrier).value
        _carrier(s, e, source, by)
    e.add("records", constant(denominator=1, what="a sum"))
    return e.drill(metric, scope, s.figure(metric, scope))


def _carrier(s: Scene, e: Entries, source: Source, by: Fraction | None) -> None:
    weight = "0" if by is None else str(by)
    metered = [p for p in s.plant.points if p.role in ROLES and p.carrier == source.carrier]
    points = sorted(of_origin(s.window, metered), key=lambda p: p.tag)
    if points:
        add_meters(s, e, points, source.base, weight, source.points)
        add_known(s, e, points, source.base)
    ledger = s.study.ledgers.get("energy_bills")
    if ledger is not None:
        _bills(s, e, source, ledger, weight)


def _bills(s: Scene, e: Entries, source: Source, ledger: pl.DataFrame, weight: str) -> None:
    """Take the bills of a carrier: each by its days in the period, rounded once in all."""
    amount = None if source.points else source.amounts([s.span])[0]
    first, end = days_of(s.span, ZoneInfo(s.plant.zone))
    usable = {(b.meter, b.start, b.end): b for b in bills_of(ledger, source.carrier)[0]}
    rows, told = [], 0
    for r in ledger.filter(pl.col("carrier") == source.carrier).sort("meter", "start").to_dicts():
        bill = usable.pop((r["meter"], r["start"], r["end"]), None)
        days = (min(r["end"], end) - max(r["start"], first)).days if bill else 0
        share, why = Fraction(0), ""
        if bill is None:
            why = "bill_unusable"
        elif days <= 0:
            why = "outside_period"
        elif source.points:
            why = "metered"
        elif amount is None:
            why = "silent"
        else:
            share = bill.amount * days / bill.days
        told += int(share)
        rows.append({
            "ledger": "energy_bills", "record": f"{r['meter']}/{source.carrier}/{r['start']}",
            "date": f"{r['start']}..{r['end']}",
            "content": f"quantity={r['quantity']}; unit={r['unit']}; days={max(days, 0)}; "
            f"share={share} {source.base}",
            "numerator": int(share), "weight": weight, "used": not why, "reason": why,
        })  # fmt: skip
    if rows:
        e.add("records", pl.DataFrame(rows, schema_overrides={"numerator": pl.Int64}))
    if amount is not None:
        e.add("records", constant(amount - told, what=f"{source.carrier}: rounded once",
                                  weight=weight))  # fmt: skip


def comprehensive_per_unit(s: Scene, metric: str, scope: str) -> Drill:
    """Return comprehensive energy over good pieces: both as parts."""
    figure = s.figure(metric, scope)
    e = Entries(s.limit)
    ids = (figure.parts.get("machines", "") if figure else "").split(",")
    add_pieces(s, e, "good pieces", scope, [i for i in ids if i])
    e.add("records", constant(denominator=1, what="a sum"))
    pieces = e.drill("good pieces", scope, None)
    whole = comprehensive(s, "comprehensive_energy", scope)
    return Entries(s.limit).drill(metric, scope, figure, (whole, pieces), _per_piece)


def _per_piece(whole: tuple[int, int], pieces: tuple[int, int]) -> tuple[int, int]:
    return comprehensive_energy_per_unit(whole, pieces[0])
