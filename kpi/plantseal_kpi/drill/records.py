"""Figures of ledgers: which records made them, which were left out, and why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl

from plantseal_kpi.business import inspections, investments, orders, partners, projects
from plantseal_kpi.business.forms import HOUR_NS, Term, days_in, term, times_in
from plantseal_kpi.business.inventory import POINTS
from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.business.output import output_of
from plantseal_kpi.business.resources import MEANING
from plantseal_kpi.drill.frames import Drill, Entries, constant
from plantseal_kpi.drill.pieces import add_pieces, makers
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.plant.business import COST_KINDS, LedgerName

Expr = pl.Expr | int
_NO: Any = pl.lit("")


def record_figure(s: Scene, metric: str, scope: str) -> Drill:
    """Return the drill-down of a figure of ledgers."""
    e = Entries(s.limit)
    t = term(s.plant, s.span)
    _BUILDERS[metric](s, e, t, metric)
    return e.drill(metric, scope, s.figure(metric, scope), formed=_FORMED.get(metric))


def add_records(
    s: Scene, e: Entries, name: LedgerName, *, reason: pl.Expr, numerator: Expr = 0,
    denominator: Expr = 0, weight: pl.Expr | str = "1",
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
) -> None:  # fmt: skip
    """Take every record of a ledger; those with a ``reason`` add nothing."""
    frame = s.study.ledgers.get(name)
    if frame is None or not frame.height:
        return
    schema = SCHEMAS[name]
    key = schema.key
    dated = next((c.name for c in schema.columns if c.kind in ("posting", "day", "time")), None)
    rest = [c.name for c in schema.columns if c.name not in key]
    ready = frame if prepare is None else prepare(frame)
    judged = ready.with_columns(reason=reason).with_columns(used=pl.col("reason") == "")

    def adds(given: Expr) -> pl.Expr:
        expr = pl.lit(given) if isinstance(given, int) else given
        return pl.when("used").then(expr.cast(pl.Int64)).otherwise(0).fill_null(0)

    said = judged.select(
        "used", "reason",
        ledger=pl.lit(name),
        record=pl.concat_str([pl.col(c).cast(pl.String) for c in key], separator="/"),
        date=pl.col(dated).cast(pl.String) if dated else pl.lit(""),
        content=pl.concat_str(
            [pl.lit(f"{c}=") + pl.col(c).cast(pl.String).fill_null("") for c in rest] or [_NO],
            separator="; ",
        ),
        numerator=adds(numerator), denominator=adds(denominator),
        weight=pl.lit(weight) if isinstance(weight, str) else weight,
    )  # fmt: skip
    e.add("records", said)


def _outside(t: Term, column: str = "date") -> Any:
    return pl.when(~days_in(t, column)).then(pl.lit("outside_period"))


def _standard_output(s: Scene, e: Entries, t: Term, *, below: bool) -> None:
    """Take what made the standard hours: the ledger output, or the counters."""
    source = output_of(t, s.study.ledgers, s.study.results).source
    if source == "ledger output":
        good = pl.col("good")
        add_records(
            s, e, "output", reason=_outside(t).otherwise(_NO), numerator=0 if below else good,
            denominator=good if below else 0, weight=pl.col("standard").cast(pl.String),
        )  # fmt: skip
    elif source == "counters":
        figure = s.figure("production_efficiency", "plant")
        ids = makers(s, "production_efficiency", "plant", figure)
        add_pieces(s, e, "standard output" if below else "production_efficiency", "plant", ids)


def _costs(s: Scene, e: Entries, t: Term, metric: str) -> None:
    accounts = s.plant.business.cost_accounts
    why = _outside(t)
    if accounts:
        why = why.when(~pl.col("account").is_in(accounts)).then(pl.lit("other_account"))
    if metric == "logistics_cost_share":
        logistics = pl.when(pl.col("kind") == "logistics").then("amount").otherwise(0)
        add_records(s, e, "costs", reason=why.otherwise(_NO), numerator=logistics,
                    denominator=pl.col("amount"))  # fmt: skip
        return
    booked = metric == "operating_cost_actual_prices" or t.baseline
    column = "amount" if booked else "amount_baseline_prices"
    if not booked:
        why = why.when(pl.col(column).is_null()).then(pl.lit("not_baseline_priced"))
    add_records(s, e, "costs", reason=why.otherwise(_NO), numerator=pl.col(column),
                weight=str(HOUR_NS))  # fmt: skip
    _standard_output(s, e, t, below=True)


def _projects(s: Scene, e: Entries, t: Term, _: str) -> None:
    if "projects" not in s.study.ledgers:
        return
    sample = projects.sample_of(s.plant, t, s.study.ledgers)
    ages = [projects.duration(p, t) for p in sample.to_dicts()]
    found = sample.select(
        "project", days=pl.Series([d for d, _ in ages], dtype=pl.Int64),
        ended=pl.Series([int(over) for _, over in ages], dtype=pl.Int64), taken=pl.lit(True),
    )  # fmt: skip
    chosen = s.plant.business.project_class
    why: Any = pl.when("taken").then(_NO)
    if chosen:
        why = why.when(pl.col("cls") != chosen).then(pl.lit("other_class"))
    add_records(
        s, e, "projects", reason=why.otherwise(pl.lit("outside_period")),
        numerator=pl.col("days"), denominator=pl.col("ended"),
        prepare=lambda f: f.join(found, on="project", how="left"),
    )  # fmt: skip


def _rd_cycle(d: Drill) -> tuple[int, int] | None:
    used = d.records.filter("used").select("numerator", "denominator").rows()
    return projects.rd_cycle([(days, bool(over)) for days, over in used])


def _order_cycle(d: Drill) -> tuple[int, int] | None:
    used = d.records.filter(pl.col("used") & (pl.col("denominator") == 1))
    return orders.order_cycle(used["numerator"].to_list())


def _on_time(s: Scene, e: Entries, t: Term, _: str) -> None:
    good = (orders.FULL & (pl.col("delivered") <= pl.col("promised_first"))).fill_null(value=False)
    add_records(s, e, "orders", reason=_outside(t, "promised_first").otherwise(_NO),
                numerator=good.cast(pl.Int64), denominator=1)  # fmt: skip


def _orders(s: Scene, e: Entries, t: Term, _: str) -> None:
    """Take order lines; the first line of a completed order carries its days."""
    if "orders" not in s.study.ledgers:
        return
    lines = s.study.ledgers["orders"].with_columns(full=orders.FULL)
    done = orders.completed(lines, t).select("order", "days")
    full = lines.group_by("order").agg(whole=pl.col("full").all())

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        first = pl.int_range(pl.len()).over("order") == 0
        return (
            frame.sort("order", "line").join(done, on="order", how="left")
            .join(full, on="order", how="left").with_columns(first=first)
        )  # fmt: skip

    why = (
        pl.when(pl.col("days").is_not_null()).then(_NO)
        .when(~pl.col("whole")).then(pl.lit("not_in_full"))
        .otherwise(pl.lit("outside_period"))
    )  # fmt: skip
    add_records(
        s, e, "orders", reason=why, prepare=prepare, numerator=pl.col("days"),
        denominator=pl.col("first").cast(pl.Int64),
    )  # fmt: skip


def _inventory(s: Scene, e: Entries, t: Term, _: str) -> None:
    by_cost = s.plant.business.turnover == "cogs"
    wanted = [t.first - timedelta(days=1), *t.months]
    outside = pl.when(~pl.col("date").is_in(wanted)).then(pl.lit("outside_period"))
    add_records(s, e, "inventory", reason=outside.otherwise(_NO),
                denominator=pl.col("value" if by_cost else "pieces"))  # fmt: skip
    if by_cost:
        why = _outside(t).when(pl.col("item") != "cogs").then(pl.lit("other_kind"))
        add_records(s, e, "finance", reason=why.otherwise(_NO), numerator=pl.col("amount"),
                    weight=str(POINTS))  # fmt: skip
    else:
        add_records(s, e, "output", reason=_outside(t).otherwise(_NO), numerator=pl.col("good"),
                    weight=str(POINTS))  # fmt: skip


def _staff(s: Scene, e: Entries, t: Term, metric: str) -> None:
    why: Any = pl.when(~pl.col("date").is_in(t.months)).then(pl.lit("outside_period"))
    if metric == "labour_productivity":
        add_records(s, e, "staff", reason=why.otherwise(_NO), denominator=pl.col("persons"))
        add_records(s, e, "value_added", reason=_outside(t).otherwise(_NO),
                    numerator=pl.col("amount"), weight=str(len(t.months)))  # fmt: skip
        return
    why = why.when(pl.col("kind") != "line").then(pl.lit("other_kind")).otherwise(_NO)
    add_records(s, e, "staff", reason=why, numerator=pl.col("persons"), weight=str(HOUR_NS))
    _standard_output(s, e, t, below=True)


def _labour(s: Scene, e: Entries, t: Term, _: str) -> None:
    add_records(s, e, "labour", reason=_outside(t).otherwise(_NO), denominator=pl.col("worked"))
    _standard_output(s, e, t, below=False)


def _materials(s: Scene, e: Entries, t: Term, _: str) -> None:
    over, under, _words = MEANING[s.plant.business.resource]
    kind = pl.col("kind")
    why = _outside(t).when(~kind.is_in([over, under])).then(pl.lit("other_kind")).otherwise(_NO)
    add_records(
        s, e, "materials", reason=why,
        numerator=pl.when(kind == over).then("mass").otherwise(0),
        denominator=pl.when(kind == under).then("mass").otherwise(0),
    )  # fmt: skip


def _partners(s: Scene, e: Entries, _t: Term, _: str) -> None:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        valid = [c for c in frame["uscc"].unique() if partners.code_is_valid(c.upper())]
        counts = times_in(s.span) & pl.col("authenticated") & pl.col("uscc").is_in(valid)
        code = pl.col("uscc").str.to_uppercase()
        return frame.sort("time", "exchange").with_columns(
            valid=pl.col("uscc").is_in(valid),
            first=counts & (counts.cast(pl.Int64).cum_sum().over(code) == 1),
        )

    why = (
        pl.when(~times_in(s.span)).then(pl.lit("outside_period"))
        .when(~pl.col("authenticated")).then(pl.lit("not_authenticated"))
        .when(~pl.col("valid")).then(pl.lit("invalid_code"))
        .when(~pl.col("first")).then(pl.lit("repeated")).otherwise(_NO)
    )  # fmt: skip
    add_records(s, e, "partners", reason=why, numerator=1, prepare=prepare)
    e.add("records", constant(denominator=1, what="a count"))


def _investments(s: Scene, e: Entries, t: Term, metric: str) -> None:
    one = investments.planned_total_investment(0)[1]
    other = pl.when(~pl.col("kind").is_in(COST_KINDS)).then(pl.lit("other_kind"))
    if metric == "equipment_software_investment":
        why: Any = other.when(pl.col("invoiced").is_null()).then(pl.lit("no_value"))
        why = why.when(pl.col("date").is_null()).then(pl.lit("no_date"))
        why = why.when(pl.col("date") >= t.end).then(pl.lit("outside_period"))
        add_records(s, e, "investments", reason=why.otherwise(_NO), numerator=pl.col("invoiced"))
        e.add("records", constant(denominator=one, what="fen per 万元"))
    elif metric == "investment_cost_kinds":
        add_records(
            s, e, "investments", reason=pl.when("first").then(_NO).otherwise(pl.lit("repeated")),
            numerator=1, prepare=lambda f: f.sort("item").with_columns(
                first=pl.int_range(pl.len()).over("kind") == 0),
        )  # fmt: skip
        e.add("records", constant(denominator=1, what="a count"))
    else:
        why = other.when(pl.col("planned").is_null()).then(pl.lit("no_value")).otherwise(_NO)
        if metric == "planned_total_investment":
            add_records(s, e, "investments", reason=why, numerator=pl.col("planned"))
            e.add("records", constant(denominator=one, what="fen per 万元"))
            return
        software = pl.col("kind").is_in(s.plant.business.software_kinds)
        add_records(s, e, "investments", reason=why, denominator=pl.col("planned"),
                    numerator=pl.when(software).then("planned").otherwise(0))  # fmt: skip


def _inspections(s: Scene, e: Entries, _t: Term, metric: str) -> None:
    if "inspections" not in s.study.ledgers:
        return
    figure = s.figure(metric, "plant")
    counts = figure.parts.get("inspection", "") if figure else ""
    first = inspections.first_judged(s.study.ledgers["inspections"]).select(
        "part", "inspection", "time", taken=pl.lit(True)
    )
    why = (
        pl.when(~times_in(s.span)).then(pl.lit("outside_period"))
        .when(pl.col("inspection") != counts).then(pl.lit("another_inspection"))
        .when(pl.col("taken").is_null()).then(pl.lit("repeated")).otherwise(_NO)
    )  # fmt: skip
    key = ["part", "inspection", "time"]
    add_records(s, e, "inspections", reason=why, denominator=1,
                numerator=(~pl.col("passed")).cast(pl.Int64),
                prepare=lambda f: f.join(first, on=key, how="left"))  # fmt: skip


def _lots(s: Scene, e: Entries, _t: Term, _: str) -> None:
    why = pl.when(~times_in(s.span)).then(pl.lit("outside_period")).otherwise(_NO)
    add_records(s, e, "lots", reason=why, numerator=pl.col("defective"),
                denominator=pl.col("inspected"))  # fmt: skip


_BUILDERS: dict[str, Callable[[Scene, Entries, Term, str], None]] = {
    **dict.fromkeys(
        ("operating_cost", "operating_cost_actual_prices", "logistics_cost_share"), _costs
    ),
    "rd_cycle": _projects, "inventory_turns": _inventory, "on_time_delivery": _on_time,
    "order_cycle": _orders, "line_staff": _staff, "labour_productivity": _staff,
    "efficiency_per_labour_hour": _labour, "resource_utilisation": _materials,
    "connected_partners": _partners, "inspection_defect_rate": _inspections,
    "lot_defect_rate": _lots,
    **dict.fromkeys((m.id for m in investments.METRICS), _investments),
}  # fmt: skip
_FORMED: dict[str, Callable[[Drill], tuple[int, int] | None]] = {
    "rd_cycle": _rd_cycle, "order_cycle": _order_cycle,
}  # fmt: skip
BUSINESS = tuple(_BUILDERS)
"""The metrics that :func:`record_figure` knows."""
