"""Where the time of the window went that the upload rate does not ask for, by reason.

Source: definitions 4.1, row "planned stops": each has a reason, the total exclusion is printed.
"""

from collections.abc import Sequence
from fractions import Fraction

from plantseal_kpi.calendar import Span, common, merged, period_span, shift_spans, without
from plantseal_kpi.intervals import length
from plantseal_kpi.plant import Equipment, Plant
from plantseal_kpi.report import ratio
from plantseal_kpi.rows.window import Window


def excluded_by_reason(plant: Plant, equipment: str, within: Sequence[Span]) -> dict[str, int]:
    """Return the time ``within`` that planned stops take out of one machine, by reason [ns].

    Where stops overlap, the time belongs to the one listed first, so the sum is what is excluded.

    Example:
        >>> plant = Plant.model_validate({"site": "s", "equipment": [], "calendar": {"stops": [
        ...     {"period": {"start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:00:02Z"},
        ...      "reason": "maintenance"}]}})
        >>> excluded_by_reason(plant, "m", [(0, 10**9)])
        {'maintenance': 1000000000}
    """
    left = merged(within)
    out: dict[str, int] = {}
    for stop in plant.calendar.stops:
        if stop.equipment and equipment not in stop.equipment:
            continue
        span = [period_span(stop.period)]
        taken = length(common(left, span))
        if taken:
            out[stop.reason] = out.get(stop.reason, 0) + taken
        left = without(left, span)
    return out


def time_parts(w: Window, machines: Sequence[Equipment]) -> dict[str, int | str | Fraction | None]:
    """Return what stands beside the upload rate about the time of the window, over ``machines``.

    ``window_ns`` is the window times the machines; ``unused_share`` is the share of it outside
    every shift, ``excluded_share <reason>`` that of each reason of planned stops in the shifts.
    """
    shifts = shift_spans(w.plant.calendar, w.plant.zone, (w.start, w.end))
    whole, planned = (w.end - w.start) * len(machines), length(shifts) * len(machines)
    reasons: dict[str, int] = {}
    for e in machines:
        for reason, ns in excluded_by_reason(w.plant, e.id, shifts).items():
            reasons[reason] = reasons.get(reason, 0) + ns
    parts: dict[str, int | str | Fraction | None] = {
        "window_ns": whole,
        "unused_share": ratio(whole - planned, whole),
    }
    return parts | {
        f"excluded_share {reason}": ratio(ns, planned) for reason, ns in sorted(reasons.items())
    }
