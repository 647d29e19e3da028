"""Pydantic's errors as ``got X, expected Y``, each at the line and column of its key.

What was expected is read from the model's JSON Schema, so a value out of range names both ends and
an unknown key names its neighbours, whoever wrote the model.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from plantseal.config.document import Document, Loc
from plantseal.config.problems import with_hint
from plantseal.config.words import Lang, foreign, say

T = TypeVar("T")
Schema = Mapping[str, Any]

ID_PATTERN: Final = r"^[A-Za-z0-9_.\-]+$"
MAX_SHOWN: Final = 60
_KINDS: Final = {
    "int": "whole", "float": "number", "decimal": "number", "bool": "truth", "string": "text",
    "list": "list", "tuple": "list", "dict": "mapping", "model": "mapping", "mapping": "mapping",
    "date": "date", "time": "time", "datetime": "instant", "timezone": "instant",
    "path": "path", "url": "url", "finite": "number", "dataclass": "mapping",
}  # fmt: skip


def validate(document: Document, adapter: TypeAdapter[T], data: object, loc: Loc = ()) -> T | None:
    """Return ``data``, which stands at ``loc``, as the adapter's type; None when it is not one.

    Every reason is added to the document's problems, what several alternatives expected of one
    value as one.
    """
    try:
        return adapter.validate_python(data)
    except ValidationError as e:
        schema = adapter.json_schema()
        found: dict[tuple[Loc, str], list[_Complaint]] = {}
        for error in e.errors(include_url=False):
            complaint = _complaint(document.lang, schema, data, loc, error)
            found.setdefault((complaint.at, complaint.got), []).append(complaint)
        for (at, _), complaints in found.items():
            document.problem(at, _sentence(document.lang, complaints))
        return None


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One error: where, what stands there, what was expected; ``got`` empty for a whole sentence."""

    at: Loc
    got: str
    expected: str
    word: object = None
    known: Sequence[str] = ()


def _sentence(lang: Lang, complaints: Sequence[_Complaint]) -> str:
    one = complaints[0]
    if not one.got:
        return one.expected
    expected = say(lang, "or").join(dict.fromkeys(c.expected for c in complaints))
    message = say(lang, "got", got=one.got, expected=expected)
    return with_hint(lang, message, one.word, [k for c in complaints for k in c.known])


def _complaint(
    lang: Lang, schema: Schema, data: object, loc: Loc, error: ErrorDetails
) -> _Complaint:
    kind, got = error["type"], error["input"]
    below = _within(data, error["loc"], keep_last=kind in ("missing", "extra_forbidden"))
    at = (*loc, *below)
    if kind == "missing":
        return _Complaint(at, say(lang, "nothing"), say(lang, "required"))
    if kind == "extra_forbidden":
        known = sorted(_properties(schema, below[:-1]) - set(_keys(data, below[:-1])))
        expected = _one_of(lang, known) if known else say(lang, "no_key")
        return _Complaint(at, say(lang, "unknown_key"), expected, below[-1], known)
    context = error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        # What validators say: "[got x,] expected y" continues our sentence, anything else is one.
        said = str(context.get("error", error["msg"]))
        sentence = re.fullmatch(r"(?:got .*?, )?expected (.+)", said, re.DOTALL)
        if not sentence:
            return _Complaint(at, "", foreign(lang, said))
        choices = re.fullmatch(r"one of (.+)", sentence[1])
        known = choices[1].split(", ") if choices else []
        return _Complaint(at, display(lang, got), foreign(lang, sentence[1]), got, known)
    known = []
    if "literal" in kind:
        where = _at(schema, schema, below)
        if error["loc"][-1] == "[key]":
            where = _resolve(schema, _at(schema, schema, below[:-1])["propertyNames"])[0]
        known = [str(v) for v in _choices(where)]
    if not isinstance(got, str) and str(got) in known:  # protocol: 5 where '5' is meant
        return _Complaint(at, display(lang, got), say(lang, "quoted", got=str(got)))
    expected = _one_of(lang, known) if known else _expected(lang, error, _at(schema, schema, below))
    return _Complaint(at, display(lang, got), expected, got, known)


def _one_of(lang: Lang, known: Sequence[str]) -> str:
    return say(lang, "one_of", choices=", ".join(known)) if len(known) > 1 else known[0]


