"""Between which values a figure lies while time or pieces are unknown.

A ratio of times is linear in how the unknown time was spent, so its least and greatest value stand
where all of it was one state. Pieces that may be missing may have been good or not.

Source: definitions 2.3, edge case "gateway gap": print bounds.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from plantseal_kpi.machines.oee import Output, Terms, Times
from plantseal_kpi.machines.work import Machine

Bounds = tuple[Fraction, Fraction]


def time_bounds(form: Callable[[Times], Terms], t: Times) -> Bounds | None:
    """Return the least and greatest value of a ratio of times; None where no time is unknown.

    Example:
        >>> time_bounds(lambda t: (t.apt, t.apt + t.down), Times(pbt=100, apt=40, unknown=10, down=10))
        (Fraction(2, 3), Fraction(5, 6))
    """
    if not t.unknown or not form(t)[1]:
        return None
    spent = (
        t,
        replace(t, apt=t.apt + t.unknown),
        replace(t, setup=t.setup + t.unknown),
        replace(t, down=t.down + t.unknown),
    )
    values = [Fraction(*form(each)) for each in spent]
    return min(values), max(values)


def effectiveness_bounds(t: Times, products: Sequence[Output], missing_ns: int) -> Bounds | None:
    """Return effectiveness at its least (unknown time was run) and greatest (pieces are missing).

    Example:
        >>> effectiveness_bounds(Times(pbt=100, apt=40, unknown=10), [Output(1, 30, 30)], 2)
        (Fraction(3, 5), Fraction(4, 5))
    """
    if not t.apt or not (t.unknown or missing_ns):
        return None
    made = sum(p.pru_ns * p.made for p in products)
    return Fraction(made, t.apt + t.unknown), Fraction(made + missing_ns, t.apt)


def good_bounds(made: int, good: int, missing: int, doubtful: int) -> Bounds | None:
    """Return the share of good pieces if all that is missing was bad, and if all was good.

    Args:
        made: Pieces, or their planned run time.
        good: The same of the good ones.
        missing: May have been made besides, in the same unit.
        doubtful: Counted as good, but may not have been.

    Example:
        >>> good_bounds(90, 81, 10, 0)
        (Fraction(81, 100), Fraction(91, 100))
    """
    if not made or not (missing or doubtful):
        return None
    return Fraction(max(0, good - doubtful), made + missing), Fraction(
        good + missing, made + missing
    )


def missing_pieces(machines: Sequence[Machine]) -> tuple[int, int] | None:
    """Return how many pieces may be missing and how many may not be good, at most.

    None where a counter has gaps and no planned run time limits what was made in them.
    """
    missing = doubtful = 0
    for m in machines:
        if not m.outputs:
            if m.counted[0] < m.counted[1]:
                return None
            continue
        least = min(o.pru_ns for o in m.outputs)
        missing += -(-m.missing_ns // least)
        doubtful += -(-m.doubtful_ns // least)
    return missing, doubtful
