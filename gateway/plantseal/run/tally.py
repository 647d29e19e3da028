"""Live counters and last values, from batches that are durable and from what the workers say."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from plantseal.config import BoundSource
from plantseal.pipe import State, Turn
from plantseal.status import SourceStatus, TagStatus
from plantseal_connectors.rows import ABSENT, ROW, Batch, Kind, VType
from plantseal_connectors.tags import Tag

MAX_SHOWN: Final = 200
"""Characters of a text value shown."""

Shown = bool | int | float | str | None


def reading(row: "np.void", text: bytes, scale: Decimal) -> Shown:
    """Return the value of a row as a person reads it, in the tag's unit.

    Args:
        row: One row of dtype :data:`~plantseal_connectors.rows.ROW`.
        text: Bytes of a TEXT or BYTES row.
        scale: Unit of the tag = raw value times scale.
    """
    bits = row["value"]
    match VType(int(row["vtype"])):
        case VType.NULL:
            return None
        case VType.BOOL:
            return bool(bits)
        case VType.TEXT:
            return text.decode("utf-8", "replace")
        case VType.BYTES:
            return "0x" + text.hex()
        case VType.I64:
            raw: int | float = int(np.uint64(bits).view(np.int64))
        case VType.U64:
            raw = int(bits)
        case VType.F64:
            raw = _shortest(float(np.uint64(bits).view(np.float64)))
    return _scaled(raw, scale)


def _shortest(value: float) -> float:
    """Return a float32 that was widened as its shortest decimal: 230.3, not 230.3000030517578."""
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    return float(str(narrow)) if float(narrow) == value else value


def _scaled(raw: int | float, scale: Decimal) -> int | float:
    if scale == 1 or not np.isfinite(float(raw)):
        return raw
    value = Decimal(repr(raw)) * scale
    return int(value) if isinstance(raw, int) and value == int(value) else float(value)


@dataclass(slots=True)
class _Source:
    turn: Turn
    expected: int = 0
    received: int = 0
    bad: int = 0
    alive_ns: int = 0


@dataclass(slots=True)
class Tally:
    """What status.json says of sources and tags.

    Attributes:
        tags: Tags of all running sources, in the order of the file.
    """

    tags: tuple[Tag, ...]
    _ids: "np.ndarray[tuple[int], np.dtype[np.uint32]]"
    _places: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    _polled: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    _values: "np.ndarray[tuple[int], np.dtype[np.void]]"
    _statuses: list[int | None]
    _texts: dict[int, bytes] = field(default_factory=dict)
    _sources: dict[str, _Source] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Sequence[BoundSource]) -> "Tally":
        """Return the counters of these sources, all at zero."""
        tags = tuple(t for s in sources for t in s.tags)
        ids = np.array([t.id for t in tags], dtype=np.uint32)
        polled = {t.id for s in sources for t in s.polled}
        self = cls(
            tags,
            np.sort(ids),
            np.argsort(ids),
            np.array([t.id in polled for t in tags], dtype=bool),
            np.zeros(len(tags), dtype=ROW),
            [None] * len(tags),
        )
        now_ns = time.time_ns()
        self._sources = {s.id: _Source(Turn(s.id, "starting", now_ns)) for s in sources}
        return self

    def state(self, source: str) -> State:
        """Return what a source does now."""
        return self._sources[source].turn.state

    def turn(self, turn: Turn) -> Turn:
        """Note that a source came into another state; return the one before."""
        mine = self._sources[turn.source]
        before, mine.turn = mine.turn, turn
        return before

    def alive_ns(self, source: str) -> int:
        """Return when a source that is up was last known alive [ns since the epoch]."""
        mine = self._sources[source]
        return max(mine.alive_ns, mine.turn.since_ns)

    def count(self, source: str, batch: Batch) -> None:
        """Count a batch that is durable."""
        mine, rows = self._sources[source], batch.rows
        answered, slots = rows["kind"] == Kind.VALUE, rows["kind"] == Kind.SLOT
        heard = rows["t_receive"][answered]
        if len(heard):
            mine.alive_ns = max(mine.alive_ns, int(heard.max()))
        said = np.flatnonzero(answered | slots)
        if not len(said) or not len(self._ids):
            return
        found = np.searchsorted(self._ids, rows["tag"][said]).clip(max=len(self._ids) - 1)
        known = self._ids[found] == rows["tag"][said]
        said, places = said[known], self._places[found[known]]
        mine.received += int(answered[said].sum())
        mine.bad += int((rows["status"][said] >> 31).sum())
        mine.expected += int(self._polled[places].sum())
        self._keep(rows, batch.texts, said, places, answered[said])

    def _keep(
        self,
        rows: "np.ndarray[tuple[int], np.dtype[np.void]]",
        texts: tuple[bytes, ...],
        said: "np.ndarray[tuple[int], np.dtype[np.intp]]",
        places: "np.ndarray[tuple[int], np.dtype[np.intp]]",
        answered: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    ) -> None:
        for at, place in _last_of_each(said, places):
            self._statuses[place] = int(rows["status"][at])
        for at, place in _last_of_each(said[answered], places[answered]):
            self._values[place] = rows[at]
            if int(rows["vtype"][at]) in (VType.TEXT, VType.BYTES):
                self._texts[place] = texts[int(rows["value"][at])][: 4 * MAX_SHOWN]

    def sources(self) -> tuple[SourceStatus, ...]:
        """Return the state of every source."""
        return tuple(
            SourceStatus(
                id=s.turn.source,
                state=s.turn.state,
                since_ns=s.turn.since_ns,
                detail=s.turn.detail,
                remedy=s.turn.remedy,
                next_try_ns=s.turn.next_try_ns,
                expected=s.expected,
                received=s.received,
                bad=s.bad,
            )
            for s in self._sources.values()
        )

    def last_values(self) -> tuple[TagStatus, ...]:
        """Return the last that was heard of every tag."""
        return tuple(self._tag(place, tag) for place, tag in enumerate(self.tags))

    def _tag(self, place: int, tag: Tag) -> TagStatus:
        row, spec = self._values[place], tag.spec
        if not row["tag"]:
            return TagStatus(
                id=tag.id, name=spec.name, unit=spec.unit, status=self._statuses[place]
            )
        value = reading(row, self._texts.get(place, b""), spec.scale)
        return TagStatus(
            id=tag.id,
            name=spec.name,
            value=None if value is None else str(value)[:MAX_SHOWN],
            unit=spec.unit,
            status=self._statuses[place],
            t_source=None if row["t_source"] == ABSENT else int(row["t_source"]),
            t_receive=int(row["t_receive"]),
        )


def _last_of_each(
    said: "np.ndarray[tuple[int], np.dtype[np.intp]]",
    places: "np.ndarray[tuple[int], np.dtype[np.intp]]",
) -> list[tuple[int, int]]:
    """Return (row, place) of the last row of each place."""
    unique, backwards = np.unique(places[::-1], return_index=True)
    return list(zip(said[::-1][backwards].tolist(), unique.tolist(), strict=True))
