"""One period with everything its figures are made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from plantseal_kpi.machines.work import Machine
from plantseal_kpi.report import Result
from plantseal_kpi.rows.window import Window

Ledgers = Mapping[str, pl.DataFrame]
"""Ledgers by name, each with the columns of its schema in ``business/``."""


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
