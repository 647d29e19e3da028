"""Control loops in automatic (自控投用率), in the time form.

A loop is in service while its mode is automatic *and* its output lies strictly inside its range,
1 % of the range away from either end: a valve pinned at a limit controls nothing. Excluded is only
what the signed list excludes; the gross value, without any exclusion, always stands beside.

Source: definitions 2.2; 渝经信智能〔2020〕15号 附件2 二-3 自控投用率达到90%以上.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from plantseal_kpi.calendar import Span, common, merged, period_span, without
from plantseal_kpi.figures import finding, result
from plantseal_kpi.intervals import length
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.plant import Loop, Point
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.by_span import label_spans
from plantseal_kpi.rows.window import Window

VERSION = 1
NOTABLE: Final = Fraction(1, 10)
Terms = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LoopTime:
    """Time of one loop within planned time [ns].

    Attributes:
        gross_ns: Planned time.
        excluded_ns: Of it, excluded by the signed list.
        auto_ns: In automatic, outside the exclusions.
        service_ns: In automatic with its output inside the range, outside the exclusions.
        auto_gross_ns: In automatic with its output inside, exclusions or not.
        unknown_ns: Mode, or output while in automatic, not known, outside the exclusions.
    """

    id: str
    gross_ns: int
    excluded_ns: int = 0
    auto_ns: int = 0
    service_ns: int = 0
    auto_gross_ns: int = 0
    unknown_ns: int = 0


def auto_control_in_service_rate(loops: Sequence[LoopTime]) -> Terms:
    """Return (time in service, required time less signed exclusions), summed over loops [ns].

    Example:
        >>> loops = ([LoopTime("a", 10, 0, 10, 10, 10)] * 188 + [LoopTime("b", 10, 10)] * 12)
        >>> auto_control_in_service_rate(loops), gross_rate(loops)
        ((1880, 1880), (1880, 2000))
    """
    return sum(x.service_ns for x in loops), sum(x.gross_ns - x.excluded_ns for x in loops)


def gross_rate(loops: Sequence[LoopTime]) -> Terms:
    """Return the same with nothing excluded [ns]."""
    return sum(x.auto_gross_ns for x in loops), sum(x.gross_ns for x in loops)


def inside(reading: str, low: Decimal, high: Decimal, scale: Decimal = Decimal(1)) -> bool | None:
    """Return whether an output lies strictly inside (low + 1 %, high - 1 %) of its range.

    None where the reading is no number.

    Args:
        reading: Raw value of the point.
        low: Lower end of the range, in the point's unit.
        high: Upper end.
        scale: Value in the point's unit = raw value times this.

    Example:
        >>> [inside(x, Decimal(0), Decimal(100)) for x in ("1", "1.01", "99", "nan")]
        [False, True, False, None]
    """
    try:
        value = Decimal(reading)
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    margin = Fraction(high - low) / 100
    return Fraction(low) + margin < Fraction(value) * Fraction(scale) < Fraction(high) - margin


def loop_times(w: Window) -> list[LoopTime]:
    """Return the time of each loop of the plan whose mode has a point, in the plan's order."""
    points = {p.name for p in w.plant.points}
    return [_time(w, loop) for loop in w.plant.process.loops if loop.mode in points]


@dataclass(frozen=True, slots=True)
class LoopSpans:
    """When a loop was what, within planned time, spans [ns] sorted and disjoint.

    Attributes:
        planned: Planned time.
        excluded: Of it, excluded by the signed list.
        auto: In automatic, exclusions or not; as the following two.
        service: In automatic with its output inside the range.
        unknown: Mode, or output while in automatic, not known.
    """

    planned: list[Span]
    excluded: list[Span]
    auto: list[Span]
    service: list[Span]
    unknown: list[Span]


def loop_spans(w: Window, loop: Loop) -> LoopSpans:
    """Return when a loop of the plan, whose mode must have a point, was in service."""
    points = {p.name: p for p in w.plant.points}
    mode = points[loop.mode]
    planned = w.planned[mode.equipment]
    told = label_spans(w, mode).select("label", "start", "end").rows()
    auto = common(planned, [(a, b) for label, a, b in told if label in loop.auto])
    known_mode = common(planned, [(a, b) for _, a, b in told])
    good, known = _output_spans(w, loop, points.get(loop.output or ""))
    return LoopSpans(
        planned,
        common(planned, excluded_spans(w, loop.id)),
        auto,
        common(auto, good),
        merged([*without(planned, known_mode), *without(auto, known)]),
    )


def _time(w: Window, loop: Loop) -> LoopTime:
    x = loop_spans(w, loop)
    return LoopTime(
        loop.id,
        length(x.planned),
        length(x.excluded),
        length(without(x.auto, x.excluded)),
        length(without(x.service, x.excluded)),
        length(x.service),
        length(without(x.unknown, x.excluded)),
    )


def excluded_spans(w: Window, loop: str) -> list[Span]:
    """Return when a loop is excluded by the signed list [ns]."""
    signed = (x for x in w.plant.process.exclusions if x.loop == loop)
    return merged(period_span(x.period) for x in signed)


