"""Improvements: both sides, each drilled down, and the form that compares them."""

from collections.abc import Callable

import polars as pl

from plantseal_kpi.business.forms import Change
from plantseal_kpi.drill.frames import Drill, Entries, constant
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.energy.series import Series, series
from plantseal_kpi.plant import Adjustment
from plantseal_kpi.proof.baseline import before as before_of
from plantseal_kpi.proof.baseline import plant_figures, terms_of
from plantseal_kpi.proof.improvements import ENERGY
from plantseal_kpi.report import Result

Side = Callable[[Scene, str, str], Drill]


def improvement(now: Scene, earlier: Scene | None, change: Change, result: Result | None,
                side: Side) -> Drill:  # fmt: skip
    """Return an improvement: its parts are the same figure before and after.

    The adjusted energy gain has the steps of its model as records besides.

    Args:
        now: The period.
        earlier: The time before the project.
        change: The improvement.
        result: It, as the report has it.
        side: Gives the drill-down of the figure compared.
    """
    parts = (_before(now, earlier, change, side), _side(now, change.of, side))
    e = Entries(now.limit)
    plan = now.plant.energy.adjustment
    adjusted = result is not None and result.parts.get("form") == "adjusted"
    if change.metric == ENERGY and adjusted and plan is not None and earlier is not None:
        _steps(e, earlier, plan, "before", 0)
        _steps(e, now, plan, "after", 1)
        expected = int(result.parts["expected"]) if result is not None else 0
        e.add("records", constant(expected, what="expected by the model of the time before"))
        return e.drill(change.metric, "plant", result, parts)
    known = terms_of(_figure(now, change.of)) is not None
    form = change.form if (known and parts[0].result is not None) or _cited(parts[0]) else None
    formed = None if form is not None and known else _nothing
    return e.drill(change.metric, "plant", result, parts, form, formed)


def _figure(s: Scene, metric: str) -> Result | None:
    return plant_figures(s.study.results).get(metric)


def _nothing(_: Drill) -> None:
    return None


def _side(s: Scene, metric: str, side: Side) -> Drill:
    return side(s, metric, "plant")


def _cited(part: Drill) -> bool:
    return part.total("records") > 0


def _before(now: Scene, earlier: Scene | None, change: Change, side: Side) -> Drill:
    """Return the figure of the time before: measured, cited, or nothing."""
    then = plant_figures(earlier.study.results) if earlier is not None else {}
    past = before_of(now.plant, change.of, then)
    if past.figure is not None and earlier is not None:
        return _side(earlier, change.of, side)
    e = Entries(now.limit)
    if past.terms is None:
        if earlier is not None and change.of in then:
            e.join(_side(earlier, change.of, side))
        return e.drill(change.of, "plant", None, formed=_nothing)
    base = now.plant.baseline
    e.add("records", constant(*past.terms, what=base.citation if base is not None else ""))
    return e.drill(change.of, "plant", None)


def _steps(e: Entries, s: Scene, plan: Adjustment, side: str, sign: int) -> None:
    """Take the days or months of one side; those of after are what was used."""
    found: Series = series(s.window, s.study.ledgers, plan)
    rows = [
        {
            "ledger": "model", "record": f"{side}/{x.label}", "date": x.label,
            "content": f"energy={x.energy} {found.unit}; " + "; ".join(
                f"{d.name}={v}" for d, v in zip(plan.drivers, x.drivers, strict=True)
            ),
            "numerator": -sign * (x.energy or 0) if x.complete else 0,
            "denominator": sign * (x.energy or 0) if x.complete else 0,
            "used": x.complete, "reason": "" if x.complete else "incomplete",
        }
        for x in found.steps
    ]  # fmt: skip
    if rows:
        types = {"numerator": pl.Int64, "denominator": pl.Int64}
        e.add("records", pl.DataFrame(rows, schema_overrides=types))
