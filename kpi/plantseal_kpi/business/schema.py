"""What a ledger is made of: typed columns in base units, and one canonical form in bytes.

A ledger is a set of records. Its canonical form is a CSV of sorted lines, so the same records give
the same digest whatever their order; that digest stands in the log, the bytes in the bundle.
Reading back is strict: what :func:`canonical` writes is all that :func:`parsed` takes.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

import polars as pl

from plantseal_kpi.calendar import ns

Kind = Literal[
    "id",  # a name that joins records
    "text",  # words for a person
    "word",  # one of the column's words
    "truth",
    "day",  # a local date
    "posting",  # a local date of a booking; a table may give the month alone, its last day is meant
    "time",  # an instant, UTC
    "money",  # fen, 1/100 yuan
    "count",  # whole pieces, persons
    "hours",  # ns
    "mass",  # g
    "number",  # an exact decimal, as text without exponent
]
Ledgers = Mapping[str, pl.DataFrame]
"""Ledgers by name, each of its schema in :mod:`plantseal_kpi.business.ledgers`."""
DTYPES: Final[dict[Kind, pl.DataType]] = {
    "id": pl.String(), "text": pl.String(), "word": pl.String(), "truth": pl.Boolean(),
    "day": pl.Date(), "posting": pl.Date(), "time": pl.Datetime("ns", "UTC"),
    "money": pl.Int64(), "count": pl.Int64(), "hours": pl.Int64(), "mass": pl.Int64(),
    "number": pl.String(),
}  # fmt: skip
WHOLE: Final = ("money", "count", "hours", "mass")
_SPECIAL = re.compile(r'[",\r\n]')
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a ledger.

    Attributes:
        name: Identifier, in frames and in the canonical form.
        kind: What its cells are; decides dtype and base unit.
        aliases: Headers that tables may use instead, Chinese ones first.
        meaning: What a cell says.
        nullable: Whether a record may lack it.
        words: For ``word``: each identifier with the Chinese words that stand for it.
        least: Least value of a whole number; money may be negative (a credit note).
    """

    name: str
    kind: Kind
    aliases: tuple[str, ...]
    meaning: str
    nullable: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a ledger.

    Attributes:
        key: Columns that tell records apart; two records with the same key are a mistake.
        ordered: Pairs of columns of which the first is never greater than the second.
        meaning: What a record is.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    meaning: str
    ordered: tuple[tuple[str, str], ...] = ()

    @property
    def dtypes(self) -> pl.Schema:
        """Names and dtypes of the frame."""
        return pl.Schema({c.name: DTYPES[c.kind] for c in self.columns})


def framed(rows: Iterable[Mapping[str, object]], schema: Schema) -> pl.DataFrame:
    """Return records as a frame of ``schema``; a column that no record has is null.

    Raises:
        ValueError: A record breaks a rule of the schema; all that are found are named.
    """
    listed = list(rows)
    unknown = sorted({k for r in listed for k in r} - set(schema.dtypes.names()))
    if unknown:
        raise ValueError(f"got columns {unknown}, expected any of {schema.dtypes.names()}")
    columns = {
        c.name: pl.Series(c.name, [r.get(c.name) for r in listed], DTYPES[c.kind], strict=True)
        for c in schema.columns
    }
    return checked(pl.DataFrame(columns), schema)