def _output_spans(w: Window, loop: Loop, output: Point | None) -> tuple[list[Span], list[Span]]:
    """Return (output inside its range, output known) [ns]; nothing without an output point."""
    if output is None:
        return [], []
    told = label_spans(w, output).select("label", "start", "end").rows()
    judged = {
        label: inside(label, loop.low, loop.high, output.scale)
        for label in {label for label, _, _ in told}
    }
    good = merged((a, b) for label, a, b in told if judged[label])
    return good, merged((a, b) for label, a, b in told if judged[label] is not None)


def loop_results(w: Window) -> list[Result]:
    """Return the net share of the plant, the gross one and what was excluded in its parts."""
    plan = w.plant.process.loops
    if not plan:
        why = "the process-control plan has no loops; list them under process"
        return [_figure(w, (None, None), [], [finding("figure.none", why)])]
    each = loop_times(w)
    found = [*_incomplete(w), *_exclusions(w, each), *_unread(each)]
    lost = len(plan) - len(each)
    if lost or not each:
        return [_figure(w, (None, None), each, found)]
    terms = auto_control_in_service_rate(each)
    if not terms[1]:
        found.append(finding("figure.none", "no loop was required for any time in the period"))
    return [_figure(w, terms, each, found)]


def _figure(
    w: Window, terms: tuple[int | None, int | None], each: Sequence[LoopTime], found: list[Finding]
) -> Result:
    n, d = terms
    unknown = sum(x.unknown_ns for x in each)
    excluded, planned = sum(x.excluded_ns for x in each), sum(x.gross_ns for x in each)
    parts: dict[str, int | str | Fraction | None] = {"loops": len(w.plant.process.loops)}
    if each:
        parts |= {
            "gross": ratio(*gross_rate(each)),
            "auto_without_output_check": ratio(sum(x.auto_ns for x in each), planned - excluded),
            "exclusion_share": ratio(excluded, planned), "unknown_ns": unknown,
            "loops_excluded": sum(x.excluded_ns > 0 for x in each),
        }  # fmt: skip
    bounds = None
    if n is not None and d and unknown:
        bounds = Fraction(n, d), Fraction(n + unknown, d)
    return result(
        "auto_control_in_service_rate", VERSION, "plant", n, d, origin=w.origin,
        coverage=(d - unknown, d) if d else None, bounds=bounds, parts=parts,
        formula="{n} ns in automatic inside the range / {d} ns required, summed over loops",
        findings=found,
    )  # fmt: skip


def _incomplete(w: Window) -> list[Finding]:
    names = {p.name for p in w.plant.points}
    found = []
    for loop in w.plant.process.loops:
        if loop.mode not in names:
            why = f"its mode {loop.mode} is no point; no rate is formed; correct it in the plan"
            found.append(finding("loops.no_mode", f"{loop.id}: {why}", loop=loop.id))
        if loop.output not in names:
            given = "no output is named" if loop.output is None else f"{loop.output} is no point"
            why = (
                f"{given}, so nothing shows that it is not at a limit; it counts as not in service"
            )
            found.append(finding("loops.no_output", f"{loop.id}: {why}", loop=loop.id))
    return found


def _unread(each: Sequence[LoopTime]) -> list[Finding]:
    """Return which loops were not heard of for some of their time, which counts as out of service."""
    silent = {x.id: x.unknown_ns for x in each if x.unknown_ns}
    if not silent:
        return []
    n = sum(silent.values())
    return [
        finding(
            "loops.unread",
            f"mode or output of {', '.join(silent)} is not known for {n} ns in all; that time counts "
            "as not in service, `high` is the share if it was; see that both tags are read",
            loops=", ".join(silent), unknown_ns=n,
        )
    ]  # fmt: skip


def _exclusions(w: Window, each: Sequence[LoopTime]) -> list[Finding]:
    found = []
    known = {loop.id for loop in w.plant.process.loops}
    for x in w.plant.process.exclusions:
        if x.loop not in known:
            why = "is excluded but is no loop of the plan; correct its id"
            found.append(finding("loops.unknown", f"{x.loop} {why}", loop=x.loop))
    excluded, planned = sum(x.excluded_ns for x in each), sum(x.gross_ns for x in each)
    if excluded:
        listed = [x.id for x in each if x.excluded_ns]
        span = (w.start, w.end)
        reasons = sorted(
            {
                x.reason
                for x in w.plant.process.exclusions
                if x.loop in listed and common([period_span(x.period)], [span])
            }
        )
        share = Fraction(excluded, planned)
        code = "loops.exclusions_notable" if share > NOTABLE else "loops.exclusions"
        found.append(
            finding(
                code,
                f"{len(listed)} loops are excluded for {ratio(excluded, planned)} of the required "
                f"time ({'; '.join(reasons)}); `gross` is the share without exclusions",
                loops=",".join(listed), share=ratio(excluded, planned),
            )
        )  # fmt: skip
    return found


METRICS: Final = (
    Metric(
        "auto_control_in_service_rate", VERSION, "自控投用率", "1", auto_control_in_service_rate,
        ("loop_mode", "loop_output", "process.loops", "calendar"), f"{N20} 附件2 二-3",
        ("auto_control_in_service_rate",), witnessed=True,
    ),
)  # fmt: skip
