"""Recorded logs, served again: log time mapped linearly onto the present.

Reads the log lines of an MTConnect agent (SHDR: ``timestamp|key|value``). What lies before the
window, such as the state dump at the head of a day log, is moved to its start.
"""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NOT_AVAILABLE = frozenset({"UNAVAILABLE", "Unavailable", "Unavailable||||"})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a log.

    Attributes:
        t_us: Log time [µs since the Unix epoch, UTC].
        key: Name of the data item.
        value: Everything after the second bar.
    """

    t_us: int
    key: str
    value: str


def microseconds(text: str) -> int:
    """Return the microseconds since the epoch of a time as logged, digits beyond six cut.

    Example:
        >>> microseconds("1970-01-01T00:00:01.5000019Z")
        1500001
    """
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    whole = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1_000_000 + int((fraction + "000000")[:6])


def read_shdr(path: Path) -> Iterator[Event]:
    """Yield the events of a log file in file order; ``.gz`` is unpacked on the way."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            stamp, key, value = line.rstrip("\n").split("|", 2)
            yield Event(microseconds(stamp), key, value)


def window(events: Iterable[Event], start_us: int, end_us: int) -> list[Event]:
    """Return the events of [start, end), what came before clamped to the start, in time order.

    Equal times keep the order of the file.
    """
    inside = (Event(max(e.t_us, start_us), e.key, e.value) for e in events if e.t_us < end_us)
    return sorted(inside, key=lambda e: e.t_us)


def is_number(text: str) -> bool:
    """Return True when the text is a decimal number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def numeric_keys(events: Iterable[Event]) -> dict[str, bool]:
    """Return for each key whether every value it ever takes, when available, is a number."""
    found: dict[str, bool] = {}
    for event in events:
        if event.value not in NOT_AVAILABLE:
            found[event.key] = found.get(event.key, True) and is_number(event.value)
        else:
            found.setdefault(event.key, True)
    return found


@dataclass(frozen=True, slots=True)
class Mapping:
    """Log time onto the present: ``begin_us + (t - start_us) / speed``.

    Example:
        >>> m = Mapping(start_us=0, begin_us=1_000_000, speed=600)
        >>> m.present(600_000_000)
        2000000
        >>> m.log(2_000_000)
        600000000
    """

    start_us: int
    begin_us: int
    speed: int

    def present(self, t_us: int) -> int:
        """Return the present time [µs] of a log time, cut to the microsecond."""
        return self.begin_us + (t_us - self.start_us) // self.speed

    def log(self, present_us: int) -> int:
        """Return the log time [µs] of a present time."""
        return self.start_us + (present_us - self.begin_us) * self.speed


Write = Callable[[Event, int], Awaitable[None]]
"""Publishes an event with its present time [µs since the epoch] as source time."""


async def replay(events: list[Event], mapping: Mapping, write: Write) -> float:
    """Publish each event when it is due; return the greatest lateness [s]."""
    latest = 0.0
    for event in events:
        due_us = mapping.present(event.t_us)
        ahead_s = due_us / 1e6 - time.time()
        if ahead_s > 0.002:
            await asyncio.sleep(ahead_s)
        else:
            latest = max(latest, -ahead_s)
        await write(event, due_us)
    return latest
