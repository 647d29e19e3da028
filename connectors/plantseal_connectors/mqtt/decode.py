"""From a message to rows: pure, and total: any bytes make rows, none raise.

What a payload says of a tag:

- the pointer leads to a value: a VALUE row; JSON ``null`` is a null with BadNoData;
- the pointer leads nowhere: no row. Devices send what changed, and a payload that is silent about
  a tag says nothing of it; the tag's own period tells when that was too long;
- the payload cannot be read: an UNPARSED row on the link tag with the first 64 KiB, and an EVENT
  row beside it that names topic, reason and full size;
- the time cannot be read: the values stand without source time, and UNPARSED and EVENT say why.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from plantseal_connectors.mqtt import values
from plantseal_connectors.mqtt.inbox import Message
from plantseal_connectors.mqtt.plan import Pointer, TopicPlan, parse_pointer
from plantseal_connectors.mqtt.settings import MqttSettings, TimeUnit
from plantseal_connectors.rows import ABSENT, Flag, Kind, RowList
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_NO_DATA, GOOD

MAX_UNPARSED_BYTES: Final = 64 * 1024
_LATEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """How the payloads of one source are read.

    Attributes:
        topics: Which tags each topic feeds.
        link: Link tag of the source.
        time: Where the time lies; None where there is none.
        unit: What it counts.
    """

    topics: TopicPlan
    link: int
    time: Pointer | None
    unit: TimeUnit


def rules(settings: MqttSettings, topics: TopicPlan, *, link: int) -> Rules:
    """Return the rules of a source."""
    time = None if settings.time is None else parse_pointer(settings.time)
    return Rules(topics, link, time, settings.time_unit)


def flags_of(message: Message) -> int:
    """Return the row flags that MQTT itself gives."""
    return (Flag.RETAINED if message.retained else 0) | (Flag.REDELIVERED if message.dup else 0)


def clamped(t_ns: int) -> tuple[int, int]:
    """Return a time within 64 bits, and :attr:`Flag.CLAMPED` where it was cut."""
    inside = max(ABSENT + 1, min(_LATEST, t_ns))
    return inside, 0 if inside == t_ns else Flag.CLAMPED


def add_rows(rows: RowList, rules: Rules, message: Message) -> None:
    """Append the rows that a message makes; none where its topic feeds no tag.

    A persistent session also brings topics of an earlier configuration; they feed no tag.
    """
    bindings = rules.topics.bindings.get(message.topic)
    if bindings is None:
        return
    try:
        document = values.parse(message.payload)
        found = [(b.tag, values.at(document, b.pointer)) for b in bindings]
        scalars = [(t, values.scalar(v)) for t, v in found if v is not values.MISSING]
    except ValueError as error:
        add_unparsed(rows, rules.link, message, str(error))
        return
    t_source, flags = ABSENT, flags_of(message)
    if rules.time is not None and (time := values.at(document, rules.time)) is not values.MISSING:
        try:
            t_source, cut = clamped(values.time_ns(time, rules.unit))
            flags |= cut
        except ValueError as error:
            add_unparsed(rows, rules.link, message, f"time: {error}")
    for tag, value in scalars:
        rows.add(
            tag=tag,
            t_receive=message.t_receive,
            t_source=t_source,
            value=value,
            status=BAD_NO_DATA if value is None else GOOD,
            src_seq=message.number,
            flags=flags,
        )


def add_unparsed(rows: RowList, link: int, message: Message, reason: str) -> None:
    """Append an UNPARSED row with the payload's first bytes, and an EVENT row that says why."""
    kept = message.payload[:MAX_UNPARSED_BYTES]
    event = {
        "event": "unparsed",
        "topic": message.topic,
        "reason": reason[:200],
        "size": len(message.payload),
        "kept": len(kept),
    }
    common = {"tag": link, "t_receive": message.t_receive, "src_seq": message.number}
    flags = flags_of(message)
    rows.add(
        **common, kind=Kind.UNPARSED, value=bytes(kept), status=BAD_DECODING_ERROR, flags=flags
    )
    rows.add(**common, kind=Kind.EVENT, value=json.dumps(event), flags=flags)


def add_refused(rows: RowList, refused: Mapping[int, int], t_receive: int) -> None:
    """Append a null row with its status for each tag that the broker refuses."""
    for tag, status in refused.items():
        rows.add(tag=tag, t_receive=t_receive, status=status)
