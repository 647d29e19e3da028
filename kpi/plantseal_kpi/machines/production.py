"""OEE, defect rate and production efficiency of a period: one reading of states and counters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from plantseal_kpi.figures import finding, result
from plantseal_kpi.intervals import length
from plantseal_kpi.machines import defects, efficiency, oee
from plantseal_kpi.machines.oee import Output, Terms, Times
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.states import UNKNOWN, machine_times
from plantseal_kpi.rows.totals import Total, pieces
from plantseal_kpi.rows.window import Window

NS = 10**9


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine did in the period.

    Attributes:
        states: Planned time by state [ns]; None without a state tag.
        output: Pieces with their planned run time; None without counters or cycle time.
        made: Pieces made; None where not counted.
        good: Pieces good at first pass; None where not counted.
        findings: What qualifies the counts.
        counted: Time for which the counters are known, of the time for which they should be [ns].
        sorts: True where the counters tell good pieces from others.
    """

    equipment: Equipment
    planned_ns: int
    states: dict[str, int] | None
    made: int | None
    good: int | None
    output: Output | None
    findings: tuple[Finding, ...]
    counted: Terms = (0, 0)
    sorts: bool = False

    @property
    def times(self) -> Times:
        """Time elements of ISO 22400-2 [ns]."""
        s = self.states or {}
        return Times(self.planned_ns, s.get("producing", 0), s.get("setup", 0), s.get(UNKNOWN, 0))


def machines(w: Window) -> list[Machine]:
    """Return what each registered machine did, in register order."""
    times: dict[str, dict[str, int]] = {}
    for equipment, state, ns in machine_times(w).iter_rows():
        times.setdefault(equipment, {})[state] = ns
    return [_machine(w, e, times.get(e.id)) for e in w.plant.equipment]


def _machine(w: Window, e: Equipment, states: dict[str, int] | None) -> Machine:
    total, good, scrap = (pieces(w, e, r) for r in ("count_total", "count_good", "count_scrap"))
    used = [t for t in (total, good) if t.expected_ns]
    if len(used) < 2 and scrap.expected_ns:
        used.append(scrap)
    made, fine = _counts(total, good, scrap)
    found = [f for t in (total, good, scrap) for f in t.findings]
    outside = max(total.unplanned, good.unplanned)
    if outside:
        found.append(
            finding(
                "counter.unplanned",
                f"{e.id}: {outside} pieces were counted outside planned time and left out",
                equipment=e.id,
                pieces=outside,
            )
        )
    clash = _contradiction(e, made, fine, used)
    if clash is not None:
        found.append(clash)
        made = fine = None
    cycle = e.ideal_cycle_s
    output = None
    if cycle is not None and made is not None and fine is not None:
        output = Output(round(cycle * NS), made, fine)
    counted = sum(t.covered_ns for t in used), sum(t.expected_ns for t in used)
    planned = length(w.planned[e.id])
    sorts = len(used) > 1
    return Machine(e, planned, states, made, fine, output, tuple(found), counted, sorts)


def _counts(total: Total, good: Total, scrap: Total) -> tuple[int | None, int | None]:
    """Return (made, good), each derived from the other two counters where it has none."""
    made, fine, bad = total.known, good.known, scrap.known
    if not total.expected_ns and fine is not None and bad is not None:
        made = fine + bad
    if not good.expected_ns and made is not None and bad is not None:
        fine = made - bad
    return made, fine


def _contradiction(
    e: Equipment, made: int | None, fine: int | None, used: Sequence[Total]
) -> Finding | None:
    """Return why no figure can be formed from the counters of a machine, if they contradict."""
    if made is None or fine is None:
        return None
    if not 0 <= fine <= made:
        why = f"{fine} good pieces of {made} made"
    elif len({t.left_out for t in used}) > 1:
        lost = " and ".join(str(t.left_out) for t in used)
        why = f"its counters lost {lost} steps, so they do not count the same pieces"
    else:
        return None
    return finding(
        "counter.contradiction",
        f"{e.id}: {why}; no figure is formed from them",
        equipment=e.id,
    )


