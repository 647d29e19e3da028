"""能源利用率提高: energy against its adjusted baseline, the raw form beside it.

Adjusted where the plan has a model and the data suffice for it; else the raw form, which says so
and has no confidence bound, so it proves nothing beyond the point value.

Source: definitions 2.4, 3.3, 3.4; 渝经信智能〔2020〕15号 附件1 一(五) 能源利用率提高8%以上.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from plantseal_kpi.energy.adjusted import LEVEL, METHOD, Adjusted, adjusted
from plantseal_kpi.energy.carriers import ROLES
from plantseal_kpi.energy.per_unit import (
    GAIN_VERSION,
    energy_per_unit_reduction,
    energy_utilisation_gain,
)
from plantseal_kpi.energy.series import Series, series
from plantseal_kpi.energy.sufficiency import broken, flags
from plantseal_kpi.figures import finding, result, text
from plantseal_kpi.plant import Adjustment
from plantseal_kpi.report import Finding, Interval, Origin, Result
from plantseal_kpi.study import Study

Terms = tuple[int, int]
Parts = dict[str, int | str | Fraction | None]

RAW: Final = finding(
    "energy.raw",
    "raw form: not adjusted for volume, mix or weather; a base load alone makes it better when "
    "more is made; configure energy.adjustment with its drivers",
)
_OF: Final = "energy_per_unit"


def adjusted_gain(now: Study, before: Study) -> Result:
    """Return the energy utilisation gain of the plant over the time before the project.

    Adjusted: expected energy / actual energy - 1 over the reporting steps, both in whole base
    units; ``interval.low`` is the one-sided 95 % bound. Raw: e0 / e1 - 1 of energy per good piece,
    without an interval. Null where neither can be formed. Meters and machines that stand on one side
    only are findings.
    """
    plan = now.window.plant.energy.adjustment
    raw = _terms(before, _OF), _terms(now, _OF)
    if plan is None:
        return _raw(now, before, raw, [RAW])
    sides = (
        series(before.window, before.ledgers, plan),
        series(now.window, now.ledgers, plan),
    )
    then, this = sides
    found = _boundary(then, this)
    rules = broken(then.steps, this.steps, plan.step)
    model = None
    if not rules and then.unit == this.unit:
        model = adjusted(then.steps, this.steps, _months(plan, this))
        if model is None:
            why = "the drivers do not determine a model: too few steps, or one follows from others"
            rules = [finding("model.singular", why)]
    more = [*found, *_once([*then.findings, *this.findings])]
    if model is None or not model.actual:
        return _raw(now, before, raw, [RAW, *rules, *more])
    more += flags(then.steps, this.steps, model, [d.name for d in plan.drivers], plan.step)
    return _adjusted(now, before, raw, (then, this), model, plan, more)


def _adjusted(
    now: Study,
    before: Study,
    raw: tuple[Terms | None, Terms | None],
    sides: tuple[Series, Series],
    model: Adjusted,
    plan: Adjustment,
    found: Sequence[Finding],
) -> Result:
    expected = round(model.expected)
    terms = energy_utilisation_gain((expected, 1), (model.actual, 1))
    low, high = model.bound(-1), model.bound(1)
    known = [_share(s) for s in sides if s.steps]
    names = ["base", *(d.name for d in plan.drivers)]
    fit = model.fit
    return result(
        "energy_utilisation_gain", GAIN_VERSION, "plant", *terms,
        origin=_origin(now, before),
        coverage=min(known).as_integer_ratio() if known else None,
        interval=Interval(
            method=METHOD,
            level=text(LEVEL),
            low=None if low is None else text(low),
            high=None if high is None else text(high),
            data={
                "sides": "each end one-sided", "n": str(fit.n), "p": str(fit.p),
                "m": str(model.m), "t": text(model.t), "rho": text(model.rho),
                "n_effective": text(model.n_effective),
                "standard_error": text(model.error),
            },
        ),
        parts={
            "form": "adjusted", "unit": sides[1].unit, "step": plan.step,
            "expected": expected, "actual": model.actual, "saving": expected - model.actual,
            "saving_share": model.share,
            **{f"b_{n}": b for n, b in zip(names, fit.coefficients, strict=True)},
            "r2": fit.r2, "cv_rmse": model.cv_rmse, "nmbe": model.nmbe,
            "caltrack_fsu": model.fsu(plan.step),
            "meters": ",".join(sides[1].meters), "machines": ",".join(sides[1].machines),
            **_raw_parts(raw),
        },
        formula=(
            f"E_adj / E1 - 1 with E_adj = {expected} {sides[1].unit} expected of {model.m} "
            f"{plan.step}s by E = {_equation(names, fit.coefficients)}, "
            f"E1 = {model.actual} {sides[1].unit}"
        ),
        findings=found,
    )  # fmt: skip


def _raw(
    now: Study,
    before: Study,
    raw: tuple[Terms | None, Terms | None],
    found: Sequence[Finding],
) -> Result:
    past, present = raw
    terms: tuple[int | None, int | None] = (None, None)
    if past is not None and present is not None:
        terms = energy_utilisation_gain(past, present)
    figures = [_figure(s, _OF) for s in (before, now)]
    known = [Fraction(r.coverage) for r in figures if r is not None and r.coverage is not None]
    own = [f for r in figures if r is not None for f in r.findings]
    points = now.window.plant.points
    others = {p.carrier for p in points if p.role in ROLES} - {"electricity"}
    if others:
        why = f"the raw form is of electricity alone; {', '.join(sorted(others))} is metered too"
        own.append(finding("energy.raw_electricity", why))
    n0, d0 = past or ("?", "?")
    n1, d1 = present or ("?", "?")
    return result(
        "energy_utilisation_gain", GAIN_VERSION, "plant", *terms,
        origin=_origin(now, before),
        coverage=min(known).as_integer_ratio() if known else None,
        parts={"form": "raw", **_raw_parts(raw)},
        formula=f"e0 / e1 - 1 with e0 = {n0} / {d0} Wh per good piece, e1 = {n1} / {d1}",
        findings=_once([*found, *own]),
    )  # fmt: skip


def _raw_parts(raw: tuple[Terms | None, Terms | None]) -> Parts:
    """Return both sides of the raw form, its gain and the cut of energy per piece."""
    past, present = raw
    parts: Parts = {}
    for side, terms in (("before", past), ("after", present)):
        if terms is not None:
            parts[f"{side}_numerator"], parts[f"{side}_denominator"] = terms
            parts[side] = Fraction(*terms) if terms[1] else None
    if past is not None and present is not None:
        gain = energy_utilisation_gain(past, present)
        cut = energy_per_unit_reduction(past, present)
        parts["raw_gain"] = Fraction(*gain) if gain[1] else None
        parts["energy_per_unit_reduction"] = Fraction(*cut) if cut[1] else None
    return parts


def _boundary(then: Series, this: Series) -> list[Finding]:
    """Return what stands on one side of the comparison only."""
    out = []
    for what, a, b in (
        ("meters", then.meters, this.meters),
        ("machines", then.machines, this.machines),
        ("unit", (then.unit,), (this.unit,)),
    ):
        if a != b:
            why = f"{what} before: {', '.join(a) or 'none'}; after: {', '.join(b) or 'none'}"
            out.append(finding("baseline.boundary", f"{why}; compare like with like", what=what))
    if out:
        why = "not the same machines and meters on both sides: a point value at best"
        out.append(finding("point_only.boundary", why))
    return out


def _months(plan: Adjustment, side: Series) -> Fraction:
    m = sum(s.complete for s in side.steps)
    return Fraction(m) if plan.step == "month" else Fraction(12 * m, 365)


def _share(side: Series) -> Fraction:
    return Fraction(sum(s.complete for s in side.steps), len(side.steps))


def _figure(side: Study, metric: str) -> Result | None:
    return next((r for r in side.results if (r.metric, r.scope) == (metric, "plant")), None)


def _terms(side: Study, metric: str) -> Terms | None:
    r = _figure(side, metric)
    if r is None or r.value is None or r.numerator is None or r.denominator is None:
        return None
    return int(r.numerator), int(r.denominator)


def _origin(now: Study, before: Study) -> Origin:
    same = now.window.origin == before.window.origin
    return now.window.origin if same else "mixed"


def _once(findings: Sequence[Finding]) -> list[Finding]:
    return list({f.code + f.message: f for f in findings}.values())


def _equation(names: Sequence[str], coefficients: Sequence[Fraction]) -> str:
    first, *rest = coefficients
    shown = [text(first), *(f"{text(b)} x {n}" for n, b in zip(names[1:], rest, strict=True))]
    return " + ".join(shown)
