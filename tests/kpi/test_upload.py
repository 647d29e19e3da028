"""The worked examples of definitions 4.4, and the properties named there."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import (
    BAD,
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
from plantseal_kpi.machines.upload import DeviceTime, upload_rate
from plantseal_kpi.schema import Flag, Kind

SHIFT = 28_800
SUBSCRIBED = {
    "mode": "subscribed", "protocol": "opcua", "keepalive_ms": 10_000, "publishing_ms": 1_000,
}  # fmt: skip
SPARKPLUG = {"mode": "published", "protocol": "sparkplug", "keepalive_ms": 60_000}


def rate(rows, points, seconds=SHIFT, scope="plant", **more):
    p = plant([machine(stale_s=60)], points, **more)
    report = evaluate(frame(rows).lazy(), p, period(seconds))
    return next(r for r in report.results if r.metric == "upload_rate" and r.scope == scope)


def slot(n, **more):
    return row(1, at(10 * n), 5, src_seq=(at(10 * n) // (10 * SECOND)) & 0xFFFFFFFF, **more)


def example_a():
    outage = range(1000, 1240)
    bad = range(100, 700, 50)
    late = range(1500, 2100, 20)
    rows = []
    for n in range(2880):
        if n in outage:
            continue
        r = slot(n)
        if n in bad:
            r |= {"status": BAD, "vtype": 0, "value_i": None}
        if n in late:
            # received two minutes after its slot, where the time is covered anyway
            r |= {"t_receive": at(10 * n + 120)}
        rows += [r, r] if n < 60 else [r]
    assert (len(outage), len(bad), len(late)) == (240, 12, 30)
    return rows


def test_a_polled_with_outage_bad_and_late():
    r = rate(example_a(), [point()])
    assert (r.numerator, r.denominator) == (str((28_800 - 2789) * SECOND), str(28_800 * SECOND))
    assert Fraction(r.value).limit_denominator(10**6) == pytest.approx(0.9032, abs=5e-5)
    assert (r.parts["slots_timely"], r.parts["slots"]) == ("2598", "2880")


def test_a_slots_closed_by_the_gateway_end_coverage_where_the_slot_begins():
    rows = [slot(n) for n in range(2880) if not 1000 <= n < 1240]
    # all 240 slots are closed in one go when the device comes back
    closed = [
        row(1, at(12_400), kind=Kind.SLOT, status=BAD, src_seq=(at(10 * n) // (10 * SECOND)))
        for n in range(1000, 1240)
    ]
    r = rate(rows + closed, [point()])
    assert int(r.numerator) == (28_800 - 2_400) * SECOND


def test_b_polling_faster_than_registered_gains_nothing():
    rows = [row(1, at(t), 5) for t in range(14_400)]
    assert int(rate(rows, [point()]).numerator) == 14_410 * SECOND


def test_c_subscription_with_a_silence():
    gap = range(10_001, 11_800)
    alive = [row(100, at(t), kind=Kind.KEEPALIVE) for t in range(0, 28_800, 10) if t not in gap]
    values = [
        row(1, at(t), v, t_source=at(t)) for v, t in enumerate((0, 700, 900, 5000, 9000, 20_000))
    ]
    r = rate([birth(100, at(0), product="x"), *values, *alive], [point(**SUBSCRIBED)])
    assert int(r.numerator) == (28_800 - 1788) * SECOND


@pytest.mark.parametrize("ahead_ns", [10**6, 40 * SECOND, -40 * SECOND, 301 * SECOND])
@pytest.mark.parametrize("mode", ["polled", "published", "subscribed"])
def test_g_a_fast_clock_costs_nothing(ahead_ns, mode):
    extra = SUBSCRIBED if mode == "subscribed" else {"mode": mode}
    rows = [row(1, at(t), t, t_source=at(t) + ahead_ns) for t in range(0, 3600, 5)]
    r = rate(rows, [point(**extra)], 3600)
    assert r.value == "1"
    noted = any(f.code == "clock.offset" for f in r.findings)
    assert noted is (mode != "polled" and abs(ahead_ns) > 2 * SECOND)


def test_h_without_source_time_the_receive_time_counts():
    rows = [row(1, at(t), 5) for t in range(0, 3600, 10)]
    assert rate(rows, [point(mode="published", protocol="mqtt")], 3600).value == "1"


def test_i_an_old_first_value_and_keepalives_cover_from_the_subscription_on():
    first = row(1, at(600), 5, t_source=at(-10_800), flags=int(Flag.FIRST))
    alive = [row(100, at(t), kind=Kind.KEEPALIVE) for t in range(600, 3600, 10)]
    r = rate([birth(100, at(600), product="x"), first, *alive], [point(**SUBSCRIBED)], 3600)
    assert int(r.numerator) == 3000 * SECOND


def test_e_the_unconnected_station_decides():
    shares = [Fraction("0.970")] * 6 + [Fraction("0.990")] * 2 + [Fraction("0.957917"), Fraction(0)]
    devices = [DeviceTime((int(s * 10**6),), 10**6) for s in shares]
    n, d = upload_rate(devices)
    assert Fraction(n, d) == Fraction(875_791_7, 10**7)
    n, d = upload_rate(devices[:9])
    assert Fraction(n, d) >= Fraction(9, 10)


def test_a_sibling_that_speaks_speaks_for_the_silent_tag_of_its_subscription():
    points = [point(1, **SUBSCRIBED), point(2, **SUBSCRIBED)]
    rows = [row(2, at(0), 1, t_source=at(0))]
    rows += [row(1, at(t), t, t_source=at(t)) for t in range(0, 3600, 5)]
    assert rate(rows, points, 3600).value == "1"


def test_a_bad_value_uncovers_until_the_next_good_one_though_keepalives_arrive():
    alive = [row(100, at(t), kind=Kind.KEEPALIVE) for t in range(0, 3600, 10)]
    values = [row(1, at(0), 1), row(1, at(1000), status=BAD), row(1, at(1600), 2)]
    r = rate(alive + values, [point(**SUBSCRIBED)], 3600)
    assert int(r.numerator) == 3000 * SECOND


def test_late_and_stored_values_count_for_completeness_only():
    live = [row(1, at(t), t, t_source=at(t)) for t in range(0, 1800, 10)]
    stored = [
        row(1, at(4000), t, t_source=at(t), flags=int(Flag.BACKFILLED))
        for t in range(1800, 3600, 10)
    ]
    r = rate(live + stored, [point(mode="published")], 3600)
    assert int(r.numerator) == 1801 * SECOND
    assert r.parts["completeness"] == "1"


def test_sparkplug_is_covered_from_birth_to_death_without_a_word_between():
    rows = [
        birth(100, at(100), hw="x"), row(1, at(100), 1, t_source=at(100)),
        row(100, at(3000), kind=Kind.DEATH, t_source=at(2500)),
    ]  # fmt: skip
    assert int(rate(rows, [point(**SPARKPLUG)], 3600).numerator) == 2400 * SECOND


def test_sparkplug_gap_uncovers_from_the_last_contiguous_message_to_the_next_birth():
    rows = [
        birth(100, at(0), hw="x"), row(1, at(0), 1, t_source=at(0)),
        row(1, at(500), 2, t_source=at(500)),
        row(100, at(900), 3, kind=Kind.SEQ_GAP), row(1, at(900), 3, t_source=at(900)),
        birth(100, at(1200), hw="x"), row(1, at(1200), 3, t_source=at(1200)),
        row(100, at(2000), kind=Kind.DEATH, t_source=at(2000)),
    ]  # fmt: skip
    assert int(rate(rows, [point(**SPARKPLUG)], 3600).numerator) == (500 + 800) * SECOND


def test_a_device_that_was_born_before_the_gateway_came_is_not_covered_until_its_next_birth():
    rows = [
        birth(101, at(0), broker="x"), row(1, at(10), 1, t_source=at(10)),
        birth(100, at(1000), hw="x"), row(1, at(1000), 1, t_source=at(1000)),
        row(1, at(1800), 1, t_source=at(1800)),
        row(100, at(2500), 3, kind=Kind.SEQ_GAP, t_source=at(1800)),
    ]  # fmt: skip
    r = rate(rows, [point(**SPARKPLUG, source_link=101)], 3600)
    assert int(r.numerator) == 800 * SECOND


def test_a_gap_of_the_gateway_covers_nothing():
    rows = [
        birth(100, at(0), hw="x"), row(1, at(0), 1, t_source=at(0)),
        row(101, at(2000), kind=Kind.GAP, t_source=at(1000), t_server=at(2000)),
        birth(100, at(2000), hw="x"), row(1, at(2000), 1, t_source=at(2000)),
        row(100, at(3600), kind=Kind.DEATH, t_source=at(3600)),
    ]  # fmt: skip
    r = rate(rows, [point(**SPARKPLUG, source_link=101)], 3600)
    assert int(r.numerator) == 2600 * SECOND


def test_imported_records_without_receive_time_are_not_an_upload():
    rows = [
        row(1, None, v, t_source=at(10 * v), flags=int(Flag.IMPORTED)) for v in range(360)
    ]  # fmt: skip
    r = rate(rows, [point(mode="imported", protocol="recorded")], 3600)
    assert r.value is None
    assert r.findings[0].code == "upload.no_receive_times"
    assert (r.parts["link_rate"], r.parts["point_rate"]) == ("1", "1")


def test_a_stream_of_unavailable_is_no_upload():
    rows = [row(1, at(t), "UNAVAILABLE", t_source=at(t)) for t in range(0, 3600, 5)]
    rows += [row(1, at(t), status=0x809B0000) for t in range(2, 3600, 5)]
    assert rate(rows, [point(mode="published")], 3600).value == "0"


def test_last_weeks_state_told_again_is_no_upload():
    old = at(-7 * 86_400)
    rows = [
        row(1, at(t), "ACTIVE", t_source=old, flags=int(Flag.RETAINED)) for t in range(0, 3600, 5)
    ]
    assert rate(rows, [point(mode="published")], 3600).value == "0"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from("gbs")), max_size=25),
    st.randoms(use_true_random=False),
)
def test_polled_coverage_equals_the_definition_read_slowly(events, shuffle):
    rows, slow = [], set()
    for i, (t, what) in enumerate(events):
        more = {"seq": i}
        if what == "g":
            rows.append(row(1, at(t), 5) | more)
        else:
            rows.append(row(1, at(t), status=BAD) | more)
    ordered = sorted(rows, key=lambda r: (r["t_receive"], r["seq"]))
    for i, r in enumerate(ordered):
        if r["status"]:
            continue
        cuts = [x["t_receive"] for x in ordered[i + 1 :] if x["status"]]
        end = min([r["t_receive"] + 11 * SECOND, *cuts])
        slow |= set(range((r["t_receive"] - at(0)) // SECOND, (end - at(0)) // SECOND))
    shuffle.shuffle(rows)
    given_rows = pl.DataFrame(rows, schema=frame([]).schema, orient="row").lazy()
    report = evaluate(given_rows, plant([machine()], [point()]), period(150))
    assert int(report.results[0].numerator) == len(slow & set(range(150))) * SECOND


@pytest.mark.parametrize(("seconds", "flagged"), [(360, False), (361, True)])
def test_planned_stops_over_a_tenth_are_flagged(seconds, flagged):
    stop = period(seconds).model_dump()
    calendar = {"stops": [{"period": stop, "reason": "maintenance"}]}
    r = rate([slot(n) for n in range(360)], [point()], 3600, calendar=calendar)
    assert any(f.code == "upload.exclusions" for f in r.findings) == flagged
