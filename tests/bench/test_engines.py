"""The production function, the SQL and the notebook agree on every cell, in very bad days too.

SQL and notebook were written from the definitions, so each is an independent oracle of the core.
"""

import bench_duckdb
import bench_files
import bench_pandas
import polars as pl
import pytest
from bench_measure import COLUMNS, KEYS
from bench_plant import period


def cells(frame):
    return frame.select(*KEYS, pl.col(COLUMNS).cast(pl.Int64)).sort(KEYS)


@pytest.mark.parametrize(
    ("devices", "days", "trouble"),
    [
        (8, 1, 20),
        pytest.param(4, 5, 60, marks=pytest.mark.long),  # a restart of the gateway on day four
        pytest.param(6, 8, 5, marks=pytest.mark.long),  # a holiday on day seven
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_three_engines_agree(tmp_path, devices, days, trouble, seed):
    from plantseal_kpi.rows.daily import daily

    made = bench_files.files(tmp_path / "rows", devices, days, seed, trouble)
    ours = cells(daily(bench_files.parts(made), made.plant, period(days)))
    sql = cells(bench_duckdb.daily(made, tmp_path / "duckdb", "4GB"))
    notebook = cells(bench_pandas.daily(made, bench_pandas.load(made)))
    assert sql.equals(notebook)
    assert ours.equals(sql), ours.filter(pl.struct(ours.columns) != sql.to_struct())
    assert sql["ns_unknown"].sum() > 0
    assert 0 < sql["covered_ns"].sum() < 5 * sql["required_ns"].sum()


def test_the_same_seed_gives_the_same_files(tmp_path):
    def content(name, seed):
        made = bench_files.files(tmp_path / name, 2, 2, seed)
        return pl.concat([p.rows for p in bench_files.parts(made)]).sort("seq").collect()

    once = content("a", 1)
    assert once.equals(content("b", 1))
    assert not once.equals(content("c", 2))
    assert once["seq"].to_list() == list(range(once.height))
