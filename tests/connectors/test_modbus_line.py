"""When a Modbus endpoint counts as gone: no unit answers, and no gateway speaks for one."""

import pytest

from plantseal_connectors.modbus.poll import SILENCES, Line
from plantseal_connectors.modbus.settings import ModbusSettings


async def nothing(_block):
    raise AssertionError("nothing is read here")


@pytest.mark.parametrize("by_gateway", [False, True])
def test_a_gateway_that_says_its_units_are_away_is_not_gone_itself(by_gateway):
    line = Line(nothing, "gw:502", ModbusSettings(host="gw"))
    for n in range(SILENCES):
        assert not line.unit(1).retry_ns, n
        line.failed(1, 0, by_gateway=by_gateway)
    assert line.all_silent() is not by_gateway
    assert line.unit(1).retry_ns > 0


def test_one_unit_that_answers_keeps_the_endpoint():
    line = Line(nothing, "gw:502", ModbusSettings(host="gw"))
    line.answered(2)
    for _ in range(SILENCES):
        line.failed(1, 0, by_gateway=False)
    assert not line.all_silent()
