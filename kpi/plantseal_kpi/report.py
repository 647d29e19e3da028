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


class Interval(_Model):
    """How sure one can be of a figure.

    Attributes:
        method: Id and version of the formula, e.g. ``koopman_score/1``.
        level: Confidence as a decimal string, e.g. ``0.95``.
        low: Lower end, 12 significant digits; null where the interval is open to below.
        high: Upper end; null where it is open to above.
        data: What the formula was given, as strings: counts, degrees of freedom, inflation.
    """

    method: str
    level: str
    low: str | None = None
    high: str | None = None
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
        low: Least value that the data allow, where time or counts are unknown; null if none are.
        high: Greatest value that the data allow.
        interval: Confidence interval, where the figure is a sample and not a census.
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
    low: str | None = None
    high: str | None = None
    interval: Interval | None = None
    parts: dict[str, str] = {}
    formula: str = ""
    findings: tuple[Finding, ...] = ()


class Verdict(_Model):
    """One criterion of a notice and how it stands.

    Attributes:
        figure: The figure compared, in the criterion's unit, as a decimal string; null if none.
        bound: The end of the interval that was held against the threshold, in the same unit.
        formula: How the figure was computed, with the numbers put in.
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
    bound: str | None = None
    formula: str = ""
    numerator: str | None = None
    denominator: str | None = None
    coverage: str | None = None
    origin: Origin = "none"
    reasons: tuple[Finding, ...] = ()


class Track(_Model):
    """Where the applicant stands on one track of a notice: all its criteria rolled up.

    Attributes:
        notice: Key of the notice.
        id: E.g. ``digital_workshop``.
        name_zh: As the notice calls it.
        outcome: FAIL before NOT_ASSESSABLE before UNDECIDED before PASS_POINT before PASS.
        counts: Hard criteria that apply, by outcome, as strings.
        reasons: The criteria that decided.
    """

    notice: str
    id: str
    name_zh: str
    outcome: Outcome
    counts: dict[str, str] = {}
    reasons: tuple[Finding, ...] = ()


class Declaration(_Model):
    """A window that was declared, reported or not.

    Attributes:
        declared: When the configuration that first named it came into force, RFC 3339.
        reported: True for the window that this report is of.
    """

    id: str
    start: str
    end: str
    purpose: str
    declared: str
    reported: bool


class Report(_Model):
    """All figures and verdicts of one period.

    Attributes:
        window: Id of the declared window that the period is; null where it was not declared.
        windows: Every window that was ever declared, the unused ones too.
    """

    schema_id: Literal["plantseal.report/2"] = "plantseal.report/2"
    site: str
    start: str  # RFC 3339, in the plant's zone
    end: str
    window: str | None = None
    windows: tuple[Declaration, ...] = ()
    rows_live: int  # rows that fell into the period
    rows_imported: int
    results: tuple[Result, ...]
    verdicts: tuple[Verdict, ...]
    tracks: tuple[Track, ...] = ()
    findings: tuple[Finding, ...] = ()
