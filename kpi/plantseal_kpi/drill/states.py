"""Machine states and loops: the time figures, and the planned time that others divide by."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.calendar import Span, common, shifts_of
from plantseal_kpi.drill.frames import Drill, Entries
from plantseal_kpi.drill.layers import Layer, calendar_layers, divided, spread
from plantseal_kpi.drill.listing import listed, state_rows
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.intervals import SPAN
from plantseal_kpi.machines import efficiency, oee, ratios
from plantseal_kpi.machines.loops import LoopSpans, loop_spans
from plantseal_kpi.machines.oee import Terms, Times
from plantseal_kpi.machines.production import TIME_FIGURES
from plantseal_kpi.machines.shifts import shift_scope
from plantseal_kpi.machines.short_stops import stopped_shortly
from plantseal_kpi.machines.unmapped import MOST
from plantseal_kpi.machines.work import Machine, times
from plantseal_kpi.plant import Point
from plantseal_kpi.rows.readings import UNAVAILABLE, label
from plantseal_kpi.rows.states import UNKNOWN, alive_spans, mapped_spans, told_spans
from plantseal_kpi.rows.window import Window

Form = Callable[[Times], Terms | None]
FORMS: dict[str, Form] = {
    "availability": oee.availability,
    **{metric: form for metric, form, _ in TIME_FIGURES},
    "effectiveness": lambda t: oee.effectiveness(t, ()),
    "oee": lambda t: oee.oee(t, ()),
    "throughput_rate": lambda t: ratios.throughput_rate(0, t),
    "production_efficiency": lambda t: efficiency.production_efficiency([(t.pbt, ())]),
    "nee setup": lambda t: (t.apt + t.setup, t.apt),
}
"""What time alone adds to a figure; all are sums, so each interval adds its own."""


def time_figure(s: Scene, metric: str, scope: str) -> Drill:
    """Return the drill-down of a figure of states: time by state of each machine."""
    e = Entries(s.limit)
    stated = [m for m in machines(s, scope) if m.states is not None and m.planned_ns]
    add_time(s, e, metric, scope, {m.equipment.id for m in stated})
    add_state_rows(s, e, [m.equipment.id for m in stated])
    return e.drill(metric, scope, s.figure(metric, scope))


def machines(s: Scene, scope: str) -> list[Machine]:
    """Return what the machines of a scope did."""
    ids = {m.id for m in s.equipment(scope)}
    return [m for m in s.study.machines if m.equipment.id in ids]


def shift_of(s: Scene, scope: str) -> list[Span] | None:
    """Return the spans of the shift that a scope names [ns]; None where it names none."""
    if "@" not in scope:
        return None
    name = scope.split("@")[0]
    return [
        (a, b) for day, shift, a, b in shifts_of(s.plant, s.span)
        if shift_scope(name, day, shift) == scope
    ]  # fmt: skip


def add_time(s: Scene, e: Entries, metric: str, scope: str, ids: set[str]) -> None:
    """Take the period of each machine of a scope, divided by state; ``ids`` form the figure."""
    shift = shift_of(s, scope)
    for m in machines(s, scope):
        frame = _states(s.window, m, shift)
        if m.equipment.id not in ids:
            why = "never_planned" if not m.planned_ns else "not_in_figure"
            why = "no_state_tag" if m.planned_ns and m.states is None else why
            kept = pl.when(pl.col("what") == "not planned").then("reason").otherwise(pl.lit(why))
            e.add("intervals", frame.with_columns(reason=kept))
            continue
        e.add("intervals", _with_terms(s, frame, metric))


def _states(w: Window, m: Machine, shift: Sequence[Span] | None) -> pl.DataFrame:
    """Return the period of a machine by state: ``state:<state>``, ``short stop:<state>``."""
    one, of = [0], m.equipment
    whole = spread([(w.start, w.end)], one)
    layers: list[Layer] = list(calendar_layers(w, of.id, one))
    if shift is not None:
        inside = spread(common(shift, w.planned[of.id]), one)
        layers.append(("another shift", "outside_period", _without(whole, inside)))
    for state, a, b in stopped_shortly(w, of):
        layers.append((f"short stop:{state}", "", spread([(a, b)], one)))
    known = mapped_spans(w).filter(pl.col("equipment") == of.id)
    for (state,), part in sorted(known.partition_by("state", as_dict=True).items()):
        layers.append((f"state:{state}", "", _keyed(part)))
    layers += _unknown(w, m)
    layers.append((f"state:{UNKNOWN}", "not_told", whole))
    tags = w.points_of(of, "state")
    return divided(whole, layers, ["tag"]).with_columns(
        equipment=pl.lit(of.id), tag=pl.lit(tags[0].tag if tags else None, pl.UInt32),
        point=pl.lit(tags[0].name if tags else ""),
    )  # fmt: skip


def _unknown(w: Window, m: Machine) -> list[Layer]:
    """Return why a state is not known: no sign of life, a bad value, a word that is not mapped."""
    tags = w.points_of(m.equipment, "state")
    if not tags:
        return []
    told = told_spans(w, tags[0].tag)
    silent = _without(spread([(w.start, w.end)], [0]), _keyed(alive_spans(w, m.equipment.id)))
    words = sorted(set(told["label"].to_list()) - {UNAVAILABLE})
    unmapped = [x for x in words if m.equipment.states.get(x, UNKNOWN) == UNKNOWN]
    named = unmapped if len(unmapped) <= MOST else []
    rest = told.filter(pl.col("label").is_in(unmapped))
    name = f"state:{UNKNOWN}"
    return [
        (name, "no_sign_of_life", silent),
        (name, "bad_value", _keyed(told.filter(pl.col("label") == UNAVAILABLE))),
        *((name, f"not_mapped:{x}", _keyed(told.filter(pl.col("label") == x))) for x in named),
        (name, "not_mapped", _keyed(rest)),
    ]


def _keyed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.lit(0, pl.UInt32).alias("tag"), *SPAN)


def _without(whole: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    return intervals.subtract(whole, inside, ["tag"])


def _with_terms(s: Scene, frame: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Return the intervals with what each adds: the figure's own form, of that interval alone."""
    each = [_terms(metric, what, ns) for what, ns in frame.select(
        "what", pl.col("end") - pl.col("start")).iter_rows()]  # fmt: skip
    nothing = (pl.col("numerator") == 0) & (pl.col("denominator") == 0) & (pl.col("reason") == "")
    return frame.with_columns(
        numerator=pl.Series([n for n, _ in each], dtype=pl.Int64),
        denominator=pl.Series([d for _, d in each], dtype=pl.Int64),
    ).with_columns(reason=pl.when(nothing).then(pl.lit("other_state")).otherwise("reason"))


