"""Shares of digital equipment (数字化装备占比): declared, and proven by what was read.

Levels: L0 no digital controller; L1 declared programmable with a data interface; L2 proven: the
gateway read the machine's identity *and* at least one changing value in the period. Recorded data
carry no identity, so there a changing value alone is the proof, and the figure says so. One single
constant value proves nothing. The unit of count is the fixed-asset card: a line under one card is
one unit, and only as digital as its least digital member.

Source: definitions 2.1; 渝经信智能〔2020〕15号 附件1 一(一), 二(三); 〔2021〕114号 附件5 fields 1, 2.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from plantseal_kpi.figures import finding, result
from plantseal_kpi.machines.upload_notes import changing_tags
from plantseal_kpi.metric import N20, N21, Metric
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.window import Window
from plantseal_kpi.schema import Kind, VType

VERSION = 1
_ABOUT_THE_SESSION = frozenset(
    {"endpoint", "security", "authenticated", "clock_offset_ns", "limits", "refused"}
)
Terms = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of count.

    Attributes:
        id: Card number, or equipment id where none is registered.
        members: How many register entries lie under the card.
        declared: Declared L1.
        proven: L2.
        key: Key equipment.
    """

    id: str
    members: int
    declared: bool
    proven: bool
    key: bool


def digital_equipment_share(units: Sequence[Unit]) -> Terms:
    """Return (units declared L1 or proven L2, units).

    Example:
        >>> register = ([Unit("a", 1, True, True, False)] * 27
        ...             + [Unit("b", 1, True, False, False)] * 3
        ...             + [Unit("c", 1, False, False, False)] * 10)
        >>> digital_equipment_share(register)
        (30, 40)
    """
    return sum(u.declared or u.proven for u in units), len(units)


def proven_equipment_share(units: Sequence[Unit]) -> Terms:
    """Return (units proven L2, units).

    Example:
        >>> proven_equipment_share([Unit("a", 1, True, True, False), Unit("b", 1, True, False, False)])
        (1, 2)
    """
    return sum(u.proven for u in units), len(units)


def key_equipment_numeric_share(units: Sequence[Unit]) -> Terms:
    """Return (key units with a programmable control, key units): 关键设备数控化率."""
    return digital_equipment_share([u for u in units if u.key])


def key_equipment_network_share(units: Sequence[Unit]) -> Terms:
    """Return (key units proven L2, key units): 关键设备联网率."""
    return proven_equipment_share([u for u in units if u.key])


def by_card(equipment: Sequence[Equipment], proven: set[str]) -> list[Unit]:
    """Return production equipment by fixed-asset card, in order of first appearance."""
    cards: dict[str, list[Equipment]] = {}
    for e in equipment:
        if e.production:
            cards.setdefault(e.card or f"id:{e.id}", []).append(e)
    return [
        Unit(
            card.removeprefix("id:"),
            len(members),
            all(m.declared_level == "L1" or m.id in proven for m in members),
            all(m.id in proven for m in members),
            any(m.key for m in members),
        )
        for card, members in cards.items()
    ]


def identified(w: Window) -> set[str]:
    """Return the equipment whose identity the gateway read when a session was established.

    A birth (or a keep-alive that repeats it) whose text is JSON with at least one identity value.
    """
    texts = w.seen.links.filter(
        pl.col("kind").is_in([Kind.BIRTH, Kind.KEEPALIVE]) & (pl.col("vtype") == VType.TEXT)
    )
    said = texts.select("tag", "text").drop_nulls().unique(maintain_order=True)
    speaking = {tag for tag, body in said.iter_rows() if _names_a_device(body)}
    # A Sparkplug device's own birth certificate is its identity, whatever properties it lists.
    born = set(texts["tag"].to_list())
    return {
        p.equipment
        for p in w.plant.points
        if p.link in (born if p.protocol == "sparkplug" else speaking)
    }


def _names_a_device(body: str) -> bool:
    try:
        said = json.loads(body)
    except ValueError:
        return False
    if isinstance(said, dict) and isinstance(said.get("identity"), dict):
        said = said["identity"]
    if not isinstance(said, dict):
        return False
    return any(isinstance(v, str) and v for k, v in said.items() if k not in _ABOUT_THE_SESSION)


def proven_equipment(w: Window) -> tuple[set[str], list[Finding]]:
    """Return the ids of equipment proven in the period, and what is short of a proof."""
    moving = changing_tags(w)
    changing = {p.equipment for p in w.plant.points if p.tag in moving and p.role != "link"}
    found = []
    if w.origin == "imported":
        if changing:
            found.append(
                finding(
                    "equipment.without_identity",
                    "recorded data carry no identity: a changing value alone is taken as proof "
                    f"for {', '.join(sorted(changing))}",
                    equipment=",".join(sorted(changing)),
                )
            )
        return changing, found
    named = identified(w)
    for e in w.plant.equipment:
        if e.id in changing and e.id not in named:
            found.append(
                finding(
                    "equipment.no_identity",
                    f"{e.id}: values change but no identity was read; it is not counted as proven",
                    equipment=e.id,
                )
            )
        if e.id in named and e.id not in changing:
            found.append(
                finding(
                    "equipment.no_change",
                    f"{e.id}: identity was read but no value changed; it is not counted as proven",
                    equipment=e.id,
                )
            )
    return changing & named, found


def _nothing(metric: str) -> Finding:
    kind = "key equipment" if metric.startswith("key_") else "production equipment"
    return finding("figure.none", f"{metric}: the register names no {kind}")


def equipment_results(w: Window) -> list[Result]:
    """Return the four shares of the plant; the count by register entry stands in the parts."""
    proven, found = proven_equipment(w)
    units = by_card(w.plant.equipment, proven)
    entries = by_card([e.model_copy(update={"card": ""}) for e in w.plant.equipment], proven)
    crowded = [u for u in units if u.members >= 3]
    if crowded:
        found.append(
            finding(
                "equipment.card",
                f"{', '.join(u.id for u in crowded)}: three or more machines on one card count as "
                "one unit; the share by machine is printed beside it",
                cards=",".join(u.id for u in crowded),
            )
        )
    figures = {
        "digital_equipment_share": digital_equipment_share,
        "proven_equipment_share": proven_equipment_share,
        "key_equipment_numeric_share": key_equipment_numeric_share,
        "key_equipment_network_share": key_equipment_network_share,
    }
    return [
        result(
            metric, VERSION, "plant", *share(units), origin=w.origin,
            parts={
                "by_machine": ratio(*share(entries)) or "",
                "machines": share(entries)[1],
                "proven": ",".join(sorted(proven)),
            },
            formula="{n} of {d} units by fixed-asset card",
            findings=found if share(units)[1] else [*found, _nothing(metric)],
        )
        for metric, share in figures.items()
    ]  # fmt: skip


METRICS: Final = (
    Metric(
        "digital_equipment_share", VERSION, "数字化装备占比", "1",
        digital_equipment_share, ("register",), f"{N20} 附件1 一(一), 二(三)",
        ("digital_equipment_share",),
    ),
    Metric(
        "proven_equipment_share", VERSION, "已证实数字化装备占比", "1",
        proven_equipment_share, ("register",), f"{N20} 附件1 一(一), measured part",
    ),
    Metric(
        "key_equipment_numeric_share", VERSION, "关键设备数控化率", "1",
        key_equipment_numeric_share, ("register",), f"{N21} 附件5 field 1",
    ),
    Metric(
        "key_equipment_network_share", VERSION, "关键设备联网率", "1",
        key_equipment_network_share, ("register",), f"{N21} 附件5 field 2",
    ),
)  # fmt: skip
