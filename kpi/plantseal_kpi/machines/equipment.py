"""Shares of digital equipment (数字化装备占比): declared, and proven by what was read.

Levels L0 to L3 are those of :mod:`plantseal_kpi.machines.levels`. The unit of count is the
fixed-asset card: a line under one card is one unit, and only as digital as its least digital
member; the share by machine is printed beside. 数字化装备 and the narrower 数控装备 of before 2020
are counted apart.

Source: definitions 2.1; 渝经信智能〔2020〕15号 附件1 一(一), 二(三); 〔2021〕114号 附件5 fields 1, 2.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding, result
from plantseal_kpi.machines.levels import proven_equipment, uploading_equipment
from plantseal_kpi.metric import N20, N21, Metric
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.window import Window

VERSION = 1
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
        numeric: Numerically controlled; None where the register does not say.
        uploading: L3.
    """

    id: str
    members: int
    declared: bool
    proven: bool
    key: bool
    numeric: bool | None = None
    uploading: bool = False


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


def uploading_equipment_share(units: Sequence[Unit]) -> Terms:
    """Return (units at L3, units).

    Example:
        >>> uploading_equipment_share([Unit("a", 1, True, True, False, uploading=True)])
        (1, 1)
    """
    return sum(u.uploading for u in units), len(units)


def numeric_equipment_share(units: Sequence[Unit]) -> Terms:
    """Return (numerically controlled units, units): 数控装备, the narrower count of before 2020.

    Example:
        >>> numeric_equipment_share([Unit("a", 1, True, True, False, numeric=True),
        ...                          Unit("b", 1, True, True, False)])
        (1, 2)
    """
    return sum(u.numeric is True for u in units), len(units)


def key_equipment_numeric_share(units: Sequence[Unit]) -> Terms:
    """Return (key units with a numeric or programmable control, key units): 关键设备数控化率.

    Example:
        >>> key_equipment_numeric_share([Unit("a", 1, True, False, True), Unit("b", 1, False, False, True)])
        (1, 2)
    """
    key = [u for u in units if u.key]
    return sum(u.declared or u.proven or u.numeric is True for u in key), len(key)


def key_equipment_network_share(units: Sequence[Unit]) -> Terms:
    """Return (key units proven L2, key units): 关键设备联网率."""
    return proven_equipment_share([u for u in units if u.key])


def by_card(
    equipment: Sequence[Equipment], proven: set[str], uploading: Collection[str] = ()
) -> list[Unit]:
    """Return production equipment by fixed-asset card, in order of first appearance.

    A unit is at a level where all its members are.

    Args:
        equipment: The register.
        proven: Ids at L2.
        uploading: Ids at L3.
    """
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
            _numeric([m.numeric for m in members]),
            all(m.id in uploading for m in members),
        )
        for card, members in cards.items()
    ]


def _numeric(members: Sequence[bool | None]) -> bool | None:
    if False in members:
        return False
    return None if None in members else True


def _nothing(metric: str) -> Finding:
    kind = "key equipment" if metric.startswith("key_") else "production equipment"
    return finding("figure.none", f"{metric}: the register names no {kind}")


def equipment_results(w: Window, upload: Sequence[Result]) -> list[Result]:
    """Return the shares of the plant; the count by register entry stands in the parts.

    Args:
        w: The period.
        upload: Upload rates of the plant and its machines.
    """
    proven, found = proven_equipment(w)
    uploading, low = uploading_equipment(upload, proven)
    units = by_card(w.plant.equipment, proven, uploading or ())
    alone = [e.model_copy(update={"card": ""}) for e in w.plant.equipment]
    entries = by_card(alone, proven, uploading or ())
    found += _crowded(units)
    unsaid = sum(u.numeric is None for u in units)
    notes = {"uploading_equipment_share": low, "numeric_equipment_share": _unsaid(units)}
    out = []
    for metric, share in SHARES.items():
        n, d = share(units)
        known = metric != "uploading_equipment_share" or uploading is not None
        bounds = None
        if metric == "numeric_equipment_share" and unsaid:
            bounds = Fraction(n, d), Fraction(n + unsaid, d)
            known = unsaid < d  # where nobody said anything, 0 would be an answer
        out.append(
            result(
                metric, VERSION, "plant", n if known else None, d, origin=w.origin, bounds=bounds,
                parts={
                    "by_machine": ratio(*share(entries)) if known else None,
                    "machines": share(entries)[1],
                    "proven": ",".join(sorted(proven)),
                },
                formula="{n} of {d} units by fixed-asset card",
                findings=[*found, *notes.get(metric, []), *([] if d else [_nothing(metric)])],
            )
        )  # fmt: skip
    return out


def _crowded(units: Sequence[Unit]) -> list[Finding]:
    crowded = ", ".join(u.id for u in units if u.members >= 3)
    if not crowded:
        return []
    why = "three or more machines on one card count as one unit; the share by machine is printed"
    return [finding("equipment.card", f"{crowded}: {why} beside it", cards=crowded)]


def _unsaid(units: Sequence[Unit]) -> list[Finding]:
    silent = [u.id for u in units if u.numeric is None]
    if not silent:
        return []
    listed = ", ".join(silent[:10]) + (" …" if len(silent) > 10 else "")
    why = "the register does not say whether they are numerically controlled; not counted"
    remedy = "fill in the column `numeric`"
    n = len(silent)
    return [finding("equipment.numeric_unsaid", f"{n} units: {why} ({listed}); {remedy}", n=n)]


SHARES: Final[dict[str, Callable[[Sequence[Unit]], Terms]]] = {
    "digital_equipment_share": digital_equipment_share,
    "proven_equipment_share": proven_equipment_share,
    "uploading_equipment_share": uploading_equipment_share,
    "numeric_equipment_share": numeric_equipment_share,
    "key_equipment_numeric_share": key_equipment_numeric_share,
    "key_equipment_network_share": key_equipment_network_share,
}
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
        "uploading_equipment_share", VERSION, "持续上传装备占比", "1",
        uploading_equipment_share, ("register", "required points"), "definitions 2.1, level L3",
        witnessed=True,
    ),
    Metric(
        "numeric_equipment_share", VERSION, "数控装备占比", "1",
        numeric_equipment_share, ("register",), "definitions 1.3, trap 4",
    ),
    Metric(
        "key_equipment_numeric_share", VERSION, "关键设备数控化率", "1",
        key_equipment_numeric_share, ("register",), f"{N21} 附件5 field 1",
        ("key_equipment_numeric_control_rate",),
    ),
    Metric(
        "key_equipment_network_share", VERSION, "关键设备联网率", "1",
        key_equipment_network_share, ("register",), f"{N21} 附件5 field 2",
        ("key_equipment_networking_rate",),
    ),
)  # fmt: skip
