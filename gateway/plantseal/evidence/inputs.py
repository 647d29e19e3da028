"""What a report is computed from, as a store holds it: configurations, ledgers, rows.

``plantseal kpi`` and the producer of bundles take the same; the verifier takes it from the bundle.
"""

from dataclasses import dataclass

from plantseal import canonical, history
from plantseal.evidence.declared import ledgers, steps, versions
from plantseal.journal import Journal
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.evaluate import Worked, evaluate, spans, worked
from plantseal_kpi.plant import Period, Plant
from plantseal_kpi.report import Report
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.versions import Version, chosen


class NothingConfigured(Exception):
    """The log holds no configuration."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What :func:`plantseal_kpi.evaluate.evaluate` is given.

    Attributes:
        versions: Every configuration of the log.
        plant: What counts for the period.
        spans: Spans [start, end) [ns] whose rows the report depends on.
        rows: Parts with the rows of those spans.
        ledgers: Business records by name.
    """

    versions: tuple[Version, ...]
    plant: Plant
    period: Period
    spans: tuple[tuple[int, int], ...]
    rows: tuple[Part, ...]
    ledgers: Ledgers

    def worked(self) -> Worked:
        """Return the figures, before they are judged, with what they were made of."""
        return worked(self.rows, self.versions, self.period, ledgers=self.ledgers)

    def report(self) -> Report:
        """Return the report."""
        return evaluate(self.rows, self.versions, self.period, ledgers=self.ledgers)


def logged_versions(journal: Journal) -> tuple[Version, ...]:
    """Return every configuration of a store's log with the time it came into force.

    Raises:
        NothingConfigured: There is none.
    """

    def plant(sha256: str) -> Plant:
        return Plant.model_validate(canonical.loads(journal.config(sha256))["plant"])

    found = tuple(versions(steps(journal.entries()), plant))
    if not found:
        raise NothingConfigured("the log holds no configuration; start `plantseal run` first")
    return found


def inputs(journal: Journal, period: Period, *, rows_end: int | None = None) -> Inputs:
    """Return what the report of ``period`` is computed from.

    Args:
        journal: Open, read-only or not.
        period: What is reported.
        rows_end: Only rows with ``seq`` below it.

    Raises:
        NothingConfigured: The log holds no configuration.
        JournalError: A segment or ledger is missing or damaged.
    """
    logged = logged_versions(journal)
    plant = chosen(logged, period).plant
    wanted = spans(plant, period)
    rows = tuple(history.parts(journal, wanted, rows_end=rows_end))
    return Inputs(logged, plant, period, wanted, rows, ledgers(plant, journal.config))
