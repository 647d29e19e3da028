"""A YAML 1.2 file as plain data, with the line and column of every key and value.

ruamel.yaml composes the node tree; the data are built here, so that every duplicate key, foreign
tag and circular alias is a problem with its place, all at once. Dates stay text (the models read
them) and decimals stay exact.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plantseal.config.problems import ConfigError, Problem
from plantseal.config.words import Lang, say

Key = str | int
Loc = tuple[Key, ...]
Data = None | bool | int | float | Decimal | str | list["Data"] | dict[str, "Data"]

MAX_BYTES: Final = 4 * 2**20
MAX_DEPTH: Final = 32
MAX_VALUES: Final = 200_000  # aliases of aliases multiply: a few lines can stand for billions
_TEXT: Final = ("str", "timestamp", "merge", "value")
MAX_SHOWN: Final = 40
_FULL_WIDTH: Final = re.compile("[：，；｛｝［］“”‘’＃－\u3000]")
_CURLY: Final = tuple("“”‘’「『＂")
_TAG: Final = "tag:yaml.org,2002:"


def shown(loc: Loc) -> str:
    """Return a key path as a person reads it.

    Example:
        >>> shown(("sources", 0, "unit_id"))
        'sources[0].unit_id'
    """
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


@dataclass(slots=True)
class Document:
    """One YAML file.

    Attributes:
        file: The file as the person named it.
        lang: Language of the messages.
        data: The top-level mapping.
        places: Line and column (1-based) by key path: of the key, or of a list's entry.
        problems: What has been found so far.
    """

    file: str
    lang: Lang
    data: dict[str, Data] = field(default_factory=dict)
    places: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, loc: Loc) -> tuple[int, int]:
        """Return line and column of ``loc``, or of the nearest key that encloses it."""
        while loc and loc not in self.places:
            loc = loc[:-1]
        return self.places.get(loc, (1, 1))

    def problem(self, loc: Loc, message: str) -> None:
        """Note that what stands at ``loc`` is wrong."""
        self.problems.append(Problem(self.file, *self.place(loc), shown(loc), message))

    def complain(self, loc: Loc, key: str, /, **values: object) -> None:
        """Note a problem in the words of the catalogue."""
        self.problem(loc, say(self.lang, key, **values))


def read_text(path: Path, lang: Lang, missing: str = "no_file") -> str:
    """Return the text of a file: UTF-8, with or without a mark, else GB18030.

    Raises:
        ConfigError: The file is missing, unreadable, too large or not text.
    """

    def fail(key: str, **values: object) -> ConfigError:
        return ConfigError([Problem(str(path), 0, 0, "", say(lang, key, **values))])

    try:
        body = path.read_bytes()
    except FileNotFoundError as e:
        raise fail(missing) from e
    except IsADirectoryError as e:
        raise fail("is_directory") from e
    except OSError as e:
        raise fail("unreadable", reason=e.strerror or str(e)) from e
    if len(body) > MAX_BYTES:
        raise fail("too_large", limit=MAX_BYTES)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # UTF-16 and binary files pass for GB18030 but for their zeros
            return text
    raise fail("encoding")


def read(path: Path, lang: Lang = "en") -> Document:
    """Return the file's data; mistakes that leave the rest readable are among its problems.

    Raises:
        ConfigError: The file cannot be read, is not YAML, is empty, or is no mapping.
    """
    text = read_text(path, lang)
    document = Document(str(path), lang)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        reason = " ".join(str(w) for w in (e.context, e.problem) if w)
        reason += _hint(text.splitlines(), line, lang)
        raise ConfigError(
            [Problem(document.file, line, column, "", say(lang, "not_yaml", reason=reason))]
        ) from e
    except (YAMLError, RecursionError, ValueError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise ConfigError(
            [Problem(document.file, 0, 0, "", say(lang, "not_yaml", reason=reason))]
        ) from e
    if root is None:
        raise ConfigError([Problem(document.file, 0, 0, "", say(lang, "empty"))])
    if not isinstance(root, MappingNode):
        text = str(root.value)
        shown_text = repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")
        got = say(lang, "list") if isinstance(root, SequenceNode) else shown_text
        message = say(lang, "got", got=got, expected=say(lang, "mapping"))
        raise ConfigError([Problem(document.file, *_at(root), "", message)])
    document.data = _Reader(document).mapping(root, (), ())
    return document


def _hint(lines: list[str], line: int, lang: Lang) -> str:
    """Return what a person may have typed on the line before a syntax error, or on it."""
    for number in (line, line - 1):
        if not 0 < number <= len(lines):
            continue
        body = lines[number - 1]
        if "\t" in body[: len(body) - len(body.lstrip())]:
            return say(lang, "tab", line=number)
        if found := _FULL_WIDTH.search(body.partition(" #")[0]):
            return say(lang, "full_width", line=number, char=found[0])
    return ""


def _at(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


@dataclass(slots=True)
class _Reader:
    document: Document
    values: int = 0

    def mapping(self, node: MappingNode, loc: Loc, above: tuple[int, ...]) -> dict[str, Data]:
        places = self.document.places
        places.setdefault(loc, _at(node))
        data: dict[str, Data] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                places[(*loc, "?")] = _at(key)
                self.document.complain((*loc, "?"), "not_a_key")
                continue
            at = (*loc, key.value)
            if key.value in data:
                first = places[at][0]
                problem = say(self.document.lang, "duplicate_key", key=key.value, line=first)
                self.document.problems.append(
                    Problem(self.document.file, *_at(key), shown(at), problem)
                )
                continue
            places[at] = _at(key)
            data[key.value] = self.value(value, at, above)
        return data

    def value(self, node: Node, loc: Loc, above: tuple[int, ...]) -> Data:
        self.values += 1
        if self.values > MAX_VALUES:
            if self.values == MAX_VALUES + 1:
                self.document.complain(loc, "too_many", limit=MAX_VALUES)
            return None
        if isinstance(node, ScalarNode):
            return self.scalar(node, loc)
        if id(node) in above:
            self.document.complain(loc, "endless")
            return None
        if len(above) >= MAX_DEPTH:
            self.document.complain(loc, "too_deep", limit=MAX_DEPTH)
            return None
        above = (*above, id(node))
        if isinstance(node, MappingNode):
            return self.mapping(node, loc, above)
        entries: list[Data] = []
        for i, entry in enumerate(node.value):
            self.document.places[(*loc, i)] = _at(entry)
            entries.append(self.value(entry, (*loc, i), above))
        return entries

    def scalar(self, node: ScalarNode, loc: Loc) -> Data:
        tag, text = str(node.tag), str(node.value)
        kind = tag.removeprefix(_TAG)
        if kind in _TEXT:
            if node.style is None and text[:1] in _CURLY:
                self.document.complain(loc, "curly", char=text[:1])
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int" and len(text) <= 100:
            return _whole(text)
        if kind == "float":
            return _decimal(text)
        if kind != "int":
            self.document.complain(loc, "own_tag", tag=tag)
        return text


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    body = digits.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(body[:2], 10)
    return int(digits, base) if base != 10 else int(digits)


def _decimal(text: str) -> Decimal | float:
    plain = text.replace("_", "").lower()
    if plain.endswith((".inf", ".nan")):
        return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
    return Decimal(plain)
