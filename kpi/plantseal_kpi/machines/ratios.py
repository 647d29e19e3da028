"""The other ratios of ISO 22400-2 that states and counters give, beside OEE.

Without order records a machine counts as working on an order (AUBT, and AOET with it) while it
produces, is being set up or is down; idle and off are time without an order (ADOT).

Source: ISO 22400-2 by definitions 2.3. Every function returns (numerator, denominator) in whole
base units; a denominator of 0 means that the ratio has no meaning.
"""

from typing import Final

from plantseal_kpi.machines.oee import Terms, Times
from plantseal_kpi.metric import ISO, Metric

VERSION = 1
HOUR_NS: Final = 3600 * 10**9


def technical_efficiency(t: Times) -> Terms:
    """Return APT / (APT + ADET): how much of the time between setups was no malfunction.

    Example:
        >>> technical_efficiency(Times(pbt=100, apt=60, setup=10, down=20))
        (60, 80)
    """
    return t.apt, t.apt + t.down


def utilisation_efficiency(t: Times) -> Terms:
    """Return APT / AUBT.

    Example:
        >>> utilisation_efficiency(Times(pbt=100, apt=60, setup=10, down=20))
        (60, 90)
    """
    return t.apt, t.busy


def allocation_efficiency(t: Times) -> Terms:
    """Return AUBT / PBT: how much of the planned time an order was being worked on.

    Example:
        >>> allocation_efficiency(Times(pbt=100, apt=60, setup=10, down=20))
        (90, 100)
    """
    return t.busy, t.pbt


def setup_rate(t: Times) -> Terms:
    """Return AUST / AUPT: setup in the time of processing.

    Example:
        >>> setup_rate(Times(pbt=100, apt=60, setup=20))
        (20, 80)
    """
    return t.setup, t.apt + t.setup


def throughput_rate(made: int, t: Times) -> Terms:
    """Return PQ / AOET in pieces per hour.

    Example:
        >>> n, d = throughput_rate(240, Times(pbt=0, apt=3 * HOUR_NS))
        >>> n / d
        80.0
    """
    return made * HOUR_NS, t.busy


def scrap_ratio(scrap: int, made: int) -> Terms:
    """Return SQ / PQ.

    Example:
        >>> scrap_ratio(4, 240)
        (4, 240)
    """
    return scrap, made


def rework_ratio(made: int, good: int, scrap: int) -> Terms:
    """Return RQ / PQ: what was neither good at first pass nor scrapped.

    Example:
        >>> rework_ratio(240, 230, 4)
        (6, 240)
    """
    return made - good - scrap, made


def first_pass_yield(good: int, made: int) -> Terms:
    """Return GP / IP: good at first pass of inspected; with counters, of all made.

    Example:
        >>> first_pass_yield(236, 240)
        (236, 240)
    """
    return good, made


_STATE: Final = ("state", "calendar")
_COUNTS: Final = ("count_total", "count_good", "count_scrap")
METRICS: Final = (
    Metric(
        "technical_efficiency", VERSION, "技术效率", "1", technical_efficiency, _STATE,
        f"{ISO}, technical efficiency",
    ),
    Metric(
        "utilisation_efficiency", VERSION, "利用效率", "1", utilisation_efficiency, _STATE,
        f"{ISO}, utilization efficiency",
    ),
    Metric(
        "allocation_efficiency", VERSION, "分配效率", "1", allocation_efficiency, _STATE,
        f"{ISO}, allocation efficiency",
    ),
    Metric("setup_rate", VERSION, "换型率", "1", setup_rate, _STATE, f"{ISO}, setup rate"),
    Metric(
        "throughput_rate", VERSION, "产出率", "piece/h", throughput_rate, ("state", *_COUNTS),
        f"{ISO}, throughput rate",
    ),
    Metric("scrap_ratio", VERSION, "报废率", "1", scrap_ratio, _COUNTS, f"{ISO}, scrap ratio"),
    Metric("rework_ratio", VERSION, "返工率", "1", rework_ratio, _COUNTS, f"{ISO}, rework ratio"),
    Metric(
        "first_pass_yield", VERSION, "一次合格率", "1", first_pass_yield, _COUNTS,
        f"{ISO}, first pass yield",
    ),
)  # fmt: skip
