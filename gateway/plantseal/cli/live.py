"""The live table: value, quality and age per tag, state per source, upload rate per device."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table

from plantseal.cli.figures import percent
from plantseal.cli.output import grid, word
from plantseal.status import SourceStatus, Status, TagStatus
from plantseal_connectors.status import is_bad, is_good
from plantseal_connectors.status import text as status_text

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
    """Upload rate by equipment id, and of the plant, as decimal strings 0..1; null if unknown."""

    by_equipment: Mapping[str, str | None]
    plant: str | None


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
            str(s.received), str(s.bad), " → ".join(x for x in (s.detail, s.remedy) if x),
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
    shown = list(tags)
    hidden = 0
    if most is not None and len(shown) > most:
        shown.sort(key=lambda t: (t.status is None or is_good(t.status), t.name))
        hidden = len(shown) - most
        shown = sorted(shown[:most], key=lambda t: t.id)
    table = grid(
        word("tag", "点"), word("value", "数值"), word("quality", "质量"), word("age", "时效"),
        word("device", "设备"), word("upload rate", "上传率"),
        title=word("upload rate of the plant so far", "全厂上传率")
        + f": {percent(uploads.plant)}",
    )  # fmt: skip
    last = ""
    for t in shown:
        device = equipment.get(t.name, "")
        rate = percent(uploads.by_equipment.get(device)) if device != last else ""
        table.add_row(
            t.name, "–" if t.value is None else t.value, _quality(t),
            age_text(None if t.t_receive is None else (now_ns - t.t_receive) / 1e9),
            device if device != last else "", rate,
        )  # fmt: skip
        last = device
    if hidden:
        table.add_row(
            word(f"… {hidden} more, all good", f"……其余 {hidden} 个点"), "", "", "", "", ""
        )
    return table


def _quality(t: TagStatus) -> str:
    if t.status is None:
        return f"[dim]{word('waiting', '等待')}[/]"
    colour = "green" if is_good(t.status) else "red" if is_bad(t.status) else "yellow"
    mark = {"green": "√", "red": "×", "yellow": "?"}[colour]
    return f"[{colour}]{mark} {status_text(t.status)}[/]"


def live_view(
    status: Status, equipment: Mapping[str, str], uploads: Uploads, most: int | None = None
) -> Group:
    """Return sources and tags, one above the other."""
    now_ns = time.time_ns()
    return Group(
        source_table(status.sources, now_ns),
        tag_table(status.tags, equipment, uploads, now_ns, most),
    )
