"""Real records, straight from their files, against numbers that are not ours."""

import csv
import gzip
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from plantseal_testing_kpi import machine, plant, point

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.plant import Period
from plantseal_kpi.rows.counters import counter_delta, counter_steps
from plantseal_kpi.rows.states import state_durations
from plantseal_kpi.schema import ROWS, Flag, Kind, VType

DATA = Path(os.environ.get("DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
MAZAK = DATA / "nist_smstb_mazak01"
FLEET = DATA / "nist_smstb_fleet_2018q2"
STEEL = DATA / "uci_steel_energy" / "Steel_industry_data.csv.gz"
pytestmark = pytest.mark.recorded
STATES = ("ACTIVE", "READY", "STOPPED", "INTERRUPTED", "FEED_HOLD", "UNAVAILABLE")


def imported(events: pl.DataFrame) -> pl.DataFrame:
    """Rows of (tag, ts, value text); what the agent does not have is a bad row without a value."""
    time = (
        pl.col("ts").str.strip_suffix("Z").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ns")
    )
    given = pl.col("value") != "UNAVAILABLE"
    number = pl.col("value").cast(pl.Int64, strict=False)
    columns = {
        "seq": pl.int_range(pl.len()), "t_source": time.dt.epoch("ns"), "kind": int(Kind.VALUE),
        "status": pl.when(given).then(0).otherwise(0x809B0000), "flags": int(Flag.IMPORTED),
        "vtype": pl.when(~given).then(int(VType.NULL)).when(number.is_not_null())
        .then(int(VType.I64)).otherwise(int(VType.TEXT)),
        "value_i": pl.when(given).then(number),
        "text": pl.when(given & number.is_null()).then("value"), "src_seq": 0,
    }  # fmt: skip
    nulls = {name: None for name in ("t_server", "t_receive", "value_f")}
    return events.select("tag", **columns, **nulls).cast(dict(ROWS)).select(ROWS.names())


@pytest.fixture(scope="module")
def mazak():
    keys = {"execution": 1, "auto_time": 2, "total_time": 3, "cut_time": 4}
    events = pl.read_parquet(MAZAK / "mazak01_20171201_20180531_events.parquet")
    mine = events.filter(pl.col("key").is_in(list(keys)))
    return imported(mine.with_columns(tag=pl.col("key").replace_strict(keys)))


@pytest.fixture(scope="module")
def derived():
    return pl.read_csv(MAZAK / "derived_daily.csv", schema_overrides={"day": pl.Date})


def test_half_a_year_of_states_a_day_to_the_millisecond(mazak, derived):
    ours = state_durations(mazak.sample(fraction=1.0, shuffle=True, seed=1), [1])
    wide = ours.pivot("state", index="day", values="ns").fill_null(0).sort("day")
    assert wide["day"].to_list() == derived["day"].to_list()
    for state in STATES:
        difference = wide[state] / 1e9 - derived[state]
        assert difference.abs().max() < 0.001
    total = ours.filter(pl.col("state").is_in(["ACTIVE", "INTERRUPTED", "FEED_HOLD"]))
    assert abs(total["ns"].sum() - 90_994_534 * 10**6) < 10**6
    assert round(ours.filter(pl.col("state") == "ACTIVE")["ns"].sum() / 1e9) == 79_764


def test_the_counters_of_the_control_a_day(mazak, derived):
    values = mazak.filter(pl.col("status") == 0).with_columns(at="t_source", base="value_i")
    # The control's clock steps back 3.5 s at 13:01:38 on 2018-02-07: sorted by source time, two
    # runs of total_time interleave. Three decreases, flagged, nothing added.
    odd = counter_steps(values).filter(pl.col("flag") != "")
    assert odd.select("tag", "flag").unique().rows() == [(3, "reset")]
    assert (odd["at"] // 10**9).to_list() == [1_518_008_498, 1_518_008_499, 1_518_008_501]
    for tag, name in ((2, "auto_time"), (3, "total_time"), (4, "cut_time")):
        days = counter_delta(values.filter(pl.col("tag") == tag))
        both = derived.join(days, on="day", how="left")
        assert both["first"].equals(both[f"{name}_first"], check_names=False)
        assert both["last"].equals(both[f"{name}_last"], check_names=False)


def test_states_against_the_machines_own_counter(mazak):
    values = mazak.filter(pl.col("status") == 0).with_columns(at="t_source", base="value_i")
    counted = counter_delta(values.filter(pl.col("tag") == 2)).select("day", s="delta")
    running = state_durations(mazak, [1]).filter(
        pl.col("state").is_in(["ACTIVE", "INTERRUPTED", "FEED_HOLD"])
    ).group_by("day").agg(pl.col("ns").sum())  # fmt: skip
    both = counted.join(running, on="day", how="left").with_columns(
        off=(pl.col("ns").fill_null(0) / 1e9 - pl.col("s"))
    )
    assert (both.height, both["s"].sum()) == (33, 93_491)
    assert both["off"].median() == pytest.approx(-1.745, abs=0.001)
    assert both["off"].abs().median() == pytest.approx(6.845, abs=0.001)
    assert both["off"].abs().max() == pytest.approx(747.6, abs=0.05)
    assert (both["off"].abs() > 60).sum() == 9


def fleet_report():
    events = pl.read_parquet(FLEET / "fleet_20180401_20180531.parquet")
    keys = events.select("machine", "key").unique().sort("machine", "key").with_row_index("tag")
    rows = imported(events.join(keys, on=["machine", "key"], maintain_order="left"))
    names = keys["machine"].unique().sort().to_list()
    points = [
        point(tag, m, link=1000 + names.index(m), mode="imported", protocol="recorded",
              name=f"{m}.{tag}", required=key in ("execution", "avail", "mode"))
        for m, key, tag in keys.select("machine", "key", "tag").iter_rows()
    ]  # fmt: skip
    spring = Period(start=datetime(2018, 4, 1, tzinfo=UTC), end=datetime(2018, 6, 1, tzinfo=UTC))
    p = plant([machine(m, stale_s=None) for m in names], points)
    return evaluate(rows.lazy(), p, spring)


def test_two_of_eight_machines_deliver_data():
    report = fleet_report()
    plant_wide = {r.metric: r for r in report.results if r.scope == "plant"}
    share = plant_wide["proven_equipment_share"]
    assert (share.numerator, share.denominator) == ("2", "8")
    assert share.parts["proven"] == "Mazak01,Mazak03"
    upload = plant_wide["upload_rate"]
    assert upload.value is None
    assert upload.parts["link_rate"] == "0.25"
    codes = [f.code for f in upload.findings]
    assert codes[0] == "upload.no_receive_times"
    constant = [f for f in upload.findings if f.code == "upload.constant"]
    assert [(f.data["value"], f.message.split(".")[0]) for f in constant] == [
        ("AVAILABLE", "Hurco04")
    ]
    verdict = next(v for v in report.verdicts if v.criterion == "cq2020.w2.upload_rate")
    assert verdict.outcome == "NOT_ASSESSABLE"


def test_a_year_of_quarter_hours_to_the_watt_hour():
    with gzip.open(STEEL, "rt") as f:
        listed = [(r["date"], int(r["NSM"]), r["Usage_kWh"]) for r in csv.DictReader(f)]
    zone = timedelta(hours=9)
    rows = []
    for i, (text, second, kwh) in enumerate(listed):
        day = datetime.strptime(text.split()[0], "%d/%m/%Y").replace(tzinfo=UTC)
        ends = day + timedelta(days=1 if second == 0 else 0, seconds=second) - zone
        rows.append(
            {"seq": i, "tag": 1, "status": 0, "t_source": int(ends.timestamp()) * 10**9,
             "kind": 1, "vtype": 4, "flags": 1, "src_seq": 0, "value_f": float(kwh)}
        )  # fmt: skip
    frame = pl.DataFrame(rows, schema=ROWS)
    points = [
        point(1, role="energy_interval", unit="kWh", period_ms=900_000, mode="imported",
              protocol="recorded"),
    ]  # fmt: skip
    korea = datetime.fromisoformat("2018-01-01T00:00:00+09:00")
    p = plant([machine(stale_s=None)], points, zone="Asia/Seoul")
    year = evaluate(frame.lazy(), p, Period(start=korea, end=korea.replace(year=2019)))
    energy = next(r for r in year.results if r.metric == "energy" and r.scope == "plant")
    assert Decimal(energy.numerator) / 1000 == Decimal("959636.71")
    assert not any(f.code == "energy.intervals" for f in energy.findings)
    week = evaluate(frame.lazy(), p, Period(start=korea, end=korea + timedelta(days=7)))
    energy = next(r for r in week.results if r.metric == "energy" and r.scope == "plant")
    assert energy.numerator == "18246340"
