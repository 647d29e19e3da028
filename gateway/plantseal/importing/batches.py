"""Chunks of recorded text as rows of the journal, flagged IMPORTED.

Rows keep the order of the file; ``src_seq`` is the record's number in it. A record that cannot be
read becomes an UNPARSED row on the source's link tag, byte for byte, and where its time and tag are
known, the tag gets a bad row besides: the value before it must not be held through it.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plantseal.config.validation import display
from plantseal.config.words import Lang, say
from plantseal.importing.columns import ColumnMap
from plantseal.importing.records import SHDR_COLUMNS, Chunk
from plantseal.importing.values import instants, numbers
from plantseal_connectors.rows import ABSENT, ROW, Batch, Flag, Kind, VType
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_NO_DATA
from plantseal_connectors.tags import Finding, Tag

MAX_LISTED: Final = 100
MAX_KEYS: Final = 10_000


def is_text(tag: Tag) -> bool:
    """Return True when a recorded tag's values are texts: by its type, else by its role."""
    return tag.spec.type == "text" or (tag.spec.type == "" and tag.spec.role == "state")


@dataclass(slots=True)
class Ledger:
    """What one import found: counts in full, findings listed up to a limit.

    Attributes:
        rows: Value rows made, bad ones among them.
        bad: Records that could not be read.
        inexact: Values of whole-number tags that are not whole and were kept as doubles.
        unreceived: Records whose receive time cannot be read; their rows have none.
        unmapped: Records by key that the map does not name.
    """

    lang: Lang
    file: str
    rows: int = 0
    bad: int = 0
    inexact: int = 0
    unreceived: int = 0
    unmapped: dict[str, int] = field(default_factory=dict)
    listed: list[Finding] = field(default_factory=list)

    def note(self, number: int, reason: str) -> None:
        """List an unreadable record."""
        self.bad += 1
        if len(self.listed) < MAX_LISTED:
            data = {"file": self.file, "number": number}
            self.listed.append(Finding("import.record", f"{self.file}:{number} {reason}", data))

    def findings(self) -> tuple[Finding, ...]:
        """Return the listed records, then one finding for each total."""
        totals: list[Finding] = []
        if self.bad > len(self.listed):
            totals.append(self._total("import.unlisted", "unlisted", n=self.bad - len(self.listed)))
        if self.inexact:
            totals.append(self._total("import.inexact", "inexact", n=self.inexact))
        if self.unreceived:
            totals.append(self._total("import.unreceived", "unreceived", n=self.unreceived))
        for key, n in sorted(self.unmapped.items(), key=lambda kv: (-kv[1], kv[0])):
            totals.append(self._total("import.unmapped", "unmapped", n=n, key=key))
        return (*self.listed, *totals)

    def _total(self, code: str, word: str, **values: object) -> Finding:
        return Finding(code, f"{self.file}: {say(self.lang, word, **values)}", values)


@dataclass(slots=True)
class _Piece:
    """Rows of one tag, and where they stand among the rows of the same record."""

    rows: NDArray[np.void]
    position: int
    texts: pl.Series | None = None


def batch_of(chunk: Chunk, columns: ColumnMap, ledger: Ledger) -> Batch:
    """Return one chunk's rows in the order of the file."""
    rules, frame = columns.rules, chunk.frame
    shdr = rules.format == "shdr"
    time = frame[f":{SHDR_COLUMNS[0] if shdr else rules.time.column}"]
    t_source = instants(time, rules.time)
    received = rules.time.receive_column
    t_receive = instants(frame[f":{received}"], rules.time) if received else None
    if t_receive is not None:
        ledger.unreceived += t_receive.null_count()
    unreadable: dict[int, str] = {}
    untimed = t_source.is_null()
    for i in untimed.arg_true():
        unreadable[i] = _reason(ledger.lang, "time", time[i], "bad_time")
    timed = ~untimed
    builder = _Builder(frame["number"], t_source, t_receive, ledger, unreadable)
    if columns.wide:
        for position, (column, tag) in enumerate(columns.tags.items()):
            at = timed.arg_true().to_numpy()
            builder.add(tag, column, frame[f":{column}"], at, position, columns)
    else:
        keys = frame[f":{SHDR_COLUMNS[1] if shdr else rules.key_column}"]
        if rules.machine_column:
            keys = frame[f":{rules.machine_column}"] + "/" + keys
        values = frame[f":{SHDR_COLUMNS[2] if shdr else rules.value_column}"]
        for (key,), part in _by_key(keys, timed):
            at = part["at"].to_numpy()
            tag_of_key = columns.tags.get(str(key))
            if tag_of_key is None:
                _count(ledger.unmapped, str(key), len(at))
            else:
                builder.add(tag_of_key, str(key), values, at, 0, columns)
    return builder.finish(chunk, columns.source.links[""])


def _by_key(keys: pl.Series, timed: pl.Series) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    at = pl.int_range(len(keys), dtype=pl.Int64, eager=True)
    frame = pl.DataFrame({"key": keys, "at": at}).filter(timed)
    return list(frame.partition_by("key", as_dict=True, maintain_order=True).items())


