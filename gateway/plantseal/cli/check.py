"""``plantseal check``, ``read``, ``config``: before anything is written."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.output import emit, grid, plain, say, show, word
from plantseal.cli.store import plant_file
from plantseal.config import Bound, PlantFile, bind, tag_names


def bound_for_reading(file: PlantFile) -> Bound:
    """Return the configuration with provisional tag ids, for commands that write nothing."""
    return bind(file, {name: i for i, name in enumerate(tag_names(file), start=1)})


def check(config: Path, *, offline: bool, as_json: bool) -> None:
    """Lint, then connect; exit 3 for a mistake in the files, 4 for a source not reached."""
    file = plant_file(config)
    if not as_json:
        show(
            word("√ {f}: no mistake found", "√ {f}：未发现错误").format(f=config)
            + word(
                " (sources: {s}, tags: {t}, machines in the register: {e})",
                "（数据源 {s} 个，测点 {t} 个，台账设备 {e} 台）",
            ).format(
                s=len(file.sources),
                t=sum(len(s.specs) for s in file.sources),
                e=len(file.plant.equipment),
            )
        )
        for remark in file.remarks:
            say(f"! {remark}")
    remarks = [str(remark) for remark in file.remarks]
    if offline:
        if as_json:
            emit({"config": str(config), "problems": [], "remarks": remarks, "sources": []})
        return
    from plantseal.run import check_connect

    found = check_connect(bound_for_reading(file))
    if as_json:
        emit(
            {"config": str(config), "problems": [], "remarks": remarks,
             "sources": [{"id": s.id, "ok": s.ok, "detail": s.detail, "remedy": s.remedy}
                         for s in found]}
        )  # fmt: skip
    for s in found:
        if not as_json:
            show(f"{'√' if s.ok else '×'} {s.id}: {s.detail}")
            if s.remedy:
                say(f"  → {s.remedy}")
    down = [s.id for s in found if not s.ok]
    if down:
        raise Stop(Exit.UNREACHABLE, word("not reached: ", "未连通：") + ", ".join(down))


def read_once(config: Path, *, timeout_s: float, as_json: bool) -> None:
    """Print one reading of every tag; exit 4 when a tag gave none."""
    from plantseal.run import read_once as read

    file = plant_file(config)
    readings = read(bound_for_reading(file), timeout_s=timeout_s)
    if as_json:
        emit(
            [{"tag": r.tag, "value": r.value, "unit": r.unit, "status": r.status,
              "t_source": _time(r.t_source), "latency_ms": r.latency_ms, "reason": r.reason} for r in readings]
        )  # fmt: skip
    else:
        table = grid(
            word("tag", "点"), word("value", "数值"), word("unit", "单位"),
            word("status", "状态"), word("source time (UTC)", "设备时间 (UTC)"),
            word("latency [ms]", "延迟 [ms]").replace("[", r"\["),
        )  # fmt: skip
        for r in readings:
            table.add_row(
                plain(r.tag),
                "–" if r.value is None else plain(r.value),
                plain(r.unit),
                r.status,
                _time(r.t_source) or "–",
                "–" if r.latency_ms is None else f"{r.latency_ms:.1f}",
            )
        show(table)
    for reason in dict.fromkeys(r.reason for r in readings if r.reason):
        say(f"× {reason}")
    silent = [r.tag for r in readings if r.latency_ms is None]
    if silent:
        raise Stop(
            Exit.UNREACHABLE,
            word("no answer (waited {t:g} s at most): ", "无应答（最多等待 {t:g} 秒）：").format(
                t=timeout_s
            )
            + ", ".join(silent[:10])
            + (f" (+{len(silent) - 10})" if len(silent) > 10 else ""),
        )


def _time(t_ns: int | None) -> str | None:
    if t_ns is None:
        return None
    whole, part = divmod(t_ns, 10**9)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{part:09d}Z"


def schema() -> None:
    """Print the JSON Schema of plant.yaml."""
    from plantseal.config.schema import schema_text

    sys.stdout.write(schema_text())


def show_config(config: Path) -> None:
    """Print the canonical configuration, secrets masked."""
    import json

    emit(json.loads(bound_for_reading(plant_file(config)).canonical))
