"""Real records through the journal: the steel plant's year, the machining centre's half year."""

import os
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from plantseal_testing_plant import write_plant

from plantseal.config import load
from plantseal.importing import import_file, open_for_import

DATA = Path(os.environ.get("DATA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = pytest.mark.recorded
HEAD = "name,equipment,address,type,scale,unit,period_ms,role\n"
SOURCES = "sources: [{id: r, connector: recorded, tags: t.csv}]\n"
STEEL = """\
source: r
format: csv
time: {column: date, format: "%d/%m/%Y %H:%M", zone: Asia/Seoul, midnight: next_day}
columns: {Usage_kWh: steel.energy, Load_Type: steel.load}
"""
WORDS = ("execution", "mode", "program", "estop")


def test_the_steel_year_is_exact_and_its_midnights_belong_to_the_next_day(tmp_path: Path) -> None:
    tags = (
        "steel.energy,meter,Usage_kWh,int,0.01,kWh,900000,energy_interval\n"
        "steel.load,meter,Load_Type,,,,900000,state\n"
    )
    (tmp_path / "steel.map.yaml").write_text(STEEL)
    pf = load(write_plant(tmp_path, SOURCES, {"t.csv": HEAD + tags}))
    journal, bound = open_for_import(pf)
    with journal:
        file = DATA / "uci_steel_energy" / "Steel_industry_data.csv.gz"
        done = import_file(journal, bound, file, tmp_path / "steel.map.yaml")
        rows = np.concatenate(list(journal.tail()))
    assert (done.rows, done.bad, done.n) == (70_080, 0, 70_080)
    energy = rows[rows["tag"] == bound.plant.points[0].tag]
    total = int(energy["value"].view("<i8").sum()) * bound.plant.points[0].scale
    assert total == Decimal("959636.71")
    assert len(np.unique(energy["t_source"])) == 35_040
    assert set(np.diff(energy["t_source"]).tolist()) == {900 * 10**9}


def test_half_a_year_of_a_machine_is_imported_in_seconds(tmp_path: Path) -> None:
    file = DATA / "nist_smstb_mazak01" / "mazak01_20171201_20180531_events.parquet"
    counters = ("total_time", "auto_time", "cut_time")
    tags = "".join(f"{k},m1,{k},text,,,1000,value\n" for k in WORDS)
    tags += "".join(f"{k},m1,{k},int,,s,1000,value\n" for k in counters)
    (tmp_path / "m.yaml").write_text(
        "source: r\nformat: parquet\ntime: {column: ts}\nkey_column: key\nvalue_column: value\n"
        "not_available: [UNAVAILABLE, Unavailable]\n"
        f"keys: {{{', '.join(f'{k}: {k}' for k in (*WORDS, *counters))}}}\n"
    )
    pf = load(write_plant(tmp_path, SOURCES, {"t.csv": HEAD + tags}))
    journal, bound = open_for_import(pf)
    with journal:
        start = time.perf_counter()
        done = import_file(journal, bound, file, tmp_path / "m.yaml")
        took_s = time.perf_counter() - start
    truth = pl.read_parquet(file)["key"].value_counts()
    mapped = truth.filter(pl.col("key").is_in([*WORDS, *counters]))["count"].sum()
    left_out = sum(int(str(f.data["n"])) for f in done.findings)
    assert (done.rows, done.bad) == (mapped, 0)
    assert done.rows + left_out == 873_827
    assert took_s < 15, f"{took_s:.1f} s"