def checked(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return ``frame`` with the schema's columns in order.

    Raises:
        ValueError: Columns or dtypes differ, or a record breaks a rule of the schema.
    """
    if dict(frame.schema) != dict(schema.dtypes):
        got = ", ".join(f"{k}: {v}" for k, v in frame.schema.items())
        wanted = ", ".join(f"{k}: {v}" for k, v in schema.dtypes.items())
        raise ValueError(f"columns: got {got}; expected {wanted}")
    frame = frame.select(schema.dtypes.names())
    wrong = [w for c in schema.columns if (w := _wrong(frame[c.name], c))]
    for first, second in schema.ordered:
        bad = frame.filter(pl.col(first) > pl.col(second)).height
        if bad:
            wrong.append(f"{bad} records where {first} is greater than {second}")
    twice = frame.filter(frame.select(schema.key).is_duplicated()).height
    if twice:
        wrong.append(f"{twice} records share {' and '.join(schema.key)} with another")
    if wrong:
        raise ValueError("; ".join(wrong))
    return frame


def _wrong(cells: pl.Series, c: Column) -> str | None:
    if not c.nullable and cells.null_count():
        return f"{c.name}: {cells.null_count()} records lack it"
    given = cells.drop_nulls()
    if c.words:
        odd = sorted(set(given.to_list()) - set(c.words))
        return f"{c.name}: got {odd}, expected any of {list(c.words)}" if odd else None
    if c.kind in ("id", "text") and (given == "").any():
        return f"{c.name}: got an empty text, expected null where nothing is known"
    if c.least is not None and (given < c.least).any():
        return f"{c.name}: got {given.min()!r}, expected at least {c.least}"
    if c.kind == "number":
        odd = [x for x in given.to_list() if number_text(x) != x]
        return f"{c.name}: got {odd[0]!r}, expected a plain decimal" if odd else None
    return None


def number_text(text: str) -> str | None:
    """Return a decimal in its one plain form; None where it is not a finite number.

    Example:
        >>> number_text("1.50"), number_text("1e3"), number_text("-0.0"), number_text("x")
        ('1.5', '1000', '0', None)
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or value.adjusted() > 30 or len(value.as_tuple().digits) > 40:
        return None
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def canonical(frame: pl.DataFrame, schema: Schema) -> bytes:
    r"""Return the records as CSV: header, then lines in the order of their bytes.

    UTF-8 without mark, LF, quotes only where needed, null as nothing; dates ``2024-01-31``, times
    ``2024-01-31T08:00:00.000000000Z``, truth ``true`` and ``false``.

    Raises:
        ValueError: As :func:`checked`.

    Example:
        >>> few = Schema((Column("day", "day", (), ""), Column("n", "count", (), "")), ("day",), "")
        >>> canonical(framed([{"day": date(2024, 1, 31), "n": 7}], few), few)
        b'day,n\n2024-01-31,7\n'
    """
    frame = checked(frame, schema)
    texts = [_texts(frame[c.name], c) for c in schema.columns]
    lines = sorted(_line(cells) for cells in zip(*texts, strict=True))
    return b"".join([_line([c.name for c in schema.columns]), *lines])


def _line(cells: Sequence[str]) -> bytes:
    # Not csv.writer: when it quotes has changed between versions of Python, and digests must not.
    return (",".join(_quoted(c) if _SPECIAL.search(c) else c for c in cells) + "\n").encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _texts(cells: pl.Series, c: Column) -> list[str]:
    if c.kind == "time":
        return ["" if t is None else _instant(t) for t in cells.dt.epoch("ns").to_list()]
    if c.kind == "truth":
        return ["" if x is None else str(x).lower() for x in cells.to_list()]
    return ["" if x is None else str(x) for x in cells.to_list()]


def _instant(t_ns: int) -> str:
    whole, rest = divmod(t_ns, 10**9)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def parsed(body: bytes, schema: Schema) -> pl.DataFrame:
    """Return the records of a canonical CSV, sorted as there.

    Raises:
        ValueError: The bytes are not exactly what :func:`canonical` writes.
    """
    try:
        lines = list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as e:
        raise ValueError(f"not a canonical ledger: {e}") from e
    names = [c.name for c in schema.columns]
    if not lines or lines[0] != names:
        raise ValueError(f"header: got {lines[:1]!r}, expected {names}")
    widths = Counter(len(line) for line in lines)
    if set(widths) != {len(names)}:
        raise ValueError(f"lines have {sorted(widths)} cells, expected {len(names)} in each")
    columns = {
        c.name: _series([line[i] for line in lines[1:]], c) for i, c in enumerate(schema.columns)
    }
    frame = checked(pl.DataFrame(columns), schema)
    if canonical(frame, schema) != body:
        raise ValueError("the records read well but not in canonical form; write them again")
    return frame


def _series(texts: Sequence[str], c: Column) -> pl.Series:
    try:
        cells: list[Any] = [None if t == "" else _cell(t, c) for t in texts]
        return pl.Series(c.name, cells, _stored(c), strict=True).cast(DTYPES[c.kind])
    except (ValueError, OverflowError, pl.exceptions.PolarsError, TypeError) as e:
        raise ValueError(f"{c.name}: {e}") from e


def _stored(c: Column) -> pl.DataType:
    return pl.Int64() if c.kind == "time" else DTYPES[c.kind]


def _cell(text: str, c: Column) -> object:
    if c.kind in WHOLE:
        return int(text)
    if c.kind in ("day", "posting"):
        return date.fromisoformat(text)
    if c.kind == "truth":
        return {"true": True, "false": False}[text] if text in ("true", "false") else text
    if c.kind == "time":
        match = _TIME.fullmatch(text)
        if match is None:
            raise ValueError(f"got {text!r}, expected a time with nine decimals and Z")
        return ns(datetime.fromisoformat(match[1] + "+00:00")) + int(match[2])
    return text
