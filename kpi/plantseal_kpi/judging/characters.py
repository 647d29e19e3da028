"""Lengths of texts in a dossier: all non-space Unicode characters, as definitions 1.2 count them.

The notices limit lengths without saying how punctuation, Latin words and spaces count.
"""

import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding
from plantseal_kpi.judging.facts import FactValue, exact
from plantseal_kpi.judging.notices import Criterion
from plantseal_kpi.report import Finding

NEAR: Final = Fraction(95, 100)
"""Share of a limit from which a text is said to be near it."""


def characters(text: str) -> int:
    """Return how many characters a text has: code points but for white space and invisible ones.

    Composed first (NFC), so that é typed as one or as two code points counts once; control and
    format characters (categories Cc and Cf) count no more than spaces do.

    Source: definitions 1.2.

    Example:
        >>> characters("智能 工厂，ERP 2.0")
        11
    """
    composed = unicodedata.normalize("NFC", text)
    return sum(not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf") for c in composed)


def worst(c: Criterion, value: FactValue) -> tuple[FactValue, list[Finding]]:
    """Return the one value of a list that decides a limit, and what to know about it.

    Where a criterion limits a number, a list is one number an item (each scene, each row): the worst
    decides. Where it limits characters, a text stands for its length.
    """
    if c.comparator not in (">=", "<=", "approx") or isinstance(value, bool):
        return value, []
    if not isinstance(value, tuple):
        if c.unit != "char" or not isinstance(value, str):
            return value, near(c, value)
        size = Fraction(characters(value))
        return size, [_counted(c, size, ""), *near(c, size)]
    numbers = [_number(c, item) for item in value]
    sizes = [n for n in numbers if n is not None]
    if not sizes or len(sizes) < len(numbers):
        return value, []
    worst_at = _worst_at(c, sizes)
    size, which = sizes[worst_at], f"item {worst_at + 1} of {len(sizes)} decides"
    return size, [_counted(c, size, which), *near(c, size)]


def near(c: Criterion, value: FactValue) -> list[Finding]:
    """Return a warning where a text uses 95 % of its limit or more and still keeps it."""
    limit = c.threshold
    if c.unit != "char" or c.comparator != "<=" or not isinstance(limit, int):
        return []
    if not isinstance(value, Fraction) or not limit * NEAR <= value <= limit:
        return []
    why = f"{c.metric}: {value} of at most {limit} characters; how they are counted is not defined, leave room"
    return [finding("criteria.near_limit", why, characters=value, limit=limit)]


def _number(c: Criterion, item: str) -> Fraction | None:
    value = exact(item)
    if isinstance(value, Fraction):
        return value
    return Fraction(characters(item)) if c.unit == "char" else None


def _worst_at(c: Criterion, sizes: Sequence[Fraction]) -> int:
    at = range(len(sizes))
    if c.comparator == "<=":
        return max(at, key=lambda i: sizes[i])
    if c.comparator == ">=":
        return min(at, key=lambda i: sizes[i])
    limit = c.threshold if isinstance(c.threshold, int) else 0
    return max(at, key=lambda i: abs(sizes[i] - limit))


def _counted(c: Criterion, size: Fraction, which: str) -> Finding:
    said = [f"{c.metric}: {size}"]
    if c.unit == "char":
        said = [f"{c.metric}: {size} characters, spaces left out"]
    return finding("criteria.counted", "; ".join([*said, which] if which else said))
