"""The catalogue of figures: id, version, function, inputs, unit, source, and the Chinese term.

A metric's id is the name of its function. Criteria name facts; where a notice's fact has another id
than the metric (信息上传率 is ``data_upload_rate`` there), ``facts`` translates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from plantseal_kpi import defects, efficiency, energy, equipment, network, oee, totals, upload

_ISO = "ISO 22400-2:2014"
_N20 = "渝经信智能〔2020〕15号"
_N21 = "渝经信智能〔2021〕114号"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure that the core computes.

    Attributes:
        id: Id in results; equals the function's name.
        version: Version of the formula.
        zh: The term in Chinese.
        unit: Unit of the value; ``1`` for a ratio 0..1.
        function: The closed form, on whole base units.
        inputs: Roles of points and fields of the register that it needs.
        source: Standard or notice with its clause.
        facts: Ids under which notices ask for it.
        interval: True when a claim needs a confidence bound besides the point value.
        witnessed: True when only rows that the gateway received itself can answer a criterion.
    """

    id: str
    version: int
    zh: str
    unit: str
    function: Callable[..., object]
    inputs: tuple[str, ...]
    source: str
    facts: tuple[str, ...] = ()
    interval: bool = False
    witnessed: bool = False


_COUNTS = ("count_total", "count_good", "count_scrap")
_OEE = ("state", *_COUNTS, "ideal_cycle_s", "calendar")

_METRICS: Final = (
    Metric(
        "upload_rate", upload.VERSION, "信息上传率", "1", upload.upload_rate,
        ("required points", "register", "calendar"), f"{_N20} 附件1 一(二)", ("data_upload_rate",),
        witnessed=True,
    ),
    Metric(
        "networked_equipment_classes", network.VERSION, "联网设备类别", "1",
        network.networked_equipment_classes, ("required points", "register"),
        f"{_N20} 附件1 一(二)", ("networked_equipment_classes",),
    ),
    Metric(
        "real_time_monitoring", network.VERSION, "设备实时监控", "1",
        network.real_time_monitoring, ("required points",), f"{_N20} 附件1 一(二)",
        ("real_time_monitoring",), witnessed=True,
    ),
    Metric(
        "digital_equipment_share", equipment.VERSION, "数字化装备占比", "1",
        equipment.digital_equipment_share, ("register",), f"{_N20} 附件1 一(一), 二(三)",
        ("digital_equipment_share",),
    ),
    Metric(
        "proven_equipment_share", equipment.VERSION, "已证实数字化装备占比", "1",
        equipment.proven_equipment_share, ("register",), f"{_N20} 附件1 一(一), measured part",
    ),
    Metric(
        "key_equipment_numeric_share", equipment.VERSION, "关键设备数控化率", "1",
        equipment.key_equipment_numeric_share, ("register",), f"{_N21} 附件5 field 1",
    ),
    Metric(
        "key_equipment_network_share", equipment.VERSION, "关键设备联网率", "1",
        equipment.key_equipment_network_share, ("register",), f"{_N21} 附件5 field 2",
    ),
    Metric(
        "availability", oee.VERSION, "可用率", "1", oee.availability, ("state", "calendar"),
        f"{_ISO}, availability",
    ),
    Metric(
        "utilisation", oee.VERSION, "设备利用率", "1", oee.utilisation, ("state",),
        "definitions 2.3, APT / calendar time",
    ),
    Metric(
        "effectiveness", oee.VERSION, "有效率", "1", oee.effectiveness, _OEE,
        f"{_ISO}, effectiveness",
    ),
    Metric("quality", oee.VERSION, "质量率", "1", oee.quality, _OEE, f"{_ISO}, quality ratio"),
    Metric("oee", oee.VERSION, "设备综合利用率", "1", oee.oee, _OEE, f"{_ISO}, OEE index"),
    Metric("nee", oee.VERSION, "净设备效率", "1", oee.nee, _OEE, f"{_ISO}, NEE index"),
    Metric(
        "defect_rate", defects.VERSION, "不良品率", "1", defects.defect_rate, _COUNTS,
        f"{_N20} 附件1 一(五)",
    ),
    Metric(
        "production_efficiency", efficiency.VERSION, "生产效率", "1",
        efficiency.production_efficiency, (*_COUNTS, "ideal_cycle_s", "calendar"),
        f"{_N20} 附件1 一(五)",
    ),
    Metric(
        "energy", energy.VERSION, "能源消耗量", "Wh", totals.energy, ("energy", "energy_interval"),
        "definitions 4.1, counters",
    ),
    Metric(
        "energy_per_unit", energy.VERSION, "单位产品能耗", "Wh/piece", energy.energy_per_unit,
        ("energy", "energy_interval", *_COUNTS), "GB/T 2589-2020, raw form without conversion",
    ),
    Metric(
        "defect_rate_reduction", defects.VERSION, "产品不良品率降低", "1",
        defects.defect_rate_reduction, (*_COUNTS, "baseline"), f"{_N20} 附件1 一(五)",
        ("defect_rate_reduction",), interval=True,
    ),
    Metric(
        "production_efficiency_gain", efficiency.VERSION, "生产效率提高", "1",
        efficiency.production_efficiency_gain, (*_COUNTS, "ideal_cycle_s", "calendar", "baseline"),
        f"{_N20} 附件1 一(五)", ("production_efficiency_gain",), interval=True,
    ),
    Metric(
        "energy_utilisation_gain", energy.VERSION, "能源利用率提高", "1",
        energy.energy_utilisation_gain, ("energy", "energy_interval", *_COUNTS, "baseline"),
        f"{_N20} 附件1 一(五)", ("energy_utilisation_gain",), interval=True,
    ),
)  # fmt: skip

CATALOGUE: Final[dict[str, Metric]] = {m.id: m for m in _METRICS}
"""Every figure of the core by id."""

BY_FACT: Final[dict[str, Metric]] = {fact: m for m in _METRICS for fact in m.facts}
"""The metric that answers a notice's fact."""
