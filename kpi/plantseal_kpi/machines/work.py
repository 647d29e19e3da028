"""What each machine did in a period: one reading of its states and counters for all figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from plantseal_kpi.calendar import Span, without
from plantseal_kpi.figures import finding
from plantseal_kpi.intervals import length
from plantseal_kpi.machines.oee import Output, Terms, Times
from plantseal_kpi.machines.products import (
    NS,
    ROLES,
    Counts,
    counts_in,
    derived,
    outputs,
    product_findings,
    product_spans,
    unpriced_ns,
)
from plantseal_kpi.machines.short_stops import stopped_shortly, time_within
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.by_span import state_ns_in
from plantseal_kpi.rows.states import UNKNOWN
from plantseal_kpi.rows.totals import Total, of_origin, pieces, tally
from plantseal_kpi.rows.window import Window

SORTS: Final = "counters of two of: made, good, scrap"
EARNS: Final = f"{SORTS}, an ideal_cycle_s (or cycles_s and a product tag) and planned time"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine did in the period.

    Attributes:
        states: Planned time by state [ns]; None without a state tag.
        made: Pieces made; None where not counted.
        good: Pieces good at first pass; None where not counted.
        scrap: Pieces scrapped; None without a counter of them.
        outputs: Pieces with their planned run time, one entry a product; None without counters
            or without any planned run time.
        findings: What qualifies the counts.
        counted: Time for which the counters are known, of the time for which they should be [ns].
        sorts: True where the counters tell good pieces from others.
        short: Time of short stops by state [ns]; a loss of performance, within APT.
        doubtful_ns: Planned run time of counted good pieces that may not have been good [ns].
        missing_ns: Planned run time that pieces may have earned without being counted [ns].
    """

    equipment: Equipment
    planned_ns: int
    states: dict[str, int] | None
    made: int | None
    good: int | None
    outputs: tuple[Output, ...] | None
    findings: tuple[Finding, ...]
    counted: Terms = (0, 0)
    sorts: bool = False
    scrap: int | None = None
    short: Mapping[str, int] = field(default_factory=dict)
    doubtful_ns: int = 0
    missing_ns: int = 0

    @property
    def times(self) -> Times:
        """Time elements of ISO 22400-2 [ns]."""
        return times(self.planned_ns, self.states or {}, self.short)

    @property
    def earned_ns(self) -> int:
        """Standard time of the good pieces: sum of PRU x GQ [ns]."""
        return sum(o.pru_ns * o.good for o in self.outputs or ())


def times(planned_ns: int, states: Mapping[str, int], short: Mapping[str, int]) -> Times:
    """Return the time elements [ns]; short stops stay in APT.

    Example:
        >>> times(100, {"producing": 60, "down": 30, "unknown": 10}, {"down": 5})
        Times(pbt=100, apt=65, setup=0, unknown=10, down=25)
    """
    return Times(
        planned_ns,
        states.get("producing", 0) + sum(short.values()),
        states.get("setup", 0),
        states.get(UNKNOWN, 0),
        states.get("down", 0) - short.get("down", 0),
    )


def machines(w: Window) -> list[Machine]:
    """Return what each registered machine did, in register order."""
    return [_machine(w, e) for e in w.plant.equipment]


def states_in(w: Window, e: Equipment, spans: Sequence[Span]) -> dict[str, int] | None:
    """Return the time within ``spans`` by state [ns]; None without a state tag or any span."""
    if not spans or not w.points_of(e, "state"):
        return None
    sums: dict[str, int] = {}
    for each in state_ns_in(w, e, spans):
        for state, ns in each.items():
            sums[state] = sums.get(state, 0) + ns
    return dict(sorted(sums.items()))


def _machine(w: Window, e: Equipment) -> Machine:
    totals = {r: pieces(w, e, r) for r in ("count_total", "count_good", "count_scrap")}
    total, good, scrap = totals.values()
    counted = {role for role, t in totals.items() if t.expected_ns}
    used = [t for t in (total, good) if t.expected_ns]
    if len(used) < 2 and scrap.expected_ns:
        used.append(scrap)
    whole = derived(total.known, good.known, scrap.known, counted)
    found = [f for t in totals.values() for f in t.findings]
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
    clash = _contradiction(e, whole, used)
    if clash is not None:
        found.append(clash)
        whole = Counts()
    if not whole.sound():
        found.append(
            finding(
                "counter.scrap",
                f"{e.id}: {whole.good} good pieces and {whole.scrap} scrapped of {whole.made} made; "
                "the scrap counter is not used; check what it counts",
                equipment=e.id,
            )
        )
        whole = replace(whole, scrap=None)
    planned = w.planned[e.id]
    earning, missing, notes = _outputs(w, e, whole, counted)
    breaks = _breaks(w, e)
    gap = min(length(planned), max((t.expected_ns - t.covered_ns for t in used), default=0))
    blind = scrap.expected_ns - scrap.covered_ns if scrap in used else 0
    states = states_in(w, e, planned)
    short = time_within(stopped_shortly(w, e), planned)
    apt = times(length(planned), states or {}, short).apt
    return Machine(
        equipment=e,
        planned_ns=length(planned),
        states=states,
        made=whole.made,
        good=whole.good,
        outputs=earning,
        findings=(*found, *notes),
        counted=(sum(t.covered_ns for t in used), sum(t.expected_ns for t in used)),
        sorts=len(used) > 1,
        scrap=whole.scrap,
        short=short,
        doubtful_ns=_at_most(e, blind, earning, apt, breaks) if "count_good" not in counted else 0,
        missing_ns=missing + _at_most(e, gap, earning, apt, breaks),
    )


