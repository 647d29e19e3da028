"""Facts that follow from other facts, one rule each.

What a notice asks in words (显著提升, 有成效, 指标情况) is answered by the figures it speaks of. A rule
takes measured and computed facts alone, never a statement; one exception stands in :data:`STATED`.
What cannot be followed is left out: then the criterion is not assessable, or declared where it may be.

Left out on purpose, as no figure of the core shows it: pollutants (``dual_production``,
``new_mode_process_5``), which systems a platform covers (``energy_platform_scope``), a product's own
interface (``new_mode_remote_ops_1``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding
from plantseal_kpi.judging.facts import Fact, FactValue, caps, unfit
from plantseal_kpi.judging.notices import Notice
from plantseal_kpi.report import Finding

Facts = Mapping[str, Fact]

IMPROVED: Final[dict[str, tuple[str, ...]]] = {
    "efficiency_improved": ("production_efficiency_gain",),
    "resource_improved": ("resource_utilisation_gain",),
    "equipment_improved": ("overall_equipment_utilisation_gain",),
    "labour_improved": ("labour_productivity_gain",),
    "cycle_reduced": ("rd_cycle_reduction",),
    "opcost_reduced": ("operating_cost_reduction",),
    "defect_reduced": ("defect_rate_reduction",),
    "energy_reduced": ("comprehensive_energy_per_unit_reduction", "energy_utilisation_gain"),
    "line_staff_optimised": ("staff_optimisation_ratio",),
}
"""显著提升 and 大幅降低 without a number (〔2021〕263号 附件3): better than before, of the first figure that
there is."""
KPIS: Final[dict[str, str]] = {
    "生产效率": "production_efficiency_gain",
    "研发周期": "rd_cycle_reduction",
    "产品不良品率": "defect_rate_reduction",
    "运营成本": "operating_cost_reduction",
    "能源利用率": "energy_utilisation_gain",
}
"""关键绩效指标 as 〔2022〕38号 附件2 四 and 〔2020〕15号 附件1 二(八) name them."""
STATED: Final[dict[str, Callable[[Notice], bool]]] = {"scenes": lambda notice: bool(notice.scenes)}
"""Statements that no criterion asks for but a rule reads, and the notices that have the rule."""


def derived(notice: Notice, facts: Facts, declared: Facts) -> dict[str, Fact]:
    """Return the facts that follow from others, by id, as far as the notice asks for them."""
    asked = {c.metric for c in notice.criteria}
    out = {name: improved(name, of, facts) for name, of in IMPROVED.items() if name in asked}
    out |= {name: rule(facts) for name, rule in _RULES.items() if name in asked}
    if notice.scenes and "scenes" in declared:
        for name in ("key_links_covered", "key_links_selected"):
            out[name] = links_of_scenes(notice, name, declared["scenes"])
    return {name: fact for name, fact in out.items() if fact is not None}


def improved(name: str, of: tuple[str, ...], facts: Facts) -> Fact | None:
    """Return whether the first figure there is got better; its interval says how surely.

    None where none of the figures exists.
    """
    source = next((facts[f] for f in of if f in facts and facts[f].value is not None), None)
    if source is None:
        source = next((facts[f] for f in of if f in facts), None)
        if source is None:
            return None
    value = source.value > 0 if isinstance(source.value, Fraction) else None
    notes = [_follows(name, (source.id,))]
    if source.result is not None and source.result.low and Fraction(source.result.low) <= 0:
        why = f"{source.id} may be {source.result.low} by what is not known of time or pieces"
        notes.append(finding("point_only.unknown", f"{name}: {why}"))
    return replace(
        source, id=name, value=value,
        low=source.low > 0 if isinstance(source.low, Fraction) else None,
        high=source.high > 0 if isinstance(source.high, Fraction) else None,
        findings=(*notes, *source.findings),
    )  # fmt: skip


def effect_shown(facts: Facts) -> Fact | None:
    """Return whether at least one key figure is better than before; those that are not are named.

    Source: 〔2022〕38号 正文一, 智能制造实施已取得一定成效.
    """
    known = [facts[m] for m in KPIS.values() if _fit(facts.get(m))]
    if not known:
        return None
    better = [f for f in known if _positive(f.value)]
    sure = [f for f in better if _sure(f)]
    worse = [f.id for f in known if f not in better]
    notes = [_follows("effect_shown", tuple(f.id for f in known))]
    if worse:
        notes.append(finding("derived.not_better", f"not better than before: {', '.join(worse)}"))
    return _fact("effect_shown", bool(better), notes, sampled=True, low=True if sure else None)


def case_kpis(facts: Facts) -> Fact | None:
    """Return the key figures that the case must state; not assessable while one is missing.

    Source: 〔2022〕38号 附件2 四.
    """
    absent = _absent(facts)
    notes = [_follows("case_kpis", tuple(KPIS.values())), *absent]
    return _fact("case_kpis", None if absent else tuple(KPIS), notes)


def smart_factory_kpis_reported(facts: Facts) -> Fact | None:
    """Return True where all five key figures exist; not assessable while one is missing.

    Source: 〔2023〕32号 附件2 二; the figures are those of 〔2020〕15号 附件1 二(八).
    """
    absent = _absent(facts)
    notes = [_follows("smart_factory_kpis_reported", tuple(KPIS.values())), *absent]
    return _fact("smart_factory_kpis_reported", None if absent else True, notes)


def scene_result_quantified(facts: Facts) -> Fact | None:
    """Return True where at least one improvement can be given as a figure.

    Source: 〔2021〕263号 附4-1, 实施成果（最好通过量化指标描述）.
    """
    wanted = [*KPIS.values(), "overall_equipment_utilisation_gain", "on_time_delivery_gain"]
    there = tuple(m for m in wanted if _fit(facts.get(m)))
    if not there:
        return None
    return _fact("scene_result_quantified", True, [_follows("scene_result_quantified", there)])


def real_operating_data(facts: Facts) -> Fact | None:
    """Return True where the plant's machines sent their data to the gateway themselves.

    Source: 〔2022〕38号 正文三(一)3; 〔2023〕32号 正文三(一).
    """
    return _live("real_operating_data", "data_upload_rate", facts)


def network_architecture(name: str) -> Callable[[Facts], Fact | None]:
    """Return the rule that a network within the factory exists: machines' data arrive over it.

    Source: 〔2020〕15号 附件2 一-6 and 二-6.
    """
    return lambda facts: _live(name, "data_upload_rate", facts)


def new_mode_discrete_3(facts: Facts) -> Fact | None:
    """Return whether all key machines are connected (互联互通), by proof on the wire.

    Source: 〔2020〕15号 附件2 一-3.
    """
    rate = facts.get("key_equipment_networking_rate")
    if rate is None:
        return None
    value = rate.value == 1 if isinstance(rate.value, Fraction) else None
    note = _follows("new_mode_discrete_3", (rate.id,), "all key equipment proven on the network")
    return replace(rate, id="new_mode_discrete_3", value=value, findings=(note, *rate.findings))


def new_mode_discrete_4(facts: Facts) -> Fact | None:
    """Return whether machines of all three classes send state and counts in real time.

    Source: 〔2020〕15号 附件2 一-4: 生产进度、现场操作、质量检验、设备状态、物料传送.
    """
    return _all_met(
        "new_mode_discrete_4",
        facts,
        {
            "networked_equipment_classes": lambda v: isinstance(v, tuple) and len(v) == 3,
            "real_time_monitoring": lambda v: v is True,
        },
    )


def new_mode_process_2(facts: Facts) -> Fact | None:
    """Return whether material flow, energy flow, properties and assets are all watched.

    物流: a logistics machine connected; 能流: energy metered; 物性: 自动数采率 of 90 % at least; 资产: in
    real time.

    Source: 〔2020〕15号 附件2 二-2.
    """
    return _all_met(
        "new_mode_process_2",
        facts,
        {
            "networked_equipment_classes": lambda v: isinstance(v, tuple) and "物流设备" in v,
            "energy_per_unit": lambda v: isinstance(v, Fraction),
            "process_data_auto_collection_rate": lambda v: (
                isinstance(v, Fraction) and v >= Fraction(9, 10)
            ),
            "real_time_monitoring": lambda v: v is True,
        },
    )


def dual_energy(facts: Facts) -> Fact | None:
    """Return True where energy is metered live. Source: 〔2023〕32号 附件1 五."""
    return _live("dual_energy", "comprehensive_energy", facts) or _live(
        "dual_energy", "energy_per_unit", facts
    )


def dual_carbon(facts: Facts) -> Fact | None:
    """Return True where carbon is accounted for. Source: 〔2023〕32号 附件1 六."""
    carbon = facts.get("carbon_emissions")
    if not _fit(carbon):
        return None
    return _fact("dual_carbon", True, [_follows("dual_carbon", ("carbon_emissions",))])


def material_energy_pollutant_down(facts: Facts) -> Fact | None:
    """Return False where material or energy got worse, else None: pollutants are not measured.

    Source: 〔2023〕32号 附件1 三.
    """
    known = [
        facts[m]
        for m in ("resource_utilisation_gain", "energy_utilisation_gain")
        if _fit(facts.get(m))
    ]
    worse = any(isinstance(f.value, Fraction) and f.value <= 0 for f in known)
    if not known:
        return None
    note = _follows("material_energy_pollutant_down", tuple(f.id for f in known))
    lacks = finding(
        "derived.partly", "pollutants are not measured; the gateway cannot show them down"
    )
    return _fact("material_energy_pollutant_down", False if worse else None, [note, lacks])


def links_of_scenes(notice: Notice, name: str, scenes: Fact) -> Fact:
    """Return the links that the stated scenes of the catalogue belong to, by name or number.

    Source: 〔2021〕263号 附件2.
    """
    stated = scenes.value if isinstance(scenes.value, tuple) else (scenes.value,)
    link_of = {s.name: k.link for k in notice.scenes for s in k.scenes}
    link_of |= {str(s.no): k.link for k in notice.scenes for s in k.scenes}
    named = [str(s).strip() for s in stated]
    links = {link_of[s] for s in named if s in link_of}
    new = [s for s in named if s not in link_of]
    notes = [_follows(name, ("declared.scenes",))]
    if new:
        why = f"not in the catalogue of 52 scenes: {', '.join(new)}; a new scene counts for no link"
        notes.append(finding("derived.new_scene", why))
    order = tuple(k.link for k in notice.scenes if k.link in links)
    return Fact(name, order, findings=tuple(notes))


_RULES: Final[dict[str, Callable[[Facts], Fact | None]]] = {
    "effect_shown": effect_shown,
    "case_kpis": case_kpis,
    "smart_factory_kpis_reported": smart_factory_kpis_reported,
    "scene_result_quantified": scene_result_quantified,
    "real_operating_data": real_operating_data,
    "new_mode_discrete_3": new_mode_discrete_3,
    "new_mode_discrete_4": new_mode_discrete_4,
    "new_mode_discrete_6": network_architecture("new_mode_discrete_6"),
    "new_mode_process_2": new_mode_process_2,
    "new_mode_process_6": network_architecture("new_mode_process_6"),
    "dual_energy": dual_energy,
    "dual_carbon": dual_carbon,
    "material_energy_pollutant_down": material_energy_pollutant_down,
}


def _fit(fact: Fact | None) -> bool:
    return fact is not None and fact.value is not None and unfit(fact) is None


def _positive(value: FactValue | None) -> bool:
    return isinstance(value, Fraction) and value > 0


def _sure(fact: Fact) -> bool:
    """Return True where more than the point value says that a figure is better than before."""
    least = None if fact.result is None or fact.result.low is None else Fraction(fact.result.low)
    if any(caps(f) for f in fact.findings) or (least is not None and least <= 0):
        return False
    return not fact.sampled or _positive(fact.low)


def _absent(facts: Facts) -> list[Finding]:
    gone = [m for m in KPIS.values() if not _fit(facts.get(m))]
    why = f"no figure that can be judged of {', '.join(gone)}"
    return [finding("derived.missing", why)] if gone else []


def _live(name: str, source: str, facts: Facts) -> Fact | None:
    """Return True where a figure above nothing is made of live rows; nothing shown otherwise."""
    fact = facts.get(source)
    if fact is None or fact.origin != "live" or not _positive(fact.value) or not _fit(fact):
        return None
    note = _follows(name, (source,), "made of rows that the gateway received itself")
    return replace(fact, id=name, value=True, findings=(note,), sampled=False, low=None, high=None)


def _all_met(
    name: str, facts: Facts, asked: Mapping[str, Callable[[FactValue], bool]]
) -> Fact | None:
    """Return False where one source fails, True where all hold; None while one is not known."""
    known = {s: facts[s] for s in asked if _fit(facts.get(s))}
    held = {s: bool(asked[s](f.value)) for s, f in known.items() if f.value is not None}
    if not known:
        return None
    gone = [s for s in asked if s not in held]
    value = False if False in held.values() else (None if gone else True)
    notes = [_follows(name, tuple(asked))]
    if gone:
        notes.append(
            finding("derived.missing", f"no figure that can be judged of {', '.join(gone)}")
        )
    failed = [s for s, met in held.items() if not met]
    if failed:
        notes.append(finding("derived.not_met", f"not enough: {', '.join(failed)}"))
    return _fact(name, value, notes)


def _follows(name: str, of: tuple[str, ...], how: str = "") -> Finding:
    why = f"{name} follows from {', '.join(of)}" + (f": {how}" if how else "")
    return finding("derived.follows", why)


def _fact(
    name: str, value: FactValue | None, notes: list[Finding], *, sampled: bool = False,
    low: FactValue | None = None,
) -> Fact:  # fmt: skip
    formula = notes[0].message if notes else ""
    return Fact(name, value, None, "none", tuple(notes), sampled=sampled, low=low, formula=formula)
