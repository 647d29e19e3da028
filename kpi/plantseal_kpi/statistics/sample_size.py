"""How many pieces a claim about defects needs.

Log-ratio normal approximation for two independent samples of the same size: with the true rates d0
and d1, n = (z_a + z_b)^2 ((1-d1)/d1 + (1-d0)/d0) / (ln(claim) - ln(d1/d0))^2 pieces per period.

Source: definitions 3.5, sample size.
"""

from fractions import Fraction
from typing import Final

from plantseal_kpi.figures import finding
from plantseal_kpi.report import Finding
from plantseal_kpi.statistics.exact import digits, ln, normal_quantile

CONFIDENCE: Final = Fraction(95, 100)
POWER: Final = Fraction(80, 100)


def pieces_needed(
    rate: Fraction, cut: Fraction, claim: Fraction, phi: Fraction = Fraction(1)
) -> int | None:
    """Return the pieces per period that show a cut of at least ``claim``, to the nearest piece.

    Args:
        rate: Defect rate before, 0 < rate < 1.
        cut: The true cut, relative: 0.15 for 15 %.
        claim: The cut to be shown.
        phi: Dispersion of the lots; as many times the pieces are needed.

    Returns:
        None where the true cut does not exceed the claim: no number of pieces shows it.

    Example:
        >>> pieces_needed(Fraction("0.03"), Fraction("0.15"), Fraction("0.10"))
        133505
    """
    if not (0 < rate < 1 and claim < cut < 1):
        return None
    after = rate * (1 - cut)
    variance = (1 - after) / after + (1 - rate) / rate
    z = normal_quantile(CONFIDENCE) + normal_quantile(POWER)
    distance = ln(1 - claim) - ln(1 - cut)
    return round(phi * z * z * variance / (distance * distance))


def advice(
    metric: str, before: tuple[int, int], after: tuple[int, int], claim: Fraction, phi: Fraction
) -> Finding | None:
    """Return how many pieces would show the cut that the point values have; None where none would.

    Args:
        metric: The figure.
        before: Defects and pieces before.
        after: Defects and pieces after.
        claim: The cut asked for.
        phi: Dispersion of the lots.
    """
    rate = Fraction(*before)
    cut = 1 - Fraction(*after) / rate if rate else Fraction(0)
    n = pieces_needed(rate, cut, claim, phi)
    if n is None:
        return None
    return finding(
        "interval.sample_size",
        f"{metric}: to show a cut of {digits(claim * 100)} %, if the true cut is the "
        f"{digits(round(cut * 100, 2))} % found at a rate of {digits(round(rate * 100, 4))} %, about {n} "
        f"pieces per period are needed (95 % one-sided, power 80 %); got {before[1]} before and "
        f"{after[1]} after",
        n=n, claim=digits(claim), phi=digits(phi),
    )  # fmt: skip
