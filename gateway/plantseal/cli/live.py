"""The live table: value, quality and age per tag, state per source, upload rate per device."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table

from plantseal.cli.figures import percent
from plantseal.cli.output import grid, plain, word
from plantseal.status import SourceStatus, Status, TagStatus
from plantseal_connectors.status import is_bad, is_good
from plantseal_connectors.status import text as status_text
from plantseal_kpi.plant import Period

STATES = {
    "starting": ("启动中", "yellow"),
    "connecting": ("连接中", "yellow"),
    "up": ("已连接", "green"),
    "backing off": ("等待重试", "yellow"),
    "refused": ("被拒绝", "red"),
    "stopped": ("已停止", "white"),
}
"""State of a source: in Chinese, and its colour; the words are explained in the operations guide."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Upload rates of a period, as decimal strings 0..1; null if unknown.

    Attributes:
        by_equipment: By equipment id.
        plant: Of the plant.
        period: What they were computed over; None before the first.
    """

    by_equipment: Mapping[str, str | None]
    plant: str | None
    period: Period | None = None

    def title(self) -> str:
        """Return the plant's rate and what it was computed over, as a heading."""
        head = word("upload rate of the plant", "全厂上传率")
        if self.period is None:
            return f"{head}: –"
        lasted = age_text((self.period.end - self.period.start).total_seconds())
        return f"{head}: {percent(self.plant)}  ({word(f'of the last {lasted}', f'最近 {lasted}')})"


def age_text(seconds: float | None) -> str:
    """Return an age for a person.

    Example:
        >>> age_text(0.25), age_text(75), age_text(None)
        ('0.2 s', '1 min 15 s', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def source_table(sources: Sequence[SourceStatus], now_ns: int) -> Table:
    """Return one row a source: state, since when, counts, and what to do."""
    table = grid(
        word("source", "数据源"), word("state", "状态"), word("for", "持续"),
        word("rows", "行数"), word("bad", "坏值"), word("detail", "详情"),
    )  # fmt: skip
    for s in sources:
        zh, colour = STATES[s.state]
        retry = f" ({word('next try in', '重试')} {(s.next_try_ns - now_ns) / 1e9:.0f} s)" if (
            s.next_try_ns and s.next_try_ns > now_ns
        ) else ""  # fmt: skip
        table.add_row(
            s.id, f"[{colour}]{word(s.state, zh)}[/]{retry}", age_text((now_ns - s.since_ns) / 1e9),
            str(s.received), str(s.bad), plain(" → ".join(x for x in (s.detail, s.remedy) if x)),
        )  # fmt: skip
    return table


def tag_table(
    tags: Sequence[TagStatus],
    equipment: Mapping[str, str],
    uploads: Uploads,
    now_ns: int,
    most: int | None = None,
) -> Table:
    """Return one row a tag, bad ones first when not all fit into ``most`` rows."""
    shown, rest = list(tags), ""
    if most is not None and len(shown) > most:
        shown.sort(key=lambda t: (t.status is None or is_good(t.status), t.name))
        rest = _rest(shown[most:])
        shown = sorted(shown[:most], key=lambda t: t.id)
    table = grid(
        word("tag", "点"), word("value", "数值"), word("quality", "质量"), word("age", "时效"),
        word("device", "设备"), word("upload rate", "上传率"),
        title=uploads.title(),
    )  # fmt: skip
    last = ""
    for t in shown:
        device = equipment.get(t.name, "")
        rate = percent(uploads.by_equipment.get(device)) if device != last else ""
        table.add_row(
            plain(t.name), _value(t), _quality(t),
            age_text(None if t.t_receive is None else (now_ns - t.t_receive) / 1e9),
            plain(device) if device != last else "", rate,
        )  # fmt: skip
        last = device
    if rest:
        table.add_row(rest, "", "", "", "", "")
    return table


def _rest(hidden: Sequence[TagStatus]) -> str:
    ill = sum(t.status is not None and not is_good(t.status) for t in hidden)
    if ill:
        return word(
            f"… {len(hidden)} more, {ill} not good", f"……其余 {len(hidden)} 个点，{ill} 个异常"
        )
    return word(f"… {len(hidden)} more, none bad", f"……其余 {len(hidden)} 个点，无异常")


def _value(t: TagStatus) -> str:
    return "–" if t.value is None else plain(f"{t.value} {t.unit}".strip())


def _quality(t: TagStatus) -> str:
    if t.status is None:
        return f"[dim]{word('waiting', '等待')}[/]"
    colour = "green" if is_good(t.status) else "red" if is_bad(t.status) else "yellow"
    mark = {"green": "√", "red": "×", "yellow": "?"}[colour]
    name, _, number = status_text(t.status).partition(" (")
    exception = number.rpartition("Modbus ")[2].rstrip(")") if "Modbus" in number else ""
    return f"[{colour}]{mark} {' '.join(x for x in (name, exception) if x)}[/]"


def live_view(
    status: Status, equipment: Mapping[str, str], uploads: Uploads, most: int | None = None
) -> Group:
    """Return sources and tags, one above the other; with ``most``, one line each and no more."""
    now_ns = time.time_ns()
    tables = (
        source_table(status.sources, now_ns),
        tag_table(status.tags, equipment, uploads, now_ns, most),
    )
    if most is not None:
        for column in (c for table in tables for c in table.columns):
            column.no_wrap, column.overflow = True, "ellipsis"
    return Group(*tables)
