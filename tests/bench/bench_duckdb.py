"""The same definitions in DuckDB: the SQL beside this file, the plant as small tables."""

import math
from fractions import Fraction
from pathlib import Path

import duckdb
import polars as pl
from bench_files import Files
from bench_plant import MAPPED, period

from plantseal_kpi.calendar import local_days, period_span, planned_spans
from plantseal_kpi.plant import Plant, Point

SQL = sorted(Path(__file__).parent.glob("duckdb_*.sql"))
SEGMENTS = """
CREATE TEMP VIEW segments AS
SELECT seq, tag, status, CASE WHEN has_source THEN t END AS t_source, t + d_server AS t_server,
       t + d_receive AS t_receive, src_seq::BIGINT AS src_seq, kind, vtype, flags, value_i, value_f
FROM read_parquet([{paths}])
"""


def daily(made: Files, temporary: Path, memory: str, threads: int = 2) -> pl.DataFrame:
    """Return one row a machine and day, in the columns of ``plantseal_kpi.rows.daily``.

    Args:
        made: Segments and plant.
        temporary: Folder for what does not fit into memory.
        memory: Limit of memory, e.g. ``8GB``.
        threads: Cores to use.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    config = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": str(temporary),
        "preserve_insertion_order": False,
    }
    with duckdb.connect(config=config) as db:
        _plant_tables(db, made)
        paths = ", ".join(f"'{p}'" for p in made.paths)
        db.execute(SEGMENTS.format(paths=paths))
        for script in SQL[:-1]:
            db.execute(script.read_text())
        found = db.execute(SQL[-1].read_text())
        names = [c[0] for c in found.description]
        return pl.DataFrame(found.fetchall(), schema=names, orient="row")


def _plant_tables(db: duckdb.DuckDBPyConnection, made: Files) -> None:
    start, end = period_span(period(made.days))
    db.execute(f"SET VARIABLE t0 = {start}::BIGINT; SET VARIABLE t1 = {end}::BIGINT")
    for name, columns, rows in plant_rows(made):
        listed = ", ".join(f"{column} {dtype}" for column, dtype in columns.items())
        db.execute(f"CREATE TEMP TABLE {name} ({listed})")
        marks = ", ".join("?" * len(columns))
        db.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)


def plant_rows(made: Files) -> list[tuple[str, dict[str, str], list[tuple[object, ...]]]]:
    """Return the plant as small tables: name, columns with their SQL type, rows."""
    plant, span = made.plant, period_span(period(made.days))
    machines, days = list(enumerate(plant.equipment)), list(enumerate(local_days(span, plant.zone)))
    bounds = {"start_ns": "BIGINT", "end_ns": "BIGINT"}
    return [
        (
            "machines", {"machine": "INTEGER", "name": "VARCHAR"}, [(m, e.id) for m, e in machines]
        ),
        (
            "days", {"number": "BIGINT", "day": "DATE"} | bounds,
            [(i, day, a, b) for i, (day, a, b) in days],
        ),
        (
            "planned", {"machine": "INTEGER", "number": "BIGINT", "day": "DATE"} | bounds,
            [
                (m, i, day, *span)
                for m, e in machines
                for i, (day, start, end) in days
                for span in planned_spans(plant, e.id, (start, end))
            ],
        ),
        (
            "state_map", {"machine": "INTEGER", "raw_value": "BIGINT", "state": "VARCHAR"},
            [(m, i, s) for m, _ in machines for i, s in enumerate(MAPPED)],
        ),
        ("points", _POINT, [_point(plant, m, p) for m, e in machines for p in plant.points
                            if p.equipment == e.id]),
    ]  # fmt: skip


_POINT = {
    "tag": "UINTEGER", "machine": "INTEGER", "role": "VARCHAR", "required": "BOOLEAN",
    "link": "UINTEGER", "mode": "VARCHAR", "period": "BIGINT", "fresh": "BIGINT",
    "stale": "BIGINT", "factor": "DOUBLE", "register_max": "BIGINT", "rate": "BIGINT",
    "step": "BIGINT",
}  # fmt: skip


def _point(plant: Plant, machine: int, p: Point) -> tuple[object, ...]:
    """Return a point with its freshness limit [ns], and its limits in base units."""
    e = plant.equipment[machine]
    energy = p.role == "energy"
    by = Fraction(p.scale) * (1000 if energy else 1)
    if p.mode == "subscribed":
        fresh = p.keepalive_ms * 1_100_000 + p.publishing_ms * 1_000_000
    else:
        fresh = p.period_ms * 1_100_000
    watts = int(e.rated_power_kw * 1000) if energy and e.rated_power_kw else None
    return (
        p.tag, machine, p.role, p.required, p.link, p.mode, p.period_ms * 10**6, fresh,
        (e.stale_s or 0) * 10**9, float(by), p.register_max, watts, max(1, math.ceil(by)),
    )  # fmt: skip