def _outputs(
    w: Window, e: Equipment, whole: Counts, counted: set[str]
) -> tuple[tuple[Output, ...] | None, int, list[Finding]]:
    """Return pieces that earn, what those without a run time may have earned [ns], findings."""
    if whole.made is None or whole.good is None:
        return None, 0, []
    planned = w.planned[e.id]
    told = product_spans(w, e, planned)
    if told is None:
        alone = outputs(e, {None: whole}) or None
        return alone, 0, _untold(e) if alone is None else []
    counts = counts_in(w, e, list(told.values()), counted)
    by_product: dict[str | None, Counts] = dict(zip(told, counts, strict=True))
    earning = outputs(e, by_product)
    known = earning or e.ideal_cycle_s is not None or e.cycles_s
    open_ns = unpriced_ns(e, whole, by_product, told)
    return (earning if known else None), open_ns, product_findings(e, whole, by_product)


def _untold(e: Equipment) -> list[Finding]:
    if not e.cycles_s:
        return []
    why = (
        f"{e.id}: planned run times by product, but no tag of the role product tells what is made; "
        "name that tag, or give ideal_cycle_s"
    )
    return [finding("oee.no_product_tag", why, equipment=e.id)]


def _breaks(w: Window, e: Equipment) -> int:
    """Return in how many stretches of planned time a counter is not known; the worst of them."""
    planned = w.planned[e.id]
    known = [tally(w, p, "piece").known for p in of_origin(w, w.points_of(e, *ROLES))]
    return max(
        (len(without(planned, list(zip(k.starts, k.ends, strict=True)))) for k in known), default=0
    )


def _at_most(
    e: Equipment, open_ns: int, earning: Sequence[Output] | None, apt_ns: int, breaks: int
) -> int:
    """Return the planned run time that pieces can earn in ``open_ns`` at most [ns].

    At the rated cycle where the register gives one; else at the effectiveness seen, at least 1. A
    piece counts where it is finished, so each of the ``breaks`` may hold one begun before it.
    """
    if not earning or not open_ns:
        return 0
    if e.rated_cycle_s is not None:
        fastest = Fraction(max(o.pru_ns for o in earning)) / (Fraction(e.rated_cycle_s) * NS)
    else:
        seen = Fraction(sum(o.pru_ns * o.made for o in earning), apt_ns) if apt_ns else 1
        fastest = max(Fraction(1), Fraction(seen))
    return int(open_ns * fastest) + breaks * max(o.pru_ns for o in earning)


def _contradiction(e: Equipment, c: Counts, used: Sequence[Total]) -> Finding | None:
    """Return why no figure can be formed from the counters of a machine, if they contradict."""
    if c.made is None or c.good is None:
        return None
    if not 0 <= c.good <= c.made:
        why = f"{c.good} good pieces of {c.made} made"
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


def counted_share(machines: Iterable[Machine]) -> Terms | None:
    """Return (time for which the counters are known, time for which they should be) [ns]."""
    pairs = [m.counted for m in machines]
    wanted = sum(expected for _, expected in pairs)
    return (sum(known for known, _ in pairs), wanted) if wanted else None


def should_earn(m: Machine) -> bool:
    """Return True for a machine whose pieces form OEE, were all readings there."""
    timed = m.equipment.ideal_cycle_s is not None or bool(m.equipment.cycles_s)
    return m.sorts and timed and m.planned_ns > 0


def priced_share(machines: Iterable[Machine]) -> Terms | None:
    """Return (pieces with a planned run time, pieces) of the machines that earn."""
    pairs = [(sum(o.made for o in m.outputs or ()), m.made) for m in machines if m.made]
    wanted = sum(made for _, made in pairs)
    return (sum(priced for priced, _ in pairs), wanted) if wanted else None


def nothing(metric: str, why: str) -> Finding:
    """Return the finding of a figure that nothing gives a value."""
    return finding("figure.none", f"{metric}: {why}")
