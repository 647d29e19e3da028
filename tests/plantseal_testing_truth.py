"""A simulated machine as rows of each acquisition mode, whole or with faults, and its true figures.

One unit of the machine's time is one second, so every change of state, every piece and every
reading falls on a whole second: what a perfect gateway would find is a whole number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from plantseal_testing_kpi import BAD, SECOND, at, machine, point, row

from plantseal_kpi.schema import Flag, Kind
from plantseal_simulators.plant import Machine, Recipe

Mode = Literal["polled", "subscribed", "published", "sparkplug", "imported"]
LIVE: tuple[Mode, ...] = ("polled", "subscribed", "published", "sparkplug")
STATES = {"RUN": "producing", "SETUP": "setup", "IDLE": "idle", "ALARM": "down"}
ROLES = ("state", "count_total", "count_good", "energy")
LINK = 100
STALE = 2
LEAD, TAIL = 30, 30
"""Seconds of rows before and after the period."""
_ACQUIRED = {
    "polled": {"mode": "polled", "protocol": "modbus", "keepalive_ms": 1000},
    "subscribed": {"mode": "subscribed", "protocol": "opcua", "keepalive_ms": 1000,
                   "publishing_ms": 100},
    "published": {"mode": "published", "protocol": "mqtt", "keepalive_ms": 1000},
    "sparkplug": {"mode": "published", "protocol": "sparkplug", "keepalive_ms": 5000},
    "imported": {"mode": "imported", "protocol": "recorded", "keepalive_ms": 1000},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Away:
    """Seconds [start, end) in which nothing reaches the gateway.

    Attributes:
        stored: The device keeps its values and sends them at the end (backfilled).
    """

    start: int
    end: int
    stored: bool = False

    def __contains__(self, t: int) -> bool:
        return self.start <= t < self.end


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong; times in seconds of the period.

    Attributes:
        away: Outages, apart from each other.
        bad: Seconds [start, end) in which every value is bad.
        resets: When the registers begin anew at 0.
        clock_ms: How far the device's clock is ahead.
        zeros: Seconds at which the counters read 0 for one reading (polled and published only).
    """

    away: tuple[Away, ...] = ()
    bad: tuple[int, int] | None = None
    resets: tuple[int, ...] = ()
    clock_ms: int = 0
    zeros: tuple[int, ...] = ()

    def lost(self, t: int) -> bool:
        return any(t in a for a in self.away)

    def is_bad(self, t: int) -> bool:
        return self.bad is not None and self.bad[0] <= t < self.bad[1]


@dataclass(frozen=True, slots=True)
class Made:
    """What a machine truly did in [0, seconds)."""

    states: dict[str, int]
    made: int
    good: int
    energy: int