def production_results(w: Window, all_machines: Sequence[Machine]) -> list[Result]:
    """Return availability, effectiveness, quality, OEE, NEE, utilisation, defect rate, efficiency.

    For each machine that has what they need, and for the plant as ratio of sums.
    """
    out: list[Result] = []
    for m in all_machines:
        out += _factors(w, m.equipment.id, [m])
    return _factors(w, "plant", all_machines) + out


def _factors(w: Window, scope: str, all_machines: Sequence[Machine]) -> list[Result]:
    stated = [m for m in all_machines if m.states is not None and m.planned_ns]
    found = tuple(f for m in all_machines for f in m.findings)
    out = _time_figures(w, scope, stated)
    out += _output_figures(w, scope, stated, found)
    checked = [m for m in all_machines if m.made is not None and m.good is not None]
    if checked or scope == "plant":
        terms = defects.defect_rate((m.made or 0, m.good or 0) for m in checked)
        why = [] if terms[1] else [_none("defect_rate", checked, "nothing was made", _SORTS)]
        out.append(
            result(
                "defect_rate", defects.VERSION, scope, *(terms if checked else (None, None)),
                coverage=counted_share(m for m in all_machines if m.sorts), origin=w.origin,
                parts={"machines": _ids(checked)},
                formula="{n} not good at first pass / {d} made", findings=[*found, *why],
            )
        )  # fmt: skip
    earning = [m for m in all_machines if m.output is not None and m.planned_ns]
    if earning or scope == "plant":
        hours = efficiency.production_efficiency(
            (m.planned_ns, [m.output]) for m in earning if m.output is not None
        )
        why = [] if earning else [_none("production_efficiency", [], "", _EARNS)]
        out.append(
            result(
                "production_efficiency", efficiency.VERSION, scope,
                *(hours if earning else (None, None)),
                coverage=counted_share(m for m in all_machines if _should_earn(m)),
                origin=w.origin, parts={"machines": _ids(earning)},
                formula="{n} ns standard time earned / {d} ns planned busy time",
                findings=[*found, *why],
            )
        )  # fmt: skip
    return out


_SORTS = "counters of two of: made, good, scrap"
_EARNS = f"{_SORTS}, an ideal_cycle_s and planned time"


def counted_share(machines: Iterable[Machine]) -> Terms | None:
    """Return (time for which the counters are known, time for which they should be) [ns]."""
    pairs = [m.counted for m in machines]
    wanted = sum(expected for _, expected in pairs)
    return (sum(known for known, _ in pairs), wanted) if wanted else None


def _should_earn(m: Machine) -> bool:
    return m.sorts and m.equipment.ideal_cycle_s is not None and m.planned_ns > 0


def _ids(machines: Sequence[Machine]) -> str:
    return ",".join(m.equipment.id for m in machines)


def _none(metric: str, having: Sequence[Machine], empty: str, needs: str) -> Finding:
    why = empty if having else f"no machine has what it needs and readings in the period: {needs}"
    return finding("figure.none", f"{metric}: {why}")


def _sum_times(stated: Sequence[Machine]) -> Times:
    each = [m.times for m in stated]
    return Times(
        sum(t.pbt for t in each),
        sum(t.apt for t in each),
        sum(t.setup for t in each),
        sum(t.unknown for t in each),
    )


