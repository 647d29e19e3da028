import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from plantseal_testing_opcua import LINK, Hosted, Recorder, plan_of, running

from plantseal_connectors.opcua import client, connector
from plantseal_connectors.rows import ABSENT, Batch, Flag, Kind
from plantseal_connectors.source import Disconnected
from plantseal_connectors.status import BAD_NODE_ID_UNKNOWN, BAD_TIMEOUT, BAD_TYPE_MISMATCH
from plantseal_simulators.opcua import Node

WHEN = datetime(2024, 5, 1, 8, 30, 0, 123456, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READING = {
    "CreateSession", "ActivateSession", "CloseSession", "CloseSecureChannel", "Read",
    "CreateSubscription", "CreateMonitoredItems", "Publish", "GetEndpoints",
}  # fmt: skip
BUILT_IN = {
    "Boolean": (True, True),
    "SByte": (-7, -7),
    "Byte": (200, 200),
    "Int16": (-300, -300),
    "UInt16": (65_535, 65_535),
    "Int32": (-(2**31), -(2**31)),
    "UInt32": (2**32 - 1, 2**32 - 1),
    "Int64": (-(2**63), -(2**63)),
    "UInt64": (2**64 - 1, 2**64 - 1),
    "Float": (0.1, 0.10000000149011612),
    "Double": (0.1, 0.1),
    "String": ("加工", "加工"),
    "DateTime": (WHEN, "2024-05-01T08:30:00.1234560Z"),
    "Guid": (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "ByteString": (b"\x00\xff", b"\x00\xff"),
}


def ns(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


@pytest.fixture(scope="module")
def server() -> Iterator[Hosted]:
    nodes = [Node("fast", "Double", -1.0), Node("slow", "Double", -1.0), Node("n", "Double", 0.0)]
    nodes += [Node(f"type.{name}", name, None) for name in BUILT_IN]
    hosted = Hosted(nodes=nodes)
    yield hosted
    hosted.stop()


def addresses(server: Hosted, *ids: str) -> list[str]:
    return [server.sim.address(id) for id in ids]


def test_birth_says_what_the_server_is_and_that_nobody_proved_it(server: Hosted) -> None:
    async def scenario() -> None:
        plan = plan_of(server.sim.endpoint, addresses(server, "n"))
        async with running(plan, Recorder()) as (birth, _):
            assert birth.identity["product"] == "simulated machine"
            assert birth.identity["manufacturer"] == "plantseal"
            assert birth.identity["software"] == "1.0"
            assert (birth.security, birth.authenticated) == ("None", False)
            assert birth.clock_offset_ns is not None
            assert abs(birth.clock_offset_ns) < 1_000_000_000
            assert birth.limits["MaxMonitoredItemsPerCall"] == 10_000
            assert birth.limits["keepalive_ms"] == 200
            assert birth.refused == {}

    asyncio.run(scenario())


def test_every_built_in_type_arrives_with_its_source_time(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        names = list(BUILT_IN)
        plan = plan_of(server.sim.endpoint, addresses(server, *(f"type.{n}" for n in names)))
        async with running(plan, sink):
            await sink.until(lambda: len(sink.rows(kind=Kind.VALUE)) >= len(names))
            for name in names:
                server.do(server.sim.write(f"type.{name}", BUILT_IN[name][0], WHEN))
            await sink.until(lambda: len(sink.rows(kind=Kind.VALUE)) >= 2 * len(names))
            for tag, name in enumerate(names, 1):
                assert sink.values(tag)[-1] == BUILT_IN[name][1], name
                first, last = sink.rows(tag)
                assert first["flags"] == Flag.FIRST
                assert (last["flags"], last["status"]) == (0, 0)
                assert last["t_source"] == ns(WHEN)
                assert abs(last["t_receive"] - time.time_ns()) < 10_000_000_000
                assert last["t_server"] != ABSENT

    asyncio.run(scenario())


def test_status_comes_as_sent_with_the_value_or_without(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        async with running(plan_of(server.sim.endpoint, addresses(server, "n")), sink):
            await sink.until(lambda: len(sink.rows(1)) == 1)
            server.do(server.sim.write("n", 3.5, status=0x808C_0000))  # as open62541 sends it
            server.do(server.sim.write("n", None, status=0x8031_0000))  # as node-opcua sends it
            server.do(server.sim.write("n", 4.5, status=0x4090_0000))
            await sink.until(lambda: len(sink.rows(1)) == 4)
            assert sink.rows(1)["status"].tolist()[1:] == [0x808C_0000, 0x8031_0000, 0x4090_0000]
            assert sink.values(1)[1:] == [3.5, None, 4.5]

    asyncio.run(scenario())


def test_an_array_gives_the_element_named_and_else_text_that_is_no_reading(server: Hosted) -> None:
    async def scenario() -> None:
        server.do(server.sim.write("type.Int16", [5, 6, 7]))
        whole = server.sim.address("type.Int16")
        sink = Recorder()
        plan = plan_of(server.sim.endpoint, [whole, f"{whole} [2]", f"{whole} [3]"])
        async with running(plan, sink):
            await sink.until(lambda: len(sink.rows(kind=Kind.VALUE)) == 3)
        assert [sink.values(t) for t in (1, 2, 3)] == [["[5, 6, 7]"], [7], [None]]
        found = [int(sink.rows(t)["status"][0]) for t in (1, 2, 3)]
        assert found == [BAD_TYPE_MISMATCH, 0, BAD_TYPE_MISMATCH]

    asyncio.run(scenario())


def test_silence_is_recorded_as_keepalives_on_the_link(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        async with running(plan_of(server.sim.endpoint, addresses(server, "n")), sink):
            await sink.until(lambda: len(sink.rows(LINK, Kind.KEEPALIVE)) >= 4)
        beats = sink.rows(LINK, Kind.KEEPALIVE)
        assert np.diff(beats["t_receive"]).max() < 1_000_000_000
        assert (beats["t_server"] != ABSENT).all()
        assert len(sink.rows(LINK, Kind.SEQ_GAP)) == 0

    asyncio.run(scenario())


def test_the_next_message_is_asked_for_only_after_the_commit(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        plan = plan_of(server.sim.endpoint, addresses(server, "n"), publish_requests=2)
        async with running(plan, sink):
            await sink.until(lambda: len(sink.rows(1)) == 1)
            sink.gate.clear()
            await sink.until(lambda: sink.waiting == 2)
            asked = server.sim.services["Publish"]
            for value in range(20):
                server.do(server.sim.write("n", 100.0 + value))
                await asyncio.sleep(0.01)
            assert server.sim.services["Publish"] == asked
            assert sink.waiting == 2
            sink.gate.set()
            await sink.until(lambda: 119.0 in sink.values(1))
        assert sink.values(1)[-20:] == [100.0 + v for v in range(20)]

    asyncio.run(scenario())


def test_a_lost_server_is_noticed_and_a_new_source_gets_data_again(server: Hosted) -> None:
    async def scenario() -> None:
        plan = plan_of(server.sim.endpoint, addresses(server, "n"))
        sink = Recorder()
        async with running(plan, sink) as (_, task):
            await sink.until(lambda: len(sink.rows(1)) == 1)
            server.do(server.sim.drop())
            with pytest.raises(Disconnected):
                await asyncio.wait_for(task, 5)
        again = connector.build(plan)
        with pytest.raises(Disconnected, match="connection refused") as refused:
            await again.open()
        assert "listens on this port" in refused.value.remedy
        await again.close()
        server.do(server.sim.listen())
        server.do(server.sim.write("n", 42.0))
        sink = Recorder()
        async with running(plan, sink):
            await sink.until(lambda: sink.values(1) == [42.0])

    asyncio.run(scenario())


def test_a_subscription_deleted_without_a_word_is_noticed(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        plan = plan_of(server.sim.endpoint, addresses(server, "n"))
        async with running(plan, sink) as (_, task):
            await sink.until(lambda: len(sink.rows(LINK, Kind.KEEPALIVE)) >= 1)
            await asyncio.sleep(0.05)  # until every publish request lies at the server again
            server.do(server.sim.delete_subscriptions())
            started = time.monotonic()
            with pytest.raises(Disconnected, match=r"no data and no keep-alive for 0\.6") as lost:
                await asyncio.wait_for(task, 5)
            assert time.monotonic() - started < 2
            assert lost.value.status == BAD_TIMEOUT

    asyncio.run(scenario())


def test_a_subscription_that_a_publish_no_longer_finds_is_lost(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        plan = plan_of(server.sim.endpoint, addresses(server, "n"), keepalive_s=60)
        async with running(plan, sink) as (_, task):
            await sink.until(lambda: len(sink.rows(1)) == 1)
            sink.gate.clear()
            server.do(server.sim.write("n", time.monotonic()))
            await sink.until(lambda: sink.waiting == 1)
            server.do(server.sim.delete_subscriptions())
            sink.gate.set()
            with pytest.raises(Disconnected, match="BadNoSubscription: subscription lost"):
                await asyncio.wait_for(task, 5)

    asyncio.run(scenario())


def test_a_refused_node_is_a_bad_row_hides_no_other_and_is_asked_for_again(
    server: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRY_REFUSED_S", 0.2)

    async def scenario() -> None:
        sink = Recorder()
        late = f"late.{time.monotonic_ns()}"
        wanted = [*addresses(server, late, "n"), "nsu=urn:nowhere;s=x"]
        async with running(plan_of(server.sim.endpoint, wanted), sink) as (birth, _):
            assert birth.refused == {1: BAD_NODE_ID_UNKNOWN, 3: BAD_NODE_ID_UNKNOWN}
            await sink.until(lambda: len(sink.rows(2)) == 1 and len(sink.rows(3)) >= 1)
            assert set(sink.rows(1)["status"].tolist()) == {BAD_NODE_ID_UNKNOWN}
            server.do(server.sim.add(Node(late, "Int32", 7)))
            await sink.until(lambda: 7 in sink.values(1))
            assert sink.rows(1)["flags"][-1] == Flag.FIRST
            await sink.until(lambda: len(sink.rows(3)) >= 4)

    asyncio.run(scenario())


def test_a_limit_that_the_server_does_not_publish_is_found_by_halving(server: Hosted) -> None:
    async def scenario() -> None:
        server.sim.items_a_call = 3
        try:
            names = [f"type.{n}" for n in BUILT_IN]
            sink = Recorder()
            async with running(plan_of(server.sim.endpoint, addresses(server, *names)), sink):
                await sink.until(lambda: len(sink.rows(kind=Kind.VALUE)) == len(names))
        finally:
            server.sim.items_a_call = 0

    asyncio.run(scenario())


def test_message_numbers_left_out_are_a_gap_on_the_link(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        async with running(plan_of(server.sim.endpoint, addresses(server, "n")), sink):
            await sink.until(lambda: len(sink.rows(1)) == 1)
            server.sim.skip_messages(4)
            await sink.until(lambda: len(sink.rows(LINK, Kind.SEQ_GAP)) > 0)
            server.do(server.sim.write("n", time.monotonic()))
            await sink.until(lambda: len(sink.rows(1)) == 2)
        assert sink.rows(LINK, Kind.SEQ_GAP)["value"].tolist() == [4]

    asyncio.run(scenario())


def test_five_thousand_fast_writes_arrive_in_order_with_their_exact_times(server: Hosted) -> None:
    count = 5_000

    async def burst() -> None:
        for i in range(count):
            await server.sim.write("fast", float(i), WHEN + timedelta(microseconds=i))

    async def scenario() -> None:
        sink = Recorder()
        plan = plan_of(server.sim.endpoint, addresses(server, "fast"), queue_size=10_000)
        async with running(plan, sink) as (birth, _):
            assert birth.limits["queue_size"] == 10_000
            await sink.until(lambda: len(sink.rows(1)) == 1)
            await asyncio.to_thread(server.do, burst())
            await sink.until(lambda: len(sink.rows(1)) == count + 1)
        assert sink.values(1)[1:] == [float(i) for i in range(count)]
        expected = [ns(WHEN) + 1000 * i for i in range(count)]
        assert sink.rows(1)["t_source"].tolist()[1:] == expected
        assert len(sink.rows(1, Kind.OVERFLOW)) == 0

    asyncio.run(scenario())


def test_what_a_small_queue_loses_is_flagged_where_it_is_missing(server: Hosted) -> None:
    count = 2_000

    async def burst() -> None:
        for i in range(count):
            await server.sim.write("slow", float(i))
            if i % 250 == 0:
                await asyncio.sleep(0.06)

    async def scenario() -> None:
        sink = Recorder()
        plan = plan_of(server.sim.endpoint, addresses(server, "slow"), queue_size=20)
        async with running(plan, sink):
            await sink.until(lambda: len(sink.rows(1)) == 1)
            lost, flagged = server.sim.discarded["slow"], server.sim.flagged["slow"]
            await asyncio.to_thread(server.do, burst())
            await sink.until(lambda: sink.values(1)[-1] == count - 1.0)
        lost, flagged = server.sim.discarded["slow"] - lost, server.sim.flagged["slow"] - flagged
        values = sink.rows(1, Kind.VALUE)
        got = np.array(sink.values(1)[1:])
        jumps = np.flatnonzero(np.diff(got, prepend=-1.0) != 1)
        marked = np.flatnonzero(values["status"][1:] & 0x480 == 0x480)
        assert len(got) + lost == count
        assert lost > 0
        assert marked.tolist() == jumps.tolist()
        overflows = sink.rows(1, Kind.OVERFLOW)
        assert len(overflows) == len(marked) == flagged
        assert overflows["t_source"].tolist() == values["t_source"][1:][marked].tolist()

    asyncio.run(scenario())


def test_a_port_that_speaks_something_else_is_said_so() -> None:
    async def scenario() -> None:
        async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        source = connector.build(plan_of(f"opc.tcp://127.0.0.1:{port}", ["i=2258"]))
        with pytest.raises(Disconnected, match=str(port)):
            await source.open()
        await source.close()
        listener.close()

    asyncio.run(scenario())


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    async def scenario() -> None:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            endpoint = f"opc.tcp://127.0.0.1:{deaf.getsockname()[1]}"
            source = connector.build(plan_of(endpoint, ["i=2258"], timeout_s=0.5))
            started = time.monotonic()
            with pytest.raises(Disconnected, match=r"no answer within 0\.5 s"):
                await source.open()
            await source.close()
            assert time.monotonic() - started < 4

    asyncio.run(scenario())


def test_what_arrived_is_delivered_when_the_line_goes_down(server: Hosted) -> None:
    async def scenario() -> None:
        sink = Recorder()
        async with running(plan_of(server.sim.endpoint, addresses(server, "n")), sink) as (_, task):
            sink.gate.clear()
            await sink.until(lambda: sink.waiting >= 1)
            server.do(server.sim.drop())
            await asyncio.sleep(0.1)
            sink.gate.set()
            with pytest.raises(Disconnected):
                await asyncio.wait_for(task, 5)
        server.do(server.sim.listen())
        assert len(sink.rows(1)) == 1

    asyncio.run(scenario())


class Full:
    async def put(self, _batch: Batch) -> None:
        raise OSError("disk full")


def test_a_failing_sink_is_not_taken_for_a_lost_line(server: Hosted) -> None:
    async def scenario() -> None:
        source = connector.build(plan_of(server.sim.endpoint, addresses(server, "n")))
        await source.open()
        with pytest.raises(OSError, match="disk full"):
            await asyncio.wait_for(source.run(Full()), 5)
        await source.close()

    asyncio.run(scenario())


def test_only_services_that_read_were_ever_asked_for(server: Hosted) -> None:
    assert server.sim.services["Publish"] > 0
    assert set(server.sim.services) <= READING
