"""Verdicts and figures as CSV, for a spreadsheet: every line, every digit."""

import csv
import io
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from plantseal_kpi.report import Report

T = TypeVar("T")


def verdicts_csv(report: Report) -> str:
    """Return one line a criterion, those that do not apply included."""
    return _csv(
        ("notice", "clause", "criterion", "text_zh", "metric", "figure", "comparator", "threshold",
         "unit", "outcome", "bound", "numerator", "denominator", "coverage", "origin", "formula",
         "reasons"),
        report.verdicts,
        lambda v: "; ".join(f"{r.code}: {r.message}" for r in v.reasons),
    )  # fmt: skip


def figures_csv(report: Report) -> str:
    """Return one line a figure, those of single machines included."""
    return _csv(
        ("metric", "version", "scope", "value", "unit", "numerator", "denominator", "coverage",
         "low", "high", "origin", "formula", "findings"),
        report.results,
        lambda r: "; ".join(f"{f.code}: {f.message}" for f in r.findings),
    )  # fmt: skip


def _csv(columns: Sequence[str], items: Sequence[T], last: Callable[[T], str]) -> str:
    """Return a table whose last column is made by ``last``, the others are fields of that name."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for item in items:
        cells = [getattr(item, name) for name in columns[:-1]]
        writer.writerow([_cell("" if c is None else str(c)) for c in (*cells, last(item))])
    return text.getvalue()


def _cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number stays one.

    Example:
        >>> _cell("=HYPERLINK(1)"), _cell("-0.5")
        ("'=HYPERLINK(1)", '-0.5')
    """
    if not text.startswith(("=", "+", "-", "@", "\t", "\r")):
        return text
    try:
        Decimal(text)
    except ArithmeticError:
        return f"'{text}"
    return text
