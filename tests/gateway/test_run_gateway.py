"""The gateway as a process on real sockets: killed, restarted, and every poll slot reckoned up."""

import json
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from plantseal_testing_gateway import Device, Running, Store, all_up, end_all, gone, kill9, plant

from plantseal import status
from plantseal.run import AlreadyRunning, Gateway
from plantseal_connectors.rows import Kind
from plantseal_connectors.status import BAD_NOT_CONNECTED, BAD_SHUTDOWN


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device()
    yield device
    end_all()
    device.close()


def entries(store: Store, kind: str) -> list[dict[str, str]]:
    return [e for line in store.entries if (e := json.loads(line))["t"] == kind]


def test_killed_and_started_again_it_lost_nothing_and_says_what_it_missed(
    tmp_path: Path, device: Device
) -> None:
    file = plant(tmp_path, device.port)
    first = Running.start(file)
    first.await_status(lambda s: all_up(s) and s.rows > 60)
    worker = first.workers()
    before = Store.of(file)
    first.kill()
    killed_ns = time.time_ns()
    assert gone(worker[0], 1.0), "a worker outlives its gateway"
    time.sleep(1.0)
    second = Running.start(file)
    second.await_status(lambda s: all_up(s) and s.rows > len(before.rows) + 60)
    _, took_s = second.stop()
    after = Store.of(file)

    assert took_s < 5
    assert (file.data_dir / "segments.lock").exists(), (
        "it was looked whether to seal, beside the rows"
    )
    assert after.rows[: len(before.rows)].tobytes() == before.rows.tobytes()
    after.assert_all_accounted()
    for source, groups in (("one", [0, 1]), ("two", [0])):
        gaps = after.gaps(source)
        assert [g[0] for g in gaps] == groups, "one gap row a poll group"
        for _, since, until, slots in gaps:
            assert killed_ns - 500_000_000 < since < killed_ns + 300_000_000
            assert until - since >= 700_000_000
            assert slots >= 2
    logged = entries(after, "gap")
    assert {(e["source"], e["group"]) for e in logged} == {("one", "0"), ("one", "1"), ("two", "0")}
    assert {e["reason"] for e in logged} == {"crashed"}
    assert [e["clean"] for e in entries(after, "boot")] == [True, False]
    assert len(entries(after, "device")) == 2, "the same devices are no news"


def test_stopped_in_order_it_ends_its_sessions_and_the_next_start_says_stopped(
    tmp_path: Path, device: Device
) -> None:
    file = plant(tmp_path, device.port)
    first = Running.start(file)
    first.await_status(all_up)
    workers = first.workers()
    output, took_s = first.stop()
    assert took_s < 5, output
    assert "rows in" in output
    assert all(gone(pid, 1.0) for pid in workers)
    last = status.read(file.data_dir)
    assert last is not None
    assert (last.state, {s.state for s in last.sources}) == ("stopped", {"stopped"})
    assert "tag" not in last.detail
    second = Running.start(file)
    second.await_status(all_up)
    second.stop()
    store = Store.of(file)
    store.assert_all_accounted()
    assert {e["reason"] for e in entries(store, "gap")} == {"stopped"}
    for source in ("one", "two"):
        link = store.of_tag(f"$link:{source}", Kind.BIRTH, Kind.DEATH)
        assert link["kind"].tolist() == [Kind.BIRTH, Kind.DEATH] * 2
        deaths = link[link["kind"] == Kind.DEATH]
        assert set(deaths["status"].tolist()) == {BAD_SHUTDOWN}
        assert (deaths["t_source"] <= deaths["t_receive"]).all()
    birth = json.loads(store.texts[0])
    assert birth["identity"] == {"vendor": "Acrel", "product": "DTSD1352"}
    assert birth["endpoint"] == f"modbus://127.0.0.1:{device.port}"


