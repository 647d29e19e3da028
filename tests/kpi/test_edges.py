"""Where a figure tips: the last value that counts beside the first that does not."""

import polars as pl
import pytest
from plantseal_testing_kpi import (
    SECOND,
    at,
    birth,
    frame,
    machine,
    period,
    plant,
    point,
    row,
)  # fmt: skip

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.judging.criteria import judge
from plantseal_kpi.judging.notices import load_notice
from plantseal_kpi.rows.counters import LIMITS, counter_steps, taken
from plantseal_kpi.rows.coverage import equipment_alive
from plantseal_kpi.rows.readings import points_frame, readings
from plantseal_kpi.schema import Flag, Kind

SUBSCRIBED = {
    "mode": "subscribed", "protocol": "opcua", "keepalive_ms": 10_000, "publishing_ms": 1_000,
}  # fmt: skip
SPARKPLUG = {"mode": "published", "protocol": "sparkplug", "keepalive_ms": 60_000}


@pytest.mark.parametrize(
    ("status", "good"),
    [(0, True), (0x3FFF_FFFF, True), (0x4000_0000, False), (0x8000_0000, False)],
)
def test_only_the_severity_good_is_good(status, good):
    made = readings(
        frame([row(1, at(0), 5, status=status)]), points_frame(plant([machine()], [point()]))
    )
    assert made.values["good"].to_list() == [good]


def test_a_sparkplug_session_is_believed_for_one_and_a_half_keep_alives():
    rows = [birth(100, at(0)), row(1, at(0), 5, t_source=at(0)), row(1, at(10), 6, t_source=at(10))]
    found = evaluate(
        frame(rows).lazy(), plant([machine(stale_s=600)], [point(**SPARKPLUG)]), period(1000)
    )
    rate = next(r for r in found.results if r.metric == "upload_rate" and r.scope == "plant")
    assert int(rate.numerator) == (10 + 90) * SECOND


def alive(*rows):
    p = plant([machine()], [point(**SUBSCRIBED)])
    points = points_frame(p)
    stale = pl.DataFrame({"equipment": ["m1"], "fresh_ns": [60 * SECOND]})
    spans = equipment_alive(readings(frame(rows), points), points, stale)
    return [((a - at(0)) // SECOND, (b - at(0)) // SECOND) for _, a, b in spans.rows()]


@pytest.mark.parametrize("kind", [Kind.GAP, Kind.DEATH])
def test_a_machine_is_not_alive_in_a_gap_or_after_a_death(kind):
    value = row(1, at(0), 5, t_source=at(0))
    end = row(100, at(50), t_source=at(20), t_server=at(50), kind=kind)
    assert alive(value) == [(0, 60)]
    assert alive(value, end) == [(0, 20)]


def test_what_was_fetched_later_is_a_sign_of_life_then_and_not_when_it_came():
    value = row(1, at(0), 5, t_source=at(0))
    late = row(1, at(600), 5, t_source=at(300), flags=int(Flag.BACKFILLED))
    assert alive(value, late) == [(0, 60), (300, 360)]


def test_what_a_broker_retained_is_no_sign_of_life():
    value = row(1, at(0), 5, t_source=at(0))
    kept = row(1, at(600), 5, t_source=at(600), flags=int(Flag.RETAINED))
    assert alive(value, kept) == [(0, 60)]


def test_one_count_beyond_the_rated_maximum_is_a_step_of_the_register():
    values = pl.DataFrame(
        {"tag": [1, 1, 1], "at": [0, 1, 2], "seq": [0, 1, 2], "base": [0, 7, 15]},
        schema_overrides={"tag": pl.UInt32},
    )
    limits = pl.DataFrame([(1, None, 1, 7)], schema=LIMITS, orient="row")
    assert counter_steps(values, limits)["flag"].to_list() == ["", "implausible"]


def test_a_step_into_the_period_counts_after_at_most_two_polls_of_silence():
    def straddles(before):
        steps = pl.DataFrame(
            {"before": [before], "at": [100], "period": [10], "mode": ["polled"], "flags": [0]},
            schema_overrides={"flags": pl.UInt8},
        )
        return taken(steps, 90, 200)["straddles"].item()

    assert [straddles(80), straddles(79)] == [False, True]


def test_a_roll_up_to_which_no_condition_applies_is_not_assessable():
    notice = load_notice("CQ2020-15")
    rolled = next(c for c in notice.criteria if c.rolls_up)
    alone = notice.model_copy(update={"criteria": (rolled,)})
    project = {
        key: str(wanted[0] if isinstance(wanted, tuple) else wanted).lower()
        for key, wanted in rolled.applies_when.items()
    }
    (verdict,) = judge(alone, {}, project, {})
    assert verdict.outcome == "NOT_ASSESSABLE"
