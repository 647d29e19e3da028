"""What the core says: results, verdicts, findings.

Every number is a string of a decimal or an integer, so the report is the same bytes on every
machine; numerator and denominator always stand beside the ratio.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

Origin = Literal["live", "imported", "mixed", "declared", "none"]
Outcome = Literal[
    "PASS", "PASS_POINT", "FAIL", "NOT_ASSESSABLE", "NOT_APPLICABLE", "REPORTED", "UNDECIDED"
]
DIGITS = Context(prec=12, rounding=ROUND_HALF_EVEN)


def ratio(numerator: int, denominator: int) -> str | None:
    """Return numerator / denominator as a decimal string of 12 significant digits; null over 0.

    Example:
        >>> ratio(1, 3)
        '0.333333333333'
        >>> ratio(5, 0) is None
        True
    """
    if denominator == 0:
        return None
    value = DIGITS.divide(Decimal(numerator), Decimal(denominator))
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Finding(_Model):
    """Something a reader of a figure must know: insufficiency, exclusion, conflict.

    Attributes:
        code: Dotted name of the rule.
        message: What was found, where, and what to do.
        data: The values that the message names, as strings.
    """

    code: str
    message: str
    data: dict[str, str] = {}


class Result(_Model):
    """One figure.

    Attributes:
        metric: Id in the catalogue, e.g. ``upload_rate``.
        version: Formula version; ``upload_rate/1`` is metric and version.
        scope: ``plant`` or an equipment id.
        unit: Unit of the value: ``1`` for a ratio, else e.g. ``Wh/piece``.
        numerator: Integer in base units, as a string; null where nothing can be computed.
        denominator: Same.
        value: numerator / denominator, 12 significant digits; null where it cannot be computed.
        coverage: Share of the planned time for which the inputs are known, 12 digits; null
            where coverage has no meaning.
        origin: Whether live or imported rows made it; the two are never summed.
        parts: Named intermediate figures in base units (numerators, durations, counts).
        formula: The formula with the numbers put in.
        findings: What limits or qualifies the figure.
    """

    metric: str
    version: int
    scope: str
    unit: str
    numerator: str | None = None
    denominator: str | None = None
    value: str | None = None
    coverage: str | None = None
    origin: Origin = "live"
    parts: dict[str, str] = {}
    formula: str = ""
    findings: tuple[Finding, ...] = ()


class Verdict(_Model):
    """One criterion of a notice and how it stands.

    Attributes:
        figure: The figure compared, in the criterion's unit, as a decimal string; null if none.
        reasons: Why, for every outcome but a plain PASS.
    """

    criterion: str
    notice: str
    clause: str
    text_zh: str
    metric: str
    comparator: str
    threshold: str
    unit: str
    evidence_kind: str
    strength: str
    outcome: Outcome
    figure: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    coverage: str | None = None
    origin: Origin = "none"
    reasons: tuple[Finding, ...] = ()


class Report(_Model):
    """All figures and verdicts of one period."""

    schema_id: Literal["plantseal.report/1"] = "plantseal.report/1"
    site: str
    start: str  # RFC 3339, in the plant's zone
    end: str
    rows_live: int  # rows that fell into the period
    rows_imported: int
    results: tuple[Result, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...] = ()
