"""Names in one place of plant.yaml that must stand in another: equipment, points, loops, windows.

Every key under which plant.yaml names something else stands here, so a mistyped name is told at its
line instead of counting nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from plantseal.config.document import Document, Loc
from plantseal.config.problems import with_hint
from plantseal.config.validation import display
from plantseal.config.words import say

NAMES: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("calendar", "stops", "*", "equipment", "*"), "of_register"),
    (("meters", "*", "point"), "of_points"),
    (("process", "parameters", "*", "point"), "of_points"),
    (("process", "loops", "*", "mode"), "of_points"),
    (("process", "loops", "*", "output"), "of_points"),
    (("process", "exclusions", "*", "loop"), "of_loops"),
)
"""Where a name stands, and the sentence that says of what."""

UNIQUE: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("windows", "*", "id"), "window"),
    (("process", "parameters", "*", "id"), "parameter"),
    (("process", "loops", "*", "id"), "loop"),
)
"""Ids that stand once, and what they are of."""


def check_references(document: Document, known: Mapping[str, set[str]]) -> None:
    """Note every name that is not known, and every id that stands twice.

    Args:
        document: A plant.yaml whose models are in order.
        known: What there is, by the sentence of :data:`NAMES`; one that is left out is not checked.
    """
    for path, sentence in NAMES:
        if sentence not in known:
            continue
        for at, name in _values(document.data, path):
            if isinstance(name, str) and name not in known[sentence]:
                got, expected = display(document.lang, name), say(document.lang, sentence)
                message = say(document.lang, "got", got=got, expected=expected)
                document.problem(at, with_hint(document.lang, message, name, known[sentence]))
    for path, what in UNIQUE:
        seen: set[object] = set()
        for at, key in _values(document.data, path):
            if key in seen:
                document.complain(at, "twice", what=say(document.lang, what), id=key)
            seen.add(key)


def _values(data: Any, path: Sequence[str], at: Loc = ()) -> Iterator[tuple[Loc, Any]]:
    """Yield place and value of everything at ``path``; ``*`` stands for every entry of a list."""
    if not path:
        yield at, data
    elif path[0] == "*":
        for i, entry in enumerate(data if isinstance(data, list) else ()):
            yield from _values(entry, path[1:], (*at, i))
    elif isinstance(data, Mapping) and path[0] in data:
        yield from _values(data[path[0]], path[1:], (*at, path[0]))
