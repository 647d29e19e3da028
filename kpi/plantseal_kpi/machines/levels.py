"""Levels of digital equipment: which machines are proven, and which of them upload.

L0 no digital controller; L1 declared programmable with a data interface; L2 proven: the gateway
read the machine's identity *and* at least one changing value in the period; L3: L2 and an upload
rate of its own of at least 0.9. Recorded data carry no identity, so there a changing value alone is
the proof, and the figure says so. One single constant value proves nothing.

Source: definitions 2.1.
"""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.figures import finding
from plantseal_kpi.machines.upload_notes import changing_tags
from plantseal_kpi.report import Finding, Result
from plantseal_kpi.rows.window import Window
from plantseal_kpi.schema import Kind, VType

LEAST: Final = Fraction(9, 10)
_ABOUT_THE_SESSION = frozenset(
    {"endpoint", "security", "authenticated", "clock_offset_ns", "limits", "refused"}
)


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


def uploading_equipment(
    upload: Sequence[Result], proven: set[str]
) -> tuple[set[str] | None, list[Finding]]:
    """Return the ids of proven equipment whose own upload rate is at least 0.9 (L3).

    None where the upload rate cannot be assessed at all.

    Args:
        upload: Upload rates of the plant and of each machine in scope.
        proven: Ids of equipment at L2.
    """
    rates = {r.scope: r for r in upload if r.metric == "upload_rate"}
    blocked = [f for f in rates["plant"].findings if f.code == "upload.no_receive_times"]
    if blocked:
        return None, blocked
    enough = {
        scope
        for scope, r in rates.items()
        if r.value is not None and Fraction(int(r.numerator or 0), int(r.denominator or 1)) >= LEAST
    }
    short = sorted(proven - enough)
    found = []
    if short:
        found.append(
            finding(
                "equipment.upload_low",
                f"{', '.join(short)}: proven, but with an upload rate below 0.9 or outside its "
                "scope; not counted as L3",
                equipment=",".join(short),
            )
        )
    return enough & proven, found
