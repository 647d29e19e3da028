"""Steps 7 and 8: the entry log, its chain, its sequence, its root and its checkpoint.

Reads ``data/log/entries.jsonl`` line by line. An entry type that this version does not know is
kept in the chain and the tree and otherwise passed over.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from plantseal import merkle, note
from plantseal.evidence.declared import Step
from plantseal.evidence.envelope import SignedBy, Statement, strict_json
from plantseal.evidence.format import MAX_LINE, ZERO_HASH, Code, Finding, Refused

_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Block:
    """A ``block`` entry: rows ``[seq0, seq0 + n)`` and texts ``[text0, text0 + text_n)``."""

    index: int
    seq0: int
    n: int
    rows_sha256: str
    text0: int
    text_n: int
    texts_sha256: str
    wall_ns: int
    boot_ns: int
    boot: int  # how many boot and recovery entries precede it
    config: str | None  # digest of the configuration in force
    config_index: int | None  # entry of that configuration, as the block itself says


@dataclass(frozen=True, slots=True)
class Segment:
    """A ``segment`` entry; times are the least and greatest of all times in it [ns]."""

    index: int
    path: str
    size: int
    sha256: str
    seq0: int
    n: int
    t_min: int
    t_max: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Any other entry, as it lies in the log."""

    index: int
    kind: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class Log:
    """The log as read.

    Attributes:
        size: Number of entries.
        root: RFC 6962 root over all lines, in hex.
        genesis_sha256: Digest of the first line.
        entries: All entries but blocks and segments.
    """

    size: int = 0
    root: str = ""
    genesis_sha256: str = ""
    blocks: list[Block] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Entry]:
        """Return the entries of the given types, in order."""
        return [e for e in self.entries if e.kind in kinds]

    def steps(self) -> list[tuple[int, Step]]:
        """Return, by entry, what the log tells of time and configuration, in order."""
        told: list[tuple[int, Step]] = [(b.index, (b.wall_ns, None)) for b in self.blocks]
        for e in self.entries:
            wall_ns = number(e.body, "wall_ns") if "wall_ns" in e.body else None
            sha256 = text(e.body, "sha256") if e.kind == "config" else None
            if wall_ns is not None or sha256 is not None:
                told.append((e.index, (wall_ns, sha256)))
        return sorted(told, key=lambda step: step[0])

    def blocks_of(self, segment: Segment) -> Sequence[Block]:
        """Return the blocks that begin within a segment."""
        first = bisect_left(self.blocks, segment.seq0, key=lambda b: b.seq0)
        last = bisect_left(self.blocks, segment.seq0 + segment.n, key=lambda b: b.seq0)
        return self.blocks[first:last]

    def config_before(self, index: int) -> str | None:
        """Return the digest of the configuration in force at an entry; None before the first."""
        found = [e for e in self.of("config") if e.index < index]
        return text(found[-1].body, "sha256") if found else None


def read_log(data: bytes, found: list[Finding]) -> Log:
    """Return the log; breaks in chain and sequence go to ``found``.

    Raises:
        Refused: A line cannot be read at all, or the log is empty.
    """
    if not data.endswith(b"\n"):
        raise Refused(Code.CHAIN, "entries: does not end with a line feed; cut short?")
    log, prev, boots, config = Log(), ZERO_HASH, 0, None
    leaves = []
    for index, line in enumerate(_lines(data)):
        entry = _entry(line, index)
        if entry.get("i") != index:
            found.append(Finding(Code.SEQUENCE, f"entry {index}: i is {entry.get('i')!r}"))
        if entry.get("prev") != prev:
            found.append(
                Finding(Code.CHAIN, f"entry {index}: prev is not the digest of entry {index - 1}")
            )
        prev = hashlib.sha256(line).hexdigest()
        leaves.append(merkle.leaf_hash(line))
        kind = text(entry, "t")
        if kind == "block":
            log.blocks.append(_block(entry, index, boots, config))
        elif kind == "segment":
            log.segments.append(_segment(entry, index))
        else:
            boots += kind in ("boot", "recovery")
            config = text(entry, "sha256") if kind == "config" else config
            log.entries.append(Entry(index, kind, entry))
        if index == 0:
            log.genesis_sha256 = prev
    log.size, log.root = len(leaves), merkle.root(leaves).hex()
    found.extend(_sequence(log))
    return log


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.index(b"\n", start)
        yield data[start:end]
        start = end + 1


def _entry(line: bytes, index: int) -> Mapping[str, Any]:
    if len(line) > MAX_LINE:
        raise Refused(Code.SIZE, f"entry {index}: longer than {MAX_LINE} bytes")
    entry = strict_json(line, f"entry {index}")
    if not isinstance(entry, dict):
        raise Refused(Code.CHAIN, f"entry {index}: expected an object")
    return entry


def text(body: Mapping[str, Any], key: str) -> str:
    """Return a text of an entry.

    Raises:
        Refused: It is absent or no text.
    """
    value = body.get(key)
    if not isinstance(value, str):
        raise Refused(Code.CHAIN, f"entry {body.get('i')}: {key} is {value!r}, expected a text")
    return value


def number(body: Mapping[str, Any], key: str) -> int:
    """Return an integer of an entry; 64-bit numbers are decimal strings.

    Raises:
        Refused: It is absent or no 64-bit integer.
    """
    value = body.get(key, _MISSING)
    if isinstance(value, str) and len(value) <= 20 and value.isascii():
        digits = value.removeprefix("-")
        if digits.isdigit() and (value == "0" or digits[0] != "0") and abs(int(value)) < 2**63:
            return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):  # RFC 8785: within 2^53
        return value
    raise Refused(
        Code.CHAIN, f"entry {body.get('i')}: {key} is not a 64-bit integer as a decimal string"
    )


