"""The order that must not change: a message is acknowledged after the commit of its row."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from plantseal_testing_broker import mosquitto
from plantseal_testing_gateway import Running, Store, end_all

from plantseal.config import load
from plantseal.config.plantfile import PlantFile
from plantseal_connectors.rows import Kind
from plantseal_simulators.mqtt import Publisher


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    end_all()


def plant(folder: Path, port: int) -> PlantFile:
    (folder / "line.csv").write_text("name,equipment,address,type\nline.v,m1,t#/v,int\n")
    (folder / "plant.yaml").write_text(
        "version: 1\nsite: test\nequipment:\n  - {id: m1, name: Press, cls: processing}\n"
        f"sources:\n  - {{id: line, connector: mqtt, tags: line.csv, host: 127.0.0.1, port: {port}}}\n"
    )
    return load(folder / "plant.yaml")


def publish(port: int, value: int) -> None:
    async def once() -> None:
        device = Publisher("127.0.0.1", port, "device")
        await device.start()
        await device.publish("t", b'{"v": %d}' % value)
        await device.stop()

    asyncio.run(once())


def values(file: PlantFile) -> set[int]:
    return set(Store.of(file).of_tag("line.v", Kind.VALUE)["value"].tolist())


def await_value(file: PlantFile, value: int) -> None:
    deadline = time.monotonic() + 10
    while value not in values(file):
        assert time.monotonic() < deadline, f"{value} never came: it was acknowledged and lost"
        time.sleep(0.05)


def test_what_was_not_committed_when_the_gateway_was_killed_is_delivered_again(
    tmp_path: Path,
) -> None:
    with mosquitto() as port:
        file = plant(tmp_path, port)
        gateway = Running.start(file)
        gateway.await_status(lambda s: bool(s.sources) and s.sources[0].state == "up")
        publish(port, 1)
        await_value(file, 1)
        with contextlib.closing(
            sqlite3.connect(file.data_dir / "journal.db", isolation_level=None)
        ) as other:
            other.execute("BEGIN IMMEDIATE")  # another writer is busy: the commit has to wait
            publish(port, 2)
            time.sleep(1.0)  # long enough for an acknowledgement that does not wait
            gateway.kill()
            other.execute("ROLLBACK")
        assert values(file) == {1}
        again = Running.start(file)
        await_value(file, 2)
        again.stop()
