"""The Modbus source against a real server on a real socket, with every fault it can have."""

import asyncio
import contextlib
import time
from random import Random

import pytest
from plantseal_testing_modbus import Journal, Rig, enough_good, simulated, slots, tag

from plantseal_connectors.modbus import ModbusSettings
from plantseal_connectors.rows import ABSENT, Kind, VType
from plantseal_connectors.source import Disconnected
from plantseal_connectors.status import (
    BAD_DECODING_ERROR,
    BAD_NO_COMMUNICATION,
    BAD_NOT_CONNECTED,
    BAD_RESOURCE_UNAVAILABLE,
    BAD_TIMEOUT,
)
from plantseal_simulators.modbus import ModbusSimulator

ILLEGAL_ADDRESS = 0x8034_0002
READS = {1, 2, 3, 4, 43}


def settings(server: ModbusSimulator, **more: object) -> ModbusSettings:
    return ModbusSettings.model_validate(
        {"host": "127.0.0.1", "port": server.port, "timeout_ms": 150} | more
    )


def fill(server: ModbusSimulator) -> None:
    server.set_value(1, "holding", 10, -123_456, "int32")
    server.set_value(1, "input", 72, 230.5, "float32", "CDAB")
    server.set(1, "coil", 3, [True, False])
    server.set_value(2, "holding", 10, 77, "uint16")


