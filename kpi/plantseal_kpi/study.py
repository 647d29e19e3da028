"""One period with everything its figures are made of."""

from dataclasses import dataclass

from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.machines.work import Machine
from plantseal_kpi.report import Result
from plantseal_kpi.rows.window import Window


@dataclass(frozen=True, slots=True)
class Study:
    """One side of a comparison: the period reported, or the time before the project.

    Attributes:
        window: The rows of the period and the plant.
        ledgers: All ledgers; each figure takes the records of its period.
        machines: What each machine did.
        results: The figures of the period.
    """

    window: Window
    ledgers: Ledgers
    machines: tuple[Machine, ...]
    results: tuple[Result, ...]
