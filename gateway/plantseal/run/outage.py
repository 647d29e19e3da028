"""What was missed while the gateway, or a worker, did not run: pure arithmetic on slot marks.

After a start the journal says up to which slot every poll group was closed. The slots from there to
now become one GAP row a group; tags that are not polled get one for the time since their source was
last heard. The slot that runs now stays open: it can still be polled.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from plantseal.config import RECORDED, BoundSource
from plantseal.journal import Progress, Submitted
from plantseal_connectors.rows import ABSENT, Kind, RowList, VType
from plantseal_connectors.status import BAD_SHUTDOWN

NO_GROUP: Final = 2**32 - 1
"""``src_seq`` of a gap row that is of no poll group: of the tags that are not polled."""
SAME_SCHEDULE_NS: Final = 86_400 * 10**9
"""A mark whose slot lies farther from its receive time is of another period."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Time of one source that nothing covered, ``[from_ns, until_ns)``.

    Attributes:
        group: Poll group; None for the tags that are not polled.
        slots: Poll slots missed, of each tag of the group.
    """

    source: str
    link: int
    group: int | None
    from_ns: int
    until_ns: int
    slots: int

    def submitted(self, now_ns: int) -> Submitted:
        """Return the gap row; it closes the group up to the slot before ``until_ns``."""
        rows = RowList()
        rows.add(
            tag=self.link,
            t_source=self.from_ns,
            t_server=self.until_ns,
            t_receive=now_ns,
            src_seq=NO_GROUP if self.group is None else self.group,
            status=BAD_SHUTDOWN,
            kind=Kind.GAP,
            value=self.slots,
        )
        period_ns = (self.until_ns - self.from_ns) // self.slots if self.slots else 0
        closed = [] if self.group is None else [(self.group, self.until_ns // period_ns - 1)]
        batch = rows.batch(closed)
        batch.rows["vtype"] = VType.U64
        return Submitted(self.source, batch)

    def entry(self, reason: str) -> dict[str, str]:
        """Return the body of its ``gap`` log entry."""
        return {
            "source": self.source,
            "group": "" if self.group is None else str(self.group),
            "from": str(self.from_ns),
            "until": str(self.until_ns),
            "slots": str(self.slots),
            "status": f"0x{BAD_SHUTDOWN:08X}",
            "reason": reason,
        }


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a source goes on: what was missed, and the last slot closed by group after that."""

    gaps: tuple[Gap, ...]
    marks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which sources a configuration polled, and how often.

    Attributes:
        periods_ms: By source id, its poll periods, ascending: the position is the group's index.
    """

    periods_ms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, canonical: bytes) -> "Schedule":
        """Return the schedule of a configuration as it was hashed into the log."""
        body: dict[str, Any] = json.loads(canonical)
        found: dict[str, set[int]] = {s["id"]: set() for s in body["sources"]}
        for point in body["plant"]["points"]:
            if point["mode"] == "polled":
                found.setdefault(point["source"], set()).add(point["period_ms"])
        return cls({source: tuple(sorted(periods)) for source, periods in found.items()})


def resume(
    source: BoundSource,
    progress: Mapping[tuple[str, int], Progress],
    before: Schedule,
    now_ns: int,
) -> Resumption:
    """Return where ``source`` goes on at ``now_ns``.

    Args:
        source: As it is configured now.
        progress: What the journal knows of all sources.
        before: Schedule that was in force until now. A period that the source did not have begins
            with the next slot, without a gap.
        now_ns: Time [ns since the epoch].
    """
    heard = progress.get((source.id, -1))
    heard_ns = heard.t_ns if heard is not None and heard.t_ns != ABSENT else None
    known = before.periods_ms.get(source.id)
    gaps: list[Gap] = []
    marks: dict[int, int] = {}
    for index, period_ms in enumerate(source.periods_ms):
        p = period_ms * 1_000_000
        current = now_ns // p
        mark = None
        if known and period_ms in known:
            mark = _last_closed(progress.get((source.id, known.index(period_ms))), p, heard_ns)
        if mark is None or mark > current:  # new, or the clock was set back
            marks[index] = current
        elif mark + 1 < current:
            first, slots = (mark + 1) * p, current - mark - 1
            gaps.append(Gap(source.id, source.links[""], index, first, current * p, slots))
            marks[index] = current - 1
        else:
            marks[index] = mark
    has_others = len(source.polled) < len(source.tags) and source.connector != RECORDED
    if has_others and known is not None and heard_ns is not None and heard_ns < now_ns:
        gaps.append(Gap(source.id, source.links[""], None, heard_ns, now_ns, 0))
    return Resumption(tuple(gaps), marks)


def _last_closed(mark: Progress | None, period_ns: int, heard_ns: int | None) -> int | None:
    """Return the last slot closed, from the group's mark or else from when its source was heard."""
    if mark is not None and abs(mark.slot * period_ns - mark.t_ns) <= SAME_SCHEDULE_NS:
        return mark.slot
    return None if heard_ns is None else heard_ns // period_ns


def long_outages(
    source: BoundSource, marks: Mapping[int, int], most_rows: int, now_ns: int
) -> list[Gap]:
    """Return a gap for each poll group in which more than ``most_rows`` slots of tags are open.

    Args:
        source: A source whose worker was not running.
        marks: Last slot closed, by poll group.
        most_rows: What a new worker may close one by one.
        now_ns: Time [ns since the epoch].
    """
    found = []
    for group, period_ms in enumerate(source.periods_ms):
        p = period_ms * 1_000_000
        first, current = marks[group] + 1, now_ns // p
        tags = sum(t.spec.period_ms == period_ms for t in source.polled)
        if (current - first) * tags > most_rows:
            link, slots = source.links[""], current - first
            found.append(Gap(source.id, link, group, first * p, current * p, slots))
    return found


def death(source: BoundSource, alive_ns: int, now_ns: int) -> Submitted:
    """Return the death of a session whose worker could not say it itself.

    Args:
        source: What the session was with.
        alive_ns: When the device was last known alive [ns since the epoch].
        now_ns: Time [ns since the epoch].
    """
    rows = RowList()
    rows.add(
        tag=source.links[""],
        t_source=alive_ns,
        t_receive=now_ns,
        status=BAD_SHUTDOWN,
        kind=Kind.DEATH,
    )
    return Submitted(source.id, rows.batch())