def _expected(lang: Lang, error: ErrorDetails, schema: Schema) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch":
        pattern = context.get("pattern")
        return say(lang, "id") if pattern == ID_PATTERN else say(lang, "pattern", pattern=pattern)
    if kind.endswith("too_short"):
        word = "longer" if kind.startswith("string") else "more_items"
        return say(lang, word, n=context.get("min_length"))
    if kind.endswith("too_long"):
        word = "shorter" if kind.startswith("string") else "fewer_items"
        return say(lang, word, n=context.get("max_length"))
    what = _KINDS.get(kind.split("_")[0])
    limits = _limits(lang, schema, context)
    if what and limits:
        return say(lang, "typed", what=say(lang, what), limits=limits)
    return limits or (say(lang, what) if what else _own_words(error["msg"]))


def _own_words(message: str) -> str:
    words = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return words[:1].lower() + words[1:]


def display(lang: Lang, value: object) -> str:
    """Return a value as a message shows it: as the file has it, never more than 60 characters.

    Example:
        >>> display("en", Decimal("1.50")), display("en", "abc"), display("en", None)
        ('1.50', "'abc'", 'nothing')
    """
    if value is None:
        return say(lang, "nothing")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return str(value)[:MAX_SHOWN]
    if isinstance(value, list | tuple):
        return say(lang, "list")
    if isinstance(value, dict):
        return say(lang, "mapping")
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 2] + "…" + text[-1]


def _within(data: object, loc: Sequence[int | str], *, keep_last: bool) -> Loc:
    """Drop what pydantic adds to a path (names of union members, ``[key]``) and the file lacks."""
    below: list[int | str] = []
    for i, part in enumerate(loc):
        if isinstance(data, Mapping) and part in data:
            data = data[str(part)]
        elif isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (keep_last and i == len(loc) - 1):
            continue
        below.append(part)
    return tuple(below)


def _keys(data: object, loc: Loc) -> list[str]:
    for part in loc:
        data = data[part] if isinstance(data, Mapping | list) else None  # type: ignore[index]
    return list(data) if isinstance(data, Mapping) else []


def _resolve(root: Schema, schema: Schema) -> list[Schema]:
    """Return the plain alternatives of a schema: references followed, unions opened."""
    if "$ref" in schema:
        target: Schema = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        return _resolve(root, target)
    members = [m for word in ("anyOf", "oneOf", "allOf") for m in schema.get(word, ())]
    return [p for m in members for p in _resolve(root, m)] if members else [schema]


def _steps(root: Schema, schema: Schema, loc: Loc) -> list[Schema]:
    found = _resolve(root, schema)
    for part in loc:
        after: list[Schema] = []
        for s in found:
            if isinstance(part, int):
                prefix = s.get("prefixItems", [])
                inner = prefix[part] if part < len(prefix) else s.get("items")
            else:
                inner = s.get("properties", {}).get(part, s.get("additionalProperties"))
            if isinstance(inner, Mapping):
                after += _resolve(root, inner)
        found = after
    return found


def _at(root: Schema, schema: Schema, loc: Loc) -> Schema:
    merged: dict[str, Any] = {}
    for s in _steps(root, schema, loc):
        for word, value in s.items():
            merged[word] = merged[word] + value if word == "enum" and word in merged else value
    return merged


def _properties(root: Schema, loc: Loc) -> set[str]:
    return {name for s in _steps(root, root, loc) for name in s.get("properties", {})}


def _choices(schema: Schema) -> list[object]:
    return (
        list(schema["enum"]) if "enum" in schema else [schema["const"]] if "const" in schema else []
    )


def _limits(lang: Lang, schema: Schema, context: Mapping[str, object]) -> str:
    low = schema.get("minimum", context.get("ge"))
    high = schema.get("maximum", context.get("le"))
    above = schema.get("exclusiveMinimum", context.get("gt"))
    below = schema.get("exclusiveMaximum", context.get("lt"))
    if low is not None and high is not None:
        return say(lang, "range", low=_plain(low), high=_plain(high))
    parts = [
        say(lang, word, low=_plain(bound), high=_plain(bound))
        for word, bound in (
            ("at_least", low), ("above", above), ("at_most", high), ("below", below),
        )
        if bound is not None
    ]  # fmt: skip
    return ", ".join(parts)


def _plain(bound: object) -> object:
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound
