"""A deterministic factory: the same seed is the same shift, with its true figures.

A machine is a pure function of time: its state, its counters and its energy at ``t`` follow from
the seed alone, in whole milliseconds and milliwatt-seconds. The protocol simulators publish what
these functions say; :func:`truth` says what a perfect gateway would find.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

State = Literal["RUN", "SETUP", "IDLE", "ALARM"]
STATES: tuple[State, ...] = ("RUN", "SETUP", "IDLE", "ALARM")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a machine behaves.

    Attributes:
        cycle_ms: Run time per piece [ms]; the planned time is ``ideal_ms``.
        ideal_ms: Planned run time per piece [ms].
        scrap_per_mille: Pieces rejected per thousand.
        run_ms: Least and greatest length of a run [ms].
        stop_ms: Least and greatest length of a stop [ms].
        power_w: Electric power while running [W]; a stop takes a tenth.
    """

    cycle_ms: int = 400
    ideal_ms: int = 360
    scrap_per_mille: int = 30
    run_ms: tuple[int, int] = (5_000, 12_000)
    stop_ms: tuple[int, int] = (400, 1_500)
    power_w: int = 60_000


@dataclass(slots=True)
class Machine:
    """One machine; every question is asked with a time [ms since the factory started].

    Example:
        >>> Machine("cnc1", 7).state(0)
        'RUN'
        >>> Machine("cnc1", 7).total(60_000) == Machine("cnc1", 7).total(60_000)
        True
    """

    id: str
    seed: int
    recipe: Recipe = field(default_factory=Recipe)
    _starts: list[int] = field(default_factory=lambda: [0])
    _states: list[State] = field(default_factory=lambda: ["RUN"])
    _run_before: list[int] = field(default_factory=lambda: [0])
    _end: int = 0
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/{self.id}")
        self._end = self._random.randint(*self.recipe.run_ms)

    def _grow(self, t_ms: int) -> None:
        while self._end <= t_ms:
            was_run = self._states[-1] == "RUN"
            length = self._end - self._starts[-1]
            self._run_before.append(self._run_before[-1] + (length if was_run else 0))
            self._starts.append(self._end)
            if was_run:
                self._states.append(self._random.choices(STATES[1:], weights=(2, 5, 1))[0])
                self._end += self._random.randint(*self.recipe.stop_ms)
            else:
                self._states.append("RUN")
                self._end += self._random.randint(*self.recipe.run_ms)

    def _at(self, t_ms: int) -> int:
        self._grow(t_ms)
        return bisect_right(self._starts, t_ms) - 1

    def state(self, t_ms: int) -> State:
        """Return the state at ``t_ms``."""
        return self._states[self._at(t_ms)]

    def run_ms(self, t_ms: int) -> int:
        """Return the run time in [0, t_ms) [ms]."""
        i = self._at(t_ms)
        inside = t_ms - self._starts[i] if self._states[i] == "RUN" else 0
        return self._run_before[i] + inside

    def total(self, t_ms: int) -> int:
        """Return the pieces made in [0, t_ms]."""
        return self.run_ms(t_ms) // self.recipe.cycle_ms

    def scrap(self, t_ms: int) -> int:
        """Return the pieces rejected in [0, t_ms]: spread evenly, none by chance."""
        return self.total(t_ms) * self.recipe.scrap_per_mille // 1000

    def good(self, t_ms: int) -> int:
        """Return the pieces good at first pass in [0, t_ms]."""
        return self.total(t_ms) - self.scrap(t_ms)

    def energy_mws(self, t_ms: int) -> int:
        """Return the energy used in [0, t_ms) [mW·s = W·ms]."""
        run = self.run_ms(t_ms)
        return self.recipe.power_w * run + self.recipe.power_w // 10 * (t_ms - run)

    def changes(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, State]]:
        """Yield (time [ms], state) of each change in (start_ms, end_ms]."""
        self._grow(end_ms)
        for i in range(bisect_right(self._starts, start_ms), bisect_right(self._starts, end_ms)):
            yield self._starts[i], self._states[i]

    def piece_times(self, start_ms: int, end_ms: int) -> Iterator[int]:
        """Yield the time [ms] at which each piece in (start_ms, end_ms] was finished."""
        t = start_ms
        while (t := self._next_piece(t)) <= end_ms:
            yield t

    def moments(self, start_ms: int, end_ms: int) -> list[int]:
        """Return the times [ms] of changes and pieces in (start_ms, end_ms], and ``end_ms``.

        Example:
            >>> Machine("cnc1", 7).moments(0, 1000)
            [400, 800, 1000]
        """
        found = {t for t, _ in self.changes(start_ms, end_ms)}
        return sorted(found | set(self.piece_times(start_ms, end_ms)) | {end_ms})

    def _next_piece(self, t_ms: int) -> int:
        """Return the first time after ``t_ms`` at which the total is one higher."""
        wanted = (self.total(t_ms) + 1) * self.recipe.cycle_ms
        i = self._at(t_ms)
        while True:
            self._grow(self._end)
            if self._states[i] == "RUN":
                length = self._starts[i + 1] - self._starts[i]
                if self._run_before[i] + length >= wanted:
                    return self._starts[i] + wanted - self._run_before[i]
            i += 1
            if i + 1 >= len(self._starts):
                self._grow(self._end)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a perfect gateway would find of one machine in a window, in whole base units."""

    machine: str
    state_ms: dict[State, int]
    total: int
    good: int
    scrap: int
    energy_mws: int


def truth(machine: Machine, start_ms: int, end_ms: int) -> Truth:
    """Return the true durations [ms], counts and energy [mW·s] of the window [start, end).

    Example:
        >>> t = truth(Machine("cnc1", 7), 0, 60_000)
        >>> sum(t.state_ms.values())
        60000
    """
    durations: dict[State, int] = dict.fromkeys(STATES, 0)
    at, state = start_ms, machine.state(start_ms)
    for t, new in machine.changes(start_ms, end_ms):
        durations[state] += t - at
        at, state = t, new
    durations[state] += end_ms - at
    return Truth(
        machine.id,
        durations,
        machine.total(end_ms) - machine.total(start_ms),
        machine.good(end_ms) - machine.good(start_ms),
        machine.scrap(end_ms) - machine.scrap(start_ms),
        machine.energy_mws(end_ms) - machine.energy_mws(start_ms),
    )
