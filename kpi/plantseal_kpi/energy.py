"""Energy, energy per unit and its improvement in raw form.

Raw means: not adjusted for volume. A plant with a base load looks better by making more, without
saving anything; the adjusted baseline is not part of this version, and every gain says so.

Source: definitions 2.4 and 3.3; 渝经信智能〔2020〕15号 附件1 一(五) 能源利用率提高8%以上.
"""

from collections.abc import Sequence

from plantseal_kpi.figures import finding, result
from plantseal_kpi.production import Machine
from plantseal_kpi.report import Finding, Result
from plantseal_kpi.totals import energy as energy_of
from plantseal_kpi.window import Window

VERSION = 1
Terms = tuple[int, int]


def energy_per_unit(energy_wh: int, good: int) -> Terms:
    """Return (energy [Wh], good pieces): Wh per piece.

    Example:
        >>> energy_per_unit(7_000, 10)
        (7000, 10)
    """
    return energy_wh, good


def energy_utilisation_gain(before: Terms, after: Terms) -> Terms:
    """Return e0 / e1 - 1 as (numerator, denominator): output per energy, relative.

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
    out: list[Result] = []
    all_wh, all_good, counted, metered = 0, 0, [], False
    found: list[Finding] = []
    for m in machines:
        total = energy_of(w, m.equipment)
        found += total.findings
        if m.good is not None:
            all_good += m.good
            counted.append(m.equipment.id)
        if total.known is None:
            continue
        metered = True
        all_wh += total.known
        out.append(_energy(w, m.equipment.id, total.known, total.findings, total.lower))
        if m.good is not None:
            notes = [*total.findings, *m.findings]
            out.append(_per_unit(w, m.equipment.id, total.known, m.good, notes))
    if not metered:
        return [_energy(w, "plant", None, found, 0), _per_unit(w, "plant", None, None, found)]
    if len(counted) > 1:
        found.append(
            finding(
                "energy.output",
                f"output is the sum over {', '.join(counted)}; a piece that passes several of "
                "them is counted at each",
            )
        )
    return [
        _energy(w, "plant", all_wh, found, all_wh),
        _per_unit(w, "plant", all_wh, all_good if counted else None, found),
        *out,
    ]


def _energy(
    w: Window, scope: str, wh: int | None, found: list[Finding] | tuple[Finding, ...], lower: int
) -> Result:
    return result(
        "energy", VERSION, scope, wh, None if wh is None else 1, unit="Wh", origin=w.origin,
        parts={"at_least_wh": lower}, formula="{n} Wh", findings=found,
    )  # fmt: skip


def _per_unit(
    w: Window, scope: str, wh: int | None, good: int | None, found: list[Finding]
) -> Result:
    return result(
        "energy_per_unit", VERSION, scope, wh, good, unit="Wh/piece", origin=w.origin,
        formula="{n} Wh / {d} good pieces", findings=found,
    )  # fmt: skip
