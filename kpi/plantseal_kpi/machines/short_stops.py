"""Short stops: up to one threshold a line they are loss of performance, not of availability.

A stop is the unbroken time in which a machine is idle, down or off between two spells of
producing. Where the state before or after it is not known, or is setup, nothing shows that the
stop was short, and it stays a loss of availability.

Source: definitions 2.3, row "sub-minute stops"; the threshold is ``short_stop_s`` of the register
and must be the same on both sides of a comparison.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from plantseal_kpi.calendar import Span
from plantseal_kpi.plant import Equipment
from plantseal_kpi.rows.by_span import label_spans
from plantseal_kpi.rows.window import Window

NS: Final = 10**9
STOPS: Final = frozenset({"idle", "down", "off"})
Spell = tuple[str, int, int]
"""State, start and end [ns]."""


def short_stops(spells: Sequence[Spell], longest_ns: int) -> list[Spell]:
    """Return the spells of idle, down and off that together are a stop of at most ``longest_ns``.

    Args:
        spells: Disjoint, in any order; time between them is not known.
        longest_ns: Threshold [ns]; a stop of exactly that length is short.

    Example:
        >>> short_stops([("producing", 0, 50), ("idle", 50, 55), ("down", 55, 60),
        ...              ("producing", 60, 90), ("idle", 90, 99)], 10)
        [('idle', 50, 55), ('down', 55, 60)]
    """
    whole = [s for s in sorted(spells, key=lambda s: (s[1], s[2])) if s[2] > s[1]]
    runs = [(stop, list(run)) for stop, run in groupby(whole, lambda s: s[0] in STOPS)]
    out: list[Spell] = []
    for (_, before), (stop, run), (_, after) in zip(runs, runs[1:], runs[2:], strict=False):
        if not stop:
            continue
        chain = [before[-1], *run, after[0]]
        unbroken = all(a[2] == b[1] for a, b in pairwise(chain))
        framed = before[-1][0] == after[0][0] == "producing"
        if unbroken and framed and run[-1][2] - run[0][1] <= longest_ns:
            out += run
    return out


def machine_spells(w: Window, equipment: Equipment) -> list[Spell]:
    """Return the known states of a machine, mapped, each as (state, start, end) [ns]."""
    points = w.points_of(equipment, "state")
    if not points:
        return []
    told = label_spans(w, points[0]).select("label", "start", "end").iter_rows()
    mapped = ((equipment.states.get(label, ""), start, end) for label, start, end in told)
    return [s for s in mapped if s[0] not in ("", "unknown")]


def stopped_shortly(w: Window, equipment: Equipment) -> list[Spell]:
    """Return the short stops of a machine; none where its register sets no threshold."""
    if not equipment.short_stop_s:
        return []
    return short_stops(machine_spells(w, equipment), equipment.short_stop_s * NS)


def time_within(stops: Sequence[Spell], spans: Sequence[Span]) -> dict[str, int]:
    """Return the time of ``stops`` within disjoint ``spans`` by state [ns].

    Example:
        >>> time_within([("idle", 50, 55), ("down", 55, 60)], [(0, 52), (58, 99)])
        {'idle': 2, 'down': 2}
    """
    out: dict[str, int] = {}
    for state, start, end in stops:
        inside = sum(max(0, min(end, b) - max(start, a)) for a, b in spans)
        if inside:
            out[state] = out.get(state, 0) + inside
    return out
