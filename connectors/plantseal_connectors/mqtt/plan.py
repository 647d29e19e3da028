"""Which tags each topic feeds: pure, from addresses ``topic#/json/pointer``.

An address is cut at its first ``#``, which no topic name may contain; what follows is a JSON
pointer (RFC 6901). An empty pointer, or none, is the whole payload.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from plantseal_connectors.tags import Finding, Tag

MAX_TOPIC_BYTES = 65_535  # MQTT 3.1.1, 1.5.3: a length of two bytes

Pointer = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """A tag and where its value lies in the payload."""

    tag: int
    pointer: Pointer


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What is subscribed.

    Attributes:
        topics: Each topic once, in the order of the tag table.
        bindings: The tags that a topic feeds.
    """

    topics: tuple[str, ...]
    bindings: dict[str, tuple[Binding, ...]]

    def tags_of(self, topic: str) -> tuple[int, ...]:
        """Return the ids of the tags that ``topic`` feeds."""
        return tuple(binding.tag for binding in self.bindings.get(topic, ()))


def parse_pointer(text: str) -> Pointer:
    """Return the reference tokens of a JSON pointer; none for the whole document.

    Raises:
        ValueError: Not a JSON pointer.

    **Source**: RFC 6901, 3 and 4.

    Example:
        >>> parse_pointer("/motor/a~1b/0")
        ('motor', 'a/b', '0')
        >>> parse_pointer("")
        ()
    """
    if text == "":
        return ()
    if not text.startswith("/"):
        raise ValueError(f"got JSON pointer {text!r}, expected one that begins with /")
    for piece in text.split("~")[1:]:
        if piece[:1] not in ("0", "1"):
            raise ValueError(f"got JSON pointer {text!r}, expected ~0 for ~ and ~1 for /")
    # the order matters: ~01 is ~1, not /
    return tuple(t.replace("~1", "/").replace("~0", "~") for t in text[1:].split("/"))


def parse_address(address: str) -> tuple[str, Pointer]:
    """Return topic and pointer of an address.

    Raises:
        ValueError: No topic, a wildcard, or not a JSON pointer.

    Example:
        >>> parse_address("line/pack1#/counts/good")
        ('line/pack1', ('counts', 'good'))
    """
    topic, _, pointer = address.partition("#")
    if not topic:
        raise ValueError(f"got address {address!r}, expected topic#/json/pointer")
    if "+" in topic or "\0" in topic:
        raise ValueError(f"got topic {topic!r}, expected one without wildcard: one tag, one topic")
    if topic.startswith("$share/"):
        raise ValueError(f"got topic {topic!r}, expected no shared subscription")
    if len(topic.encode("utf-8", "surrogatepass")) > MAX_TOPIC_BYTES:
        raise ValueError(f"got a topic beyond {MAX_TOPIC_BYTES} bytes")
    return topic, parse_pointer(pointer)


def check(tags: Sequence[Tag]) -> list[Finding]:
    """Return one finding per tag whose address cannot be read."""
    findings = []
    for tag in tags:
        try:
            parse_address(tag.spec.address)
        except ValueError as error:
            findings.append(
                Finding(
                    "mqtt.address",
                    f"{tag.spec.name}: {error}",
                    {"tag": tag.spec.name, "address": tag.spec.address},
                )
            )
    return findings


def plan(tags: Sequence[Tag]) -> TopicPlan:
    """Return each topic once with the tags that it feeds.

    Raises:
        ValueError: An address cannot be read; :func:`check` says so beforehand.
    """
    by_topic: dict[str, list[Binding]] = defaultdict(list)
    for tag in tags:
        topic, pointer = parse_address(tag.spec.address)
        by_topic[topic].append(Binding(tag.id, pointer))
    return TopicPlan(tuple(by_topic), {t: tuple(bound) for t, bound in by_topic.items()})