class Device:
    """A machine behind one link, read in one mode.

    Tags are 4 i + 1 .. 4 i + 4 for the roles in order, the link is LINK + i.
    """

    def __init__(self, i, mode: Mode, seed: int, recipe: Recipe, seconds: int, faults=Faults()):
        self.i, self.mode, self.seconds, self.faults = i, mode, seconds, faults
        self.machine = Machine(f"m{i}", seed, recipe)
        self.id, self.link = f"m{i}", LINK + i

    @property
    def equipment(self):
        stale = None if self.mode == "imported" else STALE
        recipe = self.machine.recipe
        return machine(
            self.id, states=STATES, stale_s=stale, ideal_cycle_s=str(recipe.ideal_ms),
            rated_cycle_s=str(recipe.cycle_ms),
        )  # fmt: skip

    @property
    def points(self):
        return [
            point(4 * self.i + 1 + k, self.id, role=role, link=self.link, period_ms=1000,
                  unit="Wh" if role == "energy" else "", source=self.mode, **_ACQUIRED[self.mode])
            for k, role in enumerate(ROLES)
        ]  # fmt: skip

    def truth(self) -> Made:
        """Add up second by second, the slow way."""
        m, a, b = self.machine, LEAD, LEAD + self.seconds
        states = dict.fromkeys(STATES, 0)
        for t in range(a, b):
            states[m.state(t)] += 1
        return Made(states, m.total(b) - m.total(a), m.good(b) - m.good(a),
                    m.energy_mws(b) - m.energy_mws(a))  # fmt: skip

    def values(self, t: int) -> tuple[str, int, int, int]:
        """Return what the tags show at second ``t`` of the period, false zeros and resets in."""
        m, now = self.machine, t + LEAD
        began = max((r for r in self.faults.resets if r <= t), default=None)
        counts = [m.total(now), m.good(now), m.energy_mws(now)]
        if began is not None:
            # A register counts anew what comes after the second before its reset.
            before = began - 1 + LEAD
            since = (m.total(before), m.good(before), m.energy_mws(before))
            counts = [n - s for n, s in zip(counts, since, strict=True)]
        else:
            counts = [n + 1000 for n in counts]
        if t in self.faults.zeros:
            counts = [0, 0, 0]
        return m.state(now), counts[0], counts[1], counts[2]

    def register_before(self, t: int) -> int:
        """Return what the energy register showed at the second before ``t``."""
        return self.machine.energy_mws(t - 1 + LEAD) + 1000

    def rows(self) -> list[dict[str, object]]:
        return sorted(self._rows(), key=lambda r: r["t_receive"] or r["t_source"])

    def _rows(self) -> Iterator[dict[str, object]]:
        first, last = -LEAD, self.seconds + TAIL
        if self.mode != "imported":
            yield row(self.link, at(first), kind=Kind.BIRTH)
        shown: tuple[object, ...] = (None,) * 4
        for t in range(first, last):
            back = next((a for a in self.faults.away if a.end == t), None)
            gone = next((a for a in self.faults.away if a.start == t), None)
            if back is not None and not back.stored:
                shown = (None,) * 4
            yield from self._session(t, gone, back)
            told = self._told(t)
            stored = next((a for a in self.faults.away if t in a and a.stored), None)
            if self.faults.lost(t) and stored is None:
                if self.mode == "polled":
                    yield from (self._row(k, t, None, t, kind=Kind.SLOT, status=BAD)
                                for k in range(4))  # fmt: skip
                continue
            if self.mode in ("subscribed", "sparkplug") and stored is None:
                yield row(self.link, at(t), kind=Kind.KEEPALIVE)
            for k, (value, before) in enumerate(zip(told, shown, strict=True)):
                if self.mode != "subscribed" or value != before:
                    yield self._value(k, t, value, stored, first=before is None)
            shown = told

    def _told(self, t: int) -> tuple[object, ...]:
        return (False,) * 4 if self.faults.is_bad(t) else self.values(t)

    def _session(self, t: int, gone: Away | None, back: Away | None):
        if self.mode not in ("subscribed", "sparkplug"):
            return
        if gone is not None:
            yield row(self.link, at(t), kind=Kind.DEATH, t_source=at(t))
        if back is not None:
            yield row(self.link, at(t), kind=Kind.BIRTH)

    def _value(self, k: int, t: int, value: object, stored: Away | None, *, first: bool):
        flags = 0
        heard = t
        if stored is not None:
            flags, heard = int(Flag.BACKFILLED), stored.end
        elif first and self.mode == "subscribed":
            flags = int(Flag.FIRST)
        if self.mode == "imported":
            flags = int(Flag.IMPORTED)
        if value is False:
            return self._row(k, t, None, heard, status=BAD, flags=flags)
        return self._row(k, t, value, heard, flags=flags)

    def _row(self, k: int, t: int, value: object, heard: int, **more: object):
        source = at(t) + self.faults.clock_ms * (SECOND // 1000)
        polled = self.mode == "polled"
        return row(4 * self.i + 1 + k, None if self.mode == "imported" else at(heard), value,
                   t_source=None if polled else source, src_seq=t + LEAD if polled else 0, **more)  # fmt: skip
