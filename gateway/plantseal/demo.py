"""The simulated workshop end to end: the processes, the truth, and the altered copy.

The only room besides the tests that drives the simulators. Nothing here renders: that is the
command line's.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

import polars as pl

from plantseal_kpi.plant import Period
from plantseal_kpi.report import Report, Result

MARK: Final = ".plantseal-demo"
"""A folder with this file in it may be cleared by the next demo; no other is ever touched."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the simulated workshop listens.

    Attributes:
        seed: The factory's seed.
        host: Address to listen on.
        advertise: Name under which the plant file reaches it; None is ``host``.
        port_base: First port; 0 takes free ones.
        broker: ``host:port`` of a broker; None brings an embedded one.
    """

    seed: int = 7
    host: str = "127.0.0.1"
    advertise: str | None = None
    port_base: int = 0
    broker: str | None = None


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


async def serve(
    site: Site,
    out: Path | None,
    *,
    until_s: float | None,
    faults: bool,
    on_ready: Callable[[Mapping[str, object]], None],
) -> None:
    """Run the workshop's servers until ``until_s`` has passed; write its files into ``out``."""
    from plantseal_simulators.workshop import Workshop
    from plantseal_simulators.workshop_files import write

    workshop = await Workshop.start(
        seed=site.seed,
        host=site.host,
        advertise=site.advertise,
        port_base=site.port_base,
        broker=_address(site.broker),
    )
    ready = {
        "began_ms": workshop.began_ms,
        "seed": site.seed,
        "addresses": asdict(workshop.addresses),
    }
    if out is not None:
        _write_files(
            out,
            ready,
            lambda: write(out, workshop.addresses, seed=site.seed, now=datetime.now(UTC)),
        )
    on_ready(ready)
    try:
        async with asyncio.timeout(until_s):
            await workshop.run(faults=faults)
    except TimeoutError:
        pass
    finally:
        await workshop.stop()


async def serve_log(
    log: Path,
    *,
    speed: int,
    host: str,
    port: int,
    on_ready: Callable[[Mapping[str, object]], None],
) -> float:
    """Serve a recorded SHDR log over OPC UA from now on; return the greatest lateness [s].

    Raises:
        DemoError: The log is empty or not of that form.
    """
    from plantseal_simulators.log_server import LogServer
    from plantseal_simulators.replay import Mapping as Mapped
    from plantseal_simulators.replay import read_shdr

    try:
        events = sorted(read_shdr(log), key=lambda e: e.t_us)
    except (ValueError, EOFError) as e:
        raise DemoError(f"{log}: {e}; expected lines timestamp|key|value") from e
    if not events:
        raise DemoError(f"{log}: no line in it; expected lines timestamp|key|value")
    server = await LogServer.start(events, host=host, port=port)
    on_ready({"opcua": server.server.endpoint, "keys": sorted(server.numeric), "speed": speed})
    try:
        begin_us = time.time_ns() // 1000 + 1_000_000
        return await server.play(Mapped(events[0].t_us, begin_us, speed))
    finally:
        await server.stop()


def _write_files(out: Path, ready: Mapping[str, object], write: Callable[[], Path]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "workshop.json").write_text(json.dumps(ready), encoding="utf-8")
    write()


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise DemoError(f"--broker: got {text!r}, expected host:port")
    return host, int(port)


def prepare(out: Path) -> None:
    """Make ``out`` an empty folder of the demo's own.

    Raises:
        DemoError: It holds something that no demo put there.
    """
    if out.exists() and not (out / MARK).exists() and (not out.is_dir() or any(out.iterdir())):
        raise DemoError(f"{out} exists and is not a demo folder; choose another with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).write_text("made by plantseal demo; may be deleted\n", encoding="utf-8")


def declare_window(plant: Path, seconds: int, *, lead_s: int) -> Period:
    """Declare a window in the plant file, to begin in ``lead_s``; return its period.

    The gateway reads the file when it starts and logs it, so the window stands in the log before
    it begins. Windows declared before stay where they are.
    """
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead_s)
    period = Period(start=start, end=start + timedelta(seconds=seconds))
    text = plant.read_text(encoding="utf-8")
    number = text.count("- {id: demo-") + 1
    head = "" if number > 1 else "windows:                       # 申报窗口，须在开始之前声明\n"
    times = f'{{start: "{period.start.isoformat()}", end: "{period.end.isoformat()}"}}'
    entry = f"  - {{id: demo-{number}, period: {times}, purpose: plantseal demo}}\n"
    plant.write_text(text + head + entry, encoding="utf-8")
    return period


