"""A replaced register is bridged by its document; a heartbeat that stands still proves nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.rows.by_span import amount_in, pieces_in
from plantseal_kpi.rows.source import read
from plantseal_kpi.rows.totals import energy, pieces
from plantseal_kpi.rows.window import window
from plantseal_kpi.units import FACTORS

SPAN = (T0, T0 + 3600 * SECOND)
CHANGED = datetime.fromtimestamp(T0 // SECOND, UTC) + timedelta(seconds=1805)


def counted(values, role="energy", unit="kWh", changes=()):
    p = plant([machine()], [point(role=role, unit=unit)],
              meters=[{"point": "m1.t1", "document": "WO 17", **c} for c in changes])  # fmt: skip
    rows = frame([row(1, at(10 * i), v) for i, v in enumerate(values)])
    return window(read(rows.lazy(), p, [SPAN]), p, SPAN), p


@pytest.mark.parametrize(("last", "first", "added"), [("1185", "7", 5 + 3), ("1180", "10", 0)])
def test_a_registered_change_closes_the_old_register_and_opens_the_new_one(last, first, added):
    values = [1000 + i for i in range(181)] + [10 + i for i in range(180)]
    w, p = counted(values, changes=[{"at": CHANGED, "last": last, "first": first}])
    total = energy(w, p.equipment[0])
    assert total.known == 1000 * (180 + 179 + added)
    assert amount_in(w, p.points[0], [SPAN]) == [total.known]
    assert [f.code for f in total.findings] == ["counter.meter_change"]
    assert "WO 17" in total.findings[0].message
    assert total.left_out == 0


def test_without_the_change_the_difference_is_unknown():
    w, p = counted([1000 + i for i in range(181)] + [10 + i for i in range(180)])
    total = energy(w, p.equipment[0])
    assert (total.known, total.left_out) == (1000 * (180 + 179), 1)


def test_a_new_register_that_begins_at_0_is_no_false_zero():
    w, p = counted(
        [500 + i for i in range(181)] + [0, 0] + [900 + i for i in range(178)],
        "count_total", "pcs", [{"at": CHANGED, "last": "681", "first": "0"}],
    )  # fmt: skip
    total = pieces(w, p.equipment[0], "count_total")
    assert total.known == 181 + 900 + 177
    assert pieces_in(w, p.equipment[0], "count_total", [SPAN]) == [total.known]


def beating(values):
    points = [point(), point(2, role="heartbeat", required=False), point(3, role="state")]
    p = plant([machine(states={"1": "producing"})], points)
    rows = [
        row(tag, at(10 * i), v if tag == 2 else 1 if tag == 3 else i)
        for i, v in enumerate(values)
        for tag in (1, 2, 3)
    ]
    report = evaluate(frame(rows).lazy(), p, period(3600))
    return {r.metric: r for r in report.results if r.scope == "plant"}


def test_a_frozen_heartbeat_uncovers_what_goes_on_repeating():
    healthy = beating([i % 2 for i in range(-1, 360)])
    assert healthy["upload_rate"].value == "0.997222222222"  # the first beat is no toggle
    frozen = beating([i % 2 if i < 180 else 0 for i in range(-1, 360)])
    # Toggles from 10 s to 1810 s, and 11 s after the last one.
    assert frozen["upload_rate"].numerator == str(2 * (1821 - 10) * SECOND)
    assert frozen["availability"].parts["unknown_ns"] == str((3600 - 1811) * SECOND)


def test_mass_is_counted_in_grams():
    assert {u: FACTORS[u] for u in ("g", "kg", "t")} == {
        "g": ("g", 1), "kg": ("g", 1000), "t": ("g", 10**6),
    }  # fmt: skip


def findings(rows, points):
    p = plant([machine(states={"RUN": "producing", "IDLE": "idle"})], points)
    return {f.code: f for f in evaluate(frame(rows).lazy(), p, period(3600)).findings}


def test_a_value_that_stands_still_while_the_machine_produces_is_flagged():
    points = [point(role="state"), point(2, stuck_periods=30)]
    states = [row(1, at(10 * i), "RUN" if i < 180 else "IDLE") for i in range(360)]
    still = [row(2, at(10 * i), i if i < 60 else 60) for i in range(360)]
    stuck = findings([*states, *still], points)["value.stuck"]
    assert "1 times" in stuck.message
    assert stuck.data["spans"] == f"{at(600)}/{at(3600)}"
    moving = [row(2, at(10 * i), i if i < 160 else 160) for i in range(360)]
    assert "value.stuck" not in findings([*states, *moving], points)


def test_rows_received_after_the_cut_off_are_not_used():
    more = {"mode": "subscribed", "protocol": "opcua", "role": "count_total"}
    after = at(3600 + 72 * 3600)
    rows = [row(1, at(10 * i) if i != 180 else after, i, t_source=at(10 * i)) for i in range(360)]
    found = findings(rows, [point(**more)])
    assert found["rows.after_cut_off"].data == {"rows": "1"}
    rows = [r | {"t_receive": min(r["t_receive"], after - 1)} for r in rows]
    assert "rows.after_cut_off" not in findings(rows, [point(**more)])
