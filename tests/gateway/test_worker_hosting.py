"""One source across its sessions, with devices that behave in every way the contract allows or not."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from plantseal.pipe import Born, Note, Rows, Turn
from plantseal.worker import hosting, losses
from plantseal.worker.hosting import Hosted, Unstoppable
from plantseal.worker.losses import BackOff, loss_of, no_session
from plantseal.worker.outbox import Outbox
from plantseal_connectors.rows import ROW, Batch, Kind, RowList
from plantseal_connectors.slots import PollGroup
from plantseal_connectors.source import (
    Birth,
    Disconnected,
    Refused,
    RowSink,
    SourcePlan,
    SourceSettings,
)
from plantseal_connectors.status import (
    BAD_DECODING_ERROR,
    BAD_NOT_CONNECTED,
    BAD_SHUTDOWN,
    BAD_TIMEOUT,
    BAD_USER_ACCESS_DENIED,
)
from plantseal_connectors.tags import Tag, TagSpec

LINK = 99
PERIOD_NS = 20_000_000
TAG = Tag(1, TagSpec(name="t1", equipment="m", address="x", period_ms=20))


@dataclass
class Device:
    """A source that polls its group, and does what it is told at open, while running, at close."""

    plan: SourcePlan
    at_open: Callable[[], Awaitable[None]] | None = None
    at_slot: Callable[[int], Awaitable[None]] | None = None
    at_close: Callable[[], Awaitable[None]] | None = None
    birth: Birth = field(default_factory=lambda: Birth("fake://1", {"serial": "7"}))
    closed: int = 0

    async def open(self) -> Birth:
        if self.at_open:
            await self.at_open()
        return self.birth

    async def run(self, out: RowSink) -> None:
        (group,) = self.plan.groups
        polled = 0
        async for slot in group.ticks(out.put):
            polled += 1
            if self.at_slot:
                await self.at_slot(polled)
            rows = RowList()
            rows.add(tag=1, t_receive=time.time_ns(), value=polled, src_seq=slot)
            batch = rows.batch([group.close(slot)])
            await out.put(batch)

    async def close(self) -> None:
        self.closed += 1
        if self.at_close:
            await self.at_close()


@dataclass
class Rig:
    """A hosted source, its gateway played by whoever acknowledges at once."""

    devices: list[Device]
    told: list[Born | Turn | Note] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    async def run(self, until: Callable[["Rig"], bool], within_s: float = 5.0) -> None:
        stop = asyncio.Event()
        box = Outbox("s", self._send)
        self.box = box
        group = PollGroup.start(0, PERIOD_NS, (TAG,), time.time_ns() // PERIOD_NS - 5)
        plan = SourcePlan("s", SourceSettings(), (TAG,), (group,), {"": LINK})
        self.queue = list(self.devices)
        hosted = Hosted(plan, self._build, box, self.told.append, stop)
        task = asyncio.create_task(hosted.run())
        async with asyncio.timeout(within_s):
            while not until(self) and not task.done():
                await asyncio.wait([task], timeout=0.005)
            stop.set()
            await task

    def _build(self, plan: SourcePlan) -> Device:
        device = self.queue.pop(0) if len(self.queue) > 1 else self.queue[0]
        device.plan = plan
        return device

    def _send(self, message: Rows) -> None:
        self.batches.append(message.batch)
        asyncio.get_running_loop().call_soon(lambda: self.box.acknowledged(message.number))

    @property
    def rows(self) -> NDArray[np.void]:
        return np.concatenate([np.zeros(0, ROW), *(b.rows for b in self.batches)])

    def of(self, kind: Kind) -> NDArray[np.void]:
        rows = self.rows
        return rows[rows["kind"] == kind]

    def states(self) -> list[str]:
        return [t.state for t in self.told if isinstance(t, Turn)]

    def turns(self, state: str) -> list[Turn]:
        return [t for t in self.told if isinstance(t, Turn) and t.state == state]

    def assert_every_slot_once(self) -> None:
        rows = self.rows
        slots = rows[rows["tag"] == 1]["src_seq"].tolist()
        assert slots == list(range(slots[0], slots[0] + len(slots)))
        marks = [slot for b in self.batches for _, slot in b.closed]
        assert marks == sorted(set(marks))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "OPEN_S", 0.3)
    monkeypatch.setattr(hosting, "CLOSE_S", 0.2)
    monkeypatch.setattr(hosting, "TICK_S", 0.05)
    monkeypatch.setattr(losses, "FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(losses, "MAX_WAIT_S", 0.2)


def device(**does: object) -> Device:
    return Device(SourcePlan("", SourceSettings(), (), (), {}), **does)  # type: ignore[arg-type]


def values(n: int) -> Callable[[Rig], bool]:
    return lambda rig: len(rig.of(Kind.VALUE)) >= n


def raising(error: BaseException, at: int = 0) -> Callable[..., Awaitable[None]]:
    async def do(polled: int = 0) -> None:
        if polled >= at:
            raise error

    return do


async def forever(_polled: int = 0) -> None:
    await asyncio.sleep(3600)


def play(rig: Rig, until: Callable[[Rig], bool]) -> Rig:
    asyncio.run(rig.run(until))
    rig.assert_every_slot_once()
    return rig


def test_a_session_is_born_runs_and_dies_with_its_last_sign_of_life() -> None:
    rig = play(Rig([device()]), values(5))
    assert rig.states() == ["connecting", "up", "stopped"]
    (birth,), (death,) = rig.of(Kind.BIRTH), rig.of(Kind.DEATH)
    assert birth["tag"] == death["tag"] == LINK
    assert death["status"] == BAD_SHUTDOWN
    assert death["t_source"] == rig.of(Kind.VALUE)["t_receive"].max()
    text = next(b.texts[0] for b in rig.batches if b.texts)
    assert json.loads(text) == next(m.device for m in rig.told if isinstance(m, Born))
    assert json.loads(text)["identity"] == {"serial": "7"}
    assert rig.devices[0].closed == 1
    before = rig.of(Kind.SLOT)
    assert BAD_SHUTDOWN in before["status"], "the slots of the time before the process"


def test_a_lost_device_leaves_slots_with_its_status_and_is_built_anew() -> None:
    lost = Disconnected("cable pulled", status=BAD_TIMEOUT, remedy="plug it in")
    rig = play(Rig([device(at_slot=raising(lost, 4)), device()]), values(8))
    assert rig.states() == ["connecting", "up", "backing off", "up", "stopped"]
    (down,) = rig.turns("backing off")
    assert (down.detail, down.remedy) == ("cable pulled", "plug it in")
    assert down.next_try_ns is not None
    assert [d.closed for d in rig.devices] == [1, 1]
    assert rig.of(Kind.DEATH)["status"].tolist() == [BAD_TIMEOUT, BAD_SHUTDOWN]
    assert (rig.of(Kind.SLOT)["status"] == BAD_TIMEOUT).sum() >= 2


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IndexError("list index out of range"), BAD_DECODING_ERROR),
        (MemoryError(), BAD_DECODING_ERROR),
        (RecursionError("deep"), BAD_DECODING_ERROR),
        (ExceptionGroup("g", [Disconnected("gone", status=BAD_TIMEOUT)]), BAD_TIMEOUT),
        (asyncio.CancelledError(), BAD_NOT_CONNECTED),
    ],
    ids=lambda p: type(p).__name__,
)
def test_whatever_a_decoder_raises_is_a_loss(error: BaseException, status: int) -> None:
    rig = play(Rig([device(at_slot=raising(error, 3)), device()]), values(6))
    assert rig.states()[:4] == ["connecting", "up", "backing off", "up"]
    assert rig.of(Kind.DEATH)["status"][0] == status
    notes = [m for m in rig.told if isinstance(m, Note)]
    assert len(notes) == (1 if status == BAD_DECODING_ERROR else 0)
    assert all("Traceback" in n.text for n in notes)


def test_the_same_fault_again_and_again_is_logged_once() -> None:
    rig = Rig([device(at_open=raising(ValueError("bad \udcff byte")))])
    play(rig, lambda r: len(r.turns("backing off")) >= 3)
    assert len([m for m in rig.told if isinstance(m, Note)]) == 1
    assert len(rig.of(Kind.BIRTH)) == len(rig.of(Kind.DEATH)) == 0


def test_a_refusal_says_what_to_do() -> None:
    refusal = Refused("wrong password", status=BAD_USER_ACCESS_DENIED, remedy="set password")
    rig = play(Rig([device(at_open=raising(refusal))]), lambda r: bool(r.turns("refused")))
    assert rig.turns("refused")[0].remedy == "set password"
    assert not rig.turns("backing off")


def test_a_device_that_never_answers_is_given_up_and_its_slots_closed_meanwhile() -> None:
    rig = play(Rig([device(at_open=forever)]), lambda r: bool(r.turns("backing off")))
    assert "no session within" in rig.turns("backing off")[0].detail
    assert (rig.of(Kind.SLOT)["status"] == BAD_NOT_CONNECTED).sum() >= 5


def test_stop_does_not_wait_for_a_device_that_never_answers() -> None:
    began = time.monotonic()
    play(Rig([device(at_open=forever)]), lambda r: "connecting" in r.states())
    assert time.monotonic() - began < 0.25


def test_a_close_that_raises_or_hangs_does_no_harm() -> None:
    lost = raising(Disconnected("gone", status=BAD_TIMEOUT), 2)
    bad = [device(at_slot=lost, at_close=raising(OSError("no"))), device(at_slot=lost, at_close=forever)]  # fmt: skip
    rig = play(Rig([*bad, device()]), values(5))
    assert rig.states().count("up") == 3


def test_a_source_that_hangs_while_connected_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "STALL_S", 0.2)
    rig = play(Rig([device(at_slot=forever), device()]), values(3))
    assert "no poll slot closed" in rig.turns("backing off")[0].detail


def test_a_source_that_cannot_be_ended_ends_the_worker() -> None:
    patience = time.monotonic() + 1.0

    async def stubborn(_polled: int = 0) -> None:
        while time.monotonic() < patience:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        raise asyncio.CancelledError

    with pytest.raises(Unstoppable):
        asyncio.run(Rig([device(at_slot=stubborn)]).run(lambda r: "up" in r.states()))


def test_a_session_that_ends_by_itself_is_a_loss() -> None:
    class Brief(Device):
        async def run(self, out: RowSink) -> None:
            return

    brief = Brief(SourcePlan("", SourceSettings(), (), (), {}))
    rig = play(Rig([brief]), lambda r: bool(r.turns("backing off")))
    assert rig.of(Kind.DEATH)["status"].tolist() == [BAD_NOT_CONNECTED]


def test_waits_double_up_to_thirty_seconds_and_begin_anew_after_a_steady_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    backoff, lost = BackOff(), no_session(15)
    waits = [backoff.after(lost, 0.0) for _ in range(40)]
    for n, wait_s in enumerate(waits):
        assert min(30, 2**n) / 2 <= wait_s <= min(30, 2**n)
    assert backoff.after(lost, losses.STEADY_S) <= 1.0
    refusal = loss_of(Refused("no", status=BAD_USER_ACCESS_DENIED, remedy="act"))
    assert BackOff().after(refusal, 0.0) >= 15
