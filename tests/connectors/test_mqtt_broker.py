"""The MQTT source against a real broker: sessions, refusals, losses and acknowledgement."""

import asyncio
import json
import os
import socket

import pytest
from plantseal_testing_broker import LINK, Sink, free_port, mosquitto, run, running, source

from plantseal_connectors.mqtt import connector
from plantseal_connectors.rows import Flag, Kind
from plantseal_connectors.source import Disconnected, Refused
from plantseal_connectors.status import BAD_USER_ACCESS_DENIED
from plantseal_simulators.broker import EmbeddedBroker
from plantseal_simulators.mqtt import PackingLine, Publisher
from plantseal_simulators.plant import Machine


def at(port, **more):
    return {"host": "127.0.0.1", "port": port, **more}


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_packing_line_is_read_with_its_own_time(protocol):
    async def read():
        line = PackingLine(Machine("pack1", 7), "127.0.0.1", port, period_ms=50)
        reader = source(
            connector,
            at(port, time="/ts", protocol=protocol),
            *(f"{line.topic}#{p}" for p in ("/state", "/counts/good", "/energy_wh")),
        )
        birth, sink = await reader.open(), Sink()
        assert birth.endpoint == f"mqtt://127.0.0.1:{port}"
        assert (birth.security, birth.authenticated, birth.refused) == ("None", False, {})
        async with running(reader, sink):
            await line.start()
            publishing = asyncio.create_task(line.run())
            await sink.until(lambda: len(sink.rows) >= 9)
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            await line.stop()
        first = sink.rows[:3]
        assert [r["tag"] for r in first] == [1, 2, 3]
        assert first[0]["value"] == "RUN"
        assert isinstance(first[1]["value"], int)
        assert isinstance(first[2]["value"], int)
        assert {r["src_seq"] for r in first} == {1}
        for row in sink.rows:
            assert row["t_source"] % 1_000_000 == 0
            assert 0 <= row["t_receive"] - row["t_source"] < 2_000_000_000

    with mosquitto() as port:
        run(read)


def test_the_embedded_broker_serves_and_a_refused_topic_is_a_bad_row():
    async def read():
        broker = await EmbeddedBroker.start(taboo=True)
        try:
            reader = source(connector, at(broker.port), "top-secret#/v", "fine#/v")
            birth, sink = await reader.open(), Sink()
            assert birth.refused == {1: BAD_USER_ACCESS_DENIED}
            async with running(reader, sink):
                device = Publisher(broker.host, broker.port, "dev")
                await device.start()
                await device.publish("fine", b'{"v": 3}')
                await sink.until(lambda: len(sink.rows) >= 2)
                await device.stop()
            refused, value = sink.rows
            assert (refused["tag"], refused["value"]) == (1, None)
            assert refused["status"] == BAD_USER_ACCESS_DENIED
            assert (value["tag"], value["value"], value["status"]) == (2, 3, 0)
        finally:
            await broker.stop()

    run(read)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_message_not_yet_durable_is_delivered_to_the_next_session(protocol):
    settings = {"client_id": "gw", "protocol": protocol}

    async def read():
        lost = Sink()
        lost.commit.clear()  # the disk never answers
        reader = source(connector, at(port, **settings), "t#")
        await reader.open()
        device = Publisher("127.0.0.1", port, "dev")
        await device.start()
        async with running(reader, lost):
            for i in range(5):
                await device.publish("t", str(i).encode())
            await lost.until(lambda: lost.offered >= 1)
        assert lost.batches == []

        kept = Sink()
        again = source(connector, at(port, **settings), "t#")
        await again.open()
        async with running(again, kept):
            await kept.until(lambda: len(kept.rows) >= 5)
        assert [r["value"] for r in kept.rows] == [0, 1, 2, 3, 4]
        assert kept.rows[0]["flags"] == Flag.REDELIVERED

        third = Sink()
        last = source(connector, at(port, **settings), "t#")
        await last.open()
        async with running(last, third):  # what was committed was acknowledged: nothing comes again
            await device.publish("t", b"99")
            await third.until(lambda: len(third.rows) >= 1)
        assert [r["value"] for r in third.rows] == [99]
        await device.stop()

    with mosquitto() as port:
        run(read)


