"""Evidence of life: the upload rate, the network facts and the process parameters."""

from collections.abc import Sequence
from functools import partial

import polars as pl

from plantseal_kpi.drill.frames import Drill, Entries
from plantseal_kpi.drill.layers import calendar_layers, divided, only, spread
from plantseal_kpi.drill.listing import life, listed
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.figures import mean_terms
from plantseal_kpi.intervals import length, subtract
from plantseal_kpi.machines.collection import KINDS, Collected, collected
from plantseal_kpi.machines.network import CLASSES
from plantseal_kpi.machines.upload import DeviceTime, device_share, in_scope
from plantseal_kpi.machines.upload_notes import linked_tags
from plantseal_kpi.plant import Equipment, Point
from plantseal_kpi.rows.coverage import beating, covered, silences
from plantseal_kpi.rows.readings import SECOND
from plantseal_kpi.rows.window import Window


def upload(s: Scene, metric: str, scope: str) -> Drill:
    """Return the drill-down of the upload rate of the plant or of one machine.

    Numerator: covered time [ns]; denominator: required time [ns], once a required point; the
    weight brings every machine to the same denominator.
    """
    e = Entries(s.limit)
    machines = [m for m in in_scope(s.window) if scope in ("plant", m.id)]
    cover = _cover(s.window)
    amiss = silences(s.window.seen, s.window.points)
    weights = _weights(s.window, machines) if scope == "plant" else dict.fromkeys(
        (m.id for m in machines), 1
    )  # fmt: skip
    for m in machines:
        _machine(s.window, e, m, str(weights[m.id]), cover, amiss)
    if scope == "plant":
        for m in s.plant.equipment:
            if m not in machines:
                _outside(s.window, e, m)
    points = [p for m in machines for p in _required(s.window, m)]
    beats = [p for m in machines for p in s.window.points_of(m, "heartbeat") if not p.required]
    evidence(s, e, sorted([*points, *beats], key=lambda p: p.tag))
    return e.drill(metric, scope, s.figure(metric, scope))


def _cover(w: Window) -> pl.DataFrame:
    return covered(w.seen, w.points, w.plant.upload_delay_s * SECOND)


def _required(w: Window, m: Equipment) -> list[Point]:
    return [p for p in w.points_of(m) if p.required and p.role != "link"]


def _weights(w: Window, machines: Sequence[Equipment]) -> dict[str, int]:
    """Return by how much the time of each machine counts in the mean over the register."""
    asked = [m for m in machines if length(w.planned[m.id])]
    each = [
        device_share(DeviceTime(tuple(0 for _ in _required(w, m)), length(w.planned[m.id])))[1]
        for m in asked
    ]
    weights = dict.fromkeys((m.id for m in machines), 0)
    for i, m in enumerate(asked):
        weights[m.id] = mean_terms((int(i == j), d) for j, d in enumerate(each))[0]
    return weights


def _machine(
    w: Window, e: Entries, m: Equipment, weight: str, cover: pl.DataFrame, amiss: pl.DataFrame
) -> None:
    points = _required(w, m)
    if not points:
        planned = spread(w.planned[m.id], [0])
        layers = [*calendar_layers(w, m.id, [0]), ("uncovered", "no_point", planned)]
        found = divided(spread([(w.start, w.end)], [0]), layers, ["tag"])
        e.add("intervals", _adding(found, weight).with_columns(
            equipment=pl.lit(m.id), tag=pl.lit(None, pl.UInt32), point=pl.lit("")
        ))  # fmt: skip
        return
    e.add("intervals", _adding(covered_intervals(w, m, points, cover, amiss), weight))


def covered_intervals(
    w: Window, m: Equipment, points: Sequence[Point], cover: pl.DataFrame, amiss: pl.DataFrame
) -> pl.DataFrame:
    """Return the period of each point: not planned, covered, or uncovered and why."""
    tags = [p.tag for p in points]
    whole = spread([(w.start, w.end)], tags)
    wrong = only(tags, amiss)
    of = partial(_of_reason, wrong)
    layers = [
        *calendar_layers(w, m.id, tags),
        ("covered", "", only(tags, cover)),
        ("uncovered", "gateway_gap", of("gateway_gap")),
        ("uncovered", "late", only(tags, w.complete)),
        *(
            ("uncovered", reason, of(reason))
            for reason in ("session_lost", "overflow", "no_answer", "bad_value")
        ),
        ("uncovered", "frozen", _frozen(w, m, whole)),
        ("uncovered", "silent", whole),
    ]
    names = pl.DataFrame(
        [(p.tag, p.name) for p in points], schema={"tag": pl.UInt32, "point": pl.String},
        orient="row",
    )  # fmt: skip
    found = divided(whole, layers, ["tag"])
    return found.join(names, on="tag").with_columns(equipment=pl.lit(m.id))