def _time_figures(w: Window, scope: str, stated: Sequence[Machine]) -> list[Result]:
    if not stated:
        return [] if scope != "plant" else _unstated(w)
    t = _sum_times(stated)
    known = (t.pbt - t.unknown, t.pbt)
    states = sorted({s for m in stated for s in m.states or {}})
    parts: dict[str, int | str | None] = {
        f"{s}_ns": sum((m.states or {}).get(s, 0) for m in stated) for s in states
    }
    bounds = oee.availability_bounds(t)
    found = []
    if bounds and t.unknown:
        parts["low"], parts["high"] = ratio(*bounds[0]), ratio(*bounds[1])
        found.append(
            finding(
                "state.unknown",
                f"{scope}: the state is unknown for {t.unknown} ns of {t.pbt} ns planned; "
                f"availability lies between {parts['low']} and {parts['high']}",
                unknown_ns=t.unknown,
            )
        )
    calendar = (w.end - w.start) * len(stated)
    return [
        result(
            "availability", oee.VERSION, scope, *(oee.availability(t) or (None, None)),
            coverage=known, origin=w.origin, parts=parts,
            formula="{n} ns producing / {d} ns planned", findings=found,
        ),
        result(
            "utilisation", oee.VERSION, scope, *(oee.utilisation(t, calendar) or (None, None)),
            coverage=known, origin=w.origin, formula="{n} ns producing / {d} ns calendar time",
        ),
    ]  # fmt: skip


def _output_figures(
    w: Window, scope: str, stated: Sequence[Machine], found: tuple[Finding, ...]
) -> list[Result]:
    counted = [m for m in stated if m.output is not None]
    clashing = [m for m in counted if m.output and oee.contradicts(m.times, [m.output])]
    usable = [m for m in counted if m not in clashing]
    notes = list(found) + [
        finding(
            "oee.contradiction",
            f"{m.equipment.id}: {m.made} pieces but no time producing; check the state map",
            equipment=m.equipment.id,
        )
        for m in clashing
    ]
    if not counted:
        return [] if scope != "plant" else _uncounted(w, notes)
    t, products = _sum_times(usable), [m.output for m in usable if m.output]
    speed = oee.effectiveness(t, products)
    if speed and speed[0] > speed[1]:
        notes.append(
            finding(
                "oee.effectiveness_above_one",
                f"{scope}: effectiveness is above 1: the planned cycle is slower than the real "
                "one; it is not clipped",
            )
        )
    share = counted_share(m for m in stated if _should_earn(m))
    known = _smaller((t.pbt - t.unknown, t.pbt), share)
    rows: list[tuple[str, Terms | None, str]] = [
        ("effectiveness", speed, "{n} ns planned run time of pieces made / {d} ns producing"),
        ("quality", oee.quality(products), "{n} ns good / {d} ns made, by planned run time"),
        ("oee", oee.oee(t, products), "{n} ns planned run time of good pieces / {d} ns planned"),
        (
            "nee",
            oee.nee(t, products),
            "{n} / {d}: (producing + setup) x good / planned x producing",
        ),
    ]
    made, good = sum(p.made for p in products), sum(p.good for p in products)
    return [
        result(
            metric, oee.VERSION, scope, *(terms or (None, None)), coverage=known,
            origin=w.origin, parts={"made": made, "good": good, "planned_ns": t.pbt},
            formula=formula, findings=notes,
        )
        for metric, terms, formula in rows
    ]  # fmt: skip


def _smaller(one: Terms, other: Terms | None) -> Terms:
    if other is None or not one[1]:
        return one
    return min(one, other, key=lambda terms: Fraction(*terms))


def _unstated(w: Window) -> list[Result]:
    why = _none("availability", [], "", "a state tag and planned time")
    return [
        result(m, oee.VERSION, "plant", None, None, origin=w.origin, findings=[why])
        for m in ("availability", "utilisation")
    ]


def _uncounted(w: Window, notes: Sequence[Finding]) -> list[Result]:
    why = _none("oee", [], "", f"a state tag, {_EARNS}")
    return [
        result(m, oee.VERSION, "plant", None, None, origin=w.origin, findings=[*notes, why])
        for m in ("effectiveness", "quality", "oee", "nee")
    ]
