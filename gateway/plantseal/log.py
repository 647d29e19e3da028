"""The log: what happened, in order, one RFC 8785 line an entry, each carrying the digest of the last.

``{"i":n,"prev":"<sha256 of the previous line>","t":type,…}``. Every number but ``i`` is a decimal
string, so that no reader rounds it. Lines are hashed and kept as bytes, never serialised again.
The lines lie in the journal's database (``journal/``); here is their form and nothing else.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from plantseal import canonical, merkle

FIRST_PREV: Final = "0" * 64
"""``prev`` of entry 0."""

_OWN: Final = frozenset({"i", "prev", "t"})


def entry_line(i: int, prev: str, kind: str, body: Mapping[str, Any]) -> bytes:
    """Return the line of entry ``i``, without a line feed.

    Args:
        i: Index, from 0.
        prev: SHA-256 of the line before, in hex.
        kind: Entry type, such as ``block``.
        body: The other fields; no number but as a decimal string.

    Raises:
        ValueError: A field is named ``i``, ``prev`` or ``t``, or a value is no JSON.

    Example:
        >>> entry_line(0, FIRST_PREV, "gap", {"reason": "停电"}).decode()[-26:]
        '","reason":"停电","t":"gap"}'
    """
    if taken := _OWN & body.keys():
        raise ValueError(f"{kind} entry: field {min(taken)!r} belongs to the log itself")
    return canonical.dumps({**body, "i": i, "prev": prev, "t": kind})


def line_digest(line: bytes) -> str:
    """Return the SHA-256 of a line in hex: the ``prev`` of the next."""
    return hashlib.sha256(line).hexdigest()


@dataclass(slots=True)
class Head:
    """Where the log ends: what the next entry and the next checkpoint are made from.

    Attributes:
        prev: SHA-256 of the last line, in hex.
        tree: Merkle tree over all lines.
    """

    prev: str = FIRST_PREV
    tree: merkle.Tree = field(default_factory=merkle.Tree)

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return self.tree.size

    def next_line(self, kind: str, body: Mapping[str, Any]) -> bytes:
        """Return the line that would follow.

        Raises:
            ValueError: As :func:`entry_line`.
        """
        return entry_line(self.size, self.prev, kind, body)

    def follow(self, line: bytes) -> None:
        """Count ``line``, which must be the one that follows."""
        self.prev = line_digest(line)
        self.tree.append(merkle.leaf_hash(line))
