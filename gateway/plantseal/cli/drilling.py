"""What made a figure and what was left out of it, as tables and as CSV files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from plantseal.cli.output import grid, plain, say, show, word
from plantseal_kpi.calendar import local_text
from plantseal_kpi.drill.frames import Drill
from plantseal_kpi.drill.reasons import words

FRAMES: Final = ("intervals", "rows", "records", "units", "sums")
LONGEST: Final = 10
_WHAT: Final = {
    "covered": "已覆盖", "uncovered": "未覆盖", "not planned": "非计划时间", "another shift": "其他班次",
    "not asked": "不要求", "excluded": "已排除", "in service": "投用", "not in service": "未投用",
    "known": "已知", "not known": "未知", "state": "状态", "short stop": "短停",
}  # fmt: skip
_FRAME: Final = {
    "intervals": "时间段",
    "rows": "记录行",
    "records": "台账记录",
    "units": "计数单元",
}
_TIMES: Final = ("start", "end", "at", "t_source", "t_receive", "before")


def show_drill(drill: Drill, zone: str) -> None:
    """Print the sums by reason, the longest intervals that lack something, and the units."""
    for part in parts_of(drill):
        name = f"{part.metric} @ {part.scope}"
        show(_sums(part, name))
        if part.units.height:
            show(_units(part))
        short = part.intervals.filter(pl.col("reason") != "").with_columns(
            ns=pl.col("end") - pl.col("start")
        )
        if short.height:
            show(_longest(short.sort("ns", descending=True).head(LONGEST), zone))


def parts_of(drill: Drill) -> Iterator[Drill]:
    """Yield a drill-down that has entries of its own, and those of its parts."""
    if drill.sums.height:
        yield drill
    for part in drill.parts:
        yield from parts_of(part)


def said(reason: str) -> str:
    """Return a reason in the language in use."""
    return word(*words(reason)) if reason else ""


def seconds(ns: int | None) -> str:
    """Return a duration in seconds, to the millisecond.

    Example:
        >>> seconds(90_500_000_000)
        '90.500 s'
    """
    return "" if ns is None else f"{ns // 10**6 / 1000:.3f} s"


def _what(what: str) -> str:
    sort, colon, rest = what.partition(":")
    return word(sort, _WHAT.get(sort, sort)) + colon + rest


def _sums(drill: Drill, name: str) -> Any:
    title = word(f"What made {name} and what was left out", f"{name} 的构成与排除")
    table = grid(
        word("of", "类别"), word("what", "内容"), word("counts", "计入"), word("why", "原因"),
        word("entries", "条数"), word("time", "时长"), word("adds above", "计入分子"),
        word("adds below", "计入分母"), word("times", "乘数"), title=plain(title),
    )  # fmt: skip
    keys = ["frame", "what", "used", "reason", "weight"]
    merged = drill.sums.group_by(keys).agg(
        pl.col("n", "numerator", "denominator").sum(),
        ns=pl.when(pl.col("frame").first() == "intervals").then(pl.col("ns").sum()),
    )
    order = {f: i for i, f in enumerate(_FRAME)}
    rows = sorted(
        merged.iter_rows(named=True),
        key=lambda r: (order[r["frame"]], not r["used"], -(r["ns"] or 0), -r["n"], r["what"],
                       r["reason"], r["weight"]),
    )  # fmt: skip
    for r in rows:
        table.add_row(
            word(r["frame"], _FRAME[r["frame"]]), plain(_what(r["what"])),
            word("yes", "是") if r["used"] else word("no", "否"), plain(said(r["reason"])),
            str(r["n"]), seconds(r["ns"]), str(r["numerator"]), str(r["denominator"]),
            plain("" if r["weight"] == "1" else r["weight"]),
        )  # fmt: skip
    return table


def _units(drill: Drill) -> Any:
    table = grid(
        word("unit", "单元"), word("machines", "设备"), word("level", "级别"), word("proof", "证据"),
        word("adds above", "计入分子"), word("adds below", "计入分母"), word("why", "原因"),
        title=word("Units", "计数单元"),
    )  # fmt: skip
    for u in drill.units.iter_rows(named=True):
        table.add_row(
            *(plain(u[c] or "") for c in ("unit", "equipment", "level", "proof")),
            str(u["numerator"]), str(u["denominator"]), plain(said(u["reason"])),
        )  # fmt: skip
    return table


def _longest(found: pl.DataFrame, zone: str) -> Any:
    table = grid(
        word("machine", "设备"), word("point", "测点"), word("what", "内容"), word("why", "原因"),
        word("from", "起"), word("to", "止"), word("time", "时长"),
        title=word("Longest intervals that lack something or do not count", "最长的缺失或不计入时间段"),
    )  # fmt: skip
    for x in found.iter_rows(named=True):
        table.add_row(
            plain(x["equipment"]), plain(x["point"] or ""), plain(_what(x["what"])),
            plain(said(x["reason"])), local_text(x["start"], zone), local_text(x["end"], zone),
            seconds(x["ns"]),
        )  # fmt: skip
    return table


def write_frames(drill: Drill, where: str, zone: str) -> None:
    """Write each frame that has entries as a CSV file, named after ``where``.

    ``upload.csv`` gives ``upload.intervals.csv``, ``upload.rows.csv``, …; of an improvement,
    ``gain.1.rows.csv`` is of the time before and ``gain.2.rows.csv`` of the period.
    """
    path = Path(where)
    stem = path.with_suffix("") if path.suffix == ".csv" else path
    for i, part in enumerate(parts_of(drill)):
        number = f".{i}" if drill.parts else ""
        for name in FRAMES:
            frame: pl.DataFrame = getattr(part, name)
            if not frame.height:
                continue
            target = stem.with_name(f"{stem.name}{number}.{name}.csv")
            target.write_text(_csv(frame, zone), encoding="utf-8-sig", newline="")
            lost = part.total(name) - frame.height if name != "sums" else 0
            more = word(f", {lost} more are not in it", f"，另有{lost}条未写入") if lost > 0 else ""
            say(f"{target}: {word('written', '已写入')}{more}")


def _csv(frame: pl.DataFrame, zone: str) -> str:
    """Return the frame with local times beside those in ns, and reasons in words."""
    times = [c for c in _TIMES if c in frame.columns]
    local = [
        pl.from_epoch(pl.col(c), time_unit="ns").dt.replace_time_zone("UTC")
        .dt.convert_time_zone(zone).dt.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").alias(f"{c}_local")
        for c in times
    ]  # fmt: skip
    shown = frame.with_columns(
        *local, why=pl.col("reason").map_elements(said, return_dtype=pl.String)
    )
    texts = [c for c, t in shown.schema.items() if t == pl.String]
    return shown.with_columns(_harmless(c) for c in texts).write_csv()


def _harmless(column: str) -> pl.Expr:
    """Return texts that no spreadsheet takes for a formula; numbers stay."""
    text = pl.col(column)
    number = text.cast(pl.Float64, strict=False).is_not_null()
    risky = text.str.contains(r"^[=+\-@\t\r]") & ~number
    return pl.when(risky).then(pl.lit("'") + text).otherwise(text).alias(column)
