"""OEE and availability of each shift, and the sums of each machine and shift behind them.

A shift's figure is the ratio of sums over its machines, and the period's that over its shifts:
(20160 + 1800 + 23040) / (28800 + 3600 + 28800) is 0.735294, the mean of the three 0.666667.

Scopes read ``plant@2026-11-24/早班`` or ``cnc1@2026-11-24/早班``: scope, production day, shift;
without shifts ``plant@2026-11-24``, the local day.

Source: definitions 2.3 (ratio of sums), 4.1 (production day).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from plantseal_kpi.calendar import Span, common, shifts_of
from plantseal_kpi.figures import result
from plantseal_kpi.intervals import length
from plantseal_kpi.machines import oee
from plantseal_kpi.machines.oee import Output, Times
from plantseal_kpi.machines.products import Counts, counts_in, outputs, product_spans
from plantseal_kpi.machines.short_stops import stopped_shortly, time_within
from plantseal_kpi.machines.work import Machine, times
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Result
from plantseal_kpi.rows.by_span import state_ns_in
from plantseal_kpi.rows.window import Window


@dataclass(frozen=True, slots=True)
class ShiftWork:
    """What one machine did in one shift.

    Attributes:
        day: Production day: the local date on which the shift begins.
        shift: Its name; empty without shifts.
        start: Begin of its first planned span [ns].
        times: Time elements; PBT without planned stops [ns].
        states: True where a state tag tells them.
        outputs: Pieces with their planned run time; None where they are not known.
    """

    equipment: str
    day: date
    shift: str
    start: int
    times: Times
    states: bool
    outputs: tuple[Output, ...] | None

    @property
    def earned_ns(self) -> int:
        """Sum of PRU x GQ [ns]: the shift's term of the numerator of OEE."""
        return sum(o.pru_ns * o.good for o in self.outputs or ())


def shift_scope(scope: str, day: date, shift: str) -> str:
    """Return the scope of a shift's figure.

    Example:
        >>> shift_scope("cnc1", date(2026, 11, 24), "早班"), shift_scope("plant", date(2026, 1, 2), "")
        ('cnc1@2026-11-24/早班', 'plant@2026-01-02')
    """
    return f"{scope}@{day.isoformat()}" + (f"/{shift}" if shift else "")


def shift_work(w: Window, machines: Sequence[Machine]) -> list[ShiftWork]:
    """Return what each machine did in each shift with planned time, by register order and time.

    Machines whose counters contradict over the whole period have no pieces in any shift.
    """
    shifts: dict[tuple[date, str], list[Span]] = {}
    for day, name, start, end in shifts_of(w.plant, (w.start, w.end)):
        shifts.setdefault((day, name), []).append((start, end))
    return [work for m in machines for work in _of_machine(w, m, shifts)]


def _of_machine(
    w: Window, m: Machine, shifts: dict[tuple[date, str], list[Span]]
) -> list[ShiftWork]:
    e = m.equipment
    planned = {key: common(spans, w.planned[e.id]) for key, spans in shifts.items()}
    planned = {key: spans for key, spans in planned.items() if spans}
    groups = list(planned.values())
    states = _states(w, e, groups) if m.states is not None else [{} for _ in groups]
    made = _outputs(w, e, groups) if m.outputs is not None else [None] * len(groups)
    stops = stopped_shortly(w, e)
    return [
        ShiftWork(
            e.id, day, name, spans[0][0],
            times(length(spans), told, time_within(stops, spans)), m.states is not None, products,
        )
        for ((day, name), spans), told, products in zip(planned.items(), states, made, strict=True)
    ]  # fmt: skip


def _states(w: Window, e: Equipment, groups: Sequence[Sequence[Span]]) -> list[dict[str, int]]:
    each = iter(state_ns_in(w, e, [span for group in groups for span in group]))
    out: list[dict[str, int]] = []
    for group in groups:
        sums: dict[str, int] = {}
        for told in (next(each) for _ in group):
            for state, ns in told.items():
                sums[state] = sums.get(state, 0) + ns
        out.append(sums)
    return out


def _outputs(
    w: Window, e: Equipment, groups: Sequence[Sequence[Span]]
) -> list[tuple[Output, ...] | None]:
    counted: set[str] = {p.role for p in w.points_of(e, "count_total", "count_good", "count_scrap")}
    every = [span for group in groups for span in group]
    told = product_spans(w, e, every)
    if told is None:
        return [_known(e, {None: c}) for c in counts_in(w, e, groups, counted)]
    cells = [[common(spans, group) for spans in told.values()] for group in groups]
    flat = iter(counts_in(w, e, [spans for row in cells for spans in row], counted))
    return [_known(e, {product: next(flat) for product in told}) for _ in groups]


def _known(e: Equipment, by_product: dict[str | None, Counts]) -> tuple[Output, ...] | None:
    if all(c.made is None or c.good is None for c in by_product.values()):
        return None
    return outputs(e, by_product)


def shift_results(w: Window, machines: Sequence[Machine], scope: str = "plant") -> list[Result]:
    """Return OEE and availability of each shift, summed over ``machines``.

    Args:
        w: The period.
        machines: All machines of the plant, or one.
        scope: ``plant`` or the equipment id of the one machine.
    """
    stated = [m for m in machines if m.states is not None]
    by_shift: dict[tuple[date, str], list[ShiftWork]] = {}
    for work in shift_work(w, stated):
        by_shift.setdefault((work.day, work.shift), []).append(work)
    out: list[Result] = []
    for key in sorted(by_shift, key=lambda k: (min(x.start for x in by_shift[k]), k)):
        out += _of_shift(w, shift_scope(scope, *key), by_shift[key])
    return out


def _of_shift(w: Window, scope: str, works: Sequence[ShiftWork]) -> list[Result]:
    t = _summed(works)
    out = [
        result(
            "availability", oee.VERSION, scope, *(oee.availability(t) or (None, None)),
            coverage=(t.pbt - t.unknown, t.pbt), origin=w.origin,
            formula="{n} ns producing / {d} ns planned",
        )
    ]  # fmt: skip
    usable = [x for x in works if x.outputs and not oee.contradicts(x.times, x.outputs)]
    if usable:
        t, products = _summed(usable), [o for x in usable for o in x.outputs or ()]
        out.append(
            result(
                "oee", oee.VERSION, scope, *(oee.oee(t, products) or (None, None)),
                coverage=(t.pbt - t.unknown, t.pbt), origin=w.origin,
                parts={"made": sum(p.made for p in products), "good": sum(p.good for p in products),
                       "machines": ",".join(x.equipment for x in usable)},
                formula="{n} ns planned run time of good pieces / {d} ns planned",
            )
        )  # fmt: skip
    return out


def _summed(works: Sequence[ShiftWork]) -> Times:
    each = [x.times for x in works]
    return Times(
        sum(t.pbt for t in each),
        sum(t.apt for t in each),
        sum(t.setup for t in each),
        sum(t.unknown for t in each),
        sum(t.down for t in each),
    )
