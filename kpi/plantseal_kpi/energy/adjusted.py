"""The adjusted baseline: what the plant would have used before, for what it made after.

E = a + b x output (+ further drivers) is fitted on the time before the project; with the drivers of
the reporting period it gives the energy that the old plant would have used. Raw energy per piece
must not be claimed: a base load alone makes it better when more is made.

Every figure but roots and quantiles is rational; those have 50 digits.

Source: definitions 3.3, 3.4; IPMVP option C; ASHRAE Guideline 14 (CV(RMSE), NMBE); CalTRACK 2.0
4.3 (fractional savings uncertainty, printed as a cross-check only).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from plantseal_kpi.energy.least_squares import Fit, effective, fitted, lag_one, sum_variance
from plantseal_kpi.statistics.exact import sqrt, t_quantile

METHOD = "ols_sum_prediction/1"
LEVEL = Fraction(95, 100)
StepSize = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Step:
    """A local day or month.

    Attributes:
        label: ``2024-03-05`` or ``2024-03``.
        index: Number of the step in time; neighbours differ by 1.
        energy: Used in it [base units]; None where not known.
        drivers: Value of each driver in it; None where not known.
    """

    label: str
    index: int
    energy: int | None
    drivers: tuple[Fraction | None, ...]

    @property
    def complete(self) -> bool:
        """Whether energy and all drivers are known."""
        return self.energy is not None and None not in self.drivers

    @property
    def row(self) -> tuple[Fraction, ...]:
        """The row of the model: 1 for the base load, then the drivers."""
        return (Fraction(1), *(x for x in self.drivers if x is not None))


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The comparison of energy with the adjusted baseline.

    Attributes:
        fit: The model.
        expected: Adjusted baseline energy of the reporting steps [base units].
        actual: Energy used in them [base units].
        months: Length of the reporting period in months.
        rho: Lag-1 autocorrelation of the residuals.
        n_effective: Independent values, n (1 - rho) / (1 + rho), at most n.
        m: Reporting steps.
        error: Standard error of the expected energy less noise of the reporting steps.
        t: One-sided quantile of Student's t at 95 %.
    """

    fit: Fit
    expected: Fraction
    actual: int
    months: Fraction
    rho: Fraction
    n_effective: Fraction
    m: int
    error: Fraction
    t: Fraction

    @property
    def saving(self) -> Fraction:
        """Expected less actual energy."""
        return self.expected - self.actual

    @property
    def share(self) -> Fraction | None:
        """F: saving of the expected energy; None where nothing was expected."""
        return self.saving / self.expected if self.expected else None

    def bound(self, sign: int) -> Fraction | None:
        """Return the lower (-1) or upper (1) 95 % bound of expected / actual - 1."""
        if not self.actual:
            return None
        return (self.expected + sign * self.t * self.error) / self.actual - 1

    @property
    def cv_rmse(self) -> Fraction | None:
        """sqrt(SSE / (n - p)) of the mean; the denominator's convention is n - p."""
        return _root(self.fit.variance) / self.fit.mean if self.fit.mean else None

    @property
    def nmbe(self) -> Fraction | None:
        """Sum of residuals / ((n - p) x mean); 0 for a fit with a constant."""
        f = self.fit
        return sum(f.residuals, Fraction(0)) / (f.freedom * f.mean) if f.mean else None

    def fsu(self, step: StepSize) -> Fraction | None:
        """Return the fractional savings uncertainty of CalTRACK 2.0, 90 % two-sided.

        t x poly(M) x CV x sqrt(n/n' x (1 + 2/n') / m) / F with CV over n - p; None without a saving.

        Source: CalTRACK 2.0 4.3.2; definitions 3.4.
        """
        if not self.share or self.cv_rmse is None or self.share < 0:
            return None
        poly = _poly(step, self.months)
        spread = self.fit.n / self.n_effective * (1 + 2 / self.n_effective) / self.m
        return self.t * poly * self.cv_rmse * _root(spread) / self.share


def adjusted(before: Sequence[Step], after: Sequence[Step], months: Fraction) -> Adjusted | None:
    """Return energy against the baseline fitted on ``before``; None where no model is determined.

    Steps that are not complete are left out on either side, never filled.
    """
    base = [s for s in before if s.complete]
    now = [s for s in after if s.complete]
    fit = fitted([s.row for s in base], [Fraction(s.energy or 0) for s in base])
    if fit is None or not now:
        return None
    near = [False, *(b.index == a.index + 1 for a, b in pairwise(base))]
    rho = lag_one(fit.residuals, near)
    independent = effective(fit.n, rho)
    rows = [s.row for s in now]
    total = [sum(column, Fraction(0)) for column in zip(*rows, strict=True)]
    return Adjusted(
        fit, fit.predicted(total), sum(s.energy or 0 for s in now), months, rho, independent,
        len(now), _root(sum_variance(fit, rows, fit.n / independent)),
        t_quantile(LEVEL, fit.freedom),
    )  # fmt: skip


def _root(x: Fraction) -> Fraction:
    return sqrt(x)


def _poly(step: StepSize, months: Fraction) -> Fraction:
    """Return the factor of CalTRACK 2.0 for ``months`` months of reporting."""
    a, b, c = {
        "day": ("-0.00024", "0.03535", "1.00286"), "month": ("-0.00022", "0.03306", "0.94054"),
    }[step]  # fmt: skip
    return (Fraction(a) * months + Fraction(b)) * months + Fraction(c)
