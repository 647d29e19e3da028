"""What goes into the journal and what comes out: plain data, no I/O."""

from dataclasses import dataclass

from plantseal_connectors.rows import Batch


class JournalError(Exception):
    """The store cannot be opened, read or written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch and the source it comes from.

    Attributes:
        source: Source id, unique in the plant.
        batch: Rows as the connector made them; its ``seq`` and text indices are not yet the log's.
    """

    source: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a poll group, or a source, had come at its last commit.

    Attributes:
        slot: Number of the last slot closed; 0 for a source itself (group -1).
        t_ns: Greatest receive time of that batch [ns since the epoch], ``ABSENT`` if it had none.
    """

    slot: int
    t_ns: int


@dataclass(frozen=True, slots=True)
class Block:
    """A closed run of rows ``[seq0, seq0 + n)`` and of texts ``[text0, text0 + text_n)``.

    Attributes:
        entry: Index of its ``block`` entry in the log.
        rows_sha256: SHA-256 over the canonical rows in ``seq`` order, in hex.
        texts_sha256: SHA-256 over the texts, each after its u32 length, in hex.
        wall_ns: Wall clock when it was closed [ns since the epoch].
    """

    entry: int
    seq0: int
    n: int
    rows_sha256: str
    text0: int
    text_n: int
    texts_sha256: str
    wall_ns: int

    @property
    def end(self) -> int:
        """Return the sequence number that follows the block."""
        return self.seq0 + self.n


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A sealed Parquet file, as its ``segment`` entry describes it.

    Attributes:
        path: Relative to the store, such as ``segments/000001.parquet``.
        size: Bytes.
        sha256: Digest of the file, in hex.
        seq0: First sequence number in it.
        n: Rows in it.
        t_min: Least of all source and receive times in it [ns since the epoch]; 0 if it has none.
        t_max: Greatest of them; -1 if it has none.
    """

    path: str
    size: int
    sha256: str
    seq0: int
    n: int
    t_min: int
    t_max: int

    @property
    def end(self) -> int:
        """Return the sequence number that follows the segment."""
        return self.seq0 + self.n
