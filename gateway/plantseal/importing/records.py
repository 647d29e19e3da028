"""Recorded files as chunks of text columns: CSV, CSV.gz, SHDR lines, Parquet.

Chunks have bounded size, records keep the order and the numbers they have in the file, and what
cannot be split into fields comes beside the chunk, byte for byte.
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import IO, Final

import polars as pl

from plantseal.config.words import Lang, say
from plantseal.importing.columns import ColumnMap

CHUNK: Final = 50_000
SHDR_COLUMNS: Final = ("time", "key", "value")
GZIP_MAGIC: Final = b"\x1f\x8b"


class ImportRefused(Exception):
    """Recorded data cannot be imported; the message says why and what to do."""


@dataclass(slots=True)
class Chunk:
    """Records that follow one another.

    Attributes:
        frame: Column ``number`` (line in a text file, row in Parquet; from 1) and the columns that
            the map names, as text; a Parquet time column keeps its type.
        raw: Bytes of the record at a position of ``frame``.
        broken: Records without fields: number, bytes, reason.
    """

    frame: pl.DataFrame
    raw: Callable[[int], bytes]
    broken: list[tuple[int, bytes, str]] = field(default_factory=list)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        ImportRefused: It cannot be read.
    """
    try:
        with path.open("rb") as f:
            return file_digest(f, "sha256").hexdigest()
    except OSError as e:
        raise ImportRefused(f"{path}: {e.strerror or e}; check the path") from e


def chunks(path: Path, columns: ColumnMap, lang: Lang) -> Iterator[Chunk]:
    """Yield the records of a file.

    Raises:
        ImportRefused: The file is not of the format, or ends in its middle.
        ConfigError: It lacks columns that the map names.
    """
    if columns.rules.format == "parquet":
        return _parquet(path, columns, lang)
    text = _Text(path, lang)
    return _shdr(text, lang) if columns.rules.format == "shdr" else _csv(text, columns, lang)


class _Text:
    """A text file, plain or gzip, read once to its end to know that it can be."""

    def __init__(self, path: Path, lang: Lang) -> None:
        self.path = path
        try:
            with path.open("rb") as f:
                self._gzip = f.read(2) == GZIP_MAGIC
            self.encoding = self._first_that_fits(("utf-8-sig", "gb18030"))
        except (EOFError, gzip.BadGzipFile, zlib.error) as e:
            raise ImportRefused(say(lang, "cut_short", file=path, reason=e)) from e
        except OSError as e:
            raise ImportRefused(f"{path}: {e.strerror or e}") from e

    def _first_that_fits(self, encodings: tuple[str, ...]) -> str | None:
        for encoding in encodings:
            try:
                with self.open(encoding) as f:
                    while f.read(1 << 20):
                        pass
            except UnicodeDecodeError:
                continue
            return encoding
        return None

    def open(self, encoding: str | None = None) -> IO[str]:
        """Return the text; bytes that are not text come as lone surrogates."""
        errors = "strict" if encoding else "surrogateescape"
        encoding = encoding or self.encoding or "utf-8-sig"
        if self._gzip:
            return gzip.open(self.path, "rt", encoding=encoding, errors=errors, newline="")
        return self.path.open("rt", encoding=encoding, errors=errors, newline="")

    def bytes(self, text: str) -> bytes:
        """Return the file's own bytes of a piece of its text."""
        encoding = (self.encoding or "utf-8").removesuffix("-sig")
        return text.encode(encoding, "surrogateescape")

    def is_text(self, record: str) -> bool:
        """Return False when the record holds bytes of another encoding."""
        if self.encoding:
            return True
        return not any("\ud800" <= c <= "\udfff" for c in record)


