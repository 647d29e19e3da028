"""Mazak01, half a year imported: seconds per state and day, and the control's own hour meters.

The comparison with ``auto_time`` is printed as SOURCE.md gives it: figures to reproduce, not to
tune. Nine days differ by over a minute because the original lost events.
"""

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import real_plant
from real_table import RealRow

from plantseal_kpi.rows.counters import counter_delta
from plantseal_kpi.rows.states import state_durations

STATES = ("ACTIVE", "READY", "STOPPED", "INTERRUPTED", "FEED_HOLD", "UNAVAILABLE")
RUNNING = ("ACTIVE", "INTERRUPTED", "FEED_HOLD")
METERED_S = 93_491  # auto_time grows while ACTIVE, INTERRUPTED or FEED_HOLD (SOURCE.md)
COUNTERS = ("auto_time", "total_time", "cut_time")

PLANT = """version: 1
site: mazak01
zone: UTC
equipment:
  - {id: Mazak01, name: Mazak Integrex 100-IV, cls: processing, stale_s: null,
     states: {ACTIVE: producing, INTERRUPTED: producing, FEED_HOLD: producing, READY: idle,
              STOPPED: idle}}
sources:
  - {id: history, connector: recorded, tags: tags.csv}
"""
MAP = """source: history
format: parquet
time: {column: ts, format: rfc3339}
key_column: key
value_column: value
not_available: [UNAVAILABLE, Unavailable]
keys:
"""


def rows(data: Path) -> list[RealRow]:
    """Return one row a figure."""
    folder = data / "nist_smstb_mazak01"
    events = folder / "mazak01_20171201_20180531_events.parquet"
    keys = sorted(pl.scan_parquet(events).select("key").unique().collect()["key"])
    tags = "".join(
        f"Mazak01.{key},Mazak01,{key},{'int' if key in COUNTERS else 'text'},,,"
        f"{'s' if key in COUNTERS else ''},60000,{'state' if key == 'execution' else 'value'},"
        "false,\n"
        for key in keys
    )
    with tempfile.TemporaryDirectory() as place:
        plant = real_plant.make(
            Path(place), PLANT, {"tags.csv": tags},
            map_yaml=MAP + "".join(f"  {k}: Mazak01.{k}\n" for k in keys),
        )  # fmt: skip
        done = real_plant.plantseal(
            "import", events, "--map", Path(place) / "map.yaml", "-c", plant
        )
        found, ids = real_plant.stored(plant)
        report = real_plant.plantseal("kpi", "--period", "2017-12-01..2018-05-31", "-c", plant)
    derived = pl.read_csv(folder / "derived_daily.csv", schema_overrides={"day": pl.Date})
    states = state_durations(found, [ids["Mazak01.execution"]])
    return [
        _equal("events imported", pl.scan_parquet(events).select(pl.len()).collect().item(),
               done["files"][0]["rows"]),
        _days(states, derived),
        *_totals(states),
        *_counters(found, ids, derived, states),
        _bounds(real_plant.figure(report, "availability")),
    ]  # fmt: skip


def _days(states: pl.DataFrame, derived: pl.DataFrame) -> RealRow:
    wide = states.pivot("state", index="day", values="ns").fill_null(0).sort("day")
    same_days = wide["day"].to_list() == derived["day"].to_list()
    worst = max(
        float((wide[s] / 1e9 - derived[s]).abs().max()) if same_days else float("inf")
        for s in STATES
    )
    return RealRow(
        f"seconds per state and day, {derived.height} days, greatest difference [s]", "<= 0.001",
        f"{worst:.6f}", "", worst <= 0.001,
    )  # fmt: skip


def _totals(states: pl.DataFrame) -> list[RealRow]:
    total = dict(states.group_by("state").agg(pl.col("ns").sum()).iter_rows())
    running = sum(total[s] for s in RUNNING) / 1e9
    return [
        _near("ACTIVE, INTERRUPTED and FEED_HOLD [s]", 90_994.534, running, 0.001),
        _near("ACTIVE [s]", 79_764, total["ACTIVE"] / 1e9, 0.5),
    ]


def _bounds(availability: Any) -> RealRow:
    """Hold the hour meter of the control against the report's bounds: what is missing is unknown."""
    planned = Fraction(availability["denominator"]) / 10**9
    low, high = (Fraction(availability[end]) * planned for end in ("low", "high"))
    own = Fraction(availability["numerator"]) / 10**9
    return RealRow(
        "availability of the half year: run time and its bounds [s]", f"{METERED_S}",
        f"{float(own):.0f}, {float(low):.0f} .. {float(high):.0f}", f"{float(own) - METERED_S:.0f}",
        low <= METERED_S <= high and abs(own - low) < Fraction(1, 100),
    )  # fmt: skip


def _counters(
    found: pl.DataFrame, ids: dict[str, int], derived: pl.DataFrame, states: pl.DataFrame
) -> list[RealRow]:
    values = found.filter(
        (pl.col("status") == 0) & pl.col("tag").is_in([ids[f"Mazak01.{c}"] for c in COUNTERS])
    ).with_columns(at="t_source", base="value_i")
    days = {c: counter_delta(values.filter(pl.col("tag") == ids[f"Mazak01.{c}"])) for c in COUNTERS}
    wrong = [c for c in COUNTERS if not _same_edges(derived, days[c], c)]
    running = states.filter(pl.col("state").is_in(RUNNING)).group_by("day").agg(pl.col("ns").sum())
    both = (
        days["auto_time"].join(running, on="day", how="left")
        .with_columns(off=pl.col("ns").fill_null(0) / 1e9 - pl.col("delta"))
    )  # fmt: skip
    off = both["off"]
    bad = int((off.abs() > 60).sum())
    return [
        RealRow("first and last of the three counters a day", "equal",
                f"{', '.join(wrong)} differ" if wrong else "equal", "", not wrong),
        _equal("days that have the counter", 33, both.height),
        _equal("auto_time over these days [s]", METERED_S, int(both["delta"].sum())),
        _near("states − counter, median [s]", -1.745, off.median(), 0.001),
        _near("median of the absolute difference [s]", 6.845, off.abs().median(), 0.001),
        _equal("days over a minute apart", 9, bad),
        _near("greatest [s]", 747.6, off.abs().max(), 0.05),
    ]  # fmt: skip


def _same_edges(derived: pl.DataFrame, days: pl.DataFrame, counter: str) -> bool:
    both = derived.join(days, on="day", how="left")
    return all(
        both[edge].equals(both[f"{counter}_{edge}"], check_names=False)
        for edge in ("first", "last")
    )


def _equal(name: str, source: int, ours: int) -> RealRow:
    return RealRow(name, str(source), str(ours), str(ours - source), source == ours)


def _near(name: str, source: float, ours: float, within: float) -> RealRow:
    return RealRow(
        name, f"{source}", f"{ours:.3f}", f"{ours - source:+.4f}", abs(ours - source) <= within
    )
