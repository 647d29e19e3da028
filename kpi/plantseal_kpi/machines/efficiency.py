"""Production efficiency (生产效率): standard hours earned per planned busy hour, and its gain.

The planned run times (PRU) must be the same table in both periods, so they come from one register.

Source: definitions 2.4; 渝经信智能〔2020〕15号 附件1 一(五) 生产效率提高10%以上.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from plantseal_kpi.machines.oee import Output
from plantseal_kpi.metric import N20, Metric

VERSION = 1
Terms = tuple[int, int]


def production_efficiency(work: Iterable[tuple[int, Sequence[Output]]]) -> Terms:
    """Return (sum of PRU x GQ, sum of planned busy time) [ns] over (planned time, products).

    Example:
        >>> production_efficiency([(28_800, [Output(30, 240, 236)])])
        (7080, 28800)
    """
    earned = planned = 0
    for planned_ns, products in work:
        planned += planned_ns
        earned += sum(p.pru_ns * p.good for p in products)
    return earned, planned


def production_efficiency_gain(before: Terms, after: Terms) -> Terms:
    """Return x1 / x0 - 1 as (numerator, denominator). +10 % equals a time cut of 9.09 %.

    Example:
        >>> n, d = production_efficiency_gain((50, 100), (55, 100))
        >>> n / d
        0.1
    """
    return after[0] * before[1] - before[0] * after[1], before[0] * after[1]


_COUNTS: Final = ("count_total", "count_good", "count_scrap")
METRICS: Final = (
    Metric(
        "production_efficiency", VERSION, "生产效率", "1",
        production_efficiency, (*_COUNTS, "ideal_cycle_s", "calendar"),
        f"{N20} 附件1 一(五)",
    ),
    Metric(
        "production_efficiency_gain", VERSION, "生产效率提高", "1",
        production_efficiency_gain, (*_COUNTS, "ideal_cycle_s", "calendar", "baseline"),
        f"{N20} 附件1 一(五)", ("production_efficiency_gain",), interval=True,
    ),
)  # fmt: skip
