"""Energy, energy per unit and the two forms of its improvement.

Raw means: not adjusted for volume. A plant with a base load looks better by making more, without
saving anything; ``gain.py`` adjusts, and says so where it cannot.

Source: definitions 2.4 and 3.3; 渝经信智能〔2020〕15号 附件1 一(五) 能源利用率提高8%以上.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding, result
from plantseal_kpi.machines.bounds import missing_pieces
from plantseal_kpi.machines.production import Machine, counted_share
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.report import Result
from plantseal_kpi.rows.totals import Total
from plantseal_kpi.rows.totals import energy as energy_of
from plantseal_kpi.rows.window import Window

VERSION = 1
GAIN_VERSION = 2
Terms = tuple[int, int]
Metered = tuple[Machine, Total]


def energy_per_unit(energy_wh: int, good: int) -> Terms:
    """Return (energy [Wh], good pieces): Wh per piece.

    Example:
        >>> energy_per_unit(7_000, 10)
        (7000, 10)
    """
    return energy_wh, good


def energy_utilisation_gain(before: Terms, after: Terms) -> Terms:
    """Return e0 / e1 - 1 as (numerator, denominator): output per energy, relative.

    Adjusted, e0 is the energy expected of the old plant for what was made since (over 1), e1 the
    energy used; raw, both are energy per good piece.

    +8 % equals a cut of energy per unit of 7.407 %; :func:`energy_per_unit_reduction` is that.

    Example:
        >>> n, d = energy_utilisation_gain((700, 1), (648, 1))
        >>> round(n / d, 4)
        0.0802
    """
    return before[0] * after[1] - after[0] * before[1], after[0] * before[1]


def energy_per_unit_reduction(before: Terms, after: Terms) -> Terms:
    """Return 1 - e1 / e0 as (numerator, denominator).

    Example:
        >>> n, d = energy_per_unit_reduction((108, 100), (100, 100))
        >>> round(n / d, 5)
        0.07407
    """
    return before[0] * after[1] - after[0] * before[1], before[0] * after[1]


def energy_results(w: Window, machines: Sequence[Machine]) -> list[Result]:
    """Return energy [Wh] and energy per unit [Wh/piece] of each metered machine and the plant."""
    each = [(m, energy_of(w, m.equipment)) for m in machines]
    metered = [(m, total) for m, total in each if total.expected_ns or total.findings]
    out: list[Result] = []
    for m, total in metered:
        if total.known is not None:
            out.append(_energy(w, m.equipment.id, [(m, total)]))
            if m.good is not None:
                out.append(_per_unit(w, m.equipment.id, [(m, total)], [m]))
    return [_energy(w, "plant", metered), _per_unit(w, "plant", metered, machines), *out]


def _energy(w: Window, scope: str, metered: Sequence[Metered]) -> Result:
    read = [(m, t) for m, t in metered if t.known is not None]
    found = [f for _, t in metered for f in t.findings]
    if not metered:
        found.append(finding("figure.none", "energy: no machine has an energy meter"))
    return result(
        "energy", VERSION, scope, _sum(read), 1 if read else None, unit="Wh",
        coverage=_read_share(metered), origin=w.origin,
        bounds=_bounds(read) if read else None,
        parts={
            "at_least_wh": sum(t.lower for _, t in read),
            "meters": ",".join(m.equipment.id for m, _ in read),
        },
        formula="{n} Wh", findings=found,
    )  # fmt: skip


def _per_unit(
    w: Window, scope: str, metered: Sequence[Metered], makers: Sequence[Machine]
) -> Result:
    """Return energy per good piece; null where a meter of the scope gave nothing to add."""
    read = [(m, t) for m, t in metered if t.known is not None]
    counting = [m for m in makers if m.good is not None]
    found = [f for _, t in metered for f in t.findings] + [f for m in makers for f in m.findings]
    silent = [m.equipment.id for m, t in metered if t.known is None]
    if silent:
        why = f"no energy is known of {', '.join(silent)}, so the energy is not that of the output"
        found.append(finding("energy.silent", why))
    if not metered or not counting:
        lacks = "no machine has an energy meter" if not metered else "no good pieces were counted"
        found.append(finding("figure.none", f"energy_per_unit: {lacks}"))
    elif not sum(m.good or 0 for m in counting):
        found.append(finding("figure.none", "energy_per_unit: no good piece was made"))
    if len(counting) > 1:
        found.append(
            finding(
                "energy.output",
                f"output is the sum over {', '.join(m.equipment.id for m in counting)}; a piece "
                "that passes several of them is counted at each",
            )
        )
    shares = [_read_share(metered), counted_share(m for m in makers if _tells_good(m))]
    return result(
        "energy_per_unit", VERSION, scope,
        None if silent else _sum(read), sum(m.good or 0 for m in counting) if counting else None,
        unit="Wh/piece", origin=w.origin,
        coverage=min((s for s in shares if s), key=lambda s: Fraction(*s), default=None),
        bounds=None if silent or not read else _bounds(read, counting),
        parts={
            "meters": ",".join(m.equipment.id for m, _ in read),
            "machines": ",".join(m.equipment.id for m in counting),
        },
        formula="{n} Wh / {d} good pieces", findings=found,
    )  # fmt: skip


def _sum(read: Sequence[Metered]) -> int | None:
    return sum(t.known or 0 for _, t in read) if read else None


def _bounds(
    read: Sequence[Metered], counting: Sequence[Machine] | None = None
) -> tuple[Fraction, Fraction | None] | None:
    """Return the least and greatest energy, per good piece of ``counting`` where that is given.

    None where all of it is known, or nothing limits the pieces that may be missing. What a meter
    did not show is not limited, so the bounds of an energy that is not known whole are open upwards.
    """
    whole = all(t.covered_ns == t.expected_ns for _, t in read)
    good, lost = 1, (0, 0)
    if counting is not None:
        good, found = sum(m.good or 0 for m in counting), missing_pieces(counting)
        if found is None:
            return None
        lost = found
    if good <= lost[1] or (whole and lost == (0, 0)):
        return None
    least = Fraction(sum(t.lower for _, t in read), good + lost[0])
    return least, Fraction(_sum(read) or 0, good - lost[1]) if whole else None


def _read_share(metered: Sequence[Metered]) -> Terms | None:
    wanted = sum(t.expected_ns for _, t in metered)
    return (sum(t.covered_ns for _, t in metered), wanted) if wanted else None


def _tells_good(m: Machine) -> bool:
    return m.sorts or m.good is not None


_COUNTS: Final = ("count_total", "count_good", "count_scrap")
METRICS: Final = (
    Metric(
        "energy", VERSION, "能源消耗量", "Wh", energy_of, ("energy", "energy_interval"),
        "definitions 4.1, counters",
    ),
    Metric(
        "energy_per_unit", VERSION, "单位产品能耗", "Wh/piece", energy_per_unit,
        ("energy", "energy_interval", *_COUNTS), "GB/T 2589-2020, raw form without conversion",
    ),
    Metric(
        "energy_utilisation_gain", GAIN_VERSION, "能源利用率提高", "1",
        energy_utilisation_gain, ("energy", "energy_interval", *_COUNTS, "energy_bills", "weather", "drivers",
         "plant.energy", "baseline"),
        f"{N20} 附件1 一(五); definitions 3.3", ("energy_utilisation_gain",), interval=True,
    ),
)  # fmt: skip