def test_acknowledgement_follows_the_commit_and_never_precedes_it():
    async def read():
        sink = Sink()
        sink.commit.clear()
        reader = source(connector, at(port), "t#")
        await reader.open()
        device = Publisher("127.0.0.1", port, "dev")
        await device.start()
        async with running(reader, sink):
            for i in range(40):  # mosquitto keeps 20 in flight: without PUBACK no more arrive
                await device.publish("t", str(i).encode())
            await sink.until(lambda: sink.offered >= 1)
            await asyncio.sleep(0.2)
            assert reader._session._received == 20
            sink.commit.set()
            await sink.until(lambda: len(sink.rows) == 40)
        assert [r["value"] for r in sink.rows] == list(range(40))
        await device.stop()

    with mosquitto("max_inflight_messages 20") as port:
        run(read)


def test_garbage_never_ends_the_client_and_a_retained_message_is_flagged():
    async def read():
        device = Publisher("127.0.0.1", port, "dev")
        await device.start()
        await device.publish("t", b'{"v": 1}', retain=True)
        reader = source(connector, at(port), "t#/v")
        await reader.open()
        sink = Sink()
        async with running(reader, sink):
            await sink.until(lambda: len(sink.rows) >= 1)
            for payload in (b"[" * 100_000, "ü".encode("latin-1"), b"NaN", b"\xff\xfe{", b""):
                await device.publish("t", payload)
            await device.publish("t", b'{"v": 2}')
            await sink.until(lambda: sink.rows[-1]["value"] == 2)
        rows = sink.rows
        assert (rows[0]["value"], rows[0]["flags"]) == (1, Flag.RETAINED)
        assert [r["kind"] for r in rows[1:-1]] == [Kind.UNPARSED, Kind.EVENT] * 5
        assert {r["tag"] for r in rows[1:-1]} == {LINK}
        assert json.loads(rows[2]["value"])["topic"] == "t"
        await device.stop()

    with mosquitto() as port:
        run(read)


def test_memory_is_bounded_and_a_slow_writer_slows_the_line_without_loss():
    async def read():
        sink = Sink()
        sink.commit.clear()
        reader = source(connector, at(port, inflight=10, qos=0, persistent=False), "t#")
        await reader.open()
        device = Publisher("127.0.0.1", port, "dev")
        await device.start()
        async with running(reader, sink):
            for i in range(200):
                await device.publish("t", str(i).encode(), qos=0)
            await device.publish("elsewhere", b"", qos=1)
            await asyncio.sleep(0.2)
            assert reader._session._received <= 11  # ten held, one waiting for room
            sink.commit.set()
            await sink.until(lambda: len(sink.rows) == 200)
        assert [r["value"] for r in sink.rows] == list(range(200))
        await device.stop()

    with mosquitto() as port:
        run(read)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_wrong_password_is_refused_with_a_remedy(protocol, monkeypatch):
    monkeypatch.setenv("LINE_PASSWORD", "wrong")
    account = {"username": "gw", "password_env": "LINE_PASSWORD", "protocol": protocol}

    async def read():
        reader = source(connector, at(port, **account), "t#")
        with pytest.raises(Refused, match=r"Not authorized|Bad user name") as refusal:
            await reader.open()
        assert refusal.value.status == BAD_USER_ACCESS_DENIED
        assert "LINE_PASSWORD" in refusal.value.remedy
        await reader.close()

        monkeypatch.setenv("LINE_PASSWORD", "right")
        good = source(connector, at(port, **account), "t#")
        await good.open()
        await good.close()

    with mosquitto(accounts={"gw": "right"}) as port:
        run(read)


