"""Every improvement: one figure after against the same before, with how sure that is.

A row of :data:`IMPROVEMENTS` says of which figure, in which form; its estimator stands in
``estimates.py``. Energy has its adjusted form in ``energy/gain.py``.

Source: definitions 2.3, 2.4, 3; 渝经信智能〔2020〕15号 附件1 一(五) and 二(八).
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from plantseal_kpi.business import figures as business
from plantseal_kpi.business.forms import Change
from plantseal_kpi.energy import per_unit as energy
from plantseal_kpi.energy.gain import RAW, adjusted_gain
from plantseal_kpi.figures import finding, result, text
from plantseal_kpi.machines import defects, efficiency, oee
from plantseal_kpi.proof.baseline import Before, Terms, before, plant_figures, terms_of
from plantseal_kpi.proof.estimates import ESTIMATORS, Sides
from plantseal_kpi.proof.samples import earned_by_product
from plantseal_kpi.proof.windows import overlap_findings, window_findings
from plantseal_kpi.report import Finding, Interval, Origin, Result
from plantseal_kpi.study import Study

Parts = dict[str, int | str | Fraction | None]

ENERGY: Final = "energy_utilisation_gain"
IMPROVEMENTS: Final = (
    Change(
        "defect_rate_reduction", "defect_rate", defects.VERSION, defects.defect_rate_reduction,
        "(d0 - d1) / d0 with d0 = {n0} / {d0} not good of made, d1 = {n1} / {d1}",
        ("variant", "scope", "judged_by"),
    ),
    Change(
        "production_efficiency_gain", "production_efficiency", efficiency.VERSION,
        efficiency.production_efficiency_gain,
        "x1 / x0 - 1 with x0 = {n0} / {d0} ns earned of planned, x1 = {n1} / {d1}",
    ),
    Change(
        "overall_equipment_utilisation_gain", "oee", oee.VERSION,
        oee.overall_equipment_utilisation_gain,
        "r1 / r0 - 1 with OEE r0 = {n0} / {d0}, r1 = {n1} / {d1} ns",
    ),
    Change(
        ENERGY, "energy_per_unit", energy.GAIN_VERSION, energy.energy_utilisation_gain,
        "e0 / e1 - 1 with e0 = {n0} / {d0} Wh per good piece, e1 = {n1} / {d1}",
    ),
    *business.IMPROVEMENTS,
)  # fmt: skip
"""The register of improvements, one row each."""
_OF_OUTPUT: Final = ("defect_rate", "production_efficiency", "oee", "energy_per_unit")


def improvement_results(now: Study, earlier: Study | None) -> list[Result]:
    """Return each improvement of the plant; null with the reason where a side is missing.

    Business improvements are left out where neither side has the figure: the plant has no ledger
    for it.
    """
    span = now.window.start, now.window.end
    windows = window_findings(now.window.plant, span)
    mix = [] if earlier is None else _mix(now, earlier)
    current = plant_figures(now.results)
    then = plant_figures(earlier.results) if earlier else {}
    out = []
    for change in IMPROVEMENTS:
        if change in business.IMPROVEMENTS and change.of not in current:
            continue
        notes = [*windows, *(mix if change.of in _OF_OUTPUT else [])]
        past = before(now.window.plant, change.of, then)
        one = _improvement(change, now, earlier, past, current.get(change.of), notes)
        out.append(_with_utilisation(one, then, current) if change.of == "oee" else one)
    return out


def _with_utilisation(
    gain: Result, then: Mapping[str, Result], current: Mapping[str, Result]
) -> Result:
    """Return the gain with plain utilisation beside it: 设备综合利用率 may be read as either."""
    sides = (("utilisation_before", then), ("utilisation_after", current))
    known = {k: of["utilisation"].value or "" for k, of in sides if "utilisation" in of}
    return gain.model_copy(update={"parts": {**gain.parts, **known}})


def _improvement(
    change: Change,
    now: Study,
    earlier: Study | None,
    past: Before,
    present: Result | None,
    notes: Sequence[Finding],
) -> Result:
    found = list(past.findings)
    after = terms_of(present)
    if after is None:
        found.append(finding("baseline.no_figure", f"{change.of}: no figure in the period"))
    if present is not None:
        found += present.findings
    if change.metric == ENERGY and earlier is not None:
        return _with(adjusted_gain(now, earlier), change, past, present, [*notes, *found])
    if past.terms is None or after is None:
        return _made(change, past, present, None, (None, None), [*notes, *found])
    if Fraction(*past.terms) <= 0:
        why = f"{change.of} was {text(Fraction(*past.terms))} before; a relative change of what is "
        why += "not above 0 has no meaning"
        found.append(finding("baseline.not_positive", f"{change.metric}: {why}"))
        return _made(change, past, present, None, (None, None), [*notes, *found])
    found += [*_boundary(past.figure, present), *_same(change, past.figure, present)]
    interval: Interval | None = None
    estimator = ESTIMATORS.get(change.metric)
    terms = change.form(past.terms, after)
    if estimator is not None and terms[1]:
        interval, more = estimator(Sides(now, earlier, past, after, present))
        found += more
    if change.metric == ENERGY:
        found.insert(0, RAW)
    limits = _limits(change, past, present, after)
    if limits is not None and limits[0] is None:
        why = "what is not known of the time before may be all of it; the change has no least value"
        found.append(finding("point_only.bounds", f"{change.metric}: {why}"))
    made = _made(change, past, present, interval, terms, [*notes, *found])
    if limits is None:
        return made
    low, high = (None if end is None else text(end) for end in limits)
    return made.model_copy(update={"low": low, "high": high})


def _limits(
    change: Change, past: Before, present: Result | None, after: Terms
) -> tuple[Fraction | None, Fraction | None] | None:
    """Return the least and greatest change that unknown time and pieces of both sides allow.

    None where nothing is unknown; an end is None where it is not limited.
    """
    sides = [_reach(past.figure, past.terms), _reach(present, after)]
    if all(len(ends) == 1 for ends in sides):
        return None
    made = [
        change.form(x0.as_integer_ratio(), x1.as_integer_ratio())
        for x0 in sides[0] for x1 in sides[1]
    ]  # fmt: skip
    known = [Fraction(*terms) for terms in made if terms[1]]
    if not known:
        return None
    if all(terms[1] for terms in made):
        return min(known), max(known)
    # A figure before of 0: a gain has no greatest, a reduction no least value; energy is e0 / e1.
    grows = change.metric == ENERGY or Fraction(*change.form((1, 1), (2, 1))) > 0
    return (min(known), None) if grows else (None, max(known))


def _reach(figure: Result | None, terms: Terms | None) -> list[Fraction]:
    """Return the ends of the bounds of a figure; the figure alone where it has none on both sides."""
    if figure is not None and figure.low is not None and figure.high is not None:
        return [Fraction(figure.low), Fraction(figure.high)]
    return [] if terms is None else [Fraction(*terms)]


def _made(
    change: Change,
    past: Before,
    present: Result | None,
    interval: Interval | None,
    terms: tuple[int | None, int | None],
    found: Sequence[Finding],
) -> Result:
    after = terms_of(present)
    return result(
        change.metric, change.version, "plant", *terms, coverage=_coverage(past.figure, present),
        origin=_origin(past, present), interval=interval, parts=_sides(change, past.terms, after),
        formula=change.formula.format(
            **dict(zip(("n0", "d0"), past.terms or "??", strict=True)),
            **dict(zip(("n1", "d1"), after or "??", strict=True)),
        ),
        findings=_once(found),
    )  # fmt: skip


def _with(
    gain: Result, change: Change, past: Before, present: Result | None, found: Sequence[Finding]
) -> Result:
    """Return the energy gain with what qualifies the comparison beside its own findings."""
    raw = gain.parts.get("form") == "raw"
    more = _boundary(past.figure, present) if raw else []
    # The model takes season and volume out: months that differ do not speak against it.
    kept = [f for f in found if raw or f.code not in ("point_only.baseline.months",)]
    return gain.model_copy(update={"findings": _once([*gain.findings, *kept, *more])})


def _mix(now: Study, earlier: Study) -> list[Finding]:
    base = now.window.plant.baseline
    return overlap_findings(
        earned_by_product(earlier), earned_by_product(now), base.families if base else {}
    )


def _origin(past: Before, present: Result | None) -> Origin:
    origin: Origin = present.origin if present else "none"
    return "mixed" if past.terms and past.origin != origin else origin


def _coverage(*sides: Result | None) -> Terms | None:
    """Return the smaller coverage of both sides: no claim is known better than its worse half."""
    known = [Fraction(r.coverage) for r in sides if r is not None and r.coverage is not None]
    return min(known).as_integer_ratio() if known else None


def _boundary(past: Result | None, present: Result | None) -> list[Finding]:
    """Return which machines and meters stand on one side of the comparison only.

    A project may replace a machine, so this bars no figure, but neither is it like with like.
    """
    if past is None or present is None:
        return []
    found = []
    for what in ("machines", "meters"):
        then, now = past.parts.get(what, ""), present.parts.get(what, "")
        if then != now:
            why = f"{what} before: {then or 'none'}; after: {now or 'none'}; compare like with like"
            found.append(finding("baseline.boundary", why, what=what, before=then, after=now))
    if found:
        why = "not the same machines and meters on both sides: a point value at best"
        found.append(finding("point_only.boundary", why))
    return found


def _same(change: Change, past: Result | None, present: Result | None) -> list[Finding]:
    """Return what must be the same on both sides and is not: accounts, variant, inspection."""
    if past is None or present is None:
        return []
    found = []
    for what in change.same:
        then, now = past.parts.get(what, ""), present.parts.get(what, "")
        if then != now:
            why = f"{what} before: {then or 'none'}; after: {now or 'none'}; it must be the same"
            found.append(finding(f"unassessable.baseline.{what}", f"{change.of}: {why}"))
    return found


def _sides(change: Change, past: Terms | None, after: Terms | None) -> Parts:
    if past is None or after is None:
        return {}
    parts: Parts = {
        "before_numerator": past[0], "before_denominator": past[1],
        "after_numerator": after[0], "after_denominator": after[1],
    }  # fmt: skip
    if not past[1] or not after[1]:
        return parts
    x0, x1 = Fraction(*past), Fraction(*after)
    parts |= {"before": x0, "after": x1}
    if change.metric == ENERGY:
        parts["form"] = "raw"
        parts["energy_per_unit_reduction"] = text(1 - x1 / x0) if x0 else None
    if change.metric == "production_efficiency_gain":
        parts["time_per_unit_reduction"] = text(1 - x0 / x1) if x1 else None
    if change.metric in ("overall_equipment_utilisation_gain", "on_time_delivery_gain"):
        parts["points"] = x1 - x0
    return parts


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple({f.code + f.message: f for f in findings}.values())
