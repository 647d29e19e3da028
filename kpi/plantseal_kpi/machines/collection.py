"""Process parameters collected automatically (自动数采率), and the kinds of quality data collected.

A parameter of the signed process-control plan is collected where its own upload rate is at least
0.9; one that is written down by hand, or whose point does not exist, counts as 0.

Source: definitions 2.2; 渝经信智能〔2020〕15号 附件2 二-2 自动数采率达到90%以上.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.figures import finding, mean_terms, result
from plantseal_kpi.intervals import SPAN, length
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.report import Finding, Result, ratio
from plantseal_kpi.rows.coverage import covered
from plantseal_kpi.rows.window import Window

VERSION = 1
LEAST: Final = Fraction(9, 10)
KINDS: Final = ("原料", "关键工艺", "成品检测")
Terms = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Collected:
    """Time of one parameter.

    Attributes:
        covered_ns: Time covered by evidence of life within the required time [ns].
        required_ns: Required time [ns]; 0 where production was never planned.
        kind: 原料, 关键工艺, 成品检测, or empty.
        by_hand: True where no point collects it.
    """

    id: str
    covered_ns: int
    required_ns: int
    kind: str = ""
    by_hand: bool = False

    @property
    def enough(self) -> bool:
        """Return True where the parameter counts as collected automatically."""
        return self.required_ns > 0 and Fraction(self.covered_ns, self.required_ns) >= LEAST


def process_data_auto_collection_rate(parameters: Sequence[Collected]) -> Terms:
    """Return (parameters with an upload rate of at least 0.9, parameters of the plan).

    Parameters of machines that were never planned to run are left out.

    Example:
        >>> process_data_auto_collection_rate(
        ...     [Collected("a", 90, 100), Collected("b", 89, 100), Collected("c", 0, 100)])
        (1, 3)
    """
    asked = [p for p in parameters if p.required_ns > 0]
    return sum(p.enough for p in asked), len(asked)


def quality_alert_data_kinds(parameters: Sequence[Collected]) -> tuple[str, ...]:
    """Return the kinds, as the notice names them, of which a parameter is collected.

    Example:
        >>> quality_alert_data_kinds([Collected("a", 9, 10, "原料"), Collected("b", 0, 10, "成品检测")])
        ('原料',)
    """
    return tuple(k for k in KINDS if any(p.kind == k and p.enough for p in parameters))


def collected(w: Window) -> list[Collected]:
    """Return the time of each parameter of the plan, in its order."""
    points = {p.name: p for p in w.plant.points}
    named = [points[p.point] for p in w.plant.process.parameters if p.point in points]
    seen = point_times(w, {p.tag: p.equipment for p in named})
    whole = w.end - w.start
    out = []
    for p in w.plant.process.parameters:
        point = points.get(p.point or "")
        if point is None:
            out.append(Collected(p.id, 0, whole, p.kind, by_hand=p.point is None))
        else:
            required = length(w.planned[point.equipment])
            out.append(Collected(p.id, seen.get(point.tag, 0), required, p.kind))
    return out


def point_times(w: Window, tags: Mapping[int, str]) -> dict[int, int]:
    """Return the real-time coverage of tags within the planned time of their machines [ns].

    Args:
        w: The period.
        tags: Equipment by tag.
    """
    cover = covered(w.seen, w.points, w.plant.upload_delay_s * 10**9)
    spans = pl.DataFrame(
        [(tag, a, b) for tag, e in tags.items() for a, b in w.planned[e]],
        schema={"tag": pl.UInt32, **SPAN},
        orient="row",
    )
    inside = intervals.measure(intervals.intersect(cover, spans, ["tag"]), ["tag"])
    return {int(tag): int(ns) for tag, ns in inside.iter_rows()}


def collection_results(w: Window, upload: Result) -> list[Result]:
    """Return both figures of the plant.

    Args:
        w: The period.
        upload: The plant's upload rate: where it cannot be assessed, neither can these.
    """
    blocked = [f for f in upload.findings if f.code == "upload.no_receive_times"]
    if not w.plant.process.parameters:
        why = "the process-control plan has no parameters; list them under process"
        blocked = [finding("figure.none", why)]
    if blocked:
        return [
            result(m, VERSION, "plant", None, None, origin=w.origin, findings=blocked)
            for m in ("process_data_auto_collection_rate", "quality_alert_data_kinds")
        ]
    each = collected(w)
    return [_rate(w, each), _kinds(w, each)]


def _rate(w: Window, each: Sequence[Collected]) -> Result:
    terms = process_data_auto_collection_rate(each)
    parts: dict[str, int | str | Fraction | None] = {
        "by_hand": sum(p.by_hand for p in each),
        "mean_upload_rate": ratio(
            *mean_terms((p.covered_ns, p.required_ns) for p in each if p.required_ns)
        ),
    }
    parts |= {
        f"U {p.id}": "by hand" if p.by_hand else ratio(p.covered_ns, p.required_ns) for p in each
    }
    return result(
        "process_data_auto_collection_rate", VERSION, "plant", *terms, origin=w.origin,
        parts=parts, formula="{n} parameters with an upload rate of at least 0.9 / {d} in the plan",
        findings=_missed(w, each),
    )  # fmt: skip


def _missed(w: Window, each: Sequence[Collected]) -> list[Finding]:
    found = []
    names = {p.name for p in w.plant.points}
    absent = [p.id for p in w.plant.process.parameters if p.point and p.point not in names]
    hand = [p.id for p in each if p.by_hand]
    low = [p.id for p in each if not p.enough and p.required_ns and p.id not in {*absent, *hand}]
    idle = [p.id for p in each if not p.required_ns]
    for code, ids, why in (
        ("collection.by_hand", hand, "written down by hand and counted as 0"),
        ("collection.no_point", absent, "collected by a point that does not exist, counted as 0; "
         "correct its name in the plan"),
        ("collection.low", low, "covered for less than 0.9 of the required time; see `U` of each"),
        ("collection.unplanned", idle, "of machines without planned time in the period; left out"),
    ):  # fmt: skip
        if ids:
            listed = ", ".join(ids)
            found.append(finding(code, f"{listed}: {why}", parameters=listed, n=len(ids)))
    return found


def _kinds(w: Window, each: Sequence[Collected]) -> Result:
    have = quality_alert_data_kinds(each)
    counts = {k: [p.enough for p in each if p.kind == k] for k in KINDS}
    found = [
        finding(
            "collection.kind",
            f"{k}: {sum(mine)} of {len(mine)} parameters of the plan are collected",
            kind=k,
        )
        for k, mine in counts.items()
        if sum(mine) < max(1, len(mine))
    ]
    return result(
        "quality_alert_data_kinds", VERSION, "plant", len(have), len(KINDS), origin=w.origin,
        formula="{n} of {d} kinds of data with a parameter collected", findings=found,
        parts={**{k: f"{sum(mine)}/{len(mine)}" for k, mine in counts.items()},
               "members": ",".join(have)},
    )  # fmt: skip


METRICS: Final = (
    Metric(
        "process_data_auto_collection_rate", VERSION, "自动数采率", "1",
        process_data_auto_collection_rate, ("process.parameters", "calendar"),
        f"{N20} 附件2 二-2", ("process_data_auto_collection_rate",), witnessed=True,
    ),
    Metric(
        "quality_alert_data_kinds", VERSION, "质量预警数据类别", "1", quality_alert_data_kinds,
        ("process.parameters", "calendar"), f"{N20} 附件2 二-2", ("quality_alert_data_kinds",),
        witnessed=True,
    ),
)  # fmt: skip
