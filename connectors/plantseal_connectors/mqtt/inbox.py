"""Messages between the network thread and the event loop, bounded in number and bytes.

The bound counts a message until its rows are durable, not until it is taken. When it is reached
the network thread waits, TCP slows the broker, and the broker keeps what is QoS 1. A wait longer
than the keep-alive costs the session, and that is a declared loss: nothing is dropped here.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

MAX_BYTES = 32 * 1024 * 1024
"""Payload bytes held at once; a single message may exceed it, but then stands alone."""


@dataclass(frozen=True, slots=True)
class Message:
    """One PUBLISH as it came.

    Attributes:
        topic: Topic name; empty when it was not UTF-8.
        payload: Bytes as they came.
        qos: Quality of service of this delivery.
        mid: Packet id, by which it is acknowledged.
        retained: The broker had kept it; not fresh.
        dup: The broker says that it was sent before.
        t_receive: When it was read from the socket [ns since the epoch].
        number: Receive counter of the session, from 1.
    """

    topic: str
    payload: bytes
    qos: int
    mid: int
    retained: bool
    dup: bool
    t_receive: int
    number: int


class Inbox:
    """A queue whose room is given back only by :meth:`release`."""

    def __init__(self, limit: int, limit_bytes: int = MAX_BYTES) -> None:
        self._limit, self._limit_bytes = limit, limit_bytes
        self._waiting: deque[Message] = deque()
        self._held = self._held_bytes = 0
        self._closed = False
        self._room = threading.Condition()

    def put(self, message: Message) -> bool:
        """Append a message, waiting for room; False when closed, and then it was not taken."""
        size = len(message.payload)
        with self._room:
            while not self._closed and self._full(size):
                self._room.wait()
            if self._closed:
                return False
            self._waiting.append(message)
            self._held += 1
            self._held_bytes += size
            return True

    def _full(self, size: int) -> bool:
        if self._held == 0:
            return False
        return self._held >= self._limit or self._held_bytes + size > self._limit_bytes

    def take(self) -> list[Message]:
        """Return all waiting messages, oldest first; their room stays taken."""
        with self._room:
            taken = list(self._waiting)
            self._waiting.clear()
            return taken

    def release(self, messages: Sequence[Message]) -> None:
        """Give back the room of messages that are durable."""
        with self._room:
            self._held -= len(messages)
            self._held_bytes -= sum(len(m.payload) for m in messages)
            self._room.notify_all()

    def close(self) -> None:
        """Let a waiting network thread go; nothing is taken any more."""
        with self._room:
            self._closed = True
            self._room.notify_all()
