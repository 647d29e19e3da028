"""The RFC 6962 Merkle tree over log entries: leaf and node hashes, and the root as the log grows.

Pure. Inclusion and consistency proofs are not needed yet: a bundle carries the whole log.

Source: RFC 6962, 2.1; RFC 9162, 2.1.1.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf, 32 bytes.

    Example:
        >>> leaf_hash(b"").hex()[:16]
        '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """A growing tree, kept as the roots of its perfect subtrees, largest first.

    Attributes:
        size: Leaves so far.

    Example:
        >>> tree = Tree()
        >>> for name in (b"a", b"b", b"c"):
        ...     tree.append(leaf_hash(name))
        >>> tree.root() == root(map(leaf_hash, (b"a", b"b", b"c")))
        True
    """

    size: int = 0
    _subtrees: list[bytes] = field(default_factory=list)

    @classmethod
    def resume(cls, size: int, subtrees: Sequence[bytes]) -> "Tree":
        """Return the tree that :meth:`subtrees` was taken from.

        Raises:
            ValueError: The number of subtrees does not fit the size.
        """
        if len(subtrees) != size.bit_count():
            raise ValueError(f"tree of {size}: {len(subtrees)} subtrees, not {size.bit_count()}")
        return cls(size, list(subtrees))

    def subtrees(self) -> tuple[bytes, ...]:
        """Return the roots of the perfect subtrees, largest first: all that the tree knows."""
        return tuple(self._subtrees)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        node, size = leaf, self.size
        while size & 1:  # every trailing one bit is a perfect subtree of the node's own height
            node = node_hash(self._subtrees.pop(), node)
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far, 32 bytes."""
        if not self._subtrees:
            return EMPTY_ROOT
        *rest, node = self._subtrees
        for left in reversed(rest):
            node = node_hash(left, node)
        return node


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes, 32 bytes.

    Example:
        >>> root([]).hex()[:16]
        'e3b0c44298fc1c14'
    """
    tree = Tree()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root()
