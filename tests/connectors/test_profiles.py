"""Register maps: whole, inside the address space, and resolved without overruling the tag table."""

from decimal import Decimal

import pytest
from plantseal_testing_modbus import tag

from plantseal_connectors import profiles
from plantseal_connectors.modbus import ModbusSettings, connector
from plantseal_connectors.modbus.plan import FUNCTIONS, WIDTHS, check, point
from plantseal_connectors.tags import TagSpec


@pytest.mark.parametrize("name", profiles.names())
def test_every_register_of_a_profile_can_be_polled(name: str) -> None:
    profile = profiles.load(name)
    meter = ModbusSettings(host="meter", profile=name)
    tags = [tag(i, f"profile:{r}") for i, r in enumerate(profile.registers, 1)]
    assert check(meter, tags) == []
    assert profile.status == "unconfirmed"
    assert profile.sources
    for register in profile.registers.values():
        assert register.table in FUNCTIONS
        assert register.type in WIDTHS
        assert register.scale > 0
        assert register.unit


def test_the_energy_registers_the_figures_rest_on() -> None:
    acrel = profiles.load("acrel_dtsd1352").registers["active_energy_import_total"]
    assert (acrel.table, acrel.address, acrel.type) == ("holding", 10, "int32")
    assert (acrel.scale, acrel.unit) == (Decimal("0.01"), "kWh")
    eastron = profiles.load("eastron_sdm630").registers["active_energy_import_total"]
    assert (eastron.table, eastron.address, eastron.type) == ("input", 72, "float32")


def test_a_tag_table_overrules_scale_and_unit_only() -> None:
    meter = ModbusSettings(host="meter", profile="acrel_dtsd1352")
    spec = TagSpec(
        name="e", equipment="m", address="7/profile:active_energy_import_total",
        type="float64", scale=Decimal("0.4"),
    )  # fmt: skip
    resolved = connector.resolve(meter, spec)
    assert (resolved.address, resolved.type) == ("7/holding:10", "int32")
    assert (resolved.scale, resolved.unit) == (Decimal("0.4"), "kWh")
    assert connector.resolve(meter, resolved) == resolved
    assert point(meter, spec) == point(meter, resolved)


def test_an_unknown_register_is_left_and_found() -> None:
    meter = ModbusSettings(host="meter", profile="eastron_sdm630")
    unknown = tag(1, "profile:active_energy_import")
    assert connector.resolve(meter, unknown.spec) == unknown.spec
    message = check(meter, [unknown])[0].message
    assert "expected a register of eastron_sdm630 such as active_energy_import_" in message


def test_no_such_profile() -> None:
    with pytest.raises(KeyError):
        profiles.load("../secret")
