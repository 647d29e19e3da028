"""Ordinary least squares in rational numbers: no matrix library, no rounding, no luck.

The fit solves the normal equations by elimination on fractions, so its coefficients, residuals and
the variance of a predicted sum are exact; only square roots and quantiles, taken elsewhere in
decimals of stated precision, round.

Source: definitions 3.3 and 3.4 (exact prediction variance of the sum, covariance inflated by n/n').
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Row = Sequence[Fraction]
Matrix = list[list[Fraction]]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted linear model y = sum of coefficient x driver; the first driver is the constant 1.

    Attributes:
        coefficients: One a column.
        inverse: (X'X)^-1.
        residuals: Observed less fitted, in the order of the rows.
        mean: Of the observed values.
        sse: Sum of squared residuals.
        sst: Sum of squared distances of the observed values from their mean.
    """

    coefficients: tuple[Fraction, ...]
    inverse: tuple[tuple[Fraction, ...], ...]
    residuals: tuple[Fraction, ...]
    mean: Fraction
    sse: Fraction
    sst: Fraction

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.residuals)

    @property
    def p(self) -> int:
        """Number of coefficients, the constant included."""
        return len(self.coefficients)

    @property
    def freedom(self) -> int:
        """Degrees of freedom n - p."""
        return self.n - self.p

    @property
    def r2(self) -> Fraction | None:
        """1 - SSE / SST; None where the observed values do not vary."""
        return 1 - self.sse / self.sst if self.sst else None

    @property
    def variance(self) -> Fraction:
        """SSE / (n - p)."""
        return self.sse / self.freedom

    def predicted(self, row: Row) -> Fraction:
        """Return what the model says of one row, or of a sum of rows."""
        return sum((b * x for b, x in zip(self.coefficients, row, strict=True)), Fraction(0))


def fitted(rows: Sequence[Row], observed: Sequence[Fraction]) -> Fit | None:
    """Return the least squares fit; None where the rows do not determine it.

    At least one row more than columns is needed, and no column may follow from the others.

    Example:
        >>> f = fitted([[1, 1], [1, 2], [1, 3]], [2, 4, 7])
        >>> [str(b) for b in f.coefficients], str(f.sse)
        (['-2/3', '5/2'], '1/6')
    """
    n, p = len(rows), len(rows[0]) if rows else 0
    if n <= p:
        return None
    x = [[Fraction(v) for v in row] for row in rows]
    y = [Fraction(v) for v in observed]
    inverse = _inverse([[_dot(a, b) for b in zip(*x, strict=True)] for a in zip(*x, strict=True)])
    if inverse is None:
        return None
    right = [_dot(column, y) for column in zip(*x, strict=True)]
    b = tuple(_dot(row, right) for row in inverse)
    residuals = tuple(v - _dot(b, row) for row, v in zip(x, y, strict=True))
    mean = sum(y, Fraction(0)) / n
    sse = sum((r * r for r in residuals), Fraction(0))
    sst = sum(((v - mean) ** 2 for v in y), Fraction(0))
    return Fit(b, tuple(map(tuple, inverse)), residuals, mean, sse, sst)


def sum_variance(fit: Fit, rows: Sequence[Row], inflation: Fraction = Fraction(1)) -> Fraction:
    """Return the variance of the summed prediction error over ``rows``, exactly.

    inflation x s2 x (m + g' (X'X)^-1 g), with g the sum of the m rows: the noise of the m values
    themselves, and that of the coefficients which all m share.
    """
    g = [sum((Fraction(v) for v in column), Fraction(0)) for column in zip(*rows, strict=True)]
    shared = _dot(g, [_dot(row, g) for row in fit.inverse])
    return inflation * fit.variance * (len(rows) + shared)


def lag_one(residuals: Sequence[Fraction], follows: Sequence[bool] | None = None) -> Fraction:
    """Return the lag-1 autocorrelation of residuals: sum of neighbours' products over squares.

    Args:
        residuals: In order of time.
        follows: For each residual, whether it directly follows the one before it; a pair across a
            gap is no pair of neighbours. None: all do.

    Example:
        >>> str(lag_one([Fraction(1), Fraction(1), Fraction(-1), Fraction(-1)]))
        '1/4'
    """
    squares = sum((e * e for e in residuals), Fraction(0))
    if not squares:
        return Fraction(0)
    linked = follows if follows is not None else [True] * len(residuals)
    pairs = zip(residuals, residuals[1:], linked[1:], strict=False)
    return sum((a * b for a, b, near in pairs if near), Fraction(0)) / squares


def effective(n: int, rho: Fraction) -> Fraction:
    """Return n' = n (1 - rho) / (1 + rho), the number of independent values, at most n.

    Example:
        >>> effective(12, Fraction(1, 2)), effective(12, Fraction(-1, 2))
        (Fraction(4, 1), Fraction(12, 1))
    """
    return min(Fraction(n), n * (1 - rho) / (1 + rho)) if rho > -1 else Fraction(n)


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _inverse(matrix: Matrix) -> Matrix | None:
    """Return the inverse by Gauss-Jordan elimination; None for a singular matrix."""
    size = len(matrix)
    work = [[*row, *(Fraction(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = next((r for r in range(i, size) if work[r][i]), None)
        if pivot is None:
            return None
        work[i], work[pivot] = work[pivot], work[i]
        work[i] = [v / work[i][i] for v in work[i]]
        for r in range(size):
            if r != i and work[r][i]:
                by = work[r][i]
                work[r] = [v - by * w for v, w in zip(work[r], work[i], strict=True)]
    return [row[size:] for row in work]
