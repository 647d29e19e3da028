"""``make bench-kpi``: the figures of the core beside DuckDB, pandas and the decode limit.

Ratios first; everything is measured in the same run, in turn, each job in a process of its own, and
the median of the repetitions counts. Exits 1 when two engines disagree on a single cell.
"""

import argparse
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import polars as pl  # noqa: E402
from bench_files import Files, files  # noqa: E402
from bench_measure import COLUMNS, KEYS, Measured, measured  # noqa: E402

ROWS_A_DAY_AND_DEVICE = 5 * 8640
SLICE = (10, 2)
"""Devices and days of the slice that pandas is given."""


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10M", help="rows to generate, e.g. 10M, 100M, 1000M")
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, help="default: 3, one from 300M rows on")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--leave-out", nargs="*", default=[], help="jobs, e.g. duckdb pandas")
    return parser.parse_args()


def count(text: str) -> int:
    """Return the number that ``10M`` or ``250k`` says."""
    factor = {"k": 10**3, "M": 10**6}.get(text[-1], 1)
    return int(text.rstrip("kM")) * factor


def generated(asked: argparse.Namespace, devices: int, days: int) -> Files:
    """Return the files of so many devices and days."""
    return files(asked.folder / f"{devices}x{days}-{asked.seed}", devices, days, asked.seed)


def median(runs: list[Measured]) -> Measured:
    """Return the median of each measure."""
    return Measured(
        statistics.median(r.wall for r in runs),
        statistics.median(r.cpu for r in runs),
        max(r.rss for r in runs),
        runs[0].rows,
    )


def disagreements(one: Path, other: Path) -> list[str]:
    """Return the cells on which two results differ, a line each.

    SQL and notebook write 0 where nothing is known; the core's null is taken for that.
    """
    known = [pl.col(c).fill_null(0) for c in COLUMNS]
    a, b = (pl.read_parquet(p).select(*KEYS, *known).sort(KEYS) for p in (one, other))
    if not a.select(KEYS).equals(b.select(KEYS)):
        return [f"{a.height} machine days against {b.height}"]
    return [
        f"{equipment} {day} {column}: {x} against {y}"
        for column in COLUMNS
        for equipment, day, x, y in pl.DataFrame(
            [a["equipment"], a["day"], a[column], b[column].alias("other")]
        )
        .filter(pl.col(column).ne_missing(pl.col("other")))
        .iter_rows()
    ]


def main() -> int:
    """Generate, measure in turn, compare, print."""
    asked = options()
    rows = count(asked.rows)
    a_day = asked.devices * ROWS_A_DAY_AND_DEVICE
    days = max(2, -(-rows // a_day))
    repeat = asked.repeat or (3 if rows < 300_000_000 else 1)
    made = {
        "whole": generated(asked, asked.devices, days),
        "quarter": generated(asked, asked.devices, max(1, days // 4)),
        "slice": generated(asked, *SLICE),
    }
    plan = [
        ("decode", "whole"), ("daily", "whole"), ("duckdb", "whole"), ("evaluate", "whole"),
        ("day", "whole"), ("daily", "quarter"), ("evaluate", "quarter"), ("pandas", "slice"),
        ("daily", "slice"),
    ]  # fmt: skip
    plan = [step for step in plan if step[0] not in asked.leave_out]
    taken: dict[tuple[str, str], list[Measured]] = {step: [] for step in plan}
    for _ in range(repeat):
        for job, size in plan:
            taken[job, size].append(measured(job, made[size], asked.seed, result(asked, job, size)))
    found = {step: median(runs) for step, runs in taken.items()}
    print_all(made["whole"], found, repeat)
    wrong = 0
    for one, other, size in (("daily", "duckdb", "whole"), ("daily", "pandas", "slice")):
        if (one, size) in found and (other, size) in found:
            lines = disagreements(result(asked, one, size), result(asked, other, size))
            wrong += len(lines)
            cells = pl.read_parquet(result(asked, one, size)).height * len(COLUMNS)
            print(f"{other}: {cells - len(lines)} of {cells} cells equal")
            print("\n".join(lines[:20]), end="\n" if lines else "")
    return 1 if wrong else 0


def result(asked: argparse.Namespace, job: str, size: str) -> Path:
    """Return where the frame of a job lies."""
    return asked.folder / f"result-{job}-{size}.parquet"


def print_all(whole: Files, found: dict[tuple[str, str], Measured], repeat: int) -> None:
    """Print ratios, each with its numerator and denominator, then every measure."""
    print(
        f"{whole.rows:,} rows, {whole.devices} devices, {whole.days} days, "
        f"{whole.size() / whole.rows:.2f} B/row in {len(whole.segments)} segments; "
        f"median of {repeat}"
    )
    goals = [
        ("daily / decode", ("daily", "whole"), ("decode", "whole"), "<= 2.5"),
        ("daily / DuckDB", ("daily", "whole"), ("duckdb", "whole"), "<= 0.4"),
        ("evaluate / decode", ("evaluate", "whole"), ("decode", "whole"), ""),
        ("evaluate / DuckDB", ("evaluate", "whole"), ("duckdb", "whole"), ""),
        ("daily / pandas, a row", ("daily", "slice"), ("pandas", "slice"), "<= 0.05"),
        ("daily, all / a quarter, a row", ("daily", "whole"), ("daily", "quarter"), "~ 1"),
        ("evaluate, all / a quarter, a row", ("evaluate", "whole"), ("evaluate", "quarter"), "~ 1"),
    ]  # fmt: skip
    print(f"\n{'ratio':34}{'wall':>8}{'CPU':>8}  goal     of (us a row)")
    for title, over, under, goal in goals:
        if over not in found or under not in found:
            continue
        a, b = found[over], found[under]
        wall, cpu = (a.wall / a.rows) / (b.wall / b.rows), (a.cpu / a.rows) / (b.cpu / b.rows)
        of = f"{a.wall / a.rows * 1e6:.3f} / {b.wall / b.rows * 1e6:.3f}"
        print(f"{title:34}{wall:8.3f}{cpu:8.3f}  {goal:8} {of}")
    print(f"\n{'job':20}{'rows':>15}{'wall s':>9}{'CPU s':>9}{'cores':>7}{'peak MiB':>10}")
    for (job, size), m in found.items():
        print(
            f"{f'{job} ({size})':20}{m.rows:>15,}{m.wall:9.2f}{m.cpu:9.2f}{m.cores:7.2f}"
            f"{m.rss / 2**20:10.0f}"
        )
    if day := found.get(("day", "whole")):
        print(f"\none day refreshed: {day.wall:.2f} s, goal <= 0.5 s")
    print("peak memory of daily and evaluate: goal <= 1024 MiB, whatever the number of rows\n")


if __name__ == "__main__":
    sys.exit(main())
