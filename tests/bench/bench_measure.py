"""One measurement: a job in a process of its own, its time, its cores, its memory.

``python bench_measure.py JOB FOLDER DEVICES DAYS SEED RESULT`` runs the job once and prints JSON.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
from bench_files import Files, files, parts
from bench_plant import period

from plantseal_kpi.plant import Period

KEYS = ["equipment", "day"]
COLUMNS = [
    "required_ns", "covered_ns", "ns_producing", "ns_setup", "ns_idle", "ns_down", "ns_unknown",
    "made", "good", "energy_wh",
]  # fmt: skip
"""What every engine has to agree on, machine by machine and day by day."""
SEGMENT_COLUMNS = (
    "seq", "tag", "status", "t", "has_source", "d_receive", "src_seq", "kind", "vtype", "flags",
    "value_i", "value_f",
)  # fmt: skip
"""What the figures look at; nobody computes them from less. (No figure needs the server's time.)"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a job took.

    Attributes:
        wall: Seconds on the clock.
        cpu: Seconds of all cores.
        rss: Peak of resident memory of the process [bytes].
        rows: Rows read.
    """

    wall: float
    cpu: float
    rss: int
    rows: int

    @property
    def cores(self) -> float:
        """How many cores were busy, on average."""
        return self.cpu / self.wall


def measured(job: str, made: Files, seed: int, result: Path) -> Measured:
    """Run a job in a child process and return what it took; the frame it makes lies at ``result``."""
    command = [
        sys.executable, str(Path(__file__)), job, str(made.folder), str(made.devices),
        str(made.days), str(seed), str(result),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def decode(made: Files) -> pl.DataFrame:
    """Read every column that the figures look at, and do nothing with it."""
    touched = [pl.col(c).max() for c in SEGMENT_COLUMNS]
    return pl.scan_parquet(made.paths).select(touched).collect(engine="streaming")


def ours(made: Files, span: Period | None = None) -> pl.DataFrame:
    """The production function, machine by machine and day by day."""
    from plantseal_kpi.rows.daily import daily

    _restart()
    return daily(parts(made), made.plant, span or period(made.days))


def one_day(made: Files) -> pl.DataFrame:
    """The same for the last day alone, as a page that is refreshed asks for it."""
    whole = period(made.days)
    return ours(made, Period(start=whole.end - timedelta(days=1), end=whole.end))


def report(made: Files) -> pl.DataFrame:
    """Every figure and verdict of the whole period: ``evaluate``."""
    from plantseal_kpi.evaluate import evaluate

    _restart()
    found = evaluate(parts(made), made.plant, period(made.days))
    rows = [(r.metric, r.scope, r.value) for r in found.results]
    return pl.DataFrame(rows, schema={"metric": str, "scope": str, "value": str}, orient="row")


def duck(made: Files) -> pl.DataFrame:
    """The SQL beside this file."""
    from bench_duckdb import daily

    _restart()
    return daily(made, made.folder.parent / "duckdb-temporary", "12GB")


def panda(made: Files) -> pl.DataFrame:
    """The notebook; its rows lie in memory before the clock starts."""
    from bench_pandas import daily, load

    rows = load(made)
    _restart()
    return daily(made, rows)


JOBS: dict[str, Callable[[Files], pl.DataFrame]] = {
    "decode": decode, "daily": ours, "day": one_day, "evaluate": report, "duckdb": duck,
    "pandas": panda,
}  # fmt: skip
_began = [0.0, 0.0]


def _restart() -> None:
    _began[:] = [time.perf_counter(), time.process_time()]


def main() -> None:
    """Run one job and print what it took."""
    job, folder, devices, days, seed, result = sys.argv[1:]
    made = files(Path(folder), int(devices), int(days), int(seed))
    _restart()
    frame = JOBS[job](made)
    wall, cpu = time.perf_counter() - _began[0], time.process_time() - _began[1]
    frame.write_parquet(result)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "rss": rss, "rows": made.rows}))


if __name__ == "__main__":
    main()