def _frozen(w: Window, m: Equipment, whole: pl.DataFrame) -> pl.DataFrame:
    """Return the time in which the heartbeat of a machine did not toggle; none without one."""
    if not w.points_of(m, "heartbeat"):
        return whole.clear()
    beats = beating(w.seen, w.points).filter(pl.col("equipment") == m.id)
    alive = whole.select("tag").unique().join(beats.select("start", "end"), how="cross")
    return subtract(whole, alive, ["tag"])


def _of_reason(amiss: pl.DataFrame, reason: str) -> pl.DataFrame:
    return amiss.filter((pl.col("reason") == reason) & pl.col("end").is_not_null())


def _adding(found: pl.DataFrame, weight: str) -> pl.DataFrame:
    ns, what = pl.col("end") - pl.col("start"), pl.col("what")
    return found.with_columns(
        numerator=pl.when(what == "covered").then(ns).otherwise(0),
        denominator=pl.when(what == "not planned").then(0).otherwise(ns),
        weight=pl.lit(weight),
    )


def _outside(w: Window, e: Entries, m: Equipment) -> None:
    frame = pl.DataFrame({
        "equipment": [m.id], "what": ["not asked"], "start": [w.start], "end": [w.end],
        "reason": ["not_in_scope"],
    })  # fmt: skip
    e.add("intervals", frame)


def evidence(s: Scene, e: Entries, points: Sequence[Point]) -> None:
    """Take every row of ``points`` and of their links, as evidence of life."""
    for w, rows in s.opened(points):
        e.add("rows", life(w, listed(w, rows, points, at="at")))


def classes(s: Scene, metric: str, scope: str) -> Drill:
    """Return which classes of equipment are connected, with the coverage that connects them."""
    e = Entries(s.limit)
    e.join(upload(s, "upload_rate", "plant"), used=False)
    linked = linked_tags(s.window, _cover(s.window))
    units = []
    for cls, name in CLASSES.items():
        mine = [m for m in in_scope(s.window) if m.cls == cls]
        now = [m.id for m in mine if linked & {p.tag for p in s.window.points_of(m)}]
        units.append({
            "unit": name, "equipment": ",".join(m.id for m in mine), "level": "",
            "proof": ",".join(now), "numerator": int(bool(now)), "denominator": 1,
            "reason": "" if now else "class_absent",
        })  # fmt: skip
    e.add("units", pl.DataFrame(units))
    return e.drill(metric, scope, s.figure(metric, scope))


def real_time(s: Scene, metric: str, scope: str) -> Drill:
    """Return whether values arrive in time, with the rows whose delays say so."""
    e = Entries(s.limit)
    e.join(upload(s, "upload_rate", "plant"), used=False)
    figure = s.figure(metric, scope)
    now = int(figure.numerator or 0) if figure is not None else 0
    delay = figure.parts["p95_delay_ns"] if figure is not None else ""
    e.add("units", pl.DataFrame([{
        "unit": s.plant.site, "equipment": ",".join(m.id for m in in_scope(s.window)),
        "level": f"p95 {delay or '?'} ns", "proof": "", "numerator": now, "denominator": 1,
        "reason": "" if now else "late",
    }]))  # fmt: skip
    return e.drill(metric, scope, figure)


def parameters(s: Scene, metric: str, scope: str) -> Drill:
    """Return the parameters of the process plan, or their kinds, with the coverage of each."""
    e = Entries(s.limit)
    by_name = {p.name: p for p in s.plant.points}
    listed_ = [by_name[x.point] for x in s.plant.process.parameters if x.point in by_name]
    points = sorted({p.tag: p for p in listed_}.values(), key=lambda p: p.tag)
    cover = _cover(s.window)
    amiss = silences(s.window.seen, s.window.points)
    for m in s.plant.equipment:
        mine = [p for p in points if p.equipment == m.id]
        if mine:
            e.add("intervals", _adding(covered_intervals(s.window, m, mine, cover, amiss), "0"))
    evidence(s, e, points)
    each = collected(s.window)
    if metric == "quality_alert_data_kinds":
        units = [_kind(kind, [p for p in each if p.kind == kind]) for kind in KINDS]
    else:
        units = [
            {
                "unit": p.id, "equipment": "", "level": p.kind,
                "proof": "" if p.by_hand else f"{p.covered_ns} / {p.required_ns} ns",
                "numerator": int(p.enough), "denominator": int(p.required_ns > 0),
                "reason": _why(p),
            }
            for p in each
        ]  # fmt: skip
    if units:
        e.add("units", pl.DataFrame(units))
    return e.drill(metric, scope, s.figure(metric, scope))


def _kind(kind: str, mine: Sequence[Collected]) -> dict[str, object]:
    enough = [p.id for p in mine if p.enough]
    return {
        "unit": kind, "equipment": "", "level": f"{len(enough)}/{len(mine)}",
        "proof": ",".join(enough), "numerator": int(bool(enough)), "denominator": 1,
        "reason": "" if enough else "not_enough",
    }  # fmt: skip


def _why(p: Collected) -> str:
    if p.enough:
        return ""
    if not p.required_ns:
        return "never_planned"
    return "by_hand" if p.by_hand else "not_enough"
