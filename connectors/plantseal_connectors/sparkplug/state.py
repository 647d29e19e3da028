"""The session of an edge node as a passive host sees it: a pure state machine, messages to rows.

What the figures may rely on, by link tag (keys as in :mod:`plan`; the runtime's own BIRTH and
DEATH on the key ``""`` are the session with the broker and no life of the edge node):

1. *Start.* When the session with the broker begins, nothing is known: each link gets a DEATH
   row without source time. Data before a birth covers nothing; what it names in full becomes
   VALUE rows, what needs a birth to be read becomes UNPARSED.
2. *NBIRTH* puts a BIRTH row on the link :data:`~plan.NODE` and begins the sequence. It ends every
   device of the session before: their links get DEATH, dated to now when it is a rebirth (same
   ``bdSeq``, nothing missing), else to the last message; a device is back with its own DBIRTH.
3. *DBIRTH* puts a BIRTH row on the device's link, unless messages are missing (5).
4. *DDEATH* puts a DEATH row on the device's link; *NDEATH* puts one on the link of the node **and
   of every device born**. Its source time is the gateway's time of the last message: of that
   device for DDEATH, of the whole edge node for NDEATH. Every tag concerned gets a null with
   BadNoCommunication. An NDEATH with another ``bdSeq`` is the late will of an earlier connection
   and only an EVENT.
5. *Sequence.* ``seq`` counts 0..255 over all messages of the edge node. A jump puts SEQ_GAP rows
   (source time: last message before it; value: how many are missing, modulo 256) on the links of
   the node and every device born: any of them may have lost something. Until the next NBIRTH the
   session stays not contiguous: values go on, but a DBIRTH is an EVENT then, no BIRTH. A loss of
   exactly 256 messages is invisible.
6. *Loss.* When the session with the broker is lost, everything born gets a DEATH row, dated to
   the last message.

A retained message is forbidden by Sparkplug and proves nothing now: UNPARSED, no change of state.

**Source**: Sparkplug 3.0, 5 (operational behavior), 6.4.4 to 6.4.21.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from plantseal_connectors.mqtt.decode import add_unparsed, flags_of
from plantseal_connectors.mqtt.inbox import Message
from plantseal_connectors.rows import ABSENT, Flag, Kind, RowList
from plantseal_connectors.sparkplug.decode import Payload, Unreadable, decode
from plantseal_connectors.sparkplug.metrics import MetricTable, add_values, bd_seq
from plantseal_connectors.sparkplug.plan import NODE, MetricPlan, Topic
from plantseal_connectors.status import BAD_NO_COMMUNICATION, BAD_NODE_ID_UNKNOWN

_IDENTITY: Final = "Properties/"  # Sparkplug 3.0, 6.4.19: recommended prefix of node properties
_MAX_IDENTITY: Final = 20
_BORN_BY: Final = {"NBIRTH", "DBIRTH"}


@dataclass(slots=True)
class _Device:
    """A device, or the edge node itself, since its birth."""

    table: MetricTable = field(default_factory=MetricTable)
    born: bool = False
    heard: int = ABSENT


class EdgeNode:
    """One edge node; every method appends rows and touches nothing else."""

    def __init__(self, plan: MetricPlan, links: Mapping[str, int]) -> None:
        self._plan, self._links = plan, links
        self._devices: dict[str, _Device] = {}
        self._bd_seq: int | None = None
        self._expected: int | None = None
        self._heard = ABSENT
        self.contiguous = False

    def born(self, device: str = NODE) -> bool:
        """Return True between the birth and the death of a device, or of the node itself."""
        return self._devices.get(device, _Device()).born

    def start(self, rows: RowList, t_receive: int) -> None:
        """Append that nothing is known yet (1)."""
        for device in self._links:
            if device:
                self._death(rows, device, ABSENT, t_receive, "not born since we listen")

    def lose(self, rows: RowList, t_receive: int) -> None:
        """Append the deaths that the loss of the broker means (6)."""
        for device in self._end(list(self._devices)):
            self._death(rows, device, self._heard, t_receive, "session with the broker lost")

    def hear(self, rows: RowList, topic: Topic, message: Message) -> None:
        """Append the rows that a message makes; any bytes make some, none raise."""
        link = self._link(topic.device)
        if message.retained:
            add_unparsed(rows, link, message, "retained, which Sparkplug forbids")
            return
        try:
            payload = decode(message.payload)
        except Unreadable as error:
            add_unparsed(rows, link, message, str(error))
            return
        match topic.kind:
            case "NBIRTH":
                self._node_birth(rows, payload, message)
            case "NDEATH":
                self._node_death(rows, payload, message)
            case "DBIRTH":
                self._advance(rows, payload, message)
                self._birth(rows, topic.device, payload, message)
            case "DDEATH":
                self._advance(rows, payload, message)
                self._device_death(rows, topic.device, payload, message)
            case _:
                self._advance(rows, payload, message)
                self._values(rows, topic, payload, message)
        self._heard = message.t_receive if topic.kind != "NDEATH" else self._heard

    def _values(self, rows: RowList, topic: Topic, payload: Payload, message: Message) -> None:
        device = self._devices.setdefault(topic.device, _Device())
        device.heard = message.t_receive
        tags = self._plan.tags.get(topic.device, {})
        flags = Flag.FIRST if topic.kind in _BORN_BY else 0
        if trouble := add_values(rows, tags, device.table, payload, message, flags=flags):
            add_unparsed(rows, self._link(topic.device), message, trouble)

    def _node_birth(self, rows: RowList, payload: Payload, message: Message) -> None:
        number = bd_seq(payload)
        rebirth = self.born() and self.contiguous and number is not None and number == self._bd_seq
        until = message.t_receive if rebirth else self._heard
        for device in self._end(list(self._devices)):
            if not rebirth:
                self._stale(rows, device, message.t_receive)
            if not rebirth or device != NODE:
                why = "born again" if rebirth else "a new session began"
                self._death(rows, device, until, message.t_receive, why, payload.seq)
        self._bd_seq, self.contiguous = number, True
        self._expected = None if payload.seq is None else (payload.seq + 1) % 256
        self._birth(rows, NODE, payload, message)

    def _birth(self, rows: RowList, key: str, payload: Payload, message: Message) -> None:
        self._devices[key] = _Device(
            MetricTable.learn(payload.metrics), self.contiguous, message.t_receive
        )
        certificate = "NBIRTH" if key == NODE else "DBIRTH"
        link = self._links.get(key)
        if link is not None:
            identity = _identity(payload)
            if not self.contiguous:
                identity = {"event": certificate, "contiguous": False, **identity}
            rows.add(
                tag=link,
                t_receive=message.t_receive,
                kind=Kind.BIRTH if self.contiguous else Kind.EVENT,
                value=json.dumps(identity),
                src_seq=payload.seq or 0,
                flags=flags_of(message),
            )
        names = self._devices[key].table.types
        for name, ids in self._plan.tags.get(key, {}).items():
            for tag in ids if name not in names else ():  # the device does not know this metric
                rows.add(tag=tag, t_receive=message.t_receive, status=BAD_NODE_ID_UNKNOWN)
        self._values(rows, Topic(certificate, key), payload, message)

    def _node_death(self, rows: RowList, payload: Payload, message: Message) -> None:
        number = bd_seq(payload)
        if self.born() and None not in (number, self._bd_seq) and number != self._bd_seq:
            event = {"event": "late NDEATH", "bdSeq": number, "session": self._bd_seq}
            rows.add(
                tag=self._link(NODE),
                t_receive=message.t_receive,
                kind=Kind.EVENT,
                value=json.dumps(event),
                flags=flags_of(message),
            )
            return
        for device in self._end(list(self._devices)):
            self._stale(rows, device, message.t_receive)
            self._death(rows, device, self._heard, message.t_receive, "NDEATH")
        self._bd_seq = self._expected = None
        self.contiguous = False

    def _device_death(self, rows: RowList, key: str, payload: Payload, message: Message) -> None:
        heard = self._devices.get(key, _Device()).heard
        for device in self._end([key]):
            self._stale(rows, device, message.t_receive)
            self._death(rows, device, heard, message.t_receive, "DDEATH", payload.seq)

    def _advance(self, rows: RowList, payload: Payload, message: Message) -> None:
        """Append SEQ_GAP rows where messages are missing (5)."""
        if not self.born():
            return
        expected, seq = self._expected, payload.seq
        if message.dup and seq is not None and expected == (seq + 1) % 256:
            return  # the same message once more
        self._expected = None if seq is None else (seq + 1) % 256
        missing = None if seq is None else (seq - (seq if expected is None else expected)) % 256
        if missing == 0:
            return
        self.contiguous = False
        for key, device in self._devices.items():
            link = self._links.get(key)
            if device.born and link is not None:
                rows.add(
                    tag=link,
                    t_receive=message.t_receive,
                    t_source=self._heard,
                    kind=Kind.SEQ_GAP,
                    value=missing,
                    src_seq=seq or 0,
                )

    def _end(self, keys: Iterable[str]) -> list[str]:
        """Return those heard from, born or not, and forget them."""
        return [key for key in keys if self._devices.pop(key, None) is not None]

    def _stale(self, rows: RowList, key: str, t_receive: int) -> None:
        for ids in self._plan.tags.get(key, {}).values():
            for tag in ids:
                rows.add(tag=tag, t_receive=t_receive, status=BAD_NO_COMMUNICATION)

    def _death(
        self,
        rows: RowList,
        key: str,
        t_alive: int,
        t_receive: int,
        why: str,
        seq: int | None = None,
    ) -> None:
        link = self._links.get(key)
        if link is not None:
            rows.add(
                tag=link,
                t_receive=t_receive,
                t_source=t_alive,
                kind=Kind.DEATH,
                value=json.dumps({"reason": why}),
                status=BAD_NO_COMMUNICATION,
                src_seq=seq or 0,
            )

    def _link(self, device: str) -> int:
        """Return the link tag for what a device sent, the source's where it has none."""
        return self._links.get(device, self._links.get(NODE, self._links[""]))


def _identity(payload: Payload) -> dict[str, object]:
    """Return what a birth says of its maker: counts, times and the node's own text properties."""
    properties = {
        m.name.removeprefix(_IDENTITY): m.raw.decode("utf-8", "backslashreplace")[:200]
        for m in payload.metrics
        if m.name is not None and m.name.startswith(_IDENTITY) and m.field == "string_value"
    }
    return {
        "bdSeq": bd_seq(payload),
        "metrics": len(payload.metrics),
        "timestamp_ms": payload.t_ms,
        "properties": dict(list(properties.items())[:_MAX_IDENTITY]),
    }