def _count(totals: dict[str, int], key: str, n: int) -> None:
    if key in totals or len(totals) < MAX_KEYS:
        totals[key] = totals.get(key, 0) + n


def _reason(lang: Lang, what: str, got: object, word: str) -> str:
    message = say(lang, "got", got=display(lang, got), expected=say(lang, word))
    return f"{what}: {message}"


@dataclass(slots=True)
class _Builder:
    numbers: pl.Series
    t_source: pl.Series
    t_receive: pl.Series | None
    ledger: Ledger
    unreadable: dict[int, str]
    pieces: list[_Piece] = field(default_factory=list)

    def add(
        self, tag: Tag, name: str, values: pl.Series, at: NDArray[np.int64], position: int,
        columns: ColumnMap,
    ) -> None:  # fmt: skip
        """Add the values at positions ``at`` of the chunk as rows of ``tag``."""
        text, given = is_text(tag), values.gather(at)
        none = given.str.strip_chars_end("|").is_in(list(columns.rules.not_available))
        none |= given.is_null()
        if not text:
            none |= given.str.strip_chars() == ""
        absent = none.fill_null(True).to_numpy()
        rows = self._blank(tag.id, at)
        rows["status"][absent] = BAD_NO_DATA
        present = np.flatnonzero(~absent)
        texts: pl.Series | None = None
        if text:
            rows["vtype"][present] = VType.TEXT
            texts = given.gather(present)
        else:
            read = numbers(given.gather(present), tag.spec.scale, whole=tag.spec.type != "float")
            rows["vtype"][present], rows["value"][present] = read.vtype, read.bits
            lost = present[~read.readable]
            rows["status"][lost] = BAD_DECODING_ERROR
            for i in lost:
                reason = _reason(self.ledger.lang, name, given[int(i)], "bad_number")
                self.unreadable.setdefault(int(at[i]), reason)
            if tag.spec.type == "int":
                self.ledger.inexact += int((read.vtype == VType.F64).sum())
        self.ledger.rows += len(rows)
        self.pieces.append(_Piece(rows, position, texts))

    def _blank(self, tag: int, at: NDArray[np.int64]) -> NDArray[np.void]:
        rows = np.zeros(len(at), dtype=ROW)
        rows["tag"] = tag
        rows["kind"] = Kind.VALUE
        rows["flags"] = Flag.IMPORTED
        rows["src_seq"] = self.numbers.gather(at).to_numpy()
        rows["t_source"] = self.t_source.gather(at).fill_null(ABSENT).to_numpy()
        rows["t_server"] = rows["t_receive"] = ABSENT
        if self.t_receive is not None:
            rows["t_receive"] = self.t_receive.gather(at).fill_null(ABSENT).to_numpy()
        return rows

    def finish(self, chunk: Chunk, link: int) -> Batch:
        """Return all rows in the order of the file, unreadable records last in their line."""
        bodies = [chunk.raw(i) for i in self.unreadable] + [raw for _, raw, _ in chunk.broken]
        for i, reason in self.unreadable.items():
            self.ledger.note(int(self.numbers[i]), reason)
        for number, _, reason in chunk.broken:
            self.ledger.note(number, reason)
        lost = self._blank(link, np.array(list(self.unreadable), dtype=np.int64))
        apart = np.zeros(len(chunk.broken), dtype=ROW)
        apart["tag"], apart["flags"] = link, Flag.IMPORTED
        apart["src_seq"] = [number for number, _, _ in chunk.broken]
        for name in ("t_source", "t_server", "t_receive"):
            apart[name] = ABSENT
        unparsed = np.concatenate([lost, apart])
        unparsed["kind"], unparsed["vtype"] = Kind.UNPARSED, VType.BYTES
        unparsed["status"] = BAD_DECODING_ERROR
        return self._ordered(unparsed, bodies)

    def _ordered(self, unparsed: NDArray[np.void], bodies: list[bytes]) -> Batch:
        distinct = pl.concat(
            [pl.Series([], dtype=pl.String), *(p.texts for p in self.pieces if p.texts is not None)]
        ).unique(maintain_order=True)
        index = pl.DataFrame({"text": distinct}).with_row_index("i")
        for piece in self.pieces:
            if piece.texts is not None and len(piece.texts):
                wanted = pl.DataFrame({"text": piece.texts})
                found = wanted.join(index, on="text", how="left", maintain_order="left")["i"]
                piece.rows["value"][piece.rows["vtype"] == VType.TEXT] = found.to_numpy()
        unparsed["value"] = len(distinct) + np.arange(len(bodies))
        rows = np.concatenate([*(p.rows for p in self.pieces), unparsed])
        places = [*(p.position for p in self.pieces), MAX_KEYS]
        within = np.repeat(places, [*(len(p.rows) for p in self.pieces), len(unparsed)])
        order = np.lexsort((within, rows["src_seq"]))
        texts = (*(t.encode() for t in distinct), *bodies)
        return Batch(rows[order], texts)
