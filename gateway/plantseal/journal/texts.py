"""Texts get log-wide indices: a text seen lately keeps its index, a new one gets the next."""

import hashlib
from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plantseal_connectors.rows import VType

REMEMBERED: Final = 65_536
"""Texts whose index is remembered; one that returns later than that is stored once more."""

_VERBATIM: Final = 64  # bytes; a text of that length or more is remembered by its digest


class Recent:
    """Indices of the texts used last."""

    __slots__ = ("_index",)

    def __init__(self) -> None:
        self._index: OrderedDict[bytes, int] = OrderedDict()

    def get(self, text: bytes) -> int | None:
        """Return the index of ``text``; None when it was not seen lately."""
        key = self._key(text)
        index = self._index.get(key)
        if index is not None:
            self._index.move_to_end(key)
        return index

    def put(self, text: bytes, index: int) -> None:
        """Remember the index of ``text``."""
        self._index[self._key(text)] = index
        if len(self._index) > REMEMBERED:
            self._index.popitem(last=False)

    @staticmethod
    def _key(text: bytes) -> bytes:
        return text if len(text) < _VERBATIM else hashlib.sha512(text).digest()


def assign(
    rows: NDArray[np.void], texts: tuple[bytes, ...], recent: Recent, next_index: int
) -> list[bytes]:
    """Return the texts that are new, in the order of their first use, and number the rows.

    Rows of TEXT and BYTES get the log-wide index as value. A TEXT that is not UTF-8 becomes BYTES.

    Raises:
        ValueError: A row points at a text that the batch does not have.
    """
    at = np.flatnonzero((rows["vtype"] == VType.TEXT) | (rows["vtype"] == VType.BYTES))
    if not len(at):
        return []
    local, first, inverse = np.unique(rows["value"][at], return_index=True, return_inverse=True)
    if int(local[-1]) >= len(texts):
        raise ValueError(f"batch: a row points at text {local[-1]}, it has {len(texts)}")
    indices = np.zeros(len(local), dtype="<u8")
    readable = np.ones(len(local), dtype=bool)
    new: list[bytes] = []
    for k in np.argsort(first):
        text = texts[int(local[k])]
        index = recent.get(text)
        if index is None:
            index = next_index + len(new)
            new.append(text)
            recent.put(text, index)
        indices[k], readable[k] = index, _is_utf8(text)
    rows["value"][at] = indices[inverse]
    rows["vtype"][at[~readable[inverse]]] = VType.BYTES
    return new


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
