"""``drill``: the one entry; each metric has the builder that knows what it is made of."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Final

from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.drill import energy, life, pieces, records, states, units
from plantseal_kpi.drill.frames import Drill
from plantseal_kpi.drill.gains import improvement
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.evaluate import Worked, worked
from plantseal_kpi.machines.equipment import SHARES
from plantseal_kpi.machines.production import TIME_FIGURES
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.plant import Period, Plant
from plantseal_kpi.proof.improvements import IMPROVEMENTS
from plantseal_kpi.rows.parts import Rows
from plantseal_kpi.versions import Version

LIMIT: Final = 100_000
"""Intervals, and rows, that are kept unless the caller asks for more; the sums are of all."""
Builder = Callable[[Scene, str, str], Drill]
_OF_MACHINES: Final[dict[str, Builder]] = {
    "upload_rate": life.upload,
    **dict.fromkeys(
        ("availability", "utilisation", *(m for m, _, _ in TIME_FIGURES)), states.time_figure
    ),
    **dict.fromkeys(
        ("effectiveness", "quality", "oee", "throughput_rate", "first_pass_yield", "scrap_ratio",
         "rework_ratio", "production_efficiency"),
        pieces.piece_figure,
    ),
    "nee": pieces.nee, "defect_rate": pieces.defect_rate, "energy": energy.energy,
    "energy_per_unit": energy.energy_per_unit,
}  # fmt: skip
_OF_PLANT: Final[dict[str, Builder]] = {
    "networked_equipment_classes": life.classes, "real_time_monitoring": life.real_time,
    "process_data_auto_collection_rate": life.parameters,
    "quality_alert_data_kinds": life.parameters, "auto_control_in_service_rate": states.loops,
    "comprehensive_energy": energy.comprehensive, "carbon_emissions": energy.comprehensive,
    "comprehensive_energy_per_unit": energy.comprehensive_per_unit,
    **dict.fromkeys(SHARES, units.share),
    **dict.fromkeys(records.BUSINESS, records.record_figure),
}  # fmt: skip
BUILDERS: Final = _OF_MACHINES | _OF_PLANT
"""The builder of each metric that is no improvement."""
CHANGES: Final = {c.metric: c for c in IMPROVEMENTS}
SHIFTS: Final = ("availability", "oee")


def drill(
    rows: Rows,
    plant: Plant | Sequence[Version],
    period: Period,
    metric: str,
    scope: str = "plant",
    *,
    ledgers: Ledgers | None = None,
    limit: int = LIMIT,
) -> Drill:
    """Return what one figure of ``period`` was made of, and what was left out of it and why.

    Args:
        rows: As :func:`plantseal_kpi.evaluate.evaluate`; parts keep memory flat.
        plant: As there.
        period: As there.
        metric: Id in the catalogue.
        scope: ``plant``, an equipment id, or the scope of a shift (availability and OEE).
        ledgers: Business records by name.
        limit: At most so many intervals, and rows; the sums are of all.

    Raises:
        ValueError: The metric or the scope is not known, or as in ``evaluate``.
    """
    check(metric)
    return drilled(worked(rows, plant, period, ledgers=ledgers), metric, scope, limit=limit)


def check(metric: str) -> None:
    """Raise ValueError unless the catalogue has ``metric``, with what comes near it."""
    if metric not in CATALOGUE:
        near = get_close_matches(metric, CATALOGUE, 5, 0.5) or CATALOGUE
        raise ValueError(f"metric: got {metric!r}, expected one of {', '.join(near)}")


def drilled(done: Worked, metric: str, scope: str = "plant", *, limit: int = LIMIT) -> Drill:
    """Return :func:`drill` of figures that were worked out before.

    Raises:
        ValueError: The metric or the scope is not known.
    """
    check(metric)
    now = Scene(done.now, done.source, limit)
    known = scopes(now, metric)
    if scope not in known:
        raise ValueError(f"scope of {metric}: got {scope!r}, expected one of {', '.join(known)}")
    if metric not in CHANGES:
        return BUILDERS[metric](now, metric, scope)
    earlier = None if done.before is None else Scene(done.before, done.source, limit)
    result = next((r for r in done.results if (r.metric, r.scope) == (metric, "plant")), None)
    return improvement(
        now, earlier, CHANGES[metric], result, lambda s, m, where: BUILDERS[m](s, m, where)
    )


def scopes(s: Scene, metric: str) -> list[str]:
    """Return the scopes in which a metric can be drilled down."""
    if metric not in _OF_MACHINES:
        return ["plant"]
    shifts = [r.scope for r in s.study.results if r.metric == metric and "@" in r.scope]
    return ["plant", *(e.id for e in s.plant.equipment), *(shifts if metric in SHIFTS else [])]
