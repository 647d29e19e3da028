"""The cells of a CSV or XLSX file as text, with the row numbers a spreadsheet shows.

A file that cannot be read ends in a :class:`Finding`, never in an exception: it is input.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plantseal_connectors.tags import Finding

MAX_BYTES: Final = 64 * 1024 * 1024
"""Largest table read; a tag table of 100,000 rows has about 10 MB."""
_BOMS: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet: its number, from 1, and its cells."""

    number: int
    cells: tuple[str, ...]


def read(path: Path) -> list[Line] | Finding:
    """Return the rows of ``path`` that hold anything, the header among them, or why there are none.

    XLSX by its file ending, anything else as CSV: UTF-8 (with or without mark), else GB18030;
    separated by comma, semicolon or tab, whichever the first line has most of.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return _unreadable(
                path, f"got {path.stat().st_size} bytes, expected at most {MAX_BYTES}"
            )
        body = path.read_bytes()
    except OSError as e:
        return _unreadable(path, (e.strerror or str(e)).lower())
    rows = _xlsx(body) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(body)
    if isinstance(rows, str):
        return _unreadable(path, rows)
    lines = [Line(i, tuple(row)) for i, row in enumerate(rows, 1) if any(c.strip() for c in row)]
    return lines or _unreadable(path, "got an empty table, expected a header row and data rows")


def _unreadable(path: Path, why: str) -> Finding:
    return Finding("table.unreadable", f"{path}: {why}", {"file": str(path)})


def _csv(body: bytes) -> list[list[str]] | str:
    encodings = [_BOMS[mark] for mark in _BOMS if body.startswith(mark)] or ["utf-8", "gb18030"]
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        return f"got bytes that are not {' or '.join(encodings)}; save the table as UTF-8 CSV"
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as e:
        return f"got a file that is not CSV ({e}); save the table as UTF-8 CSV"


def _xlsx(body: bytes) -> list[Sequence[str]] | str:
    try:
        import fastexcel  # noqa: F401  polars asks for it only when it reads
        import polars
    except ImportError:
        return "XLSX needs fastexcel; install plantseal[gateway] or save the table as CSV"
    try:
        frame = polars.read_excel(
            io.BytesIO(body),
            engine="calamine",
            has_header=False,
            drop_empty_rows=False,  # row numbers must be those the spreadsheet shows
            raise_if_empty=False,
            read_options={"header_row": None, "skip_rows": 0, "dtypes": "string"},
        )
    except Exception as e:  # noqa: BLE001  a third party's decoder on a stranger's file
        reason = str(e).split("\n")[0].strip()
        return f"got a file that is not XLSX ({reason}); save it again from the spreadsheet"
    return [["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()]