def test_a_killed_worker_is_started_again_and_its_neighbour_does_not_notice(
    tmp_path: Path, device: Device
) -> None:
    file = plant(tmp_path, device.port, workers=("left", "right"))
    gateway = Running.start(file)
    gateway.await_status(all_up)
    victim, other = gateway.workers()
    kill9(victim)
    gateway.await_status(lambda s: s.restarts == 1 and all_up(s))
    time.sleep(0.5)
    assert other in gateway.workers()
    output, _ = gateway.stop()
    store = Store.of(file)
    store.assert_all_accounted()
    assert store.gaps("one") == store.gaps("two") == []
    assert "worker ended" in output
    silent = {
        s: store.of_tag(t, Kind.SLOT) for s, t in (("one", "one.volts"), ("two", "two.count"))
    }
    births = {s: len(store.of_tag(f"$link:{s}", Kind.BIRTH)) for s in silent}
    assert sorted(births.values()) == [1, 2]
    hit = max(births, key=births.__getitem__)
    link = store.of_tag(f"$link:{hit}", Kind.BIRTH, Kind.DEATH)
    assert link["kind"].tolist() == [Kind.BIRTH, Kind.DEATH, Kind.BIRTH, Kind.DEATH]
    assert (silent[hit]["status"] == BAD_SHUTDOWN).sum() >= 3


def test_a_device_that_goes_and_comes_back_leaves_slots_without_a_value(
    tmp_path: Path, device: Device
) -> None:
    file = plant(tmp_path, device.port)
    gateway = Running.start(file)
    gateway.await_status(all_up)
    device.off()
    down = gateway.await_status(lambda s: all(x.state == "backing off" for x in s.sources))
    assert all(s.detail and s.remedy and s.next_try_ns for s in down.sources)
    time.sleep(1.0)
    device.on()
    seen = {s.id: s.received for s in down.sources}
    gateway.await_status(lambda s: all(x.received > seen[x.id] + 5 for x in s.sources))
    output, _ = gateway.stop()
    store = Store.of(file)
    store.assert_all_accounted()
    kinds = store.of_tag("one.volts", Kind.VALUE, Kind.SLOT)
    lost = kinds[(kinds["kind"] == Kind.SLOT) & (kinds["status"] == BAD_NOT_CONNECTED)]
    assert len(lost) >= 8
    assert kinds["kind"][-1] == Kind.VALUE
    assert output.count("source down source=one") == 1, "one line on transition"
    assert output.count("source up again source=one") == 1


def test_a_disk_that_refuses_ends_the_gateway_and_the_next_start_recovers(
    tmp_path: Path, device: Device
) -> None:
    file = plant(tmp_path, device.port)
    gateway = Running.start(file)
    gateway.await_status(all_up)
    workers = gateway.workers()
    largest = max((file.data_dir / n).stat().st_size for n in ("journal.db", "journal.db-wal"))
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (largest, largest))
    output, _ = gateway.process.communicate(timeout=10)
    assert gateway.process.returncode == 1
    assert "JournalError" in output
    assert all(gone(pid, 1.0) for pid in workers)
    before = Store.of(file)
    again = Running.start(file)
    again.await_status(all_up)
    again.stop()
    after = Store.of(file)
    assert after.rows[: len(before.rows)].tobytes() == before.rows.tobytes()
    after.assert_all_accounted()
    assert {e["reason"] for e in entries(after, "gap")} == {"crashed"}


def test_only_one_gateway_works_on_a_data_directory(tmp_path: Path, device: Device) -> None:
    file = plant(tmp_path, device.port)
    gateway = Gateway(file)
    done = threading.Thread(target=gateway.run)
    done.start()
    try:
        deadline = time.monotonic() + 10
        while status.read(file.data_dir) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(AlreadyRunning, match="another gateway"):
            Gateway(file).run()
    finally:
        gateway.stop()
        done.join(10)
    assert not done.is_alive()


def test_until_ends_the_run_and_status_told_the_values(tmp_path: Path, device: Device) -> None:
    file = plant(tmp_path, device.port)
    told: list[status.Status] = []
    summary = Gateway(file, on_status=told.append).run(2.0)
    assert summary.seconds < 8
    assert summary.gaps == summary.restarts == 0
    values = {t.name: (t.value, t.unit, t.status) for t in told[-1].tags}
    assert values["one.volts"] == ("230.5", "V", 0)
    assert values["one.energy"] == ("99", "kWh", 0)
    store = Store.of(file)
    for s in told[-1].sources:
        tags = [t for t in store.tags if t.startswith(f"{s.id}.")]
        assert s.received == sum(len(store.of_tag(t, Kind.VALUE)) for t in tags)
        assert s.expected == sum(len(store.of_tag(t, Kind.VALUE, Kind.SLOT)) for t in tags)
    assert summary.rows == len(store.rows) == told[-1].rows
