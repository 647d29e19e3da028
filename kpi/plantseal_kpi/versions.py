"""Which configuration judges a period: the one that was in force when it began.

What is changed while a period runs takes effect with the next one, so nobody can choose register,
calendar, cycle times or required points by what came out. A few things cannot be known earlier and
are taken from the last configuration: ledgers, meter changes, declared facts, the notices asked for.
A planned stop, and an exclusion of a loop, counts when it stood in the configuration that was in
force when it began; where a period began before the first configuration, nothing that had begun by
then was announced, and it does not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plantseal_kpi.calendar import local_text, ns, period_span
from plantseal_kpi.figures import finding
from plantseal_kpi.plant import LoopExclusion, Period, PlannedStop, Plant, Window
from plantseal_kpi.report import Declaration, Finding

LATER: Final = ("ledgers", "meters", "declared", "notices", "project", "name", "windows")
"""Fields of the plant that the last configuration gives: they come to be while a period runs."""
MAX_LISTED: Final = 20
"""Changes named one by one; the rest is counted."""
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Version:
    """A configuration as the log holds it.

    Attributes:
        since: When it came into force [ns]; not earlier than that of any version before it.
        sha256: Digest of the configuration.
        plant: The plant it describes.
    """

    since: int
    sha256: str
    plant: Plant


@dataclass(frozen=True, slots=True)
class Chosen:
    """What judges a period.

    Attributes:
        plant: Register, calendar, points and all else as they count for the period.
        window: Id of the declared window that the period is; None where it was not declared
            before it began.
        windows: Every window that was ever declared, in the order of declaration.
        findings: What a reader must know of the choice.
        logged: True when it was chosen from the configurations of a log.
    """

    plant: Plant
    window: str | None = None
    windows: tuple[Declaration, ...] = ()
    findings: tuple[Finding, ...] = ()
    logged: bool = False


def in_force(versions: Sequence[Version], t_ns: int) -> Version | None:
    """Return the version in force at an instant [ns]; None before the first."""
    before = [v for v in versions if v.since <= t_ns]
    return before[-1] if before else None


def chosen(versions: Sequence[Version], period: Period) -> Chosen:
    """Return what judges ``period``.

    The configuration in force when it began. A period that began before the first one is judged by
    the first if that came into force while it ran, else, as with records of before the gateway, by
    the last; both are said.

    Args:
        versions: All configurations of the log, in its order.
        period: What is reported.

    Raises:
        ValueError: There is no version.
    """
    if not versions:
        raise ValueError("versions: got none, expected the configurations of the log")
    start, end = period_span(period)
    found: list[Finding] = []
    judge = in_force(versions, start)
    if judge is None:
        first = versions[0]
        judge = first if first.since < end else versions[-1]
        found.append(_undeclared(first, (start, end)))
    found += _changes(versions, judge, (start, end))
    window, declarations, said = _windows(versions, period)
    plant = judge.plant.model_copy(
        update={field: getattr(versions[-1].plant, field) for field in LATER}
    )
    stops, late_stops = _stops(versions, judge.plant, (start, end))
    loops, late_loops = _exclusions(versions, judge.plant, (start, end))
    plant = plant.model_copy(
        update={
            "calendar": plant.calendar.model_copy(update={"stops": stops}),
            "process": plant.process.model_copy(update={"exclusions": loops}),
        }
    )
    findings = (*found, *said, *late_stops, *late_loops)
    return Chosen(plant, window, declarations, findings, logged=True)


def _undeclared(first: Version, span: tuple[int, int]) -> Finding:
    zone = first.plant.zone
    began, since = local_text(span[0], zone), local_text(first.since, zone)
    if first.since < span[1]:
        return finding(
            "config.after_start",
            f"the period began at {began}, before the first configuration came into force at "
            f"{since}; that one judges it: begin a period after its configuration",
            since=since,
        )
    return finding(
        "config.retrospective",
        f"the period lies before the first configuration, of {since}; nothing of it was declared "
        "beforehand, and the last configuration judges it",
        since=since,
    )


def _changes(versions: Sequence[Version], judge: Version, span: tuple[int, int]) -> list[Finding]:
    """Return what was changed while the period ran and does not count for it."""
    found: list[Finding] = []
    before = judge
    for version in versions:
        if version.since <= max(span[0], judge.since) or version.since >= span[1]:
            continue
        when = local_text(version.since, version.plant.zone)
        for where, old, new in differences(before.plant, version.plant):
            found.append(
                finding(
                    "config.changed",
                    f"the configuration was changed at {when}, while the period ran: {where} was "
                    f"{old}, became {new}; it counts from the next period on",
                    at=when, where=where, old=old, new=new,
                )
            )  # fmt: skip
        before = version
    if len(found) > MAX_LISTED:
        more = len(found) - MAX_LISTED
        found[MAX_LISTED:] = [
            finding("config.changed", f"{more} more changes while the period ran", changes=more)
        ]
    return found


def differences(old: Plant, new: Plant) -> list[tuple[str, str, str]]:
    """Return place, old and new value of what differs, but for what comes to be later.

    Entries of lists are named by their id or name. Stops and exclusions have their own rule.
    """
    bodies = [p.model_dump(mode="json", exclude=set(LATER)) for p in (old, new)]
    for body in bodies:
        body["calendar"].pop("stops")
        body["process"].pop("exclusions")
    return list(_differences(bodies[0], bodies[1], ""))


def _differences(old: Any, new: Any, where: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            inner = f"{where}.{key}" if where else str(key)
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), inner)
    elif isinstance(old, list) and isinstance(new, list):
        before, after = _by_name(old), _by_name(new)
        for key in dict.fromkeys([*before, *after]):
            one, other = before.get(key, _ABSENT), after.get(key, _ABSENT)
            yield from _differences(one, other, f"{where}[{key}]")
    elif old is not new and (type(old) is not type(new) or old != new):
        yield where, _show(old), _show(new)


def _by_name(items: list[Any]) -> dict[str, Any]:
    for key in ("id", "name"):
        names = [str(i[key]) for i in items if isinstance(i, dict) and key in i]
        if len(set(names)) == len(items):
            return dict(zip(names, items, strict=True))
    return {str(i): item for i, item in enumerate(items)}


def _show(value: Any) -> str:
    shown = "absent" if value is _ABSENT else repr(value)
    return shown if len(shown) <= 120 else shown[:117] + "..."


def _windows(
    versions: Sequence[Version], period: Period
) -> tuple[str | None, tuple[Declaration, ...], list[Finding]]:
    """Return the window that the period is, all that were declared, and what is wrong with them."""
    declared: dict[tuple[str, int, int], tuple[int, Window]] = {}
    for version in versions:
        for w in version.plant.windows:
            declared.setdefault((w.id, *period_span(w.period)), (version.since, w))
    span, zone = period_span(period), versions[-1].plant.zone
    same = [(since, w) for since, w in declared.values() if period_span(w.period) == span]
    timely = [(since, w) for since, w in same if since <= span[0]]
    found = [] if timely else [_not_declared(same, span[0], zone)]
    found += [_reused(name, zone, declared) for name in _twice([key[0] for key in declared])]
    reported = timely[0][1] if timely else None
    declarations = tuple(
        Declaration(
            id=w.id,
            start=local_text(a, zone),
            end=local_text(b, zone),
            purpose=w.purpose,
            declared=local_text(since, zone),
            reported=w is reported,
        )
        for (_, a, b), (since, w) in declared.items()
    )
    return reported.id if reported else None, declarations, found


def _not_declared(same: Sequence[tuple[int, Window]], start: int, zone: str) -> Finding:
    if not same:
        return finding(
            "window.undeclared",
            "no window was declared for this period; declare it in the configuration before it "
            "begins, so that nobody can say that the best one was chosen",
        )
    since, w = same[0]
    return finding(
        "window.declared_late",
        f"window {w.id} began at {local_text(start, zone)} and was declared at "
        f"{local_text(since, zone)}, too late to count as declared beforehand",
        window=w.id,
    )


def _twice(ids: Sequence[str]) -> list[str]:
    return sorted({i for i in ids if ids.count(i) > 1})


def _reused(name: str, zone: str, declared: dict[tuple[str, int, int], Any]) -> Finding:
    periods = [
        f"{local_text(a, zone)} .. {local_text(b, zone)}" for i, a, b in declared if i == name
    ]
    return finding(
        "window.changed",
        f"window {name} was declared with more than one period: {'; '.join(periods)}; give each "
        "window an id of its own",
        window=name,
    )


def _stops(
    versions: Sequence[Version], judging: Plant, span: tuple[int, int]
) -> tuple[tuple[PlannedStop, ...], list[Finding]]:
    known = dict.fromkeys(_encoded(s) for v in versions for s in v.plant.calendar.stops)
    kept: list[PlannedStop] = []
    late: list[Finding] = []
    for text in known:
        stop = PlannedStop.model_validate_json(text)
        at = _announced(versions, judging, stop.period, span)
        if at is not None and stop in at.calendar.stops:
            kept.append(stop)
        elif _meets(stop.period, span):
            late.append(_late(stop, f"planned stop ({stop.reason})", "calendar.stop_late", judging))
    return tuple(kept), late


def _exclusions(
    versions: Sequence[Version], judging: Plant, span: tuple[int, int]
) -> tuple[tuple[LoopExclusion, ...], list[Finding]]:
    known = dict.fromkeys(_encoded(x) for v in versions for x in v.plant.process.exclusions)
    kept: list[LoopExclusion] = []
    late: list[Finding] = []
    for text in known:
        left_out = LoopExclusion.model_validate_json(text)
        at = _announced(versions, judging, left_out.period, span)
        if at is not None and left_out in at.process.exclusions:
            kept.append(left_out)
        elif _meets(left_out.period, span):
            what = f"exclusion of loop {left_out.loop} ({left_out.reason})"
            late.append(_late(left_out, what, "loops.exclusion_late", judging))
    return tuple(kept), late


def _announced(
    versions: Sequence[Version], judging: Plant, period: Period, span: tuple[int, int]
) -> Plant | None:
    """Return the plant that must hold what begins with ``period`` for it to count.

    Before the first configuration that is the judging one, as with records of before the gateway;
    None within a period in whose course that one came into force: nothing announced it.
    """
    at = in_force(versions, ns(period.start))
    if at is not None:
        return at.plant
    return None if span[0] < versions[0].since < span[1] and _meets(period, span) else judging


def _encoded(entry: PlannedStop | LoopExclusion) -> str:
    return entry.model_dump_json()


def _meets(period: Period, span: tuple[int, int]) -> bool:
    start, end = period_span(period)
    return start < span[1] and end > span[0]


def _late(entry: PlannedStop | LoopExclusion, what: str, code: str, plant: Plant) -> Finding:
    began = local_text(ns(entry.period.start), plant.zone)
    return finding(
        code,
        f"{what} of {began}: not in the configuration that was in force when it began, so the time "
        "counts as planned; enter it before it begins",
        began=began,
    )
