"""The sink inside a worker: order, window, and batches that survive a cancelled put."""

import asyncio

import numpy as np
import pytest

from plantseal.pipe import Rows
from plantseal.worker.outbox import MAX_UNACKED, MAX_UNACKED_BYTES, Outbox
from plantseal_connectors.rows import Batch, Kind, RowList


def batch(tag: int, kind: Kind = Kind.VALUE, t: int = 5, size: int = 0) -> Batch:
    rows = RowList()
    rows.add(tag=tag, t_receive=t, kind=kind, value=bytes(size) if size else None)
    return rows.batch()


def tags(sent: list[Rows]) -> list[int]:
    return [int(m.batch.rows["tag"][0]) for m in sent]


async def body_acknowledged() -> None:
    sent: list[Rows] = []
    box = Outbox("s", sent.append)
    first, second = asyncio.create_task(box.put(batch(1))), asyncio.create_task(box.put(batch(2)))
    await asyncio.sleep(0)
    assert tags(sent) == [1, 2], "puts are pipelined"
    box.acknowledged(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert first.done()
    assert not second.done()
    box.acknowledged(2)
    await second
    assert box.backlog == 0


async def body_window() -> None:
    sent: list[Rows] = []
    box = Outbox("s", sent.append)
    for i in range(MAX_UNACKED + 10):
        box.post(batch(i + 1))
    assert len(sent) == MAX_UNACKED
    assert box.backlog == MAX_UNACKED + 10
    box.acknowledged(3)
    assert tags(sent) == list(range(1, MAX_UNACKED + 4))
    assert [m.number for m in sent] == list(range(1, MAX_UNACKED + 4))


async def body_bytes() -> None:
    sent: list[Rows] = []
    box = Outbox("s", sent.append)
    for i in range(3):
        box.post(batch(i + 1, size=MAX_UNACKED_BYTES))
    assert tags(sent) == [1], "one may exceed the bound, but alone"
    box.acknowledged(1)
    assert tags(sent) == [1, 2]


async def body_cancelled() -> None:
    sent: list[Rows] = []
    box = Outbox("s", sent.append)
    for i in range(MAX_UNACKED):
        box.post(batch(i + 1))
    put = asyncio.create_task(box.put(batch(1000)))
    await asyncio.sleep(0)
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    box.post(batch(1001))
    box.acknowledged(MAX_UNACKED)
    assert tags(sent)[-2:] == [1000, 1001], "its slot is closed, so it must arrive, and in order"
    assert not await box.settle(0.02)
    box.acknowledged(MAX_UNACKED + 2)
    assert await box.settle(0.02)


async def body_alive() -> None:
    box = Outbox("s", lambda _: None)
    box.post(batch(1, t=70))
    box.post(batch(1, Kind.SLOT, t=90))
    box.post(batch(1, Kind.KEEPALIVE, t=80))
    box.post(batch(1, Kind.VALUE, t=60))
    assert box.alive_ns == 80, "a slot without an answer is no sign of life"
    await box.put(Batch(np.zeros(0, batch(1).rows.dtype)))
    with pytest.raises(TypeError, match="expected ROW"):
        box.post(Batch(np.zeros(3)))


@pytest.mark.parametrize(
    "body",
    [body_acknowledged, body_window, body_bytes, body_cancelled, body_alive],
)
def test_outbox(body) -> None:
    asyncio.run(body())
