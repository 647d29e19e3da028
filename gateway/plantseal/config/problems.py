"""What is wrong with a configuration: problems with their place, collected, raised at once.

Paths are shown as the person wrote them on the command line, so an editor or terminal can jump to
``plant.yaml:4:5``. Nothing is raised before everything has been looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from plantseal.config.words import Lang, say


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in an input file.

    Attributes:
        file: The file as the person named it.
        line: 1-based; 0 where the file as a whole is meant.
        column: 1-based; 0 where only the line is known (tables).
        path: Key path such as ``sources[0].unit_id``, or the table column; may be empty.
        message: What was found, what was expected, what to do; in the language asked for.

    Example:
        >>> print(Problem("plant.yaml", 4, 5, "sources[0].unit_id", "got 300, expected 1..247"))
        plant.yaml:4:5 sources[0].unit_id: got 300, expected 1..247
        >>> print(Problem("tags/cell1.csv", 7, 0, "address", "got nothing, expected a node id"))
        tags/cell1.csv:7 address: got nothing, expected a node id
        >>> print(Problem("plant.yaml", 0, 0, "", "no such file"))
        plant.yaml: no such file
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        if self.path:
            return f"{place} {self.path}: {self.message}"
        return f"{place}: {self.message}"


class ConfigError(Exception):
    """A configuration or column map cannot be used.

    Attributes:
        problems: All of them, in the order of the files; never empty.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = dict.fromkeys(problems)
        self.problems: list[Problem] = list(unique)
        super().__init__("\n".join(map(str, self.problems)))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like ``word``, or None when none is like it.

    Example:
        >>> nearest("unitid", ["host", "unit_id"])
        'unit_id'
    """
    choices = {k.lower(): k for k in known}
    found = get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    return choices[found[0]] if found else None


def with_hint(lang: Lang, message: str, word: object, known: Iterable[str]) -> str:
    """Return ``message``, with the nearest known word where there is one."""
    near = nearest(str(word), known)
    return message if near is None else say(lang, "hint", message=message, near=near)
