"""All figures that come from the plant's ledgers, for one period."""

from collections.abc import Sequence
from typing import Final

from plantseal_kpi.business import (
    costs,
    inspections,
    inventory,
    investments,
    orders,
    partners,
    projects,
    resources,
    staff,
)  # fmt: skip
from plantseal_kpi.business.forms import Change, term
from plantseal_kpi.business.output import output_of
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.calendar import Span
from plantseal_kpi.metric import Metric
from plantseal_kpi.plant import Plant
from plantseal_kpi.report import Result

METRICS: Final[tuple[Metric, ...]] = (
    *costs.METRICS, *projects.METRICS, *inventory.METRICS, *orders.METRICS, *staff.METRICS,
    *resources.METRICS, *partners.METRICS, *investments.METRICS, *inspections.METRICS,
)  # fmt: skip
IMPROVEMENTS: Final[tuple[Change, ...]] = (
    *costs.IMPROVEMENTS, *projects.IMPROVEMENTS, *inventory.IMPROVEMENTS, *orders.IMPROVEMENTS,
    *staff.IMPROVEMENTS, *resources.IMPROVEMENTS,
)  # fmt: skip
"""The improvements of business figures; each is formed from the figure ``of`` before and after."""


def business_results(
    plant: Plant, span: Span, ledgers: Ledgers, others: Sequence[Result] = ()
) -> list[Result]:
    """Return the business figures of a period [ns]; nothing where the plant has no ledger at all.

    Args:
        plant: Choices about the ledgers, and the baseline's period.
        span: The period reported, or the time before the project.
        ledgers: All records; each figure takes those of the period.
        others: Figures of the machines of that period: what the counters earned is the standard
            output where the ledger ``output`` is missing.
    """
    if not ledgers:
        return []
    t = term(plant, span)
    output = output_of(t, ledgers, others)
    return [
        *costs.cost_results(plant, t, ledgers, output),
        *projects.project_results(plant, t, ledgers),
        *inventory.inventory_results(plant, t, ledgers, output),
        *orders.order_results(t, ledgers),
        *staff.staff_results(t, ledgers, output),
        *resources.resource_results(plant, t, ledgers),
        *partners.partner_results(t, span, ledgers),
        *investments.investment_results(plant, t, ledgers),
        *inspections.inspection_results(plant, span, ledgers),
    ]
