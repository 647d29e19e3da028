"""What is no mistake in a plant.yaml, but most likely not meant: told by ``plantseal check``.

A configuration with remarks is in force all the same: each of them can be what the plant wants.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Final

from plantseal.config.document import Document, Loc, shown
from plantseal.config.ledgers import Ledger
from plantseal.config.problems import Problem
from plantseal.config.words import say
from plantseal_kpi.business.ledgers import read_canonical
from plantseal_kpi.judging.conditions import said, vocabulary
from plantseal_kpi.judging.derived import STATED
from plantseal_kpi.judging.notices import load_notice
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.plant import LedgerName, Period, Plant
from plantseal_kpi.plant.calendar import Shift

Said = Iterator[tuple[Loc, str, Mapping[str, object]]]
COUNTERS: Final = ("count_total", "count_good", "count_scrap", "energy")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def remarks(
    document: Document,
    plant: Plant,
    roles: Mapping[str, str],
    ledgers: Mapping[LedgerName, Ledger],
    today: date,
) -> list[Problem]:
    """Return what the plant's people should look at, in the order of the file.

    Args:
        document: The plant.yaml, for the places.
        plant: What it says, without mistakes.
        roles: Role of each tag by its name.
        ledgers: The business records.
        today: Records later than this are named.
    """
    checks: tuple[Callable[[], Said], ...] = (
        lambda: _shifts(plant),
        lambda: _holidays(plant),
        lambda: _stops(plant),
        lambda: _windows(plant),
        lambda: _roles(plant, roles),
        lambda: _stated(plant),
        lambda: _cited(plant),
        lambda: _ledgers(plant, ledgers, today),
    )
    found = [
        Problem(document.file, *document.place(at), shown(at), text)
        for check in checks
        for at, key, values in check()
        for text in [say(document.lang, key, **values)]
    ]
    return sorted(found)


def _shifts(plant: Plant) -> Said:
    shifts = plant.calendar.shifts
    if not shifts:
        yield ("calendar",), "no_shifts", {}
    for i, s in enumerate(shifts):
        if not s.days:
            yield ("calendar", "shifts", i), "no_days", {"name": s.name}
    for (i, a), (j, b) in combinations(enumerate(shifts), 2):
        if a.name == b.name:
            yield ("calendar", "shifts", j), "shift_twice", {"name": a.name, "first": i + 1}
        if _minutes(a) & _minutes(b):
            yield ("calendar", "shifts", j), "shifts_overlap", {"a": a.name, "b": b.name}


def _minutes(shift: Shift) -> set[int]:
    """Return the minutes of the week that a shift covers, from Monday 0:00."""

    def minute(t: time) -> int:
        return t.hour * 60 + t.minute

    length = (minute(shift.end) - minute(shift.start)) % 1440 or 1440
    starts = [DAYS.index(d) * 1440 + minute(shift.start) for d in shift.days]
    return {(s + m) % (7 * 1440) for s in starts for m in range(length)}


def _periods(plant: Plant) -> list[Period]:
    base = plant.baseline.period if plant.baseline else None
    return [w.period for w in plant.windows] + ([base] if base else [])


def _holidays(plant: Plant) -> Said:
    seen: set[date] = set()
    years = {y for p in _periods(plant) for y in range(p.start.year, p.end.year + 1)}
    for i, day in enumerate(plant.calendar.holidays):
        at: Loc = ("calendar", "holidays", i)
        if day in seen:
            yield at, "holiday_twice", {"day": day}
        elif years and day.year not in years:
            listed = ", ".join(map(str, sorted(years)))
            yield at, "holiday_year", {"day": day, "years": listed}
        seen.add(day)


def _stops(plant: Plant) -> Said:
    stops = plant.calendar.stops
    for i, s in enumerate(stops):
        if not s.reason.strip():
            yield ("calendar", "stops", i), "no_reason", {}
    for (i, a), (j, b) in combinations(enumerate(stops), 2):
        same = not a.equipment or not b.equipment or set(a.equipment) & set(b.equipment)
        if same and _meet(a.period, b.period):
            yield ("calendar", "stops", j), "stops_overlap", {"a": i + 1, "b": j + 1}


def _windows(plant: Plant) -> Said:
    for (_, a), (j, b) in combinations(enumerate(plant.windows), 2):
        if _meet(a.period, b.period):
            yield ("windows", j), "windows_overlap", {"a": a.id, "b": b.id}


def _meet(a: Period, b: Period) -> bool:
    return a.start < b.end and b.start < a.end


def _roles(plant: Plant, roles: Mapping[str, str]) -> Said:
    for i, loop in enumerate(plant.process.loops):
        wanted = [(loop.mode, "loop_mode"), (loop.output, "loop_output")]
        for point, role in wanted:
            if point is not None and roles.get(point, role) != role:
                values = {"point": point, "role": roles[point], "expected": role}
                yield ("process", "loops", i), "other_role", values
        if loop.low >= loop.high:
            yield ("process", "loops", i), "range_empty", {"low": loop.low, "high": loop.high}
    for i, change in enumerate(plant.meters):
        if roles.get(change.point, "energy") not in COUNTERS:
            values = {"point": change.point, "role": roles[change.point],
                      "expected": ", ".join(COUNTERS)}  # fmt: skip
            yield ("meters", i), "other_role", values


def _stated(plant: Plant) -> Said:
    notices = [load_notice(k) for k in plant.notices]
    known: dict[str, set[str]] = {}
    for n in notices:
        for key, words in vocabulary(n).items():
            known.setdefault(key, set()).update(words)
    for key in plant.project:
        closed = known.get(key, set())
        if notices and key not in known:
            yield ("project", key), "not_asked", {"key": key, "known": ", ".join(sorted(known))}
        for word in sorted(said(plant.project, key) - closed):
            if len(closed) > 1:
                values = {"got": word, "known": ", ".join(sorted(closed))}
                yield ("project", key), "no_word", values
    facts = {c.metric for n in notices for c in n.criteria}
    facts |= {name for n in notices for name, asks in STATED.items() if asks(n)}
    for key in plant.declared:
        if notices and key not in facts:
            yield ("declared", key), "not_asked_fact", {"key": key}


def _cited(plant: Plant) -> Said:
    figures = plant.baseline.figures if plant.baseline else {}
    for metric, value in figures.items():
        at: Loc = ("baseline", "figures", metric)
        if metric not in CATALOGUE:
            yield at, "no_metric", {"metric": metric}
        elif CATALOGUE[metric].unit == "1" and not 0 < value <= Decimal(1):
            yield at, "no_share", {"metric": metric, "value": value}


def _ledgers(plant: Plant, ledgers: Mapping[LedgerName, Ledger], today: date) -> Said:
    for name, ledger in ledgers.items():
        at: Loc = ("ledgers", name)
        if not ledger.ref.rows:
            yield at, "no_records", {"name": name}
            continue
        frame = read_canonical(ledger.body, name)
        if "date" in frame.columns and name != "investments":
            last = frame["date"].max()
            if isinstance(last, date) and last > today + timedelta(days=31):
                n = int((frame["date"] > today).sum())
                yield at, "future", {"name": name, "n": n, "last": last}
        if name == "costs":
            have = set(frame["account"].to_list())
            lost = [a for a in plant.business.cost_accounts if a not in have]
            if lost:
                yield ("business", "cost_accounts"), "no_account", {"ids": ", ".join(lost)}
        if name == "inspections":
            kinds = sorted(set(frame["inspection"].to_list()))
            if plant.quality.inspection not in kinds and (plant.quality.inspection or kinds[1:]):
                values = {"got": plant.quality.inspection or "-", "kinds": ", ".join(kinds)}
                yield ("quality", "inspection"), "which_inspection", values
    if plant.quality.inspection and "inspections" not in ledgers:
        yield ("quality", "inspection"), "no_inspections", {}
