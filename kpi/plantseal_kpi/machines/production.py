"""OEE and its factors as figures: for each machine that has what they need, and for the plant.

The plant's figure is the ratio of sums over its machines, never a mean of ratios.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.figures import finding, result
from plantseal_kpi.machines import oee, ratios
from plantseal_kpi.machines.bounds import effectiveness_bounds, good_bounds, time_bounds
from plantseal_kpi.machines.oee import Terms, Times
from plantseal_kpi.machines.pieces import piece_results
from plantseal_kpi.machines.shifts import shift_results
from plantseal_kpi.machines.unmapped import unmapped
from plantseal_kpi.machines.work import (
    EARNS,
    Machine,
    counted_share,
    machines,
    nothing,
    priced_share,
    should_earn,
)
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.window import Window

__all__ = ["Machine", "counted_share", "machines", "production_results"]

Bounds = tuple[Fraction, Fraction]
TIME_FIGURES: Sequence[tuple[str, Callable[[Times], Terms], str]] = (
    ("technical_efficiency", ratios.technical_efficiency, "{n} ns producing / {d} ns producing or down"),
    ("utilisation_efficiency", ratios.utilisation_efficiency,
     "{n} ns producing / {d} ns producing, set up or down"),
    ("allocation_efficiency", ratios.allocation_efficiency,
     "{n} ns producing, set up or down / {d} ns planned"),
    ("setup_rate", ratios.setup_rate, "{n} ns set up / {d} ns producing or set up"),
)  # fmt: skip


def production_results(
    w: Window, all_machines: Sequence[Machine], ledgers: Ledgers | None = None
) -> list[Result]:
    """Return the figures of states and counters: plant, machines, then the plant's shifts."""
    out: list[Result] = []
    for m in all_machines:
        out += _factors(w, m.equipment.id, [m])
        out += piece_results(w, m.equipment.id, [m])
    plant = _factors(w, "plant", all_machines)
    return [
        *plant,
        *piece_results(w, "plant", all_machines, ledgers),
        *out,
        *shift_results(w, all_machines),
    ]


def _factors(w: Window, scope: str, all_machines: Sequence[Machine]) -> list[Result]:
    stated = [m for m in all_machines if m.states is not None and m.planned_ns]
    found = tuple(f for m in all_machines for f in m.findings)
    return [*_time_figures(w, scope, stated), *_output_figures(w, scope, stated, found)]


def sum_times(stated: Sequence[Machine]) -> Times:
    """Return the summed time elements of machines [ns]."""
    each = [m.times for m in stated]
    return Times(
        sum(t.pbt for t in each),
        sum(t.apt for t in each),
        sum(t.setup for t in each),
        sum(t.unknown for t in each),
        sum(t.down for t in each),
    )


def _time_figures(w: Window, scope: str, stated: Sequence[Machine]) -> list[Result]:
    if not stated:
        return [] if scope != "plant" else _unstated(w)
    t = sum_times(stated)
    known = (t.pbt - t.unknown, t.pbt)
    states = sorted({s for m in stated for s in m.states or {}})
    parts: dict[str, int | str | Fraction | None] = {
        f"{s}_ns": sum((m.states or {}).get(s, 0) for m in stated) for s in states
    }
    short = sum(sum(m.short.values()) for m in stated)
    if any(m.equipment.short_stop_s for m in stated):
        parts["short_stop_ns"] = short
    limits = oee.availability_bounds(t) if t.unknown else None
    found = []
    if limits:
        parts["low"], parts["high"] = ratio(*limits[0]), ratio(*limits[1])
        found.append(
            finding(
                "state.unknown",
                f"{scope}: the state is unknown for {t.unknown} ns of {t.pbt} ns planned; "
                f"availability lies between {parts['low']} and {parts['high']}",
                unknown_ns=t.unknown,
            )
        )
        found += unmapped(w, stated)
    calendar = (w.end - w.start) * len(stated)
    # Nothing known at all is no figure: its 0 would read as a machine that stood still
    silent = 0 < t.pbt == t.unknown
    plain = None if silent else oee.utilisation(t, calendar)
    return [
        result(
            "availability", oee.VERSION, scope,
            *((None if silent else oee.availability(t)) or (None, None)),
            coverage=known, origin=w.origin, bounds=_bounds(limits), parts=parts,
            formula="{n} ns producing / {d} ns planned", findings=found,
        ),
        result(
            "utilisation", oee.VERSION, scope, *(plain or (None, None)), coverage=known,
            origin=w.origin, formula="{n} ns producing / {d} ns calendar time",
            bounds=_bounds(((t.apt, calendar), (t.apt + t.unknown, calendar)))
            if t.unknown and plain else None, findings=found,
        ),
        *(
            result(
                metric, ratios.VERSION, scope, *((None, None) if silent else form(t)),
                coverage=known, origin=w.origin, formula=formula,
                bounds=None if silent else time_bounds(form, t),
                findings=[*found, *_empty(metric, form(t))],
            )
            for metric, form, formula in TIME_FIGURES
        ),
    ]  # fmt: skip


def _empty(metric: str, terms: Terms) -> list[Finding]:
    if terms[1]:
        return []
    return [nothing(metric, "no time in the states of its denominator")]


def _bounds(terms: tuple[Terms, Terms] | None) -> Bounds | None:
    return None if terms is None else (Fraction(*terms[0]), Fraction(*terms[1]))


