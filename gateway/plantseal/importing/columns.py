"""The column map: which column of a recorded file is which tag, and how its times are meant.

A map is YAML beside the records, read as strictly as plant.yaml. Its text goes into the log with
the records, so a stranger can repeat the import from the file alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from plantseal.config import RECORDED, Bound, BoundSource, ConfigError
from plantseal.config.document import Document, Loc, read, read_text
from plantseal.config.problems import with_hint
from plantseal.config.validation import display, validate
from plantseal.config.words import Lang, say
from plantseal_connectors.tags import Tag
from plantseal_kpi.plant import Zone

RFC3339 = "rfc3339"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeMap(_Model):
    """How the records tell their time.

    Attributes:
        column: Column of the source time; SHDR lines need none.
        format: ``rfc3339``, or a strptime format.
        zone: IANA zone of times that carry no offset.
        midnight: With ``next_day``, a time of exactly 00:00 closes the day that is printed beside
            it, so it belongs to the midnight after (quirk: period-ending meter exports).
        receive_column: Column of the time the record reached a system, in the same format. It shows
            delays and a rate, but nobody witnessed it: no verdict on the upload rate comes of it.
    """

    column: str = ""
    format: str = RFC3339
    zone: Zone | None = None
    midnight: Literal["as_printed", "next_day"] = "as_printed"
    receive_column: str | None = None

    @field_validator("format")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value != RFC3339 and "%" not in value:
            raise ValueError("expected rfc3339 or a strptime format such as %Y-%m-%d %H:%M:%S")
        return value

    @property
    def local(self) -> bool:
        """Return True when the times carry no offset of their own."""
        return self.format != RFC3339 and "%z" not in self.format


class MapFile(_Model):
    """A column map as written.

    Attributes:
        source: Id of a source of plant.yaml with ``connector: recorded``.
        columns: Wide layout: column to tag.
        keys: Long layout: key to tag; with ``machine_column`` the key is ``machine/key``.
        not_available: Values that say that there is none; such rows are bad and null. Empty bars
            at the end of an SHDR condition do not count.
        separator: Between the fields of a CSV file.
    """

    source: str
    format: Literal["csv", "parquet", "shdr"]
    time: TimeMap = TimeMap()
    columns: dict[str, str] = {}
    keys: dict[str, str] = {}
    key_column: str | None = None
    value_column: str | None = None
    machine_column: str | None = None
    not_available: tuple[str, ...] = ()
    separator: str = Field(default=",", min_length=1, max_length=1)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A column map without a mistake.

    Attributes:
        rules: As written.
        source: The recorded source that the rows go to.
        tags: Tag by column (wide) or by key (long).
        text: The map file itself.
    """

    rules: MapFile
    source: BoundSource
    tags: Mapping[str, Tag]
    text: str
    document: Document

    @property
    def wide(self) -> bool:
        """Return True for one column a tag, False for one row a value."""
        return bool(self.rules.columns)

    @property
    def sha256(self) -> str:
        """Return the digest of the map's text, in UTF-8."""
        return sha256(self.text.encode()).hexdigest()

    def used_columns(self) -> dict[str, Loc]:
        """Return the columns that the map reads, each with its place in the map."""
        rules, time = self.rules, self.rules.time
        used: dict[str, Loc] = {time.column: ("time", "column")}
        if time.receive_column:
            used[time.receive_column] = ("time", "receive_column")
        for key in ("machine_column", "key_column", "value_column"):
            if name := getattr(rules, key):
                used[name] = (key,)
        return used | {c: ("columns", c) for c in rules.columns}

    def require(self, found: list[str], file: str) -> None:
        """Check that a file has every column once.

        Raises:
            ConfigError: Columns are missing or ambiguous; each at its place in the map.
        """
        document = Document(self.document.file, self.document.lang, places=self.document.places)
        for name, at in self.used_columns().items():
            if found.count(name) != 1:
                expected = say(document.lang, "column_of", file=file)
                message = say(
                    document.lang, "got", got=display(document.lang, name), expected=expected
                )
                document.problem(at, with_hint(document.lang, message, name, set(found) - {name}))
        if document.problems:
            raise ConfigError(document.problems)


def load_map(path: Path, bound: Bound, lang: Lang = "en") -> ColumnMap:
    """Return the column map of a file, its source and tags found in ``bound``.

    Raises:
        ConfigError: With all problems of the map, each with line and column.
    """
    document = read(path, lang)
    rules = validate(document, TypeAdapter(MapFile), document.data)
    if rules is None:
        raise ConfigError(sorted(document.problems))
    _layout(document, rules)
    recorded = {s.id: s for s in bound.sources if s.connector == RECORDED}
    source = recorded.get(rules.source)
    tags: dict[str, Tag] = {}
    if source is None:
        _unknown(document, ("source",), rules.source, say(lang, "recorded_source"), recorded)
    else:
        known = {t.spec.name: t for t in source.tags}
        for word, mapping in (("columns", rules.columns), ("keys", rules.keys)):
            for key, name in mapping.items():
                if name in known:
                    tags[key] = known[name]
                else:
                    expected = say(lang, "tag_of_source", source=source.id)
                    _unknown(document, (word, key), name, expected, known)
    if document.problems or source is None:
        raise ConfigError(sorted(document.problems))
    return ColumnMap(rules, source, tags, read_text(path, lang), document)


def _layout(document: Document, rules: MapFile) -> None:
    lang, time = document.lang, rules.time
    if bool(rules.columns) == bool(rules.keys):
        got = say(lang, "both" if rules.columns else "neither")
        document.complain(("columns",) if rules.columns else (), "wide_or_long", got=got)
    shdr = rules.format == "shdr"
    needed = {
        ("key_column",): bool(rules.keys) and not shdr,
        ("value_column",): bool(rules.keys) and not shdr,
        ("time", "column"): not shdr,
        ("time", "zone"): time.local,
    }
    useless = {
        ("columns",): shdr and "format: shdr",
        ("key_column",): (shdr and "format: shdr") or (rules.columns and "columns"),
        ("value_column",): (shdr and "format: shdr") or (rules.columns and "columns"),
        ("machine_column",): (shdr and "format: shdr") or (rules.columns and "columns"),
        ("time", "column"): shdr and "format: shdr",
        ("time", "receive_column"): shdr and "format: shdr",
        ("time", "midnight"): not time.local and f"format: {time.format}",
    }
    for at, wanted in needed.items():
        if wanted and not _given(rules, at):
            document.complain(at, "needs", key=at[-1], because=_because(rules, at))
    for at, reason in useless.items():
        if reason and _given(rules, at):
            document.complain(at, "no_use", key=at[-1], because=reason)


def _given(rules: MapFile, at: Loc) -> bool:
    value: object = rules
    for part in at:
        value = getattr(value, str(part))
    return bool(value) and value != "as_printed"


def _because(rules: MapFile, at: Loc) -> str:
    if at == ("time", "zone"):
        return f"format: {rules.time.format}"
    return "keys" if at[-1] in ("key_column", "value_column") else f"format: {rules.format}"


def _unknown(
    document: Document, at: Loc, got: str, expected: str, known: Mapping[str, object]
) -> None:
    message = say(document.lang, "got", got=display(document.lang, got), expected=expected)
    document.problem(at, with_hint(document.lang, message, got, known))
