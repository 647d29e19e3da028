"""How a figure is written down: integers beside the ratio, findings beside both."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm

from plantseal_kpi.report import Finding, Interval, Origin, Result, ratio


def result(
    metric: str,
    version: int,
    scope: str,
    numerator: int | None,
    denominator: int | None,
    *,
    unit: str = "1",
    coverage: tuple[int, int] | None = None,
    origin: Origin = "live",
    bounds: tuple[Fraction, Fraction | None] | None = None,
    interval: Interval | None = None,
    parts: Mapping[str, int | str | Fraction | None] | None = None,
    formula: str = "",
    findings: Iterable[Finding] = (),
) -> Result:
    """Return a figure; ``value`` is null where a term is missing or the denominator is 0.

    ``bounds`` whose second end is None are open upwards.

    Example:
        >>> r = result("oee", 1, "cnc1", 3, 4, formula="{n} / {d}")
        >>> r.value, r.formula
        ('0.75', '3 / 4')
    """
    complete = numerator is not None and denominator is not None
    n, d = (numerator, denominator) if complete else (None, None)
    return Result(
        metric=metric,
        version=version,
        scope=scope,
        unit=unit,
        numerator=None if numerator is None else str(numerator),
        denominator=None if denominator is None else str(denominator),
        value=None if n is None or d is None else ratio(n, d),
        coverage=None if coverage is None else ratio(*coverage),
        origin=origin,
        low=None if bounds is None else text(bounds[0]),
        high=None if bounds is None or bounds[1] is None else text(bounds[1]),
        interval=interval,
        parts={k: text(v) for k, v in (parts or {}).items()},
        formula=formula.format(
            n="?" if numerator is None else numerator, d="?" if denominator is None else denominator
        ),
        findings=tuple(findings),
    )


def text(value: int | str | Fraction | None) -> str:
    """Return a part as text: fractions as decimals of 12 digits, nothing as an empty string."""
    if isinstance(value, Fraction):
        return ratio(value.numerator, value.denominator) or ""
    return "" if value is None else str(value)


def finding(code: str, message: str, **data: object) -> Finding:
    """Return a finding whose data are texts."""
    return Finding(code=code, message=message, data={k: str(v) for k, v in data.items()})


def mean_terms(shares: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return (numerator, denominator) of the mean of ratios, over their common denominator.

    Not reduced, so that the terms keep their unit: a mean of time shares stays in ns.

    Example:
        >>> mean_terms([(1, 2), (3, 4)])
        (5, 8)
    """
    listed = list(shares)
    if not listed:
        return 0, 0
    common = lcm(*(d for _, d in listed))
    return sum(n * (common // d) for n, d in listed), common * len(listed)