def _output_figures(
    w: Window, scope: str, stated: Sequence[Machine], found: tuple[Finding, ...]
) -> list[Result]:
    counted = [m for m in stated if m.outputs is not None]
    clashing = [m for m in counted if oee.contradicts(m.times, m.outputs or ())]
    usable = [m for m in counted if m not in clashing]
    notes = list(found) + [_contradicting(m) for m in clashing]
    if not counted:
        return _throughput_alone(w, scope, stated) if scope != "plant" else _uncounted(w, notes)
    t, products = sum_times(usable), [o for m in usable for o in m.outputs or ()]
    speed = oee.effectiveness(t, products)
    if speed and speed[0] > speed[1]:
        notes.append(
            finding(
                "oee.effectiveness_above_one",
                f"{scope}: effectiveness is above 1: the planned cycle is slower than the real "
                "one; it is not clipped",
            )
        )
    earners = [m for m in stated if should_earn(m)]
    known = _least((t.pbt - t.unknown, t.pbt), counted_share(earners), priced_share(earners))
    doubtful, missing = sum(m.doubtful_ns for m in usable), sum(m.missing_ns for m in usable)
    limits = oee.oee_bounds(t, products, doubtful, missing) if doubtful or missing else None
    quality = oee.quality(products)
    if limits and (doubtful + missing) * 100 > t.pbt:
        notes.append(
            finding(
                "oee.uncounted",
                f"{scope}: pieces with {missing} ns of planned run time may be missing and "
                f"{doubtful} ns may be no good pieces; OEE lies between {ratio(*limits[0])} and "
                f"{ratio(*limits[1])}",
                missing_ns=missing, doubtful_ns=doubtful,
            )
        )  # fmt: skip
    made, good = sum(m.made or 0 for m in usable), sum(m.good or 0 for m in usable)
    calendar = (w.end - w.start) * len(usable)
    parts: dict[str, int | str | Fraction | None] = {
        "made": made, "good": good, "planned_ns": t.pbt,
        "apt_per_planned": ratio(t.apt, t.pbt), "apt_per_calendar": ratio(t.apt, calendar),
        "machines": ",".join(m.equipment.id for m in usable),
    }  # fmt: skip
    rows: list[tuple[str, Terms | None, str, Bounds | None]] = [
        ("effectiveness", speed, "{n} ns planned run time of pieces made / {d} ns producing",
         effectiveness_bounds(t, products, missing)),
        ("quality", quality, "{n} ns good / {d} ns made, by planned run time",
         quality and good_bounds(quality[1], quality[0], missing, doubtful)),
        ("oee", oee.oee(t, products), "{n} ns planned run time of good pieces / {d} ns planned",
         _bounds(limits)),
        ("nee", oee.nee(t, products),
         "{n} / {d}: (producing + setup) x good / planned x producing", None),
    ]  # fmt: skip
    rate = ratios.throughput_rate(made, t)
    return [
        *(
            result(
                metric, oee.VERSION, scope, *(terms or (None, None)), coverage=known,
                origin=w.origin, bounds=bounds, parts=parts, formula=formula, findings=notes,
            )
            for metric, terms, formula, bounds in rows
        ),
        result(
            "throughput_rate", ratios.VERSION, scope, *rate, unit="piece/h", coverage=known,
            origin=w.origin, formula="{n} / {d}: pieces made x ns of an hour / ns producing, set up "
            "or down", findings=[*notes, *_empty("throughput_rate", rate)],
        ),
    ]  # fmt: skip


def _throughput_alone(w: Window, scope: str, stated: Sequence[Machine]) -> list[Result]:
    """Return the throughput of a machine whose counter does not tell good pieces from others."""
    counting = [m for m in stated if m.made is not None]
    if not counting:
        return []
    made = sum(m.made or 0 for m in counting)
    rate = ratios.throughput_rate(made, sum_times(counting))
    return [
        result(
            "throughput_rate", ratios.VERSION, scope, *rate, unit="piece/h",
            coverage=counted_share(counting), origin=w.origin, parts={"made": made},
            formula="{n} / {d}: pieces made x ns of an hour / ns producing, set up or down",
            findings=[*(f for m in counting for f in m.findings), *_empty("throughput_rate", rate)],
        )
    ]  # fmt: skip


def _contradicting(m: Machine) -> Finding:
    seen = f"; its state is unknown for {m.times.unknown} ns" if m.times.unknown else ""
    return finding(
        "oee.contradiction",
        f"{m.equipment.id}: {m.made} pieces but no time producing{seen}; check the state map",
        equipment=m.equipment.id,
    )


def _least(one: Terms, *others: Terms | None) -> Terms:
    if not one[1]:
        return one
    return min((one, *(o for o in others if o)), key=lambda terms: Fraction(*terms))


def _unstated(w: Window) -> list[Result]:
    names = ["availability", "utilisation", *(metric for metric, _, _ in TIME_FIGURES)]
    why = "no machine has what it needs and readings in the period: a state tag and planned time"
    return [
        result(m, oee.VERSION, "plant", None, None, origin=w.origin, findings=[nothing(m, why)])
        for m in names
    ]


def _uncounted(w: Window, notes: Sequence[Finding]) -> list[Result]:
    why = f"no machine has what it needs and readings in the period: a state tag, {EARNS}"
    return [
        result(
            m, 1, "plant", None, None, unit="piece/h" if m == "throughput_rate" else "1",
            origin=w.origin, findings=[*notes, nothing(m, why)],
        )
        for m in ("effectiveness", "quality", "oee", "nee", "throughput_rate")
    ]  # fmt: skip
