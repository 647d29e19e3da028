"""How sure an improvement is: the right estimator for each, one function a kind of figure.

Each end of an interval holds with 95 % by itself: ``low`` of a gain or reduction is the one-sided
bound that a claim is held against. A cited figure is taken as exact.

Source: definitions 3.5, which interval for which claim.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from plantseal_kpi.business import orders, projects
from plantseal_kpi.business.forms import term
from plantseal_kpi.business.survival import survival_median
from plantseal_kpi.figures import finding
from plantseal_kpi.machines.work import Machine
from plantseal_kpi.proof import samples
from plantseal_kpi.proof.baseline import Before, Terms
from plantseal_kpi.report import Finding, Interval, Result
from plantseal_kpi.statistics import bootstrap, score, sums
from plantseal_kpi.statistics.exact import digits, normal_quantile
from plantseal_kpi.statistics.sample_size import advice
from plantseal_kpi.study import Study

LEVEL: Final = Fraction(95, 100)
CLAIM: Final = Fraction(10, 100)
"""产品不良品率降低10%以上 (渝经信智能〔2020〕15号 附件1): what advice on sample size is about."""
Statistic = Callable[[Sequence[Any]], Fraction | None]


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a comparison.

    Attributes:
        now: The period.
        earlier: The time before; None without records of it.
        past: The figure before, measured or cited.
        after: Terms of the figure after.
        present: The figure after.
    """

    now: Study
    earlier: Study | None
    past: Before
    after: Terms
    present: Result | None = None

    @property
    def before(self) -> Terms:
        """Terms before; (0, 0) without any."""
        return self.past.terms or (0, 0)

    @property
    def measured(self) -> bool:
        """True where records, and no cited figure, give the time before."""
        return self.past.figure is not None and self.earlier is not None


Estimate = tuple[Interval | None, list[Finding]]


def defects(s: Sides) -> Estimate:
    """Return the interval of 1 - d1/d0 by score, lots taken into account, and sample-size advice."""
    lots1 = samples.defect_lots(s.now, s.present)
    lots0 = samples.defect_lots(s.earlier, s.past.figure) if s.measured and s.earlier else []
    phi1, phi0 = score.dispersion(lots1), score.dispersion(lots0)
    ends = _share_change(s, (phi1, phi0))
    if ends is None:
        return None, []
    low = None if ends[1] is None else 1 - ends[1]
    data = {
        "phi_after": digits(phi1), "phi_before": digits(phi0),
        "lots_after": str(len(lots1)), "lots_before": str(len(lots0)),
    }  # fmt: skip
    method = score.METHOD if s.measured else score.METHOD_ONE
    found = _advice(s, low, max(phi1, phi0))
    return _interval(method, low, 1 - ends[0], data), found


def _advice(s: Sides, low: Fraction | None, phi: Fraction) -> list[Finding]:
    shown = low is not None and low >= CLAIM
    if shown or not s.measured or not s.before[0] or not s.after[1]:
        return []
    advised = advice("defect_rate_reduction", s.before, s.after, CLAIM, phi)
    return [] if advised is None else [advised]


def on_time(s: Sides) -> Estimate:
    """Return the interval of r1/r0 - 1 of a share by score."""
    ends = _share_change(s, (Fraction(1), Fraction(1)))
    if ends is None:
        return None, []
    method = score.METHOD if s.measured else score.METHOD_ONE
    high = None if ends[1] is None else ends[1] - 1
    return _interval(method, ends[0] - 1, high, {}), []


def _share_change(s: Sides, phi: tuple[Fraction, Fraction]) -> score.Ends | None:
    k1, n1 = s.after
    k0, n0 = s.before
    if not n1 or not n0 or not k0 or not 0 <= k1 <= n1:
        return None
    z = normal_quantile(LEVEL)
    if s.measured:
        return score.ratio_interval(s.after, s.before, z, phi) if k0 <= n0 else None
    low, high = score.share_interval(s.after, z, phi[0])
    rate = Fraction(k0, n0)
    return low / rate, None if high is None else high / rate


def oee(s: Sides) -> Estimate:
    """Return the interval of the relative gain in OEE from sums per shift."""
    return _sums(s, samples.of_oee)


