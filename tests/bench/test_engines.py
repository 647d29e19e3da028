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

from plantseal_kpi.evaluate import evaluate


def cells(frame):
    # SQL and notebook write 0 where nothing is known; the core says null.
    return frame.select(*KEYS, pl.col(COLUMNS).cast(pl.Int64).fill_null(0)).sort(KEYS)


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


def test_the_report_agrees_with_the_sql(tmp_path):
    made = bench_files.files(tmp_path / "rows", 8, 1, 3, 20)
    report = evaluate(bench_files.parts(made), made.plant, period(1))
    sql = bench_duckdb.daily(made, tmp_path / "duckdb", "4GB")
    terms = {(r.metric, r.scope): (r.numerator, r.denominator) for r in report.results}
    for line in sql.iter_rows(named=True):
        name, required = line["equipment"], line["required_ns"]
        covered = str(line["covered_ns"]), str(5 * required)
        assert terms["upload_rate", name] == covered
        assert terms["availability", name] == (str(line["ns_producing"]), str(required))
        defects = str(line["made"] - line["good"]), str(line["made"])
        assert terms.get(("defect_rate", name), defects) == defects
    assert sum(metric == "defect_rate" for metric, _ in terms) > 3


def test_the_same_seed_gives_the_same_files(tmp_path):
    def content(name, seed):
        made = bench_files.files(tmp_path / name, 2, 2, seed)
        return pl.concat([p.rows for p in bench_files.parts(made)]).sort("seq").collect()

    once = content("a", 1)
    assert once.equals(content("b", 1))
    assert not once.equals(content("c", 2))
    assert once["seq"].to_list() == list(range(once.height))
