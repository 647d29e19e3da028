"""A plant of Modbus devices, a gateway in a process of its own, and the reckoning over its rows."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plantseal import status
from plantseal.config import load
from plantseal.config.plantfile import PlantFile
from plantseal.journal import Journal
from plantseal.status import Status
from plantseal_connectors.rows import ROW, Kind
from plantseal_simulators.modbus import ModbusSimulator

GATEWAY = """
import logging, sys
from pathlib import Path
from plantseal.config import load
from plantseal.run import Gateway, gateway, sealing
gateway.WATCH_S = sealing.EVERY_S = 0.1  # so that the tests need not wait for the next look
if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    until = float(sys.argv[2]) if len(sys.argv) > 2 else None
    print(Gateway(load(Path(sys.argv[1]))).run(until).text())
"""


class Device:
    """A Modbus simulator on a thread of its own; it can be switched off and on at its port."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = 0
        self.simulator: ModbusSimulator | None = None
        self.on()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    def on(self) -> None:
        self.simulator = self._do(ModbusSimulator.start(port=self.port))
        self.port = self.simulator.port
        for unit in (1, 2):
            self.simulator.set(unit, "holding", 10, [2305, 7, 0, 99])
            self.simulator.identify(unit, {0: "Acrel", 1: "DTSD1352"})

    def off(self) -> None:
        assert self.simulator is not None
        self._do(self.simulator.stop())

    def close(self) -> None:
        self.off()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def plant(folder: Path, port: int, *, workers: tuple[str, str] = ("main", "main")) -> PlantFile:
    """A plant of two Modbus sources: one with poll groups of 100 and 250 ms, one of 50 ms."""
    (folder / "one.csv").write_text(
        "name,equipment,address,type,period_ms,scale,unit\n"
        "one.volts,m1,holding:10,uint16,100,0.1,V\n"
        "one.count,m1,holding:11,uint16,100,1,\n"
        "one.energy,m1,holding:12,uint32,250,1,kWh\n"
    )
    (folder / "two.csv").write_text(
        "name,equipment,address,type,period_ms\ntwo.count,m1,2/holding:11,uint16,50\n"
    )
    sources = "".join(
        f"  - {{id: {id}, connector: modbus, tags: {id}.csv, worker: {worker}, "
        f"host: 127.0.0.1, port: {port}, timeout_ms: 300}}\n"
        for id, worker in zip(("one", "two"), workers, strict=True)
    )
    (folder / "plant.yaml").write_text(
        "version: 1\nsite: test\n"
        "equipment:\n  - {id: m1, name: Press, cls: processing}\n"
        f"sources:\n{sources}"
    )
    return load(folder / "plant.yaml")


STARTED: "list[subprocess.Popen[str]]" = []
"""Gateways of the test that runs; whatever it leaves behind is ended after it."""


def end_all() -> None:
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=5)


@dataclass
class Running:
    """A gateway process."""

    file: PlantFile
    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls, file: PlantFile) -> "Running":
        script = file.path.parent / "gateway_main.py"
        script.write_text(GATEWAY)
        process = subprocess.Popen(
            [sys.executable, str(script), str(file.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        STARTED.append(process)
        return cls(file, process)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=5)

    def stop(self) -> tuple[str, float]:
        """Send SIGTERM; return what it printed, and how many seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, output
        return output, time.monotonic() - began

    def workers(self) -> list[int]:
        """Process ids of the workers: children that were spawned, without the resource tracker."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                parent = int(stat.rpartition(")")[2].split()[1])
                if parent == self.process.pid and b"spawn_main" in line:
                    found.append(int(entry.name))
        return found

    def await_status(self, holds: Callable[[Status], bool], within_s: float = 10.0) -> Status:
        """Return the first status of this process for which ``holds``."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()[0]
            found = status.read(self.file.data_dir)
            if found is not None and found.pid == self.process.pid and holds(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not within {within_s} s; last: {found}")


def all_up(found: Status) -> bool:
    return bool(found.sources) and all(s.state == "up" and s.received for s in found.sources)


def gone(pid: int, within_s: float) -> bool:
    """Return True when a process has ended within ``within_s`` seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def kill9(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@dataclass
class Store:
    """What a store holds, read beside its writer."""

    rows: NDArray[np.void]
    tags: dict[str, int]
    entries: list[bytes]
    texts: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, file: PlantFile) -> "Store":
        with Journal.open(file.data_dir, read_only=True) as journal:
            rows = np.concatenate([np.zeros(0, ROW), *journal.tail()])
            births = rows[rows["kind"] == Kind.BIRTH]
            texts = [journal.texts(int(v), 1)[0] for v in births["value"]]
            return cls(rows, journal.known_tags(), list(journal.entries()), texts)

    def of_tag(self, name: str, *kinds: Kind) -> NDArray[np.void]:
        rows = self.rows[self.rows["tag"] == self.tags[name]]
        return rows[np.isin(rows["kind"], [int(k) for k in kinds])] if kinds else rows

    def gaps(self, source: str) -> list[tuple[int, int, int, int]]:
        """Return (group, from, until, slots) of every gap row."""
        rows = self.of_tag(f"$link:{source}", Kind.GAP)
        return [
            (int(r["src_seq"]), int(r["t_source"]), int(r["t_server"]), int(r["value"]))
            for r in rows
        ]

    def slots(self, name: str, period_ms: int) -> list[int]:
        """Return the full number of every slot closed by a row of a tag, in journal order."""
        rows = self.of_tag(name, Kind.VALUE, Kind.SLOT)
        near = rows["t_receive"] // (period_ms * 1_000_000)
        step = (rows["src_seq"].astype(np.int64) - near + 2**31) % 2**32 - 2**31
        return [int(n) for n in near + step]

    def assert_every_slot_once(self, source: str, group: int, period_ms: int, *names: str) -> None:
        """Expected = closed by a row + missed by a gap row; each exactly once, for every tag."""
        p = period_ms * 1_000_000
        missed: list[int] = []
        for at, first, until, slots in self.gaps(source):
            if at == group:
                assert first % p == 0
                assert until % p == 0
                assert slots == (until - first) // p
                missed += range(first // p, until // p)
        for name in names:
            closed = self.slots(name, period_ms)
            counted = Counter([*closed, *missed])
            twice = {slot: n for slot, n in counted.items() if n > 1}
            assert not twice, f"{name}: closed more than once: {twice}"
            expected = range(min(counted), max(counted) + 1)
            assert len(counted) == len(expected), f"{name}: {sorted(set(expected) - set(counted))}"

    def assert_all_accounted(self) -> None:
        """The three poll groups of :func:`plant`, and sequence numbers without a hole."""
        assert self.rows["seq"].tolist() == list(range(len(self.rows)))
        self.assert_every_slot_once("one", 0, 100, "one.volts", "one.count")
        self.assert_every_slot_once("one", 1, 250, "one.energy")
        self.assert_every_slot_once("two", 0, 50, "two.count")
