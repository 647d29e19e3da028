"""Ledgers from CSV and XLSX: business records with one finding per bad cell or row.

The columns come as an argument; which ledgers there are and what they mean is not known here.
Headers are identifiers or the aliases, and may name a unit in brackets: 金额（万元）. Nothing is
dropped silently: a row that is not returned has a finding that names it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from plantseal_connectors import sheet
from plantseal_connectors.cells import UNITS, folded, plain, value
from plantseal_connectors.tags import Finding

_UNIT: Final = re.compile(r"(.+?)[(\[【/]([^()\[\]【】]+?)[)\]】]?")
Record = dict[str, object]


class Column(Protocol):
    """What is asked of one column: a ledger's schema has more, this is all that reading needs."""

    @property
    def name(self) -> str:
        """Identifier of the column."""

    @property
    def kind(self) -> str:
        """What its cells are, as :func:`plantseal_connectors.cells.value` knows them."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other headers that mean it."""

    @property
    def nullable(self) -> bool:
        """Whether a row may leave it empty."""

    @property
    def words(self) -> Mapping[str, tuple[str, ...]]:
        """For ``word``: identifiers and what stands for them."""

    @property
    def least(self) -> int | None:
        """Least whole number."""


class Schema(Protocol):
    """The columns of a ledger and what holds between them."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns."""

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that tell records apart."""

    @property
    def ordered(self) -> tuple[tuple[str, str], ...]:
        """Pairs of columns of which the first is never greater."""


@dataclass(frozen=True, slots=True)
class _Place:
    index: int
    column: Column
    unit: str | None


def read_records(
    path: Path, schema: Schema, zone: str = "Asia/Shanghai"
) -> tuple[list[Record], list[Finding]]:
    """Return the records of the table at ``path`` in base units, and what is wrong with it.

    Findings, each with file, row as the spreadsheet shows it, column and what was found:
    ``table.unreadable``, ``table.header`` (column missing, unknown, twice, unknown unit),
    ``table.cell`` (one bad cell), ``table.order`` (two cells contradict each other),
    ``table.duplicate`` (a key given before). Rows with a finding are left out.

    Args:
        path: CSV (UTF-8 or GB18030) or XLSX.
        schema: Columns, key and order.
        zone: Time zone of times without an offset.
    """
    lines = sheet.read(path)
    if isinstance(lines, Finding):
        return [], [lines]
    header, *body = lines
    places, findings = _header(path, header, schema)
    if findings:
        return [], findings
    records: list[Record] = []
    first: dict[tuple[object, ...], int] = {}
    for line in body:
        record, bad = _record(path, line, places, schema, zone)
        key = tuple(record.get(k) for k in schema.key)
        if None not in key and first.setdefault(key, line.number) != line.number:
            got = " ".join(map(str, key))
            why = f"already given in row {first[key]}, expected once; keep one of them"
            bad.append(
                _finding("table.duplicate", path, line.number, "+".join(schema.key), got, why)
            )
        findings += bad
        if not bad:
            records.append({c.name: record.get(c.name) for c in schema.columns})
    return records, findings


def _header(path: Path, header: sheet.Line, schema: Schema) -> tuple[list[_Place], list[Finding]]:
    known = {folded(n): c for c in schema.columns for n in (c.name, *c.aliases)}
    places: list[_Place] = []
    findings = []
    for index, cell in enumerate(header.cells):
        if not cell.strip():
            continue
        column, unit = known.get(folded(cell)), None
        if column is None and (parts := _UNIT.fullmatch(folded(cell))):
            column, unit = known.get(parts[1]), parts[2]
        why = None
        if column is None:
            why = (
                f"expected one of {', '.join(f'{c.name} ({c.aliases[0]})' for c in schema.columns)}"
            )
        elif any(p.column.name == column.name for p in places):
            why = f"expected {column.name} once"
        elif unit is not None and unit not in UNITS.get(column.kind, {}):
            units = ", ".join(UNITS.get(column.kind, {})) or "no unit"
            why = f"expected one of these units in brackets: {units}"
        if why is None and column is not None:
            places.append(_Place(index, column, unit))
        else:
            findings.append(
                _finding("table.header", path, header.number, "header", cell, why or "")
            )
    given = {p.column.name for p in places}
    lacks = [c for c in schema.columns if not c.nullable and c.name not in given]
    if lacks and not findings:
        named = ", ".join(f"{c.name} ({c.aliases[0]})" for c in lacks)
        message = f"{path}:{header.number} header: column {named} is missing; add it"
        findings.append(
            Finding(
                "table.header", message,
                {"file": str(path), "row": header.number, "column": "header", "got": "",
                 "missing": [c.name for c in lacks]},
            )
        )  # fmt: skip
    return places, findings


def _record(
    path: Path, line: sheet.Line, places: Sequence[_Place], schema: Schema, zone: str
) -> tuple[Record, list[Finding]]:
    record: Record = {}
    findings = []
    for place in places:
        text = line.cells[place.index] if place.index < len(line.cells) else ""
        why = _read_cell(text, place, zone, record)
        if why is not None:
            name = place.column.name
            findings.append(_finding("table.cell", path, line.number, name, text, why))
    used = {p.index for p in places}
    for index, cell in enumerate(line.cells):
        if index not in used and cell.strip():
            why = "expected no cell where the header has none; give the column a header or clear it"
            findings.append(
                _finding("table.cell", path, line.number, f"column {index + 1}", cell, why)
            )
    for low, high in schema.ordered:
        a, b = record.get(low), record.get(high)
        if a is not None and b is not None and a > b:  # type: ignore[operator]  # one kind, both ordered
            why = f"expected at most {high}, which is {b}; correct one of them"
            findings.append(_finding("table.order", path, line.number, low, str(a), why))
    return record, findings


def _read_cell(text: str, place: _Place, zone: str, record: Record) -> str | None:
    """Put the value of a cell into the record, or return why it cannot be."""
    column = place.column
    if not plain(text):
        return None if column.nullable else "expected a value; it may not be empty"
    try:
        got = value(text, column.kind, column.words, place.unit, zone)
    except ValueError as e:
        return str(e)
    if column.least is not None and isinstance(got, int) and got < column.least:
        return f"expected at least {column.least}"
    record[column.name] = got
    return None


def _finding(code: str, path: Path, row: int, column: str, got: str, why: str) -> Finding:
    data = {"file": str(path), "row": row, "column": column, "got": got, "expected": why}
    return Finding(code, f"{path}:{row} {column}: got {got!r}, {why}", data)