@dataclass(slots=True)
class _Gathering:
    """Records of one chunk while they are read."""

    names: list[str]
    numbers: list[int] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    broken: list[tuple[int, bytes, str]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.numbers) + len(self.broken) >= CHUNK

    def chunk(self, text: _Text) -> Chunk:
        data = {"number": pl.Series(self.numbers, dtype=pl.UInt32)}
        by_column = list(zip(*self.fields, strict=True)) or [()] * len(self.names)
        for name, values in zip(self.names, by_column, strict=True):
            data[f":{name}"] = pl.Series(values, dtype=pl.String)
        raws = self.raws
        return Chunk(pl.DataFrame(data), lambda i: text.bytes(raws[i]), self.broken)


def _shdr(text: _Text, lang: Lang) -> Iterator[Chunk]:
    with text.open() as f:
        found = _Gathering(list(SHDR_COLUMNS))
        for number, line in enumerate(f, 1):
            record = line.rstrip("\r\n")
            fields = record.split("|", 2)
            if not record:
                continue
            if len(fields) < 3 or not text.is_text(record):
                reason = say(lang, "not_shdr" if len(fields) < 3 else "not_text")
                found.broken.append((number, text.bytes(record), reason))
            else:
                found.numbers.append(number)
                found.fields.append(fields)
                found.raws.append(record)
            if found.full:
                yield found.chunk(text)
                found = _Gathering(found.names)
        yield found.chunk(text)


def _csv(text: _Text, columns: ColumnMap, lang: Lang) -> Iterator[Chunk]:
    with text.open() as f:
        taken: list[str] = []  # lines of the record being read: it may span several

        def lines() -> Iterator[str]:
            for line in f:
                taken.append(line)
                yield line

        reader = csv.reader(lines(), delimiter=columns.rules.separator, strict=True)
        try:
            header = next(reader, [])
        except csv.Error as e:
            raise ImportRefused(say(lang, "no_header", file=text.path, reason=e)) from e
        columns.require(header, text.path.name)
        names = list(columns.used_columns())
        where = [header.index(name) for name in names]
        found = _Gathering(names)
        while True:
            taken.clear()
            number = reader.line_num + 1
            reason = ""
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as e:
                fields, reason = [""], str(e)
            record = "".join(taken).rstrip("\r\n")
            if not fields:
                continue
            if not reason and len(fields) != len(header):
                reason = say(lang, "fields", got=len(fields), expected=len(header))
            if not reason and not text.is_text(record):
                reason = say(lang, "not_text")
            if reason:
                found.broken.append((number, text.bytes(record), reason))
            else:
                found.numbers.append(number)
                found.fields.append([fields[i] for i in where])
                found.raws.append(record)
            if found.full:
                yield found.chunk(text)
                found = _Gathering(names)
        yield found.chunk(text)


def _parquet(path: Path, columns: ColumnMap, lang: Lang) -> Iterator[Chunk]:
    names = list(columns.used_columns())
    time = columns.rules.time
    try:
        scan = pl.scan_parquet(path)
        columns.require(scan.collect_schema().names(), path.name)
        wanted = scan.select(pl.col(name).alias(f":{name}") for name in names)
        start = 1
        for frame in wanted.collect_batches(chunk_size=CHUNK, maintain_order=True):
            numbers = pl.int_range(start, start + frame.height, dtype=pl.UInt32, eager=True)
            start += frame.height
            times = {f":{time.column}", f":{time.receive_column}"}
            as_text = [
                pl.col(name).cast(pl.String)
                for name, dtype in frame.schema.items()
                if name not in times or not isinstance(dtype, pl.Datetime)
            ]
            shown = frame.with_columns(as_text).with_columns(numbers.alias("number"))
            yield Chunk(shown, lambda i, shown=shown: _row_bytes(shown, i))  # type: ignore[misc]
    except (pl.exceptions.PolarsError, OSError) as e:
        reason = str(e).splitlines()[0]
        raise ImportRefused(say(lang, "not_parquet", file=path, reason=reason)) from e


def _row_bytes(frame: pl.DataFrame, i: int) -> bytes:
    return "|".join("" if v is None else str(v) for v in frame.drop("number").row(i)).encode()