def test_a_password_that_is_not_in_the_environment_is_refused_before_any_packet():
    async def read():
        account = {"username": "gw", "password_env": "PLANTSEAL_TEST_UNSET"}
        reader = source(connector, at(9, **account), "t#")
        with pytest.raises(Refused, match="PLANTSEAL_TEST_UNSET is not set"):
            await reader.open()
        await reader.close()

    run(read)


def test_mqtt_5_at_an_older_broker_is_refused_with_the_setting_to_change():
    async def read():
        async def answer(reader, writer):  # CONNACK 3.1.1: unacceptable protocol version
            await reader.read(100)
            writer.write(b"\x20\x02\x00\x01")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader = source(connector, at(port, protocol="5"), "t#")
        with pytest.raises(Refused, match="Unsupported protocol version") as refusal:
            await reader.open()
        assert refusal.value.remedy == 'set protocol: "3.1.1"'
        await reader.close()
        server.close()

    run(read)


def test_no_broker_is_disconnected():
    async def read():
        reader = source(connector, at(free_port()), "t#")
        with pytest.raises(Disconnected, match="refused"):
            await reader.open()
        await reader.close()

    run(read)


def test_a_broker_that_stops_ends_run_with_disconnected_and_a_new_source_resumes():
    port = free_port()

    async def read():
        sink = Sink()
        with mosquitto(port=port):
            reader = source(connector, at(port), "t#")
            await reader.open()
            task = asyncio.create_task(reader.run(sink))
            await asyncio.sleep(0.05)
        with pytest.raises(Disconnected, match="connection lost"):
            await task
        await reader.close()
        with mosquitto(port=port):
            again = source(connector, at(port), "t#")
            await again.open()
            device = Publisher("127.0.0.1", port, "dev")
            await device.start()
            async with running(again, sink):
                await device.publish("t", b"1")
                await sink.until(lambda: len(sink.rows) == 1)
            await device.stop()

    run(read)


@pytest.mark.parametrize(
    "reply",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x00", b"\x20\x02\x00\x00\x90\x01\x00"],
    ids=["closes", "http", "short connack", "short suback"],
)
def test_a_server_that_is_no_broker_ends_in_an_error_of_the_contract(reply):
    async def read():
        async def answer(reader, writer):
            await reader.read(100)
            writer.write(reply)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader = source(connector, at(server.sockets[0].getsockname()[1]), "t#")
        with pytest.raises(Disconnected):
            await reader.open()
        await reader.close()
        server.close()

    run(read)


def test_closing_is_bounded_when_the_server_never_answers():
    async def read():
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            reader = source(connector, at(deaf.getsockname()[1]), "t#")
            opening = asyncio.create_task(reader.open())
            await asyncio.sleep(0.1)
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            async with asyncio.timeout(5):
                await reader.close()

    run(read)


def test_closing_leaves_no_socket_to_the_garbage_collector():
    async def read():
        before = len(os.listdir("/proc/self/fd"))
        reader = source(connector, at(port), "t#")
        await reader.open()
        kept = reader._session._client  # as a reference cycle would
        await reader.close()
        assert len(os.listdir("/proc/self/fd")) == before, kept

    with mosquitto() as port:
        run(read)


def test_nothing_is_ever_published():
    async def read():
        heard = []
        spy = Publisher("127.0.0.1", port, "spy")
        spy._client.on_message = lambda _c, _d, m: heard.append(m.topic)
        await spy.start()
        spy._client.subscribe("#")
        reader = source(connector, at(port), "a#", "b#")
        await reader.open()
        sink = Sink()
        async with running(reader, sink):
            await spy.publish("a", b"1")
            await sink.until(lambda: len(sink.rows) == 1)
        await spy.publish("end", b"")
        await asyncio.sleep(0.1)
        await spy.stop()
        assert heard == ["a", "end"]

    with mosquitto() as port:
        run(read)
