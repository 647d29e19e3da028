"""Defect rate (不良品率) and its reduction.

Source: definitions 2.4; 渝经信智能〔2020〕15号 附件1 一(五) 产品不良品率降低10%以上.
"""

from collections.abc import Iterable
from typing import Final

from plantseal_kpi.metric import N20, Metric

VERSION = 1
Terms = tuple[int, int]


def defect_rate(pieces: Iterable[tuple[int, int]]) -> Terms:
    """Return (made - good at first pass, made), summed over pairs (made, good) [pieces].

    Rework that is accepted later stays a defect: it was not good at first pass.

    Example:
        >>> defect_rate([(100, 97), (50, 50)])
        (3, 150)
    """
    pairs = list(pieces)
    return sum(made - good for made, good in pairs), sum(made for made, _ in pairs)


def defect_rate_reduction(before: Terms, after: Terms) -> Terms:
    """Return (d0 - d1) / d0 as (numerator, denominator); positive is better.

    Example:
        >>> n, d = defect_rate_reduction((300, 10_000), (255, 10_000))
        >>> n / d
        0.15
    """
    return before[0] * after[1] - after[0] * before[1], before[0] * after[1]


_COUNTS: Final = ("count_total", "count_good", "count_scrap")
METRICS: Final = (
    Metric(
        "defect_rate", VERSION, "不良品率", "1", defect_rate, _COUNTS,
        f"{N20} 附件1 一(五)",
    ),
    Metric(
        "defect_rate_reduction", VERSION, "产品不良品率降低", "1",
        defect_rate_reduction, (*_COUNTS, "baseline"), f"{N20} 附件1 一(五)",
        ("defect_rate_reduction",), interval=True,
    ),
)  # fmt: skip
