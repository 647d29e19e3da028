"""The table that ``make real`` prints: the source's own number beside ours."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple


class RealRow(NamedTuple):
    """One figure: what the source says, what we say, how far apart, and whether that passes."""

    name: str
    source_value: str
    ours: str
    difference: str
    passed: bool


HEAD = ("figure", "source", "ours", "difference", "")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def render(rows: Sequence[RealRow]) -> str:
    """Return the rows as aligned text, one line a row, ``pass`` or ``FAIL`` at its end.

    Example:
        >>> print(render([RealRow("energy [kWh]", "959636.71", "959636.71", "0", True)]))
        figure        source     ours       difference
        energy [kWh]  959636.71  959636.71  0           pass
    """
    table = [HEAD, *((*row[:4], "pass" if row.passed else "FAIL") for row in rows)]
    widths = [max(_width(line[i]) for line in table) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in table
    )
