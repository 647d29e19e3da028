"""Tag tables and equipment registers with the row each entry stands in.

The connectors read the cells; here findings become problems in the language asked for, and rows
become the models that the rest of the configuration uses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from plantseal.config.problems import Problem
from plantseal.config.words import Lang, foreign, say
from plantseal_connectors import sheet
from plantseal_connectors.cells import folded, plain
from plantseal_connectors.tables import (
    REGISTER_COLUMNS,
    TAG_COLUMNS,
    cycles,
    read_register,
    read_tags,
)
from plantseal_connectors.tags import Finding, TagSpec
from plantseal_kpi.plant import Equipment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A row of a table and where it stands.

    Attributes:
        line: Row number as a spreadsheet shows it.
    """

    file: str
    line: int
    value: T


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """What a table holds, and what is wrong with it."""

    rows: list[Placed[T]]
    problems: list[Problem]


def tag_table(path: Path, lang: Lang = "en") -> Table[TagSpec]:
    """Return the tags of a CSV or XLSX table."""
    specs, findings = read_tags(path)
    lines = _lines(path, TAG_COLUMNS["name"].names)
    rows = [Placed(str(path), lines.get(s.name, 0), s) for s in specs]
    return Table(rows, [of_finding(path, f, lang) for f in findings])


def equipment_register(path: Path, lang: Lang = "en") -> Table[Equipment]:
    """Return the equipment of a register in CSV or XLSX."""
    entries, findings = read_register(path)
    lines = _lines(path, REGISTER_COLUMNS["id"].names)
    problems = [of_finding(path, f, lang) for f in findings]
    rows: list[Placed[Equipment]] = []
    for entry in entries:
        line = lines.get(entry["id"], 0)
        try:
            fields: dict[str, object] = dict(entry)
            if "cycles_s" in entry:
                fields["cycles_s"] = cycles(entry["cycles_s"])
            rows.append(Placed(str(path), line, Equipment.model_validate(fields)))
        except ValidationError as e:  # the columns check all of it; a model that grew may not fit
            for error in e.errors():
                column = ".".join(map(str, error["loc"]))
                problems.append(Problem(str(path), line, 0, column, error["msg"]))
    return Table(rows, problems)


def register_ids(path: Path) -> tuple[str, ...]:
    """Return every equipment id that stands in a register, in rows with a mistake too."""
    return tuple(_lines(path, REGISTER_COLUMNS["id"].names))


def _lines(path: Path, names: tuple[str, ...]) -> Mapping[str, int]:
    """Return the row number in which each key first stands."""
    lines = sheet.read(path)
    if isinstance(lines, Finding):
        return {}
    header = [folded(cell) for cell in lines[0].cells]
    at = next((header.index(name) for name in names if name in header), None)
    found: dict[str, int] = {}
    for line in lines[1:]:
        if at is not None and at < len(line.cells):
            found.setdefault(plain(line.cells[at]), line.number)
    return found


def of_finding(path: Path, finding: Finding, lang: Lang) -> Problem:
    """Return what a table's reader found as a problem; line 0 means the file as a whole."""
    row, column = finding.data.get("row", 0), str(finding.data.get("column", ""))
    prefix, message = (
        rf"{re.escape(str(path))}(?::(\d+))?(?: ([\w+]+(?: \d+)?))?: ",
        finding.message,
    )
    if match := re.match(prefix, message):
        message = message[match.end() :]
        row, column = row or match[1] or 0, column or match[2] or ""
    return Problem(str(path), int(str(row)), 0, column, in_words(message, lang))


def in_words(message: str, lang: Lang) -> str:
    """Return a finding's English message in ``lang``, as far as its words are known.

    Example:
        >>> in_words("got '0', expected a number greater than 0", "zh")
        "实际为 '0'，应为 大于 0 的数字"
    """
    if lang == "en":
        return message
    whole = foreign(lang, message)
    if whole != message:
        return whole
    if match := re.fullmatch(
        r"got ('(?:[^'\\]|\\.)*'|\"[^\"]*\"|.+?), (?:expected )?(.+)", message, re.DOTALL
    ):
        got = say(lang, "nothing") if match[1] == "''" else match[1]
        return say(lang, "got", got=got, expected=foreign(lang, match[2]))
    return message
