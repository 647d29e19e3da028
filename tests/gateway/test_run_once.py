"""``check`` and ``read --once``: a look at the sources that leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plantseal_testing_gateway import Device, plant

from plantseal.config import Bound, bind, tag_names
from plantseal.config.plantfile import PlantFile
from plantseal.run import check_connect, read_once


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.close()


def bound(file: PlantFile) -> Bound:
    return bind(file, {name: i for i, name in enumerate(tag_names(file), start=1)})


def test_every_tag_is_read_once_in_its_unit(tmp_path: Path, device: Device) -> None:
    file = plant(tmp_path, device.port)
    found = {r.tag: r for r in read_once(bound(file), timeout_s=5)}
    assert list(found) == ["one.volts", "one.count", "one.energy", "two.count"]
    assert (found["one.volts"].value, found["one.volts"].unit) == (230.5, "V")
    assert found["one.energy"].value == 99
    assert {r.status for r in found.values()} == {"Good"}
    for r in found.values():
        assert r.t_source is None
        assert r.latency_ms is not None
        assert 0 <= r.latency_ms < 5000
    assert not file.data_dir.exists(), "nothing is written"


def test_a_slow_poll_period_is_not_waited_for(tmp_path: Path, device: Device) -> None:
    file = plant(tmp_path, device.port)
    table = tmp_path / "one.csv"
    table.write_text(table.read_text().replace(",250,", ",86400000,"))
    from plantseal.config import load

    (energy,) = [r for r in read_once(bound(load(file.path)), 5) if r.tag == "one.energy"]
    assert energy.value == 99


def test_a_tag_that_the_device_refuses_says_why(tmp_path: Path, device: Device) -> None:
    plant(tmp_path, device.port)
    table = tmp_path / "one.csv"
    table.write_text(table.read_text().replace("holding:11,", "holding:500,"))
    from plantseal.config import load

    found = {r.tag: r for r in read_once(bound(load(tmp_path / "plant.yaml")), 5)}
    assert found["one.volts"].value == 230.5
    assert found["one.count"].value is None
    assert "Modbus exception 2" in found["one.count"].status
    assert found["one.count"].latency_ms is None


def test_sources_are_checked_side_by_side(tmp_path: Path, device: Device) -> None:
    file = plant(tmp_path, device.port)
    yaml = file.path.read_text()
    here, _, there = yaml.rpartition(f"port: {device.port}")
    file.path.write_text(f"{here}port: 1{there}")
    from plantseal.config import load

    one, two = check_connect(bound(load(file.path)))
    assert one.ok
    assert "vendor Acrel" in one.detail
    assert f"127.0.0.1:{device.port}" in one.detail
    assert not two.ok
    assert "connection refused" in two.detail
    assert "check host and port" in two.remedy
    silent = [r for r in read_once(bound(load(file.path)), 2) if r.tag == "two.count"]
    assert silent[0].latency_ms is None
    assert "BadNotConnected" in silent[0].status


def test_a_device_that_takes_connections_and_answers_no_poll_is_not_well(
    tmp_path: Path, device: Device
) -> None:
    plant(tmp_path, device.port)
    table = tmp_path / "two.csv"
    table.write_text(table.read_text().replace("2/holding", "17/holding"))
    from plantseal.config import load

    one, two = check_connect(bound(load(tmp_path / "plant.yaml")))
    assert one.ok, one.detail
    assert not two.ok
    assert "no tag can be read" in two.detail
    assert "Modbus exception 11" in two.detail
    assert "unit ids" in two.remedy


def test_one_tag_that_cannot_be_polled_is_named(tmp_path: Path, device: Device) -> None:
    plant(tmp_path, device.port)
    table = tmp_path / "one.csv"
    table.write_text(table.read_text().replace("holding:11,", "holding:500,"))
    from plantseal.config import load

    one, _ = check_connect(bound(load(tmp_path / "plant.yaml")))
    assert not one.ok
    assert "1 of 3 polled tags cannot be read: one.count (BadNodeIdUnknown" in one.detail


def test_slots_that_passed_while_connecting_are_no_answer(tmp_path: Path, device: Device) -> None:
    plant(tmp_path, device.port)
    assert device.simulator is not None
    for unit in (1, 2):  # the identification comes late, so slots of 50 ms have passed by then
        device.simulator.fault(unit, "late", seconds=0.25, times=1)
    from plantseal.config import load

    found = read_once(bound(load(tmp_path / "plant.yaml")), 5)
    assert [r.status for r in found] == ["Good"] * 4


def test_why_a_source_cannot_be_read_stands_with_its_readings(
    tmp_path: Path, device: Device
) -> None:
    file = plant(tmp_path, device.port)
    device.off()
    found = read_once(bound(file), 2)
    device.on()
    assert "connection refused → check host and port" in found[0].reason
    assert found[0].reason.startswith("one: ")
