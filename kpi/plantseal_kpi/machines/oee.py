"""OEE (设备综合利用率) and its factors, in the closed form that aggregates without error.

OEE = sum(PRU x GQ) / sum(PBT): ratio of sums, never mean of ratios. Quality is weighted by planned
run time, so that the product of the factors stays the OEE for mixed products. Nothing is clipped:
an effectiveness above 1 says that the planned cycle is slower than the real one.

Source: ISO 22400-2 (availability, effectiveness, quality ratio, OEE, NEE index, utilisation
efficiency), edge cases by definitions 2.3. Every function returns (numerator, denominator) in whole
base units, or None where the ratio has no meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from plantseal_kpi.metric import ISO, N21, Metric

VERSION = 1
Terms = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Times:
    """Time of a machine in planned time [ns].

    Attributes:
        pbt: Planned busy time.
        apt: Actual production time: producing, value-adding only; stops up to the line's
            ``short_stop_s`` stay in it, they are a loss of performance.
        setup: Actual setup time; a loss in OEE, none in NEE.
        unknown: Time for which the state is not known; neither run nor stop.
        down: Actual unit delay time ADET: malfunctions (without the short ones).
    """

    pbt: int
    apt: int
    setup: int = 0
    unknown: int = 0
    down: int = 0

    @property
    def busy(self) -> int:
        """Actual unit busy time AUBT: an order was being worked on, producing, setup and down."""
        return self.apt + self.setup + self.down


@dataclass(frozen=True, slots=True)
class Output:
    """Pieces of one product.

    Attributes:
        pru_ns: Planned run time per unit [ns].
        made: Produced quantity PQ.
        good: Good quantity GQ: good at first pass; rework recovered later does not count.
    """

    pru_ns: int
    made: int
    good: int


def availability(t: Times) -> Terms | None:
    """Return APT / PBT; None when nothing was planned.

    Example:
        >>> availability(Times(pbt=28800, apt=10800))
        (10800, 28800)
    """
    return (t.apt, t.pbt) if t.pbt else None


def availability_bounds(t: Times) -> tuple[Terms, Terms] | None:
    """Return availability if all unknown time was stop, and if all of it was run.

    Example:
        >>> availability_bounds(Times(pbt=28800, apt=24000, unknown=1800))
        ((24000, 28800), (25800, 28800))
    """
    return ((t.apt, t.pbt), (t.apt + t.unknown, t.pbt)) if t.pbt else None


def effectiveness(t: Times, products: Sequence[Output]) -> Terms | None:
    """Return sum(PRU x PQ) / APT; None when the machine did not run; may exceed 1.

    Example:
        >>> effectiveness(Times(pbt=28800, apt=10800), [Output(30, 240, 236)])
        (7200, 10800)
    """
    return (sum(p.pru_ns * p.made for p in products), t.apt) if t.apt else None


def quality(products: Sequence[Output]) -> Terms | None:
    """Return sum(PRU x GQ) / sum(PRU x PQ); None when nothing was made.

    Example:
        >>> quality([Output(30, 240, 236)])
        (7080, 7200)
    """
    made = sum(p.pru_ns * p.made for p in products)
    return (sum(p.pru_ns * p.good for p in products), made) if made else None


def contradicts(t: Times, products: Sequence[Output]) -> bool:
    """Return True when pieces were counted though the machine never ran."""
    return t.apt == 0 and any(p.made for p in products)


def oee(t: Times, products: Sequence[Output]) -> Terms | None:
    """Return sum(PRU x GQ) / PBT; None when nothing was planned or the inputs contradict.

    Example:
        >>> oee(Times(pbt=28800, apt=26000), [
        ...     Output(30, 400, 380), Output(20, 500, 495), Output(12, 150, 149)])
        (23088, 28800)
    """
    if not t.pbt or contradicts(t, products):
        return None
    return sum(p.pru_ns * p.good for p in products), t.pbt


def oee_bounds(
    t: Times, products: Sequence[Output], doubtful_ns: int, missing_ns: int
) -> tuple[Terms, Terms] | None:
    """Return the least and greatest OEE that the counters allow.

    Unknown time of the *state* does not move OEE, whose closed form holds no APT; time without
    counters does.

    Args:
        t: Times.
        products: Pieces that were counted.
        doubtful_ns: Planned run time of counted good pieces that may not have been good [ns].
        missing_ns: Planned run time of pieces that may have been made uncounted [ns].

    Example:
        >>> oee_bounds(Times(pbt=100, apt=60), [Output(1, 50, 48)], 0, 20)
        ((48, 100), (68, 100))
    """
    whole = oee(t, products)
    if whole is None:
        return None
    return (max(0, whole[0] - doubtful_ns), t.pbt), (whole[0] + missing_ns, t.pbt)


def nee(t: Times, products: Sequence[Output]) -> Terms | None:
    """Return (APT + setup) / PBT x effectiveness x quality: OEE in which setup is no loss.

    Example:
        >>> nee(Times(pbt=100, apt=50, setup=10), [Output(1, 40, 40)])
        (2400, 5000)
    """
    whole = oee(t, products)
    if whole is None:
        return None
    if not t.apt:
        return 0, t.pbt
    return (t.apt + t.setup) * whole[0], t.pbt * t.apt


def utilisation(t: Times, calendar_ns: int) -> Terms | None:
    """Return APT / calendar time: the plain reading of 设备综合利用率, printed beside OEE.

    Example:
        >>> utilisation(Times(pbt=28800, apt=10800), 86400)
        (10800, 86400)
    """
    return (t.apt, calendar_ns) if calendar_ns else None


def overall_equipment_utilisation_gain(before: Terms, after: Terms) -> Terms:
    """Return OEE1 / OEE0 - 1 as (numerator, denominator): 设备综合利用率提升, relative.

    The points stand beside it, :func:`points_gained`: 60 % to 66 % is +10 % and +6 points.

    Example:
        >>> n, d = overall_equipment_utilisation_gain((60, 100), (66, 100))
        >>> n / d
        0.1
    """
    return after[0] * before[1] - before[0] * after[1], before[0] * after[1]


def points_gained(before: Terms, after: Terms) -> Terms:
    """Return OEE1 - OEE0 as (numerator, denominator), in parts of 1.

    Example:
        >>> n, d = points_gained((60, 100), (66, 100))
        >>> n / d
        0.06
    """
    return after[0] * before[1] - before[0] * after[1], before[1] * after[1]


_COUNTS: Final = ("count_total", "count_good", "count_scrap")
_OEE: Final = ("state", *_COUNTS, "ideal_cycle_s", "calendar")
METRICS: Final = (
    Metric(
        "availability", VERSION, "可用率", "1", availability, ("state", "calendar"),
        f"{ISO}, availability",
    ),
    Metric(
        "utilisation", VERSION, "设备利用率", "1", utilisation, ("state",),
        "definitions 2.3, APT / calendar time",
    ),
    Metric(
        "effectiveness", VERSION, "有效率", "1", effectiveness, _OEE,
        f"{ISO}, effectiveness",
    ),
    Metric("quality", VERSION, "质量率", "1", quality, _OEE, f"{ISO}, quality ratio"),
    Metric("oee", VERSION, "设备综合利用率", "1", oee, _OEE, f"{ISO}, OEE index"),
    Metric("nee", VERSION, "净设备效率", "1", nee, _OEE, f"{ISO}, NEE index"),
    Metric(
        "overall_equipment_utilisation_gain", VERSION, "设备综合利用率提升", "1",
        overall_equipment_utilisation_gain, (*_OEE, "baseline"), f"{N21} 附件5 field 9",
        ("overall_equipment_utilisation_gain",), interval=True,
    ),
)  # fmt: skip
