"""The Sparkplug source as a passive host behind a real broker, against an independent edge node."""

import asyncio
import contextlib

import pytest
from plantseal_testing_broker import LINK, Sink, free_port, mosquitto, run, running, source

from plantseal_connectors.rows import Flag, Kind
from plantseal_connectors.source import Disconnected
from plantseal_connectors.sparkplug import connector
from plantseal_connectors.status import BAD_NO_COMMUNICATION
from plantseal_simulators import sparkplug as sim
from plantseal_simulators.broker import EmbeddedBroker
from plantseal_simulators.mqtt import Publisher

ADDRESSES = ("#Uptime", "press#Good", "press#Temp")
NODE_LINK, PRESS_LINK = LINK + 1, LINK + 2


def reader_at(port, **more):
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "group_id": "plant",
        "edge_node_id": "pack2",
        **more,
    }
    return source(connector, settings, *ADDRESSES)


@contextlib.asynccontextmanager
async def listening(port, **more):
    """Yield a sink behind a reader, and an edge node with one device, both born."""
    reader, sink = reader_at(port, **more), Sink()
    await reader.open()
    async with running(reader, sink):
        await sink.until(lambda: len(sink.rows) == 2)  # nothing known: two deaths
        edge = sim.EdgeNode("127.0.0.1", port, bd_seq=3)
        await edge.start()
        await edge.birth([sim.Metric("Uptime", 1, sim.UINT64, alias=1)])
        await edge.device_birth(
            "press",
            [
                sim.Metric("Good", 10, sim.INT32, alias=2),
                sim.Metric("Temp", 21.5, sim.DOUBLE, alias=3),
            ],
        )
        await sink.until(lambda: len(sink.rows) == 7)
        yield sink, edge


def since(sink, count):
    return [(r["tag"], r["kind"], r["value"]) for r in sink.rows[count:]]


async def play(port):
    async with listening(port) as (sink, edge):
        assert since(sink, 2)[1:2] == [(1, Kind.VALUE, 1)]
        assert [(r["tag"], r["kind"]) for r in sink.rows[2:]] == [
            (NODE_LINK, Kind.BIRTH),
            (1, Kind.VALUE),
            (PRESS_LINK, Kind.BIRTH),
            (2, Kind.VALUE),
            (3, Kind.VALUE),
        ]
        await edge.data([sim.Metric("", -4, 0, alias=2, wire_type=sim.INT32)], "press")
        await sink.until(lambda: len(sink.rows) == 8)
        assert since(sink, 7) == [(2, Kind.VALUE, -4)]
        assert sink.rows[7]["src_seq"] == 2

        edge.skip(2)
        await edge.data([sim.Metric("", 12, sim.INT32, alias=2, historical=True)], "press")
        await sink.until(lambda: len(sink.rows) == 11)
        assert since(sink, 8) == [
            (NODE_LINK, Kind.SEQ_GAP, 2),
            (PRESS_LINK, Kind.SEQ_GAP, 2),
            (2, Kind.VALUE, 12),
        ]
        assert sink.rows[10]["flags"] == Flag.HISTORICAL

        await edge.garbage("press")
        await edge.data([sim.Metric("", 13, sim.INT32, alias=2)], "press")
        await sink.until(lambda: sink.rows[-1]["value"] == 13)
        assert [k for _, k, _ in since(sink, 11)] == [
            Kind.UNPARSED,
            Kind.EVENT,
            Kind.SEQ_GAP,
            Kind.SEQ_GAP,
            Kind.VALUE,
        ]

        count = len(sink.rows)
        await edge.vanish()
        await sink.until(lambda: len(sink.rows) >= count + 5)
        ended = sink.rows[count:]
        assert sorted(r["tag"] for r in ended if r["kind"] is Kind.DEATH) == [NODE_LINK, PRESS_LINK]
        assert all(r["t_source"] <= r["t_receive"] for r in ended if r["kind"] is Kind.DEATH)
        stale = [r for r in ended if r["kind"] is Kind.VALUE]
        assert {r["status"] for r in stale} == {BAD_NO_COMMUNICATION}
        assert sorted(r["tag"] for r in stale) == [1, 2, 3]


def test_births_data_faults_and_the_will_through_mosquitto():
    with mosquitto() as port:
        run(lambda: play(port))


def test_births_data_faults_and_the_will_through_the_embedded_broker():
    async def read():
        broker = await EmbeddedBroker.start()
        try:
            await play(broker.port)
        finally:
            await broker.stop()

    run(read)


def test_three_hundred_messages_wrap_the_sequence_without_a_gap():
    async def read():
        async with listening(port) as (sink, edge):
            for n in range(300):
                await edge.data([sim.Metric("", n, sim.INT32, alias=2)], "press")
            await sink.until(lambda: len(sink.rows) >= 307)
            assert since(sink, 7) == [(2, Kind.VALUE, n) for n in range(300)]
            assert sink.rows[-1]["src_seq"] == (300 + 1) % 256
            await edge.stop()

    with mosquitto() as port:
        run(read)


def test_a_node_that_leaves_without_a_death_is_ended_by_its_next_birth():
    async def read():
        async with listening(port) as (sink, edge):
            await edge.leave()
            await edge.start()
            await edge.birth([sim.Metric("Uptime", 1, sim.UINT64)])
            await sink.until(lambda: sink.rows[-1]["value"] == 1 and len(sink.rows) > 7)
            deaths = [r for r in sink.rows[7:] if r["kind"] is Kind.DEATH]
            assert sorted(r["tag"] for r in deaths) == [NODE_LINK, PRESS_LINK]
            assert max(r["t_source"] for r in deaths) == sink.rows[6]["t_receive"]
            await edge.stop()

    with mosquitto() as port:
        run(read)


def test_the_loss_of_the_broker_ends_every_session_before_run_raises():
    port = free_port()

    async def read():
        reader, sink = reader_at(port), Sink()
        with mosquitto(port=port, crash=True):
            await reader.open()
            task = asyncio.create_task(reader.run(sink))
            edge = sim.EdgeNode("127.0.0.1", port)
            await edge.start()
            await edge.birth([sim.Metric("Uptime", 1, sim.UINT64)])
            await sink.until(lambda: sink.rows[-1]["value"] == 1)
        with pytest.raises(Disconnected):
            await task
        await reader.close()
        await edge.vanish()
        assert (sink.rows[-2]["tag"], sink.rows[-2]["kind"]) == (1, Kind.VALUE)
        assert (sink.rows[-1]["tag"], sink.rows[-1]["kind"]) == (NODE_LINK, Kind.DEATH)
        assert sink.rows[-1]["t_source"] == sink.rows[-2]["t_receive"]

    run(read)


def test_nothing_is_ever_published_neither_rebirth_nor_state():
    async def read():
        heard = []
        spy = Publisher("127.0.0.1", port, "spy")
        spy._client.on_message = lambda _c, _d, m: heard.append(m.topic)
        await spy.start()
        spy._client.subscribe("#")
        async with listening(port) as (sink, edge):
            edge.skip()
            await edge.data([sim.Metric("", 1, sim.INT32, alias=77)], "press")
            await sink.until(lambda: sink.rows[-1]["kind"] is Kind.EVENT)
            await edge.stop()
        await spy.publish("end", b"")
        await asyncio.sleep(0.1)
        await spy.stop()
        assert [t.split("/")[2] for t in heard[:-1]] == ["NBIRTH", "DBIRTH", "DDATA", "NDEATH"]
        assert heard[-1] == "end"

    with mosquitto() as port:
        run(read)
