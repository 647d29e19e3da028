"""Frames between the gateway and a worker process: explicit bytes, nothing that could be executed.

A frame is a header, a JSON object, and for rows the rows as they lie and their texts. A worker talks
to hostile devices and may be damaged by one, so each size and index is checked before it is used;
whoever breaks the format is ended by the other side.
"""

import json
import select
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any, Final, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from plantseal_connectors.rows import ROW, Batch, Kind, VType

MAX_FRAME: Final = 256 * 2**20
"""Bytes of one frame; a batch of a million rows is 56 MB."""
MAX_META: Final = 4 * 2**20
"""Bytes of the JSON part."""

_MAGIC: Final = b"PSW1"
_HEADER: Final = struct.Struct("<4sBxxxLLLL")  # magic, kind, JSON, rows, texts: bytes; texts: count
_LENGTH: Final = struct.Struct("<L")

State = Literal["starting", "connecting", "up", "backing off", "refused", "stopped"]


class FrameError(Exception):
    """Bytes that are no frame; the message says which part."""


class Unwritable(Exception):
    """The other side has not read for so long that its buffer is full."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Worker: rows of a source, numbered from 1 within a life of the worker."""

    source: str
    number: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Ack:
    """Gateway: by source, the number up to which everything is durable."""

    upto: dict[str, int]


@dataclass(frozen=True, slots=True)
class Born:
    """Worker: a session was established; ``device`` is what its BIRTH row says."""

    source: str
    device: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """Worker: a source came into another state.

    Attributes:
        state: What it does from now on.
        since_ns: When that began [ns since the epoch].
        detail: What happened; empty when nothing is wrong.
        remedy: What a person can do about it.
        next_try_ns: When the next connection is tried [ns since the epoch]; None when not waiting.
    """

    source: str
    state: State
    since_ns: int
    detail: str = ""
    remedy: str = ""
    next_try_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """Worker: its event loop turns."""


