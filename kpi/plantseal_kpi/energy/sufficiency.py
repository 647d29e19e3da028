"""Whether the data suffice for an adjusted baseline, and what a reader must know of them.

Two kinds of findings: a rule that is broken leaves the raw form and a point
value; a flag stands beside the adjusted figure.

Source: CalTRACK 2.0 2.2.1.2 (10 % missing), 2.3.6 (outliers), 3.1.3 (365 days), 3.7.5.2 (range);
ASHRAE Guideline 14 (CV(RMSE), half of the savings at 68 %); definitions 3.2 and 3.3.
"""

from collections.abc import Sequence
from fractions import Fraction

from plantseal_kpi.energy.adjusted import Adjusted, Step, StepSize
from plantseal_kpi.figures import finding, text
from plantseal_kpi.report import Finding
from plantseal_kpi.statistics.exact import t_quantile

FEWEST = {"day": 365, "month": 12}
MISSING = Fraction(1, 10)
RANGE = Fraction(11, 10)
CV_LIMIT = {"day": Fraction(30, 100), "month": Fraction(15, 100)}


def broken(before: Sequence[Step], after: Sequence[Step], size: StepSize) -> list[Finding]:
    """Return the rules that the data break; with any of them there is no adjusted figure."""
    out = []
    wanted = FEWEST[size]
    if len(before) < wanted:
        out.append(
            finding(
                "model.baseline_length",
                f"the baseline has {len(before)} whole {size}s, expected {wanted}: twelve months "
                "before the works",
                got=len(before), expected=wanted,
            )
        )  # fmt: skip
    lacking = sum(not s.complete for s in before)
    if lacking > MISSING * len(before):
        out.append(
            finding(
                "model.baseline_missing",
                f"{lacking} of {len(before)} {size}s of the baseline lack energy or a driver, "
                "expected at most 10 %; import the records",
                got=lacking, of=len(before),
            )
        )  # fmt: skip
    if not any(s.complete for s in after):
        why = f"no whole {size} of the reporting period has energy and drivers"
        out.append(finding("model.reporting_missing", why))
    columns = list(zip(*(s.row for s in before if s.complete), strict=True))
    still = [i for i, c in enumerate(columns) if i and len(set(c)) == 1]
    if still:
        why = "never changes in the baseline, so its effect cannot be told from the base load"
        out.append(finding("model.driver_constant", f"driver {still[0]}: {why}"))
    return out


def flags(
    before: Sequence[Step],
    after: Sequence[Step],
    found: Adjusted,
    names: Sequence[str],
    size: StepSize,
) -> list[Finding]:
    """Return what qualifies the adjusted figure: range, outliers, quality of fit, sure or not."""
    out = [*_range(before, after, names, size), *_outliers(before)]
    limit = CV_LIMIT[size]
    cv = found.cv_rmse
    if cv is None or cv > limit:
        why = f"CV(RMSE) is {text(cv) or 'unknown'}, ASHRAE 14 asks for at most {text(limit)}"
        out.append(finding("model.fit", f"{why} by {size}; look for another driver"))
    for name, b in zip(names, found.fit.coefficients[1:], strict=True):
        if b < 0:
            why = f"{name}: the model says that more of it needs less energy ({text(b)})"
            out.append(finding("model.sign", f"{why}; check the data"))
    if found.fit.coefficients[0] < 0:
        why = f"the base load of the model is below 0 ({text(found.fit.coefficients[0])})"
        out.append(finding("model.sign", f"{why}; check the data"))
    if found.saving > 0:
        unsure = t_quantile(Fraction(84, 100), found.fit.freedom) * found.error / found.saving
        if unsure >= Fraction(1, 2):
            why = f"at 68 % the saving is known to {text(unsure * 100)} % of itself only"
            out.append(finding("model.unsure", f"{why}, ASHRAE 14 asks for less than 50 %"))
    return out


def _range(
    before: Sequence[Step], after: Sequence[Step], names: Sequence[str], size: StepSize
) -> list[Finding]:
    """Flag reporting steps beyond 110 % of the greatest, or below 90 % of the least, of before."""
    out = []
    base = [s for s in before if s.complete]
    for i, name in enumerate(names):
        seen = [x for s in base if (x := s.drivers[i]) is not None]
        if not seen:
            continue
        high, low = RANGE * max(seen), (2 - RANGE) * min(seen)
        beyond = [
            s.label for s in after
            if s.complete and (x := s.drivers[i]) is not None and not low <= x <= high
        ]  # fmt: skip
        if beyond:
            why = (
                f"{name}: {len(beyond)} {size}s lie outside {text(low)} to {text(high)}, the "
                f"baseline's range with 10 % to spare: {', '.join(beyond[:12])}"
            )
            out.append(finding("model.extrapolation", why, n=len(beyond), driver=name))
    return out


def _outliers(steps: Sequence[Step]) -> list[Finding]:
    """Flag values above median + 3 x interquartile range; they are not removed."""
    values = sorted(s.energy for s in steps if s.complete and s.energy is not None)
    if len(values) < 4:
        return []
    q1, middle, q3 = (_quantile(values, Fraction(q, 4)) for q in (1, 2, 3))
    limit = middle + 3 * (q3 - q1)
    high = [s.label for s in steps if s.complete and (s.energy or 0) > limit]
    if not high:
        return []
    why = f"{len(high)} values above median + 3 IQR ({text(limit)}), not removed"
    return [finding("model.outlier", f"baseline: {why}: {', '.join(high[:12])}", n=len(high))]


def _quantile(ordered: Sequence[int], q: Fraction) -> Fraction:
    """Return the quantile by linear interpolation between the order statistics."""
    at = q * (len(ordered) - 1)
    i = int(at)
    above = ordered[min(i + 1, len(ordered) - 1)]
    return ordered[i] + (at - i) * (above - ordered[i])
