"""What a reader must know of the rows of a window: values that stand still, data after the cut-off.

Source: definitions 4.1, rows "stuck value" and "late data".
"""

from plantseal_kpi.calendar import local_text
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import Point
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.by_span import label_spans
from plantseal_kpi.rows.readings import MILLI, SECOND
from plantseal_kpi.rows.states import state_times
from plantseal_kpi.rows.window import Window

PRODUCING = "producing"


def row_findings(w: Window) -> list[Finding]:
    """Return one finding a stuck point, and one on rows that came after the final cut-off."""
    found = []
    if w.too_late:
        found.append(
            finding(
                "rows.after_cut_off",
                f"{w.too_late} rows of the period were received more than 72 h after its end and "
                "are not used; a new report that refers to this one may use them",
                rows=w.too_late,
            )
        )
    return [*found, *(f for p in w.plant.points for f in _stuck(w, p))]


def _stuck(w: Window, p: Point) -> list[Finding]:
    """Return a finding where a value stood still while its machine produced.

    Unchanged for ``stuck_periods`` periods of producing time, in one stretch of signs of life.
    """
    producing = state_times(w).get(p.equipment, {}).get(PRODUCING)
    if p.stuck_periods is None or producing is None:
        return []
    least = p.stuck_periods * p.period_ms * MILLI
    spans = label_spans(w, p).select("start", "end").rows()
    stuck = [(a, b) for a, b in spans if producing.within((a, b)) >= least]
    if not stuck:
        return []
    longest = max(stuck, key=lambda s: s[1] - s[0])
    return [
        finding(
            "value.stuck",
            f"{p.name}: unchanged {len(stuck)} times for {p.stuck_periods} periods or more while "
            f"{p.equipment} produced, the longest from {local_text(longest[0], w.plant.zone)} for "
            f"{(longest[1] - longest[0]) // SECOND} s; check the sensor",
            tag=p.name, n=len(stuck),
            spans=";".join(f"{a}/{b}" for a, b in stuck[:100]),
        )
    ]  # fmt: skip