def _count(body: Mapping[str, Any], key: str) -> int:
    value = number(body, key)
    if value < 0:
        raise Refused(Code.CHAIN, f"entry {body.get('i')}: {key} is {value}, expected none below 0")
    return value


def _block(entry: Mapping[str, Any], index: int, boots: int, config: str | None) -> Block:
    return Block(
        index=index,
        seq0=_count(entry, "seq0"),
        n=_count(entry, "n"),
        rows_sha256=text(entry, "rows_sha256"),
        text0=_count(entry, "text0"),
        text_n=_count(entry, "text_n"),
        texts_sha256=text(entry, "texts_sha256"),
        wall_ns=number(entry, "wall_ns"),
        boot_ns=number(entry, "boot_ns"),
        boot=boots,
        config=config,
        config_index=None if entry.get("config") is None else _count(entry, "config"),
    )


def _segment(entry: Mapping[str, Any], index: int) -> Segment:
    return Segment(
        index=index,
        path=text(entry, "path"),
        size=_count(entry, "size"),
        sha256=text(entry, "sha256"),
        seq0=_count(entry, "seq0"),
        n=_count(entry, "n"),
        t_min=number(entry, "t_min"),
        t_max=number(entry, "t_max"),
    )


def _configured(log: Log) -> Iterator[Finding]:
    """Yield blocks that name another configuration than the one in force where they stand."""
    configs = [e.index for e in log.of("config")]
    for block in log.blocks:
        at = bisect_left(configs, block.index)
        in_force = configs[at - 1] if at else None
        if block.config_index != in_force:
            yield Finding(
                Code.UNLOGGED_CHANGE,
                f"entry {block.index}: made under the configuration of entry "
                f"{block.config_index}, in force was that of entry {in_force}",
            )


_Run = TypeVar("_Run", Block, Segment)


def _sequence(log: Log) -> Iterator[Finding]:
    """Yield every place where blocks or segments do not follow one another without a hole."""
    if not log.entries or log.entries[0].index != 0 or log.entries[0].kind != "genesis":
        yield Finding(Code.SEQUENCE, "entry 0: expected the genesis entry")
    if len(log.of("genesis")) > 1:
        yield Finding(Code.SEQUENCE, "more than one genesis entry")
    yield from _contiguous("block", log.blocks)
    yield from _contiguous("segment", log.segments)
    yield from _configured(log)
    next_text = 0
    for block in log.blocks:
        if block.text0 != next_text:
            yield Finding(
                Code.SEQUENCE,
                f"entry {block.index}: texts begin at {block.text0}, expected {next_text}",
            )
        next_text = block.text0 + block.text_n
    ends = {b.seq0 + b.n: b.index for b in log.blocks}
    for segment in log.segments:
        closed = ends.get(segment.seq0 + segment.n)
        if closed is None or closed > segment.index:
            yield Finding(
                Code.SEQUENCE, f"entry {segment.index}: segment does not end with a block before it"
            )


def _contiguous(what: str, runs: Sequence[_Run]) -> Iterator[Finding]:
    expected = 0
    for run in runs:
        if run.seq0 != expected:
            yield Finding(
                Code.SEQUENCE, f"entry {run.index}: {what} begins at row {run.seq0}, not {expected}"
            )
        expected = run.seq0 + run.n


def check_checkpoint(
    data: bytes, log: Log, statement: Statement, signed_by: SignedBy
) -> Iterator[Finding]:
    """Yield what does not agree between checkpoint, log, statement and the key that signed."""
    genesis = log.entries[0].body if log.entries else {}
    origin = statement.predicate.origin
    names = (("genesis", genesis.get("origin")), ("signing key", signed_by.name))
    for where, got in names:
        if got != origin:
            yield Finding(Code.ORIGIN, f"{where}: origin is {got!r}, the envelope says {origin!r}")
    if genesis.get("vkey") != signed_by.vkey:
        yield Finding(
            Code.KEY_NOT_VALID, f"genesis: the log belongs to key {genesis.get('vkey')!r}, "
            f"but {signed_by.vkey} signed the envelope",
        )  # fmt: skip
    if statement.predicate.genesis_sha256 != log.genesis_sha256:
        yield Finding(Code.LISTS_DISAGREE, "envelope: genesis_sha256 is not that of entry 0")
    tree = statement.predicate.tree
    if (int(tree.size), tree.root) != (log.size, log.root):
        yield Finding(
            Code.ROOT, f"envelope: tree {tree.size} {tree.root}, recomputed {log.size} {log.root}"
        )
    try:
        checkpoint = note.open_checkpoint(data, [signed_by.vkey])
    except note.NoteError as e:
        yield Finding(Code.BAD_SIGNATURE, f"checkpoint: {e}")
        return
    if checkpoint.origin != origin:
        yield Finding(Code.ORIGIN, f"checkpoint: {checkpoint.origin!r}, expected {origin!r}")
    if (checkpoint.size, checkpoint.root.hex()) != (log.size, log.root):
        yield Finding(
            Code.ROOT, f"checkpoint: tree {checkpoint.size} {checkpoint.root.hex()}, "
            f"recomputed {log.size} {log.root}",
        )  # fmt: skip
