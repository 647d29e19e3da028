"""Drill-down: what one figure was made of, what was left out of it, and why, as frames."""

from plantseal_kpi.drill.drilling import drill
from plantseal_kpi.drill.frames import Drill

__all__ = ["Drill", "drill"]
