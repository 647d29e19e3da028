"""From tag addresses to node ids: pure, no network.

An address is ``nsu=<namespace uri>;<kind>=<identifier>`` or, in namespace 0, ``i=<number>``; kinds
are i (number), s (text), g (GUID) and b (base64). A semicolon in the URI is written ``%3B``, a
percent sign ``%25``. A blank and ``[n]`` at the end names element n of an array, counted from 0 in
row-major order. A namespace *index* is refused: servers renumber them when they restart.

Source: OPC 10000-6, 5.1.12 (NodeId text), 5.1.13 (ExpandedNodeId text).
"""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from plantseal_connectors.source import SourceSettings
from plantseal_connectors.tags import Finding, Tag

UA_NAMESPACE: Final = "http://opcfoundation.org/UA/"
MAX_HANDLE: Final = 2**32 - 1
EXPECTED: Final = "expected nsu=<uri>;s=<id>, nsu=<uri>;i=<number> or i=<number>"

_ADDRESS = re.compile(r"(?:nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<id>.+)", re.DOTALL)
_ELEMENT = re.compile(r"(?P<node>.*\S) \[(?P<element>\d{1,9})\]", re.DOTALL)

Identifier = int | str | bytes | uuid.UUID


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node as a tag table names it, independent of namespace indices.

    Attributes:
        uri: Namespace URI.
        identifier: Its type says its kind.
        element: Which element of an array; None for the whole value.
    """

    uri: str
    identifier: Identifier
    element: int | None = None


def parse(address: str) -> NodeAddress:
    """Return the node that ``address`` names.

    Raises:
        ValueError: It names none; the message says what was expected.

    Example:
        >>> parse("nsu=urn:plc;s=DB1.Axis[2] [3]")
        NodeAddress(uri='urn:plc', identifier='DB1.Axis[2]', element=3)
        >>> parse("ns=2;i=7")
        Traceback (most recent call last):
            ...
        ValueError: got 'ns=2;i=7': a namespace index changes when the server restarts; write nsu=<uri>;i=7 with the URI of namespace 2
    """
    node, element = address, None
    if found := _ELEMENT.fullmatch(address):
        node, element = found["node"], int(found["element"])
    if by_index := re.fullmatch(r"ns=(\d+);(.*)", node, re.DOTALL):
        raise ValueError(
            f"got {address!r}: a namespace index changes when the server restarts; "
            f"write nsu=<uri>;{by_index[2]} with the URI of namespace {by_index[1]}"
        )
    parts = _ADDRESS.fullmatch(node)
    if parts is None:
        raise ValueError(f"got {address!r}, {EXPECTED}")
    uri = UA_NAMESPACE if parts["uri"] is None else _unescape(parts["uri"])
    if parts["uri"] is None and parts["kind"] != "i":
        raise ValueError(f"got {address!r} without a namespace, {EXPECTED}")
    return NodeAddress(uri, _identifier(address, parts["kind"], parts["id"]), element)


def _unescape(uri: str) -> str:
    return uri.replace("%3B", ";").replace("%3b", ";").replace("%25", "%")


def _identifier(address: str, kind: str, text: str) -> Identifier:
    try:
        if kind == "g":
            return uuid.UUID(text)
        if kind == "b":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as e:
        raise ValueError(f"got {address!r}: {kind}= is not readable ({e})") from None
    if kind == "s":
        return text
    if not text.isascii() or not text.isdigit() or int(text) > MAX_HANDLE:
        raise ValueError(f"got {address!r}: i= expects a number in 0..4294967295")
    return int(text)


def check(_settings: SourceSettings, tags: Sequence[Tag]) -> list[Finding]:
    """Return one finding for each tag whose address cannot be read or is read already."""
    findings = []
    seen: dict[NodeAddress, str] = {}
    for tag in tags:
        name, address = tag.spec.name, tag.spec.address
        try:
            node = parse(address)
        except ValueError as e:
            findings.append(Finding("tags.address", f"{name}: {e}", {"tag": name}))
            continue
        first = seen.setdefault(node, name)
        if first != name:
            message = f"{name}: address: {address} is already read as {first}; remove one"
            findings.append(
                Finding(
                    "tags.duplicate", message, {"tag": name, "first": first, "column": "address"}
                )
            )
    return findings


def nodes(tags: Sequence[Tag]) -> Mapping[int, NodeAddress]:
    """Return the node of each tag, by tag id; the id is also the item's client handle.

    Raises:
        ValueError: An address cannot be read; :func:`check` names all of them.
    """
    return {tag.id: parse(tag.spec.address) for tag in tags}
