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
