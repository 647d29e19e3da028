"""Upload rate of information (信息上传率), formula ``upload_rate/1``.

The share of the required time in which evidence of life covers the required points, averaged over
the points of a machine and over all registered machines; a machine that is not connected counts 0.
Polling faster, duplicates and replay cannot raise it, late data cannot repair it.

Source: definitions 4.3; the term stands in 渝经信智能〔2020〕15号 附件1 一(二) without a formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import shift_spans, stop_spans, without
from plantseal_kpi.figures import finding, mean_terms, result
from plantseal_kpi.intervals import length
from plantseal_kpi.machines.upload_notes import delays, linked_tags, notes, slots
from plantseal_kpi.machines.upload_time import time_parts
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.coverage import covered
from plantseal_kpi.rows.marks import number
from plantseal_kpi.rows.readings import SECOND
from plantseal_kpi.rows.window import Window

VERSION = 1
SCOPE = ("processing", "inspection", "logistics")
NOTABLE_EXCLUSION = Fraction(1, 10)


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """Time of one machine.

    Attributes:
        covered_ns: Covered time of each required point within the required time [ns].
        required_ns: Required time [ns].
    """

    covered_ns: tuple[int, ...]
    required_ns: int


def device_share(device: DeviceTime) -> tuple[int, int]:
    """Return U_d as (numerator, denominator) [ns]: mean over the required points; 0 without any.

    Example:
        >>> device_share(DeviceTime((90, 70), 100))
        (160, 200)
    """
    return sum(device.covered_ns), max(1, len(device.covered_ns)) * device.required_ns


def upload_rate(devices: Sequence[DeviceTime]) -> tuple[int, int]:
    """Return U as (numerator, denominator) [ns]: mean of U_d over the registered machines.

    Machines with no required time in the window are left out; with none left, (0, 0).

    Example:
        >>> upload_rate([DeviceTime((90,), 100), DeviceTime((), 100)])
        (90, 200)
    """
    return mean_terms(device_share(d) for d in devices if d.required_ns > 0)


def in_scope(w: Window) -> list[Equipment]:
    """Return the registered machines whose information has to be uploaded: 加工, 检测, 物流."""
    return [e for e in w.plant.equipment if e.cls in SCOPE]


def _times(w: Window, cover: pl.DataFrame, *, around_the_clock: bool = False) -> list[DeviceTime]:
    """Return one :class:`DeviceTime` a machine in scope, in register order."""
    whole = [(w.start, w.end)]
    required = {e.id: whole if around_the_clock else w.planned[e.id] for e in in_scope(w)}
    spans = pl.DataFrame(
        [
            (p.tag, a, b)
            for p in w.plant.points
            if p.required and p.role != "link"
            for a, b in required.get(p.equipment, [])
        ],
        schema={"tag": pl.UInt32, **intervals.SPAN},
        orient="row",
    )
    inside = intervals.measure(intervals.intersect(cover, spans, ["tag"]), ["tag"])
    ns = dict(inside.iter_rows())
    return [
        DeviceTime(
            tuple(int(ns.get(p.tag, 0)) for p in w.points_of(e) if p.required and p.role != "link"),
            length(required[e.id]),
        )
        for e in in_scope(w)
    ]


def _unassessable(w: Window) -> Finding | None:
    if w.origin == "imported" and w.seen.values["t_receive"].null_count():
        return finding(
            "upload.no_receive_times",
            "the records were imported without receive times, so nothing shows when they were "
            "uploaded; record with the gateway to get an upload rate",
            rows=number(w.seen.values.filter(pl.col("t_receive").is_null())),
        )
    return None


def upload_results(w: Window) -> list[Result]:
    """Return the upload rate of the plant and of each machine in scope.

    The plant's figure carries, beside U: link and point rate, completeness, U by class and on
    24 x 7, exclusion share, slot rate and the 95th percentile of the delay.
    """
    blocked = _unassessable(w)
    machines = in_scope(w)
    limit = w.plant.upload_delay_s * SECOND
    cover = covered(w.seen, w.points, limit)
    times = _times(w, cover)
    linked = linked_tags(w, cover)
    parts: dict[str, int | str | Fraction | None] = {}
    link = [bool(linked & {p.tag for p in w.points_of(e)}) for e in machines]
    points = [p.tag for e in machines for p in w.points_of(e) if p.required and p.role != "link"]
    parts["devices"], parts["devices_linked"] = len(machines), sum(link)
    parts["link_rate"] = ratio(sum(link), len(machines))
    parts["points"], parts["points_linked"] = len(points), len(linked & set(points))
    parts["point_rate"] = ratio(len(linked & set(points)), len(points))
    for cls in SCOPE:
        mine = [i for i, e in enumerate(machines) if e.cls == cls]
        parts[f"devices_{cls}"] = len(mine)
        parts[f"devices_linked_{cls}"] = sum(link[i] for i in mine)
        if blocked is None:
            parts[f"rate_{cls}"] = ratio(*upload_rate([times[i] for i in mine]))
    parts["exclusion_share"] = _exclusion(w, machines)
    parts |= time_parts(w, machines)
    findings = [
        *([blocked] if blocked else []),
        *_excluded(parts["exclusion_share"]),
        *notes(w, machines, link),
    ]
    if blocked:
        plant = result(
            "upload_rate", VERSION, "plant", None, None, origin=w.origin, parts=parts,
            findings=findings,
        )  # fmt: skip
        return [plant]
    parts["completeness"] = ratio(*upload_rate(_times(w, w.complete)))
    parts["rate_24x7"] = ratio(*upload_rate(_times(w, cover, around_the_clock=True)))
    timely_slots, all_slots = slots(w, limit)
    parts["slots"], parts["slots_timely"] = all_slots, timely_slots
    parts["slot_rate"] = ratio(timely_slots, all_slots)
    parts["p95_delay_ns"] = delays(w)
    numerator, denominator = upload_rate(times)
    plant = result(
        "upload_rate", VERSION, "plant", numerator, denominator, origin=w.origin, parts=parts,
        formula="covered {n} ns / required {d} ns, mean over the register",
        findings=findings,
    )  # fmt: skip
    return [plant, *(_device(w, e, t) for e, t in zip(machines, times, strict=True))]


def _device(w: Window, e: Equipment, time: DeviceTime) -> Result:
    names = [p.name for p in w.points_of(e) if p.required and p.role != "link"]
    shares = zip(names, time.covered_ns, strict=True)
    return result(
        "upload_rate", VERSION, e.id, *device_share(time), origin=w.origin,
        parts={f"covered_ns {name}": ns for name, ns in shares},
        formula="covered {n} ns / required {d} ns, mean over the required points",
    )  # fmt: skip


def _excluded(share: object) -> list[Finding]:
    """Return the flag on planned stops that take out more than a tenth (definitions 4.1)."""
    if not isinstance(share, str) or Fraction(share) <= NOTABLE_EXCLUSION:
        return []
    why = f"planned stops take {Decimal(share) * 100:.2f} % out of the shifts; over 10 % is notable"
    return [finding("upload.exclusions", f"{why}, see rate_24x7 for the gross figure", share=share)]


def _exclusion(w: Window, machines: Sequence[Equipment]) -> str | None:
    shifts = shift_spans(w.plant.calendar, w.plant.zone, (w.start, w.end))
    kept = [length(without(shifts, stop_spans(w.plant.calendar, e.id))) for e in machines]
    total = length(shifts) * len(machines)
    return ratio(total - sum(kept), total)


METRICS: Final = (
    Metric(
        "upload_rate", VERSION, "信息上传率", "1", upload_rate,
        ("required points", "register", "calendar"), f"{N20} 附件1 一(二)", ("data_upload_rate",),
        witnessed=True,
    ),
)  # fmt: skip
