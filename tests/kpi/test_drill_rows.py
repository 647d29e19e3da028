"""Drill-down row by row: every row is listed whatever was condensed, each exclusion names its reason."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_drill import LENGTH, workshop, workshop_rows
from plantseal_testing_kpi import (
    BAD,
    SECOND,
    T0,
    at,
    birth,
    frame,
    machine,
    period,
    plant,
    point,
    row,
)  # fmt: skip

from plantseal_kpi.drill import drill, scene
from plantseal_kpi.drill.drilling import drilled
from plantseal_kpi.drill.reasons import REASONS, words
from plantseal_kpi.evaluate import worked
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.schema import Flag, Kind

HOUR = 3600


def by_hours(rows, seconds=1200):
    """The rows in files one after another, as a gateway seals them."""
    heard = pl.coalesce("t_receive", "t_source")
    out = []
    for (_,), cut in rows.group_by(heard // (seconds * SECOND), maintain_order=True):
        times = pl.concat([cut["t_source"], cut["t_receive"]]).drop_nulls()
        out.append(Part(times.min(), times.max(), cut.lazy()))
    return out


def steady(n=360):
    rows = [birth(100, at(-60), product="x")]
    for slot in range(-3, n + 3):
        t = at(slot * 10) + SECOND // 20
        rows += [row(1, t, "RUN" if slot % 60 < 50 else "IDLE"), row(2, t, 1000 + slot)]
    p = plant([machine(states={"RUN": "producing", "IDLE": "idle"})],
              [point(1, role="state"), point(2, role="count_total")])  # fmt: skip
    return frame(rows), p


def test_rows_that_were_condensed_are_listed_all_the_same():
    rows, p = steady()
    done = worked(by_hours(rows), p, period(HOUR))
    assert done.source.rows.height < rows.height / 3
    d = drilled(done, "upload_rate", "m1")
    inside = rows.filter(
        pl.col("t_receive").is_between(T0, T0 + HOUR * SECOND) & (pl.col("tag") < 100)
    )
    assert d.rows["seq"].to_list() == inside.sort("t_receive", "tag")["seq"].to_list()
    assert d.rows["used"].all()


@pytest.mark.parametrize("most", [1, 300, 10**6])
@pytest.mark.parametrize(("metric", "scope"), [
    ("oee", "plant"), ("energy", "m3"), ("upload_rate", "m2"), ("auto_control_in_service_rate", "plant"),
    ("digital_equipment_share", "plant"),
])  # fmt: skip
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6), trouble=st.sampled_from((0.0, 0.05, 0.2)))
def test_opened_file_by_file_or_at_once_the_frames_are_the_same(metric, scope, most, seed, trouble):
    p = workshop()
    rows = workshop_rows(seed, p, trouble, before=False)
    whole = drill(rows.lazy(), p, period(LENGTH), metric, scope)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene, "MOST_ROWS", most)
        parts = drill(by_hours(rows), p, period(LENGTH), metric, scope)
    order = ["at", "tag", "seq"]
    assert parts.rows.sort(order, nulls_last=True).equals(whole.rows.sort(order, nulls_last=True))
    assert parts.intervals.equals(whole.intervals)
    assert parts.sums.equals(whole.sums)
    assert parts.terms() == whole.terms()


def test_a_limit_cuts_the_frames_and_not_the_sums():
    rows, p = steady()
    whole = drill(rows.lazy(), p, period(HOUR), "utilisation", "m1")
    few = drill(rows.lazy(), p, period(HOUR), "utilisation", "m1", limit=5)
    assert few.rows.height == few.intervals.height == 5
    assert few.rows.equals(whole.rows.head(5))
    assert few.total("rows") == whole.rows.height > 300
    assert few.sums.equals(whole.sums)
    assert few.terms() == whole.terms()


def why(d, tag=None):
    rows = d.rows if tag is None else d.rows.filter(pl.col("tag") == tag)
    return dict(rows.select("seq", "reason").iter_rows())


def test_each_row_of_an_upload_rate_says_why_it_is_no_evidence():
    late, stored = 61 * SECOND, Flag.BACKFILLED
    given_ = [
        (row(1, at(10), 1, t_source=at(10)), ""),
        (row(1, at(11), 1, t_source=at(10)), "duplicate"),
        (row(1, at(12), 2, t_source=at(10)), "conflict"),
        (row(1, at(20), 1, t_source=at(20), status=BAD), "bad_status"),
        (row(1, at(30), None, t_source=at(30)), "no_value"),
        (row(1, at(40), "UNAVAILABLE", t_source=at(40)), "unavailable"),
        (row(1, at(50) + late, 1, t_source=at(50)), "late"),
        (row(1, at(70), 1, t_source=at(60), flags=stored), "backfilled"),
        (row(1, at(80), 1, t_source=at(80), flags=Flag.RETAINED), "retained"),
        (row(1, at(81), 1, t_source=at(81), flags=Flag.HISTORICAL), "historical"),
        (row(1, at(82), None, t_source=at(82), kind=Kind.OVERFLOW), "overflow"),
        (row(1, at(90), 1, t_source=at(90), flags=Flag.IMPORTED), "other_origin"),
        (row(1, at(95) + 73 * HOUR * SECOND, 1, t_source=at(95)), "after_final"),
        (row(1, at(100), 1, t_source=at(100)), "outside_period"),
        (row(100, at(5), kind=Kind.BIRTH), "not_a_value"),
    ]  # fmt: skip
    p = plant([machine()], [point(1, mode="published", protocol="mqtt")])
    d = drill(frame(r for r, _ in given_).lazy(), p, period(100), "upload_rate", "m1")
    assert why(d) == {i: reason for i, (_, reason) in enumerate(given_)}


def test_each_reading_of_a_counter_says_what_it_adds():
    readings = [(-5, 100), (5, 101), (15, 105), (25, 0), (35, 107), (45, 3), (55, 5), (65, 99_999_999),
                (75, 6), (105, 9)]  # fmt: skip
    rows = [row(2, at(t), n) for t, n in readings]
    rows.insert(3, row(2, at(20), float("nan")))
    p = plant([machine(rated_power_kw="3600")],
              [point(2, role="energy", unit="Wh", period_ms=10_000)])  # fmt: skip
    d = drill(frame(rows).lazy(), p, period(100), "energy", "m1")
    told = d.rows.filter(pl.col("tag") == 2).select("seq", "base", "delta", "numerator", "reason")
    assert told.rows() == [
        (1, 101, 1, 1, ""),
        (2, 105, 4, 4, ""),
        (3, None, None, 0, "unreadable"),
        (4, 0, None, 0, "false_zero"),
        (5, 107, 2, 2, ""),
        (6, 3, None, 0, "reset"),
        (7, 5, 2, 2, ""),
        (8, 99_999_999, None, 0, "implausible"),
        (9, 6, None, 0, "reset"),
    ]
    assert d.terms() == (9, 1) == (int(d.result.numerator), int(d.result.denominator))


def test_time_that_is_not_covered_says_why():
    rows = [birth(100, at(-10), product="x")]
    rows += [row(1, at(t), 1) for t in range(-10, 300, 10) if not 50 <= t < 200 or t == 120]
    rows += [row(1, at(60), None, kind=Kind.SLOT), row(100, at(100), kind=Kind.DEATH),
             row(100, at(110), kind=Kind.BIRTH), row(1, at(130), 1, status=BAD),
             row(100, at(145), kind=Kind.GAP, t_source=at(145), t_server=at(155)),
             row(1, at(160), 1)]  # fmt: skip
    start = datetime.fromtimestamp(T0 // SECOND, UTC)
    stop = {"period": {"start": start.replace(second=50), "end": start.replace(minute=15, second=10)},
            "reason": "清洁"}  # fmt: skip
    p = plant([machine()], [point(1)], calendar={"stops": [stop]})
    d = drill(frame(rows).lazy(), p, period(250), "upload_rate", "m1")
    told = [
        (what, (a - T0) // SECOND, (b - T0) // SECOND, reason)
        for what, a, b, reason in d.intervals.select("what", "start", "end", "reason").rows()
    ]
    assert told == [
        ("covered", 0, 30, ""),
        ("not planned", 30, 110, "planned_stop:清洁"),
        ("uncovered", 110, 120, "no_answer"),
        ("covered", 120, 130, ""),
        ("uncovered", 130, 145, "bad_value"),
        ("uncovered", 145, 155, "gateway_gap"),
        ("uncovered", 155, 160, "bad_value"),
        ("covered", 160, 171, ""),
        ("uncovered", 171, 200, "silent"),
        ("covered", 200, 250, ""),
    ]


@pytest.mark.parametrize(("metric", "scope", "said"), [
    ("upload_rat", "plant", "expected one of upload_rate"),
    ("upload_rate", "m9", "got 'm9', expected one of plant, m1"),
    ("digital_equipment_share", "m1", "got 'm1', expected one of plant"),
])  # fmt: skip
def test_what_is_not_known_is_refused_with_what_is(metric, scope, said):
    rows, p = steady(3)
    with pytest.raises(ValueError, match=said):
        drill(rows.lazy(), p, period(30), metric, scope)


def test_every_reason_has_words_in_both_languages():
    for code in REASONS:
        en, zh = words(f"{code}:x")
        assert en.endswith(": x")
        assert zh.endswith("：x")
        assert zh != en