@dataclass(slots=True)
class Child:
    """A process of the demo, its talk in a log file."""

    arguments: list[str]
    log: Path
    process: "subprocess.Popen[bytes]"
    _file: IO[bytes]

    @classmethod
    def start(cls, log: Path, *arguments: str) -> "Child":
        """Start ``plantseal`` with these arguments in a process of its own."""
        file = log.open("ab")
        process = subprocess.Popen(  # noqa: S603  our own program with our own arguments
            [sys.executable, "-m", "plantseal", *arguments],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1"},
        )
        return cls(list(arguments), log, process, file)

    def tail(self) -> str:
        """Return the last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-15:])

    def stop(self, patience_s: float = 15.0) -> int:
        """Ask it to end, wait, and return its exit code; after ``patience_s`` it is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._file.close()
        return code


def wait_for(path: Path, child: Child, patience_s: float = 20.0) -> None:
    """Return when ``path`` exists.

    Raises:
        DemoError: The process ended, or did not get there in time; with the end of its log.
    """
    deadline = time.monotonic() + patience_s
    while not path.exists():
        if child.process.poll() is not None or time.monotonic() > deadline:
            raise DemoError(f"{' '.join(child.arguments)} did not come up:\n{child.tail()}")
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Compared:
    """A true figure of the simulator beside the gateway's.

    Attributes:
        protocol: How the machine is read.
        what: Machine and figure.
        truth: As the simulator knows it.
        ours: As the report says it; None where it has none.
        unknown: What the report declares unknown, in the same unit; 0 without an outage.
    """

    protocol: str
    what: str
    truth: int
    ours: int | None
    unknown: int = 0

    @property
    def holds(self) -> bool:
        """Return True when the two are equal, or apart by no more than was declared unknown."""
        return self.ours is not None and self.ours <= self.truth <= self.ours + self.unknown


def compare(out: Path, report: Report) -> list[Compared]:
    """Return the true figures of the report's period beside those of the report.

    Every number is in whole base units; what no fault has touched must be equal.
    """
    from plantseal_simulators.workshop_truth import true_figures

    ready = json.loads((out / "workshop.json").read_text(encoding="utf-8"))
    start, end = (
        round(datetime.fromisoformat(t).timestamp() * 1000) - ready["began_ms"]
        for t in (report.start, report.end)
    )
    found = {(r.metric, r.scope): r for r in report.results if r.origin == "live"}
    return [
        Compared(
            t.protocol,
            f"{t.machine} {t.metric} {t.part}",
            t.value,
            *_told(found, t.machine, t.metric, t.part),
        )
        for t in true_figures(ready["seed"], start, end)
    ]


def _told(
    found: Mapping[tuple[str, str], Result], machine: str, metric: str, part: str
) -> tuple[int | None, int]:
    """Return a term or part of a figure, and what the report declares unknown of it."""
    figure = found.get((metric, machine))
    if figure is None:
        return None, 0
    ends = {"numerator": figure.numerator, "denominator": figure.denominator}
    text = ends.get(part, figure.parts.get(part, "0"))
    ours = None if text is None else int(text)
    if metric == "upload_rate" and ours is not None and figure.denominator is not None:
        return ours, int(figure.denominator) - ours
    states = found.get(("availability", machine))
    timed = part.endswith("_ns") or (metric, part) == ("effectiveness", "denominator")
    unknown = states.parts.get("unknown_ns", "0") if states is not None and timed else "0"
    return ours, int(unknown)


def altered_copy(bundle: Path, copy: Path) -> str:
    """Copy a bundle folder and change one sample in it; return what was changed."""
    shutil.copytree(bundle, copy)
    segment = sorted((copy / "data" / "segments").glob("*.parquet"))[-1]
    rows = pl.read_parquet(segment)
    victim = rows.with_row_index("at").filter(
        (pl.col("kind") == 1) & pl.col("value_i").is_not_null() & (pl.col("vtype") == 2)
    )
    at, tag, before = victim.row(victim.height // 2, named=False)[0], 0, 0
    tag, before = rows["tag"][at], rows["value_i"][at]
    changed = rows.with_row_index("at").with_columns(
        pl.when(pl.col("at") == at)
        .then(pl.col("value_i") + 1)
        .otherwise("value_i")
        .alias("value_i")
    )
    changed.drop("at").write_parquet(segment, compression="zstd", compression_level=3)
    return f"{segment.name}: one sample of tag {tag}, {before} made {before + 1}"
