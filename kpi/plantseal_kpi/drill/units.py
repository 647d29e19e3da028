"""Units of the equipment register: levels by fixed-asset card, with what proves each member."""

import polars as pl

from plantseal_kpi.drill.frames import Drill, Entries
from plantseal_kpi.drill.life import upload
from plantseal_kpi.drill.listing import listed, proving
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.machines.equipment import SHARES, Unit, by_card
from plantseal_kpi.machines.levels import identified, proven_equipment, uploading_equipment
from plantseal_kpi.machines.upload_notes import changing_tags
from plantseal_kpi.plant import Equipment


def share(s: Scene, metric: str, scope: str) -> Drill:
    """Return the units of an equipment share with their level, and the rows that prove it."""
    e = Entries(s.limit)
    w = s.window
    named, moving = identified(w), changing_tags(w)
    changing = {p.equipment for p in w.plant.points if p.tag in moving and p.role != "link"}
    proven, _ = proven_equipment(w)
    uploading, _ = uploading_equipment(s.study.results, proven)
    entries = []
    for members in _cards(w.plant.equipment):
        (unit,) = by_card(members, proven, uploading or ())
        n, d = SHARES[metric]([unit])
        proof = [_proof(m, named, changing, uploading or set()) for m in members]
        entries.append({
            "unit": unit.id, "equipment": ",".join(m.id for m in members), "level": _level(unit),
            "proof": "; ".join(proof), "numerator": n, "denominator": d,
            "reason": _why(metric, unit, n, d),
        })  # fmt: skip
    entries += [
        {"unit": m.card or m.id, "equipment": m.id, "level": "", "proof": "", "numerator": 0,
         "denominator": 0, "reason": "not_in_scope"}
        for m in w.plant.equipment if not m.production
    ]  # fmt: skip
    if entries:
        e.add("units", pl.DataFrame(entries))
    if metric == "uploading_equipment_share":
        e.join(upload(s, "upload_rate", "plant"), used=False)
    else:
        _proofs(s, e, moving, named)
    return e.drill(metric, scope, s.figure(metric, scope))


def _cards(equipment: tuple[Equipment, ...]) -> list[list[Equipment]]:
    """Return the members of each card, in the order of :func:`by_card`."""
    cards: dict[tuple[str, str], list[Equipment]] = {}
    for m in equipment:
        if m.production:
            cards.setdefault((m.card, "" if m.card else m.id), []).append(m)
    return list(cards.values())


def _proof(m: Equipment, named: set[str], changing: set[str], uploading: set[str]) -> str:
    known = [f"declared {m.declared_level}"]
    known += ["identity read"] if m.id in named else []
    known += ["value changed"] if m.id in changing else []
    known += ["upload rate at least 0.9"] if m.id in uploading else []
    return f"{m.id}: {', '.join(known)}"


def _level(unit: Unit) -> str:
    if unit.uploading:
        return "L3"
    if unit.proven:
        return "L2"
    return "L1" if unit.declared else "L0"


def _why(metric: str, unit: Unit, n: int, d: int) -> str:
    if n:
        return ""
    if not d:
        return "not_key"
    unsaid = metric == "numeric_equipment_share" and unit.numeric is None
    return "not_said" if unsaid else "not_met"


def _proofs(s: Scene, e: Entries, moving: set[int], named: set[str]) -> None:
    points = s.points({m.id for m in s.plant.equipment})
    births = [p.link for p in points if p.equipment in named]
    session = (pl.col("point") == "") & pl.col("kind").is_in(["BIRTH", "KEEPALIVE"])
    for w, rows in s.opened(points) if points else ():
        found = listed(w, rows, points, at="at")
        names = session & pl.col("tag").is_in(births) & pl.col("text").is_not_null()
        found = found.with_columns(
            reason=pl.when(names & (pl.col("reason") == "not_a_value"))
            .then(pl.lit("")).otherwise("reason")
        )  # fmt: skip
        constant = ~pl.col("tag").is_in(list(moving)) & (pl.col("point") != "")
        e.add("rows", proving(w, found, pl.when(constant).then(pl.lit("constant"))
                              .otherwise(pl.lit(""))))  # fmt: skip
