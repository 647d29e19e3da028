"""Frames: what goes in comes out, and no bytes do anything but be refused."""

import multiprocessing
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal.pipe import (
    Ack,
    Beat,
    Born,
    Bye,
    Channel,
    FrameError,
    Message,
    Note,
    Rows,
    Stop,
    Turn,
    Unwritable,
    decode,
    encode,
)
from plantseal_connectors.rows import Batch, RowList

MESSAGES: list[Message] = [
    Ack({"meter": 2**40, "渝": 1}),
    Born("meter", {"endpoint": "modbus://x", "identity": {"vendor": "安科瑞"}, "refused": {}}),
    Turn("meter", "backing off", 1, "no connection", "check the cable", 2),
    Turn("meter", "up", 1),
    Beat(),
    Note(40, "plantseal.worker", "line\nline"),
    Stop(),
    Bye(),
]


def batch(values: list[int | float | str | bytes | bool | None]) -> Batch:
    rows = RowList()
    for i, value in enumerate(values):
        rows.add(tag=i + 1, t_receive=i, value=value)
    return rows.batch([(0, 17), (3, 2**40)])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_messages_come_back_as_they_were(message: Message) -> None:
    assert decode(encode(message)) == message


@given(
    st.lists(
        st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary() | st.none(),
        max_size=20,
    )
)
def test_rows_come_back_bit_for_bit(values: list[int | float | str | bytes | None]) -> None:
    sent = batch([*values])
    got = decode(encode(Rows("line.2", 9, sent)))
    assert isinstance(got, Rows)
    assert (got.source, got.number) == ("line.2", 9)
    assert got.batch.rows.tobytes() == sent.rows.tobytes()
    assert (got.batch.texts, got.batch.closed) == (sent.texts, sent.closed)
    got.batch.rows["seq"] = 1  # the writer may number them in place


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    assert decode(encode(Turn("m", "refused", 1, "bad \udcff byte"))) == Turn(
        "m", "refused", 1, "bad ? byte"
    )


@given(st.data())
def test_damaged_frames_are_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    frame = bytearray(encode(Rows("m", 1, batch(["text", 1.5, b"\xff", 7, None]))))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(frame)))
    for damaged in (bytes(frame), bytes(frame[:cut])):
        try:
            message = decode(damaged)
        except FrameError:
            continue
        if isinstance(message, Rows):  # damage within values cannot be told, but points nowhere
            pointing = np.isin(message.batch.rows["vtype"], (5, 6))
            assert (message.batch.rows["value"][pointing] < len(message.batch.texts)).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("vtype", 7, "a value of type 7"),
        ("kind", 0, "a row of kind"),
        ("kind", 11, "a row of kind 11"),
        ("value", 5, "points at text 5, there are 1"),
    ],
)
def test_rows_that_mean_nothing_are_refused(column: str, value: int, message: str) -> None:
    broken = batch(["text"])
    broken.rows[column] = value
    with pytest.raises(FrameError, match=message):
        decode(encode(Rows("m", 1, broken)))


def test_nobody_waits_for_a_worker_that_does_not_read() -> None:
    ours, theirs = multiprocessing.Pipe()
    channel = Channel(ours)

    def acknowledge_for_ever() -> None:
        for number in range(100_000):
            channel.send_at_once(Ack({"a source with a long name": number}))

    with pytest.raises(Unwritable):
        acknowledge_for_ever()
    channel.close()
    theirs.close()


def test_large_batches_go_through_and_the_end_is_told() -> None:
    ours, theirs = multiprocessing.Pipe()
    sent = batch(list(range(50_000)))
    sender = threading.Thread(target=lambda: Channel(theirs).send(encode(Rows("m", 1, sent))))
    sender.start()
    got = Channel(ours).receive()
    sender.join()
    assert isinstance(got, Rows)
    assert len(got.batch.rows) == 50_000
    theirs.close()
    with pytest.raises(EOFError):
        Channel(ours).receive()
    ours.close()
