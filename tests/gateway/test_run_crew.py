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
from plantseal_connectors.status import BAD_SHUTDOWN

MODULE = '''
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
'''


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


def plant(folder: Path, fault: str) -> PlantFile:
    for name in ("bad", "good"):
        (folder / f"{name}.csv").write_text(
            f"name,equipment,address,period_ms\n{name}.n,m1,x,50\n"
        )
    (folder / "plant.yaml").write_text(
        "version: 1\nsite: test\nequipment:\n  - {id: m1, name: Press, cls: processing}\nsources:\n"
        f"  - {{id: bad, connector: acme, tags: bad.csv, worker: bad, fault: {fault}, done: done}}\n"
        "  - {id: good, connector: acme, tags: good.csv, worker: good}\n"
    )
    return load(folder / "plant.yaml")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hang", "not heard of for"),
        ("bloat", "MiB resident, allowed"),
        ("crash", "exit=9"),
    ],
)
def test_a_worker_in_trouble_is_started_again_alone(
    fault: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(crew, "SILENCE_S", 1.8)
    monkeypatch.setattr(crew, "MAX_RESIDENT", 250 * 2**20)
    caplog.set_level(logging.INFO, logger="plantseal.run")
    file = plant(tmp_path, fault)
    gateway = Gateway(
        file, on_status=lambda s: gateway.stop() if s.restarts and _again(s) else None
    )
    summary = gateway.run(20)
    assert summary.restarts == 1
    assert summary.seconds < 20
    assert reason in caplog.text
    store = Store.of(file)
    for source in ("bad", "good"):
        store.assert_every_slot_once(source, 0, 50, f"{source}.n")
    assert len(store.of_tag("$link:good", Kind.BIRTH)) == 1
    link = store.of_tag("$link:bad", Kind.BIRTH, Kind.DEATH)
    assert link["kind"].tolist() == [Kind.BIRTH, Kind.DEATH, Kind.BIRTH, Kind.DEATH]
    assert link["status"][1] == BAD_SHUTDOWN


def _again(found: object) -> bool:
    return all(s.state == "up" and s.received > 6 for s in found.sources)  # type: ignore[attr-defined]


def test_a_decoder_that_wants_all_memory_gets_an_error_and_the_worker_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = plant(tmp_path, "exhaust")
    gateway = Gateway(file, on_status=lambda s: gateway.stop() if _again(s) else None)
    assert gateway.run(20).restarts == 0
    assert "MemoryError" in caplog.text
    Store.of(file).assert_every_slot_once("bad", 0, 50, "bad.n")


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
    ((group, _, _, slots),) = store.gaps("bad")
    assert group == 0
    assert slots > 5
    store.assert_every_slot_once("bad", 0, 50, "bad.n")
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
