"""What the catalogue says of one figure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

ISO: Final = "ISO 22400-2:2014"
N20: Final = "渝经信智能〔2020〕15号"
N21: Final = "渝经信智能〔2021〕114号"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure that the core computes.

    Attributes:
        id: Id in results; equals the function's name.
        version: Version of the formula.
        zh: The term in Chinese.
        unit: Unit of the value; ``1`` for a ratio 0..1.
        function: The closed form, on whole base units.
        inputs: Roles of points, ledgers and fields of the plant that it needs.
        source: Standard or notice with its clause.
        facts: Ids under which notices ask for it.
        interval: True when a claim needs a confidence bound besides the point value.
        witnessed: True when only rows that the gateway received itself can answer a criterion.
    """

    id: str
    version: int
    zh: str
    unit: str
    function: Callable[..., object]
    inputs: tuple[str, ...]
    source: str
    facts: tuple[str, ...] = ()
    interval: bool = False
    witnessed: bool = False
