"""Machine figures on real records: against the control's own hour meter, and a part counter."""

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from plantseal_testing_kpi import SECOND, machine, plant, point

from plantseal_kpi.calendar import ns
from plantseal_kpi.machines.products import counts_in
from plantseal_kpi.machines.shifts import shift_work
from plantseal_kpi.machines.work import machines
from plantseal_kpi.rows.window import window
from plantseal_kpi.schema import ROWS, Flag, Kind, VType

DATA = Path(os.environ.get("DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
MAZAK = DATA / "nist_smstb_mazak01"
HURCO = DATA / "nist_smstb_hurco01_parts" / "hurco01_20170201_20170831.parquet"
pytestmark = pytest.mark.recorded
RECORDED = {"mode": "imported", "protocol": "recorded"}


def rows_of(events, keys):
    """Rows of (key, ts, value text), in the order of the log."""
    mine = events.filter(pl.col("key").is_in(list(keys)))
    text = pl.col("ts").str.strip_suffix("Z")
    time = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ns")
    given = pl.col("value") != "UNAVAILABLE"
    number = pl.col("value").cast(pl.Int64, strict=False)
    columns = {
        "seq": pl.int_range(pl.len()), "tag": pl.col("key").replace_strict(keys),
        "t_source": time.dt.epoch("ns"), "kind": int(Kind.VALUE), "src_seq": 0,
        "status": pl.when(given).then(0).otherwise(0x809B0000), "flags": int(Flag.IMPORTED),
        "vtype": pl.when(~given).then(int(VType.NULL)).when(number.is_not_null())
        .then(int(VType.I64)).otherwise(int(VType.TEXT)),
        "value_i": pl.when(given).then(number),
        "text": pl.when(given & number.is_null()).then("value"),
    }  # fmt: skip
    nulls = {name: None for name in ("t_server", "t_receive", "value_f")}
    return mine.select(**columns, **nulls).cast(dict(ROWS)).select(ROWS.names())


def span(start, end):
    return tuple(ns(datetime.fromisoformat(t).replace(tzinfo=UTC)) for t in (start, end))


def mazak(producing):
    events = pl.read_parquet(MAZAK / "mazak01_20171201_20180531_events.parquet")
    states = dict.fromkeys(("READY", "STOPPED", "INTERRUPTED", "FEED_HOLD"), "idle")
    states |= dict.fromkeys(producing, "producing")
    p = plant([machine(stale_s=None, states=states)], [point(1, role="state", **RECORDED)])
    return window(rows_of(events, {"execution": 1}), p, span("2017-12-01", "2018-06-01"))


def test_half_a_year_of_production_days():
    derived = pl.read_csv(MAZAK / "derived_daily.csv", schema_overrides={"day": pl.Date})
    active = dict(derived.select("day", "ACTIVE").iter_rows())
    w = mazak(["ACTIVE"])
    worked = machines(w)
    days = {x.day: x.times for x in shift_work(w, worked)}
    assert len(days) == 182
    for day, seconds in active.items():
        if day in days:
            assert abs(days[day].apt / SECOND - seconds) < 0.001
    assert sum(t.apt for t in days.values()) == worked[0].times.apt
    assert round(worked[0].times.apt / SECOND) == 79_764


def test_the_hour_meter_of_the_control_lies_within_the_bounds():
    t = machines(mazak(["ACTIVE", "INTERRUPTED", "FEED_HOLD"]))[0].times
    metered = 93_491  # s, the control's auto_time of the 33 days that have two readings
    assert t.apt // SECOND == 90_994
    assert t.apt <= metered * SECOND <= t.apt + t.unknown


def test_the_part_counter_with_its_false_zeros():
    keys = {"Program_Status": 1, "Part_Count": 2}
    rows = rows_of(pl.read_parquet(HURCO), keys)
    m = machine(stale_s=None, states={"ACTIVE": "producing", "READY": "idle"})
    points = [point(1, role="state", **RECORDED), point(2, role="count_total", **RECORDED)]
    w = window(rows, plant([m], points), span("2017-02-01", "2017-09-01"))
    done = machines(w)[0]
    assert "counter.false_zero" in {f.code for f in done.findings}
    day = 86_400 * SECOND
    days = [[(start, start + day)] for start in range(w.start, w.end, day)]
    each = counts_in(w, w.plant.equipment[0], days, {"count_total"})
    known = [c.made for c in each if c.made is not None]
    assert (sum(known), done.made) == (3797 - 2379, 3797 - 2379)