@simulated
async def test_values_arrive_raw_with_their_slot_and_receive_time(server: ModbusSimulator) -> None:
    fill(server)
    server.identify(1, {0: "Acrel", 1: "DTSD1352", 2: "V1.2"})
    tags = (
        tag(1, "holding:10", "int32"),
        tag(2, "input:72", "float32", order="CDAB"),
        tag(3, "coil:3"),
        tag(4, "holding:11.6", "bool"),
    )
    rig = Rig(settings(server), tags)
    before = time.time_ns()
    await rig.run(slots(5))
    rig.journal.assert_each_slot_closed_once(tags)
    first = [rig.journal.good(t.id)[0] for t in tags]
    assert [int(r["vtype"]) for r in first] == [VType.I64, VType.F64, VType.BOOL, VType.BOOL]
    assert first[0]["value"].view("<i8") == -123_456
    assert first[1]["value"].view("<f8") == 230.5
    assert (first[2]["value"], first[3]["value"]) == (1, (-123_456 >> 6) & 1)
    for row in rig.journal.rows:
        assert row["t_source"] == ABSENT
        assert row["t_receive"] >= before - 1_000_000_000
        late = (int(row["t_receive"]) // rig.period_ns - int(row["src_seq"])) & 0xFFFFFFFF
        assert late < 20  # slots; the slot's time follows from its number and t_receive
    assert rig.birth is not None
    assert rig.birth.endpoint == f"modbus://127.0.0.1:{server.port}"
    assert rig.birth.identity == {"vendor": "Acrel", "product": "DTSD1352", "revision": "V1.2"}
    assert {r.function for r in server.requests} <= READS


@simulated
async def test_polls_of_20_ms_hold_while_each_commit_takes_100_ms(server: ModbusSimulator) -> None:
    fill(server)
    tags = (tag(1, "holding:10", "int32"),)
    rig = Rig(settings(server), tags, Journal(commit_s=0.1), period_ns=20_000_000)
    await rig.run(slots(40))
    rig.journal.assert_each_slot_closed_once(tags)
    assert len(rig.journal.good(1)) >= 35  # a busy machine may overrun a slot or two


@simulated
async def test_one_illegal_address_is_isolated_and_the_rest_of_its_block_keeps_good(
    server: ModbusSimulator,
) -> None:
    server.set(1, "holding", 0, range(10))
    server.set(1, "holding", 11, range(11, 20))
    tags = tuple(tag(i + 1, f"holding:{i}", "uint16") for i in range(20))
    rig = Rig(settings(server), tags, period_ns=50_000_000)
    await rig.run(slots(6))
    rig.journal.assert_each_slot_closed_once(tags)
    for t in tags:
        if t.id == 11:
            assert set(rig.journal.statuses(11)) == {ILLEGAL_ADDRESS}
            assert set(rig.journal.of(11)["kind"].tolist()) == {Kind.SLOT}
        else:
            assert set(rig.journal.good(t.id)["value"].tolist()) == {t.id - 1}
            assert ILLEGAL_ADDRESS not in rig.journal.statuses(t.id)
    assert sum(r.address == 10 and r.count == 1 for r in server.requests) == 1, "retried slowly"


@simulated
async def test_a_device_with_a_short_limit_is_read_in_shorter_blocks(
    server: ModbusSimulator,
) -> None:
    server.max_count = 16
    server.set(1, "holding", 0, range(60))
    tags = tuple(tag(i + 1, f"holding:{i}", "uint16") for i in range(60))
    rig = Rig(settings(server), tags, period_ns=50_000_000)
    await rig.run(slots(5))
    rig.journal.assert_each_slot_closed_once(tags)
    for t in tags:
        assert rig.journal.good(t.id)[-1]["value"] == t.id - 1


@pytest.mark.parametrize("kind", ["silent", "exception", "byte_count", "function", "transaction"])
@simulated
async def test_one_bad_unit_never_hides_another(server: ModbusSimulator, kind: str) -> None:
    fill(server)
    server.fault(2, kind, code=11)  # type: ignore[arg-type]
    tags = (tag(1, "1/holding:10", "int32"), tag(2, "2/holding:10", "uint16"))
    rig = Rig(settings(server, timeout_ms=60), tags)
    await rig.run(enough_good(20, 1))
    rig.journal.assert_each_slot_closed_once(tags)
    assert len(rig.journal.good(2)) == 0
    expected = {
        "silent": BAD_TIMEOUT, "exception": BAD_NO_COMMUNICATION + 11,
        "byte_count": BAD_DECODING_ERROR, "function": BAD_DECODING_ERROR,
        "transaction": BAD_TIMEOUT,
    }  # fmt: skip
    assert rig.journal.statuses(2)[expected[kind]] >= 1


@simulated
async def test_a_dead_unit_is_asked_seldom_and_comes_back(server: ModbusSimulator) -> None:
    fill(server)
    server.fault(2, "silent")
    tags = (tag(1, "1/holding:10", "int32"), tag(2, "2/holding:10", "uint16"))
    rig = Rig(settings(server, timeout_ms=30), tags)
    await rig.run(enough_good(10, 1))
    assert sum(r.unit == 2 for r in server.requests if r.function == 3) <= 4
    assert rig.journal.statuses(2)[BAD_NO_COMMUNICATION] >= 3
    server.clear(2)
    await rig.run(enough_good(1, 2))
    assert rig.journal.good(2)[-1]["value"] == 77
    rig.journal.assert_each_slot_closed_once(tags)


@simulated
async def test_a_register_met_with_silence_does_not_hide_the_others_of_its_unit(
    server: ModbusSimulator,
) -> None:
    fill(server)
    server.set(1, "holding", 50, [1, 2, 3])
    server.fault(1, "silent", addresses=range(51, 52))
    tags = (
        tag(1, "holding:10", "int32"), tag(2, "holding:50", "uint16"),
        tag(3, "holding:51", "uint16"), tag(4, "holding:52", "uint16"),
    )  # fmt: skip
    rig = Rig(settings(server, timeout_ms=40), tags, period_ns=100_000_000)
    await rig.run(enough_good(3, 1, 2, 4))
    rig.journal.assert_each_slot_closed_once(tags)
    assert len(rig.journal.good(3)) == 0


@pytest.mark.parametrize("kind", ["late", "transaction_zero", "unit", "truncate", "random"])
@simulated
async def test_no_wrong_value_ever_comes_from_an_answer_out_of_step(
    server: ModbusSimulator, kind: str
) -> None:
    """Each unit holds its own number at the same address, so an answer misplaced would show."""

    for unit in range(1, 5):
        server.set_value(unit, "holding", 10, unit, "uint16")
    tags = tuple(tag(unit, f"{unit}/holding:10", "uint16") for unit in range(1, 5))
    if kind == "random":  # well-formed garbage cannot be told: it must stay in its own unit
        server.fault(2, "random")
    else:
        for unit in (2, 3):
            server.fault(unit, kind, seconds=0.06, times=6)  # type: ignore[arg-type]
    rig = Rig(settings(server, timeout_ms=40), tags, period_ns=50_000_000)
    await rig.run(enough_good(12, 1, 4), within_s=12)
    rig.journal.assert_each_slot_closed_once(tags)
    for unit in (1, 2, 3, 4):
        if kind != "random" or unit != 2:
            assert set(rig.journal.good(unit)["value"].tolist()) <= {unit}


@simulated
async def test_a_late_answer_of_the_same_unit_and_length_is_not_taken_for_the_next(
    server: ModbusSimulator,
) -> None:
    tags = tuple(tag(n, f"holding:{200 * n}", "uint16") for n in range(1, 5))
    for t in tags:
        server.set(1, "holding", 200 * t.id, [t.id])
    server.fault(1, "late", seconds=0.05, addresses=range(400, 401), times=2)
    server.fault(1, "late", seconds=0.07, addresses=range(600, 601), times=2)
    rig = Rig(settings(server, timeout_ms=40), tags, period_ns=100_000_000)
    await rig.run(enough_good(6, 1, 2, 3, 4), within_s=12)
    rig.journal.assert_each_slot_closed_once(tags)
    assert rig.journal.statuses(2)[BAD_TIMEOUT] >= 1
    for t in tags:
        assert set(rig.journal.good(t.id)["value"].tolist()) == {t.id}


def test_hostile_bytes_end_in_rows_or_a_lost_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Half of the answers carry a right header before their random bytes."""
    random = Random(11)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await reader.readexactly(12)
                body = random.randbytes(random.randrange(40))
                if random.random() < 0.5:
                    length = random.choice([len(body) + 1, random.randrange(300)])
                    body = asked[:4] + length.to_bytes(2, "big") + asked[6:7] + body
                writer.write(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def scenario() -> Rig:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        plc = ModbusSettings(
            host="127.0.0.1", port=server.sockets[0].getsockname()[1], timeout_ms=20
        )
        rig = Rig(plc, (tag(1, "holding:10", "int32"), tag(2, "coil:1")))
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            with contextlib.suppress(Disconnected):
                await rig.run(lambda _: time.monotonic() > ends)
        server.close()
        await asyncio.sleep(0.05)  # its ends of the connections close too
        return rig

    rig = asyncio.run(scenario())
    rig.journal.assert_each_slot_closed_once(rig.tags)
    assert len(rig.journal.rows) > 20
    assert not [r for r in caplog.records if r.name == "asyncio" and r.levelname == "ERROR"]


@simulated
async def test_a_dropped_connection_ends_the_source_and_a_new_one_goes_on(
    server: ModbusSimulator,
) -> None:
    fill(server)
    tags = (tag(1, "holding:10", "int32"), tag(2, "input:72", "float32"))
    rig = Rig(settings(server), tags)
    await rig.run(slots(3))
    server.fault(1, "drop", times=2)  # the identification, and then a read
    with pytest.raises(Disconnected, match=rf"127\.0\.0\.1:{server.port}") as caught:
        await rig.run()
    assert caught.value.remedy
    assert caught.value.status == BAD_NOT_CONNECTED
    rig.group.close_missed(rig.group.current(), caught.value.status)  # as the runtime does
    seen = len(rig.journal.good(1))
    await rig.run(lambda journal: len(journal.good(1)) >= seen + 3)
    marks = [slot for b in rig.journal.batches for _, slot in b.closed]
    assert marks == sorted(set(marks))


@simulated
async def test_a_device_that_hangs_up_while_idle_is_dialled_again_before_the_next_poll(
    server: ModbusSimulator,
) -> None:
    fill(server)
    tags = (tag(1, "holding:10", "int32"),)
    rig = Rig(settings(server), tags, period_ns=200_000_000)
    hung_up: list[int] = []

    def until(journal: Journal) -> bool:
        if len(journal.good(1)) == 1 and not hung_up:
            hung_up.append(1)
            server.hang_up()
        return len(journal.good(1)) >= 3

    await rig.run(until)
    rig.journal.assert_each_slot_closed_once(tags)
    assert set(rig.journal.statuses(1)) == {0}
    assert server.connections >= 2


@simulated
async def test_silence_of_every_unit_is_a_lost_device(server: ModbusSimulator) -> None:
    fill(server)
    server.fault(1, "silent")
    tags = (tag(1, "holding:10", "int32"), tag(2, "holding:90", "uint16"))
    rig = Rig(settings(server, timeout_ms=30), tags)
    with pytest.raises(Disconnected, match="no unit answers") as caught:
        await rig.run()
    assert caught.value.status == BAD_TIMEOUT
    rig.journal.assert_each_slot_closed_once(tags)


@simulated
async def test_a_slow_device_overruns_slots_that_are_closed_as_such(
    server: ModbusSimulator,
) -> None:
    fill(server)
    server.fault(1, "late", seconds=0.07)
    tags = (tag(1, "holding:10", "int32"),)
    rig = Rig(settings(server, timeout_ms=500), tags, period_ns=20_000_000)
    await rig.run(enough_good(4, 1))
    rig.journal.assert_each_slot_closed_once(tags)
    assert rig.journal.statuses(1)[BAD_RESOURCE_UNAVAILABLE] >= 6


@simulated
async def test_no_connection_names_endpoint_reason_and_remedy(server: ModbusSimulator) -> None:
    fill(server)
    await server.stop()
    with pytest.raises(Disconnected) as caught:
        await Rig(settings(server), (tag(1, "holding:10", "int32"),)).run()
    assert str(caught.value) == (f"no connection to 127.0.0.1:{server.port}: connection refused")
    assert "check host and port" in caught.value.remedy


@simulated
async def test_only_reads_are_ever_seen_on_the_wire(server: ModbusSimulator) -> None:
    fill(server)
    for kind in ("exception", "byte_count", "silent"):
        server.fault(2, kind, times=2)  # type: ignore[arg-type]
    tags = (
        tag(1, "holding:10", "int32"), tag(2, "2/holding:10", "uint16"), tag(3, "coil:3"),
        tag(4, "discrete:0"), tag(5, "input:72", "float32"), tag(6, "holding:99", "uint16"),
    )  # fmt: skip
    rig = Rig(settings(server, timeout_ms=40), tags)
    await rig.run(slots(30))
    seen = {r.function for r in server.requests}
    assert seen == READS