@dataclass(frozen=True, slots=True)
class Note:
    """Worker: a line for the log of the process; ``level`` as in :mod:`logging`."""

    level: int
    logger: str
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Gateway: end every source in order, send what is left, then :class:`Bye`."""


@dataclass(frozen=True, slots=True)
class Bye:
    """Worker: everything has been sent and acknowledged; the process ends."""


Message = Rows | Ack | Born | Turn | Beat | Note | Stop | Bye


@dataclass(frozen=True, slots=True)
class _RowsHead:
    source: str
    number: int
    closed: tuple[tuple[int, int], ...]


_KINDS: Final[dict[int, type]] = {
    1: Rows, 2: Ack, 3: Born, 4: Turn, 5: Beat, 6: Note, 7: Stop, 8: Bye,
}  # fmt: skip
_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}
_READERS: Final[dict[int, TypeAdapter[Any]]] = {
    number: TypeAdapter(_RowsHead if kind is Rows else kind) for number, kind in _KINDS.items()
}


def encode(message: Message) -> bytes:
    """Return a message as one frame.

    Raises:
        FrameError: It is larger than a frame may be.

    Example:
        >>> decode(encode(Ack({"meter": 7})))
        Ack(upto={'meter': 7})
    """
    rows, texts, count = b"", b"", 0
    if isinstance(message, Rows):
        batch = message.batch
        head: Mapping[str, Any] = {
            "source": message.source,
            "number": message.number,
            "closed": batch.closed,
        }
        rows, count = batch.rows.tobytes(), len(batch.texts)
        texts = b"".join(_LENGTH.pack(len(text)) + text for text in batch.texts)
    else:
        head = asdict(message)
    # Half a surrogate pair, as a device may send one, becomes a question mark.
    meta = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    size = _HEADER.size + len(meta) + len(rows) + len(texts)
    if size > MAX_FRAME or len(meta) > MAX_META:
        raise FrameError(f"frame: {size} bytes, {len(meta)} of them JSON, too large to send")
    number = _NUMBERS[type(message)]
    header = _HEADER.pack(_MAGIC, number, len(meta), len(rows), len(texts), count)
    return b"".join((header, meta, rows, texts))


def decode(frame: bytes) -> Message:
    """Return the message of a frame; the rows are a copy of their own, writable.

    Raises:
        FrameError: The bytes are no frame, or a row in it points at nothing.

    Example:
        >>> decode(b"PSW1")
        Traceback (most recent call last):
            ...
        plantseal.pipe.FrameError: frame: got 4 bytes, expected at least 24
    """
    if len(frame) < _HEADER.size:
        raise FrameError(f"frame: got {len(frame)} bytes, expected at least {_HEADER.size}")
    magic, number, meta_size, rows_size, texts_size, count = _HEADER.unpack_from(frame)
    if magic != _MAGIC or number not in _KINDS:
        raise FrameError(f"frame: got {magic!r} kind {number}, expected {_MAGIC!r} kind 1..8")
    size = _HEADER.size + meta_size + rows_size + texts_size
    if size != len(frame):
        raise FrameError(f"frame: got {len(frame)} bytes, its header says {size}")
    view = memoryview(frame)
    at = _HEADER.size
    meta, at = view[at : at + meta_size], at + meta_size
    rows, texts = view[at : at + rows_size], view[at + rows_size :]
    try:
        head = _READERS[number].validate_json(bytes(meta), strict=True)
    except (ValidationError, ValueError) as e:
        raise FrameError(f"frame: kind {number}: its JSON part cannot be read: {e}") from e
    if not isinstance(head, _RowsHead):
        if rows_size or texts_size or count:
            raise FrameError(f"frame: kind {number} carries rows")
        message: Message = head
        return message
    return Rows(head.source, head.number, _batch(rows, _texts(texts, count), head.closed))


def _texts(view: memoryview, count: int) -> tuple[bytes, ...]:
    texts: list[bytes] = []
    at = 0
    for _ in range(count):
        if at + _LENGTH.size > len(view):
            raise FrameError(f"frame: {count} texts announced, text {len(texts)} is missing")
        (length,) = _LENGTH.unpack_from(view, at)
        at += _LENGTH.size
        if length > len(view) - at:
            raise FrameError(f"frame: text {len(texts)} is longer than the frame")
        texts.append(bytes(view[at : at + length]))
        at += length
    if at != len(view):
        raise FrameError(f"frame: {len(view) - at} bytes after the last text")
    return tuple(texts)


def _batch(
    view: memoryview, texts: tuple[bytes, ...], closed: tuple[tuple[int, int], ...]
) -> Batch:
    if len(view) % ROW.itemsize:
        raise FrameError(f"frame: {len(view)} bytes of rows, not a multiple of {ROW.itemsize}")
    rows = np.frombuffer(view, dtype=ROW).copy()
    if len(rows):
        _check_rows(rows, len(texts))
    return Batch(rows, texts, closed)


def _check_rows(rows: np.ndarray[Any, np.dtype[np.void]], texts: int) -> None:
    kinds, vtypes = rows["kind"], rows["vtype"]
    if int(kinds.min()) < min(Kind) or int(kinds.max()) > max(Kind):
        raise FrameError(f"frame: a row of kind {int(kinds.max())}, expected 1..{max(Kind):d}")
    if int(vtypes.max()) > max(VType):
        raise FrameError(f"frame: a value of type {int(vtypes.max())}, expected 0..{max(VType):d}")
    pointing = rows["value"][(vtypes == VType.TEXT) | (vtypes == VType.BYTES)]
    if len(pointing) and int(pointing.max()) >= texts:
        raise FrameError(f"frame: a row points at text {int(pointing.max())}, there are {texts}")


class Channel:
    """One end of the pipe between the gateway and a worker."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, frame: bytes) -> None:
        """Send an encoded message; waits while the other side does not read.

        Raises:
            OSError: The other side is gone.
        """
        self._connection.send_bytes(frame)

    def send_at_once(self, message: Message) -> None:
        """Send a small message without ever waiting.

        Raises:
            Unwritable: The other side has not read for a long time.
            OSError: The other side is gone.
        """
        poll = select.poll()
        poll.register(self._connection.fileno(), select.POLLOUT)
        # Linux calls a stream socket writable when three quarters of its buffer are free.
        if not poll.poll(0):
            raise Unwritable
        self._connection.send_bytes(encode(message))

    def receive(self) -> Message:
        """Return the next message; waits for it.

        Raises:
            EOFError: The other side is gone.
            OSError: The same, in the middle of a frame; or a frame larger than allowed.
            FrameError: The bytes are no frame.
        """
        return decode(self._connection.recv_bytes(MAX_FRAME))

    def close(self) -> None:
        """Close this end; harmless when done twice."""
        self._connection.close()
