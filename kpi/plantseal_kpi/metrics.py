"""The catalogue of figures: id, version, function, inputs, unit, source, and the Chinese term.

Each family of figures lists its own in ``METRICS``, beside its formulas. A metric's id is the name of
its function. Criteria name facts; where a notice's fact has another id than the metric (信息上传率 is
``data_upload_rate`` there), ``facts`` translates.
"""

from typing import Final

from plantseal_kpi.business import figures as business
from plantseal_kpi.energy import comprehensive, per_unit
from plantseal_kpi.machines import (
    collection,
    defects,
    efficiency,
    equipment,
    loops,
    network,
    oee,
    ratios,
    upload,
)
from plantseal_kpi.metric import Metric

_METRICS: Final = (
    *upload.METRICS,
    *network.METRICS,
    *equipment.METRICS,
    *collection.METRICS,
    *loops.METRICS,
    *oee.METRICS,
    *ratios.METRICS,
    *defects.METRICS,
    *efficiency.METRICS,
    *per_unit.METRICS,
    *comprehensive.METRICS,
    *business.METRICS,
)

CATALOGUE: Final[dict[str, Metric]] = {m.id: m for m in _METRICS}
"""Every figure of the core by id."""

BY_FACT: Final[dict[str, Metric]] = {fact: m for m in _METRICS for fact in m.facts}
"""The metric that answers a notice's fact."""
