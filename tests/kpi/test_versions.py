"""Which configuration judges a period, and what a change while it runs is worth."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_kpi import T0, machine, plant, point

from plantseal_kpi.plant import Period
from plantseal_kpi.versions import MAX_LISTED, Version, chosen, differences, in_force

H = 3600 * 10**9
START = datetime.fromtimestamp(T0 // 10**9, UTC)


def span(first: float, last: float) -> dict[str, str]:
    """A period in hours from T0."""
    return {
        k: (START + timedelta(hours=h)).isoformat() for k, h in (("start", first), ("end", last))
    }


def period(first: float, last: float) -> Period:
    return Period.model_validate(span(first, last))


def version(hours: float, **more) -> Version:
    given = {"equipment": [machine(ideal_cycle_s=30)]} | more
    return Version(T0 + round(hours * H), f"{hours}", plant(given.pop("equipment"), **given))


def codes(found) -> list[str]:
    return [f.code for f in found.findings]


def cycle(found) -> int:
    return int(found.plant.equipment[0].ideal_cycle_s)


def slow(seconds: int) -> dict[str, object]:
    return {"equipment": [machine(ideal_cycle_s=seconds)]}


def test_the_one_in_force_when_the_period_began_judges_it():
    versions = [version(0, **slow(10)), version(1, **slow(20)), version(5, **slow(50))]
    found = chosen(versions, period(2, 4))
    assert cycle(found) == 20
    assert codes(found) == ["window.undeclared"]
    assert cycle(chosen(versions, period(1, 4))) == 20  # from the very moment on
    assert cycle(chosen(versions, period(5, 6))) == 50


def test_a_change_while_it_runs_is_named_and_counts_from_the_next():
    versions = [version(0, **slow(10)), version(3, **slow(99))]
    found = chosen(versions, period(2, 4))
    assert cycle(found) == 10
    assert codes(found) == ["config.changed", "window.undeclared"]
    assert found.findings[0].data["where"] == "equipment[m1].ideal_cycle_s"
    assert (found.findings[0].data["old"], found.findings[0].data["new"]) == ("'10'", "'99'")
    assert cycle(chosen(versions, period(4, 5))) == 99


def test_changes_are_listed_one_after_the_other_and_then_counted():
    versions = [version(0, **slow(1)), *(version(2 + i / 100, **slow(i + 2)) for i in range(30))]
    found = chosen(versions, period(1, 5))
    assert codes(found) == ["config.changed"] * (MAX_LISTED + 1) + ["window.undeclared"]
    assert found.findings[MAX_LISTED].data == {"changes": "10"}
    assert [f.data["new"] for f in found.findings[:2]] == ["'2'", "'3'"]


def test_a_period_that_began_before_the_first_is_judged_by_the_first():
    versions = [version(2, **slow(10)), version(3, **slow(99))]
    found = chosen(versions, period(1, 4))
    assert cycle(found) == 10
    assert codes(found) == ["config.after_start", "config.changed", "window.undeclared"]


def test_records_of_before_the_gateway_are_judged_by_the_last():
    found = chosen([version(9, **slow(10)), version(10, **slow(20))], period(1, 4))
    assert cycle(found) == 20
    assert codes(found) == ["config.retrospective", "window.undeclared"]


def test_no_configuration_is_an_error():
    with pytest.raises(ValueError, match="got none"):
        chosen([], period(0, 1))


def window(name, first, last):
    return {"id": name, "period": span(first, last)}


def test_a_window_declared_before_it_began_is_the_reports():
    w = [window("w1", 2, 4), window("w2", 6, 8)]
    found = chosen([version(0), version(1, windows=w)], period(2, 4))
    assert found.window == "w1"
    assert [(d.id, d.reported) for d in found.windows] == [("w1", True), ("w2", False)]
    assert found.windows[0].declared == (START + timedelta(hours=1)).isoformat()
    assert not found.findings


def test_a_window_declared_too_late_is_no_declaration():
    found = chosen([version(0), version(3, windows=[window("w1", 2, 4)])], period(2, 4))
    assert found.window is None
    assert codes(found) == ["window.declared_late"]
    assert [d.reported for d in found.windows] == [False]


def test_a_window_that_was_taken_back_is_still_shown():
    versions = [version(0, windows=[window("w1", 2, 4)]), version(5)]
    found = chosen(versions, period(6, 8))
    assert [d.id for d in found.windows] == ["w1"]
    assert codes(found) == ["window.undeclared"]


def test_a_window_moved_under_the_same_id_is_shown_as_both():
    versions = [
        version(0, windows=[window("w1", 2, 4)]),
        version(1, windows=[window("w1", 3, 4)]),
    ]
    found = chosen(versions, period(3, 4))
    assert found.window == "w1"
    assert codes(found) == ["window.changed"]
    assert [d.reported for d in found.windows] == [False, True]


def stop(first, last, reason="保养"):
    return {"period": span(first, last), "reason": reason}


def calendar(*stops):
    return {"calendar": {"stops": list(stops)}}


def test_a_stop_counts_when_it_was_there_before_it_began():
    versions = [version(0), version(3, **calendar(stop(3.5, 4)))]
    found = chosen(versions, period(2, 6))
    assert [s.reason for s in found.plant.calendar.stops] == ["保养"]
    assert codes(found) == ["window.undeclared"]


def test_an_outage_relabelled_as_planned_does_not_count():
    late = chosen([version(0), version(3.6, **calendar(stop(3.5, 4)))], period(2, 6))
    assert late.plant.calendar.stops == ()
    assert codes(late) == ["window.undeclared", "calendar.stop_late"]
    # nor does a stop made longer once it has begun; the one that was announced does
    versions = [version(0, **calendar(stop(3, 4))), version(3.5, **calendar(stop(3, 5)))]
    longer = chosen(versions, period(2, 6))
    assert [s.period for s in longer.plant.calendar.stops] == [period(3, 4)]
    assert codes(longer) == ["window.undeclared", "calendar.stop_late"]


def test_a_stop_taken_back_before_it_began_does_not_count():
    versions = [version(0, **calendar(stop(3, 4))), version(2.5)]
    found = chosen(versions, period(2, 6))
    assert found.plant.calendar.stops == ()
    assert "calendar.stop_late" in codes(found)


def test_the_days_before_the_gateway_came_are_not_made_a_planned_stop():
    """Else a gateway of the 20th would report a whole month, the first 19 days left out."""
    found = chosen([version(2, **calendar(stop(0, 2), stop(3, 3.5)))], period(0, 4))
    assert [s.period for s in found.plant.calendar.stops] == [period(3, 3.5)]
    assert codes(found) == ["config.after_start", "window.undeclared", "calendar.stop_late"]
    # one that was under way when the gateway came counts for the periods that begin later
    found = chosen([version(2, **calendar(stop(0, 3)))], period(2, 4))
    assert len(found.plant.calendar.stops) == 1


def test_stops_before_the_first_configuration_are_those_of_the_judging_one():
    found = chosen([version(9, **calendar(stop(1, 2)))], period(0, 4))
    assert len(found.plant.calendar.stops) == 1
    assert codes(found)[0] == "config.retrospective"


def test_exclusions_of_loops_follow_the_same_rule():
    loop = {"id": "l1", "mode": "m1.t1"}
    left_out = {"loop": "l1", "period": span(3, 4), "reason": "开车"}
    process = {"loops": [loop], "exclusions": [left_out]}
    early = chosen([version(0, process=process)], period(2, 6))
    assert len(early.plant.process.exclusions) == 1
    versions = [version(0, process={"loops": [loop]}), version(5, process=process)]
    late = chosen(versions, period(2, 6))
    assert late.plant.process.exclusions == ()
    assert codes(late) == ["window.undeclared", "loops.exclusion_late"]


def test_what_comes_to_be_later_is_taken_from_the_last():
    ledger = {"costs": {"sha256": "0" * 64, "rows": 1}}
    change = {"point": "m1.t1", "at": START.isoformat(), "last": 1, "first": 0, "document": "WO"}
    versions = [
        version(0, points=[point()]),
        version(9, points=[point(required=False)], ledgers=ledger, meters=[change],
                declared={"a": True}),
    ]  # fmt: skip
    found = chosen(versions, period(2, 4))
    assert found.plant.ledgers["costs"].rows == 1
    assert found.plant.declared == {"a": True}
    assert len(found.plant.meters) == 1
    assert found.plant.points[0].required


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(-5, 25))
def test_in_force_is_the_last_that_had_come(times, t):
    versions = [Version(x, str(i), plant([])) for i, x in enumerate(sorted(times))]
    expected = None
    for v in versions:  # slow and obvious
        if v.since <= t:
            expected = v
    assert in_force(versions, t) is expected


def test_entries_without_a_name_differ_by_their_place():
    shift = {"name": "a", "start": "08:00", "end": "16:00"}
    old = plant([machine()], calendar={"shifts": [shift], "holidays": ["2026-01-01"]})
    new = plant([machine(), machine("m2")], calendar={"shifts": [shift | {"end": "17:00"}]})
    assert [d[0] for d in differences(old, new)] == [
        "calendar.holidays[0]", "calendar.shifts[a].end", "equipment[m2]",
    ]  # fmt: skip