def _terms(metric: str, what: str, ns: int) -> Terms:
    sort, _, state = what.partition(":")
    planned = sort in ("state", "short stop")
    short = {state: ns} if sort == "short stop" else {}
    t = times(ns, {state: ns}, short) if planned else Times(0, 0)
    if metric == "utilisation":
        return oee.utilisation(t, ns) or (0, 0)
    return FORMS[metric](t) or (0, 0) if planned else (0, 0)


def add_state_rows(s: Scene, e: Entries, ids: Sequence[str], *roles: str) -> None:
    """Take the rows of the state tags (or of other roles that say a word) of machines."""
    by_id = {m.equipment.id: m.equipment for m in s.study.machines}
    points = s.points(ids, roles or ("state",))
    if not points:
        return
    first = {(p.equipment, p.role): p.tag for p in reversed(points)}
    other = [p.tag for p in points if first[p.equipment, p.role] != p.tag]
    mapped = pl.DataFrame(
        [(p.tag, x, True) for p in points if p.role == "state"
         for x, state in by_id[p.equipment].states.items() if state != UNKNOWN],
        schema={"tag": pl.UInt32, "label": pl.String, "known": pl.Boolean}, orient="row",
    )  # fmt: skip
    states = [p.tag for p in points if p.role == "state"]
    why = (
        pl.when(pl.col("tag").is_in(other)).then(pl.lit("another_tag_counts"))
        .when(pl.col("tag").is_in(states) & pl.col("known").is_null())
        .then(pl.lit("not_mapped:") + pl.col("value").fill_null("")).otherwise(pl.lit(""))
    )  # fmt: skip
    for w, rows in s.opened(points):
        said = rows.select("seq", label=label())
        found = listed(w, rows, points, at="happened").join(said, on="seq", how="left")
        e.add("rows", state_rows(w, found.join(mapped, on=["tag", "label"], how="left"), why))


def loops(s: Scene, metric: str, scope: str) -> Drill:
    """Return the planned time of each control loop: in service, or why not."""
    e = Entries(s.limit)
    by_name = {p.name: p for p in s.plant.points}
    points: dict[int, Point] = {}
    for loop in s.plant.process.loops:
        mode = by_name.get(loop.mode)
        if mode is None:
            continue
        e.add("intervals", _loop(s.window, loop.id, mode, loop_spans(s.window, loop)))
        points |= {p.tag: p for p in (mode, by_name.get(loop.output or "")) if p is not None}
    asked = sorted(points.values(), key=lambda p: p.tag)
    for w, rows in s.opened(asked) if asked else ():
        e.add("rows", state_rows(w, listed(w, rows, asked, at="happened")))
    return e.drill(metric, scope, s.figure(metric, scope))


def _loop(w: Window, name: str, mode: Point, x: LoopSpans) -> pl.DataFrame:
    one: Any = [0]
    whole = spread([(w.start, w.end)], one)
    layers: list[Layer] = [
        *calendar_layers(w, mode.equipment, one),
        ("excluded", "signed_exclusion", spread(x.excluded, one)),
        ("in service", "", spread(x.service, one)),
        ("not in service", "unread", spread(x.unknown, one)),
        ("not in service", "limited", spread(x.auto, one)),
        ("not in service", "manual", whole),
    ]
    found = divided(whole, layers, ["tag"])
    ns, what = pl.col("end") - pl.col("start"), pl.col("what")
    return found.with_columns(
        equipment=pl.lit(mode.equipment), tag=pl.lit(mode.tag, pl.UInt32), point=pl.lit(name),
        numerator=pl.when(what == "in service").then(ns).otherwise(0),
        denominator=pl.when(what.is_in(["in service", "not in service"])).then(ns).otherwise(0),
    )  # fmt: skip