def efficiency(s: Sides) -> Estimate:
    """Return the interval of the relative gain in standard hours earned per planned hour."""
    return _sums(s, samples.of_efficiency)


def _sums(s: Sides, chosen: Callable[[Study], list[Machine]]) -> Estimate:
    after = samples.shift_sums(s.now, chosen(s.now))
    before = None
    if s.measured and s.earlier is not None:
        before = samples.shift_sums(s.earlier, chosen(s.earlier))
    change = sums.change_interval(after, before, samples.shifts_a_week(s.now.window.plant))
    if change is None:
        n = f"{len(after)} shifts after" + ("" if before is None else f", {len(before)} before")
        why = f"{n}: at least two with output are needed on each side for an interval"
        return None, [finding("interval.few_shifts", why)]
    cited = Fraction(1) if before is not None else Fraction(*s.before)
    if not cited:
        return None, []
    data = {"shifts_after": str(len(after)), "rho_after": digits(change.rho[0])}
    if before is not None:
        data["shifts_before"] = str(len(before))
        data["rho_before"] = digits(change.rho[1] or 0)
    if change.block:
        data |= {
            "block": str(change.block), "draws": str(bootstrap.DRAWS), "seed": str(bootstrap.SEED)
        }  # fmt: skip
    return _interval(change.method, change.low / cited - 1, change.high / cited - 1, data), []


def rd_cycle(s: Sides) -> Estimate:
    """Return the interval of 1 - m1/m0 of the median R&D cycle, open projects censored."""
    plant = s.now.window.plant

    def sample(study: Study) -> list[tuple[int, bool]]:
        w = study.window
        return projects.durations(plant, term(plant, (w.start, w.end)), study.ledgers)

    return _medians(s, "projects", sample, survival_median, lambda m: (m, True))


def order_cycle(s: Sides) -> Estimate:
    """Return the interval of 1 - m1/m0 of the median order cycle."""
    plant = s.now.window.plant

    def sample(study: Study) -> list[int]:
        w = study.window
        return orders.order_days(term(plant, (w.start, w.end)), study.ledgers)

    return _medians(s, "orders", sample, bootstrap.median, lambda m: m)


def _medians(
    s: Sides,
    ledger: str,
    sample: Callable[[Study], list[Any]],
    statistic: Statistic,
    certain: Callable[[Fraction], Any],
) -> Estimate:
    if ledger not in s.now.ledgers or not s.before[1]:
        return None, []
    after = sample(s.now)
    before = [certain(Fraction(*s.before))]
    if s.measured and s.earlier is not None:
        before = sample(s.earlier)
    if len(after) < 2 or (s.measured and len(before) < 2):
        why = f"{len(before)} times before and {len(after)} after: two on each side are needed"
        return None, [finding("interval.few_times", why)]
    draws = bootstrap.statistic_ratio_draws(after, before, statistic)
    low, high = bootstrap.tails(draws)
    data = {
        "n_before": str(len(before)) if s.measured else "0", "n_after": str(len(after)),
        "draws": str(len(draws)), "seed": str(bootstrap.SEED),
    }  # fmt: skip
    ends = (None if high is None else 1 - high), (None if low is None else 1 - low)
    return _interval(bootstrap.METHOD_MEDIANS, *ends, data), []


def _interval(
    method: str, low: Fraction | None, high: Fraction | None, data: Mapping[str, str]
) -> Interval:
    return Interval(
        method=method, level=digits(LEVEL),
        low=None if low is None else digits(low), high=None if high is None else digits(high),
        data={"sides": "each end one-sided", **data},
    )  # fmt: skip


ESTIMATORS: Final[Mapping[str, Callable[[Sides], Estimate]]] = {
    "defect_rate_reduction": defects,
    "production_efficiency_gain": efficiency,
    "overall_equipment_utilisation_gain": oee,
    "on_time_delivery_gain": on_time,
    "rd_cycle_reduction": rd_cycle,
    "order_cycle_reduction": order_cycle,
}
"""By improvement; one that is not here is a census of a ledger, or has its own (energy)."""
