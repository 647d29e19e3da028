"""What was missed: slot arithmetic for every way in which a gateway can have been away."""

from collections.abc import Mapping

import pytest

from plantseal.config import BoundSource
from plantseal.journal import Progress
from plantseal.run.outage import NO_GROUP, Schedule, resume
from plantseal_connectors.rows import ABSENT, Kind, VType
from plantseal_connectors.source import SourceSettings
from plantseal_connectors.status import BAD_SHUTDOWN
from plantseal_connectors.tags import Tag, TagSpec

S = 10**9
NOW = 1_700_000_000 * S + 250_000_000  # a quarter into a second


def source(*periods_ms: int, others: int = 0) -> BoundSource:
    specs = [
        TagSpec(name=f"t{i}", equipment="m", address="x", period_ms=p)
        for i, p in enumerate((*periods_ms, *[1000] * others))
    ]
    tags = tuple(Tag(i + 1, spec) for i, spec in enumerate(specs))
    polled = tags[: len(periods_ms)]
    return BoundSource("s", "opcua", SourceSettings(), tags, polled, {"": 99}, "main")


def progress(last_ns: int, **slots: int) -> Mapping[tuple[str, int], Progress]:
    marks = {("s", int(g[1:])): Progress(n, last_ns) for g, n in slots.items()}
    return {("s", -1): Progress(0, last_ns), **marks}


def test_the_first_start_has_no_past_and_begins_with_the_next_slot() -> None:
    found = resume(source(1000, 5000, others=1), {}, Schedule(), NOW)
    assert found.gaps == ()
    assert found.marks == {0: NOW // S, 1: NOW // (5 * S)}


def test_each_poll_group_gets_one_gap_up_to_the_slot_that_runs_now() -> None:
    down = 1_699_999_990  # closed up to this second, ten seconds ago
    last = progress(down * S, g0=down, g1=down // 5)
    found = resume(source(1000, 5000), last, Schedule({"s": (1000, 5000)}), NOW)
    one, five = found.gaps
    assert (one.from_ns, one.until_ns, one.slots) == ((down + 1) * S, NOW // S * S, 9)
    assert (five.from_ns, five.until_ns, five.slots) == ((down + 5) * S, (down + 10) * S, 1)
    assert found.marks == {0: NOW // S - 1, 1: NOW // (5 * S) - 1}
    item = one.submitted(NOW)
    (row,) = item.batch.rows
    assert item.batch.closed == ((0, NOW // S - 1),)
    assert (row["tag"], row["kind"], row["src_seq"], row["status"]) == (
        99, Kind.GAP, 0, BAD_SHUTDOWN,
    )  # fmt: skip
    assert (row["t_source"], row["t_server"], row["t_receive"]) == (one.from_ns, one.until_ns, NOW)
    assert (row["vtype"], row["value"]) == (VType.U64, 9)
    assert one.entry("crashed")["reason"] == "crashed"
    assert all(isinstance(v, str) for v in one.entry("crashed").values())


def test_a_restart_within_one_slot_misses_nothing() -> None:
    mark = NOW // (900 * S) - 1
    found = resume(source(900_000), progress(NOW - S, g0=mark), Schedule({"s": (900_000,)}), NOW)
    assert found.gaps == ()
    assert found.marks == {0: mark}


def test_the_slot_of_now_that_was_closed_already_is_not_closed_again() -> None:
    mark = NOW // S
    found = resume(source(1000), progress(NOW, g0=mark), Schedule({"s": (1000,)}), NOW)
    assert (found.gaps, found.marks) == ((), {0: mark})


def test_after_a_month_the_gap_is_a_month() -> None:
    mark = NOW // S - 30 * 86_400
    found = resume(source(1000), progress(mark * S, g0=mark), Schedule({"s": (1000,)}), NOW)
    assert found.gaps[0].slots == 30 * 86_400 - 1


def test_marks_follow_their_period_when_the_groups_are_renumbered() -> None:
    down = NOW // S - 10
    last = progress(down * S, g0=down, g1=down // 5)  # 1 s was group 0, 5 s group 1
    found = resume(source(500, 1000), last, Schedule({"s": (1000, 5000)}), NOW)
    (gap,) = found.gaps
    assert (gap.group, gap.slots) == (1, 9)
    assert found.marks == {0: NOW // (S // 2), 1: NOW // S - 1}, "a new period has no past"


def test_a_mark_of_another_period_is_not_believed() -> None:
    stale = {**progress(NOW - 10 * S), ("s", 0): Progress(NOW // (5 * S), NOW - 10 * S)}
    found = resume(source(1000), stale, Schedule({"s": (1000,)}), NOW)
    assert found.gaps[0].slots == 9, "the time since the source was heard of is missed all the same"


@pytest.mark.parametrize("back_s", [1, 3600])
def test_a_clock_set_back_makes_no_gap(back_s: int) -> None:
    mark = NOW // S + back_s
    found = resume(source(1000), progress(NOW, g0=mark), Schedule({"s": (1000,)}), NOW)
    assert (found.gaps, found.marks) == ((), {0: NOW // S})


def test_tags_that_are_not_polled_have_a_gap_since_their_source_was_heard_of() -> None:
    last = progress(NOW - 7 * S)
    found = resume(source(others=2), last, Schedule({"s": ()}), NOW)
    (gap,) = found.gaps
    assert (gap.group, gap.from_ns, gap.until_ns, gap.slots) == (None, NOW - 7 * S, NOW, 0)
    item = gap.submitted(NOW)
    assert item.batch.closed == ()
    assert item.batch.rows["src_seq"][0] == NO_GROUP
    unheard = {("s", -1): Progress(0, ABSENT)}
    assert resume(source(others=2), unheard, Schedule({"s": ()}), NOW).gaps == ()


def test_a_source_that_was_not_configured_before_has_no_past() -> None:
    found = resume(source(1000, others=1), progress(NOW - 7 * S, g0=5), Schedule({"x": ()}), NOW)
    assert found.gaps == ()
