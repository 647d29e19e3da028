"""Workers that hang, bloat or crash: a third party's connector, installed as one would be."""

import logging
import multiprocessing
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from plantseal_testing_gateway import Store

from plantseal import worker
from plantseal.config import bind, load, tag_names
from plantseal.config.plantfile import PlantFile
from plantseal.pipe import Channel, Rows, Turn
from plantseal.run import Gateway, crew
from plantseal_connectors import registry
from plantseal_connectors.rows import Kind
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_SHUTDOWN

MODULE = """
import os, time
from pathlib import Path
from plantseal_connectors.rows import RowList
from plantseal_connectors.source import Birth, Connector, SourceSettings

class Settings(SourceSettings):
    fault: str = ""
    done: Path = Path("done")

class Source:
    def __init__(self, plan):
        self.plan = plan
    async def open(self):
        return Birth("acme://plc")
    async def run(self, out):
        (group,) = self.plan.groups
        polled = 0
        async for slot in group.ticks(out.put):
            polled += 1
            rows = RowList()
            rows.add(tag=group.tags[0].id, t_receive=time.time_ns(), value=polled, src_seq=slot)
            await out.put(rows.batch([group.close(slot)]))
            if polled == 5 and self.plan.settings.fault and not self.plan.settings.done.exists():
                self.plan.settings.done.touch()
                self.misbehave(self.plan.settings.fault)
    def misbehave(self, fault):
        if fault == "hang":
            time.sleep(3600)
        elif fault == "bloat":
            self.bytes = bytearray(os.urandom(1024) * 300 * 1024)
        elif fault == "exhaust":
            self.bytes = bytearray(16 * 2**30)
        else:
            os._exit(9)
    async def close(self):
        pass

connector = Connector(
    name="acme", settings=Settings, check=lambda s, t: [], mode=lambda s, t: "polled", build=Source
)
"""


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    site = tmp_path / "site"
    info = site / "acme_plc-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plc\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[plantseal.connectors]\nacme = acme_plc:connector\n")
    (site / "acme_plc.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(site))
    registry.connectors.cache_clear()
    monkeypatch.setattr("plantseal.run.gateway.WATCH_S", 0.1)
    yield
    registry.connectors.cache_clear()
    sys.modules.pop("acme_plc", None)


def plant(folder: Path, *faults: str) -> PlantFile:
    """A plant with a source that behaves and one for each fault, each in a worker of its own."""
    sources = ""
    for name in (*faults, "good"):
        (folder / f"{name}.csv").write_text(f"name,equipment,address,period_ms\n{name}.n,m1,x,50\n")
        sources += f"  - {{id: {name}, connector: acme, tags: {name}.csv, worker: {name}"
        sources += "}\n" if name == "good" else f", fault: {name}, done: done-{name}}}\n"
    (folder / "plant.yaml").write_text(
        "version: 1\nsite: test\nequipment:\n  - {id: m1, name: Press, cls: processing}\n"
        f"sources:\n{sources}"
    )
    return load(folder / "plant.yaml")


def test_workers_in_trouble_are_started_again_and_harm_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crew, "SILENCE_S", 1.8)
    monkeypatch.setattr(crew, "MAX_RESIDENT", 250 * 2**20)
    caplog.set_level(logging.INFO, logger="plantseal.run")
    file = plant(tmp_path, "hang", "bloat", "crash", "exhaust")
    gateway = Gateway(
        file, on_status=lambda s: gateway.stop() if s.restarts >= 3 and _again(s) else None
    )
    assert gateway.run(30).restarts == 3
    for reason in ("not heard of for", "MiB resident, allowed", "exit=9", "MemoryError"):
        assert reason in caplog.text
    store = Store.of(file)
    for source in ("hang", "bloat", "crash", "exhaust", "good"):
        store.assert_every_slot_once(source, 0, 50, f"{source}.n")
        assert store.gaps(source) == []
        link = store.of_tag(f"$link:{source}", Kind.BIRTH, Kind.DEATH)
        lives = 1 if source == "good" else 2
        assert link["kind"].tolist() == [Kind.BIRTH, Kind.DEATH] * lives
        assert link["status"][1] == (BAD_DECODING_ERROR if source == "exhaust" else BAD_SHUTDOWN)


def _again(found: object) -> bool:
    return all(s.state == "up" and s.received > 6 for s in found.sources)  # type: ignore[attr-defined]


def test_slots_beyond_a_limit_become_one_gap_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plantseal.run.gateway.MAX_SILENT_ROWS", 5)
    file = plant(tmp_path, "crash")
    gateway = Gateway(
        file, on_status=lambda s: gateway.stop() if s.restarts and _again(s) else None
    )
    assert gateway.run(20).gaps == 1
    store = Store.of(file)
    ((group, _, _, slots),) = store.gaps("crash")
    assert group == 0
    assert slots > 5
    store.assert_every_slot_once("crash", 0, 50, "crash.n")
    assert store.gaps("good") == []


def test_a_hanging_worker_whose_gateway_is_gone_ends_within_a_second(tmp_path: Path) -> None:
    file = plant(tmp_path, "hang")
    bound = bind(file, {name: i for i, name in enumerate(tag_names(file), start=1)})
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=worker.main, args=(theirs, bound.sources[:1], {}, 2**31), daemon=True
    )
    process.start()
    theirs.close()
    channel = Channel(ours)
    states, polled = [], 0
    while polled < 1:
        message = channel.receive()
        if isinstance(message, Turn):
            states.append(message.state)
        if isinstance(message, Rows):
            polled += int((message.batch.rows["kind"] == Kind.VALUE).sum())
    assert states == ["connecting", "up"]
    began = time.monotonic()
    channel.close()
    process.join(5)
    assert process.exitcode not in (None, 0)
    assert time.monotonic() - began < 1.0
    process.close()
