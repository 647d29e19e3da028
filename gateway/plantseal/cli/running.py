"""``plantseal run`` and ``plantseal status``."""

import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.live import Live
from rich.logging import RichHandler

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.live import Uploads, age_text, live_view
from plantseal.cli.output import emit, language, say, show, talk, word
from plantseal.cli.periods import seconds_until
from plantseal.cli.store import open_store, plant_file, plant_in_force
from plantseal.config import PlantFile
from plantseal.journal import JournalError
from plantseal.status import Status
from plantseal.status import read as read_status
from plantseal_kpi.plant import Period

if TYPE_CHECKING:
    from plantseal.run import Summary

ALIVE_S: Final = 15.0
"""A status file older than this means that the gateway does not run."""
WINDOW: Final = timedelta(hours=1)
"""How far back the upload rates look that are shown while the gateway runs."""
MAX_ROWS: Final = 2_000_000
"""With more rows in an hour than this, the window is shorter: the look must stay a light one."""
SHARE: Final = 20
"""Computing the rates may take a twentieth of the time."""
_NONE: Final = Uploads({}, None)


@dataclass(slots=True)
class Watch:
    """Reads what a running gateway says, and computes upload rates from its store."""

    file: PlantFile
    every_s: float = 2.0
    window: timedelta = WINDOW
    equipment: dict[str, str] = field(default_factory=dict)
    _uploads: Uploads = field(default=_NONE)
    _computed: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.equipment = {
            spec.name: spec.equipment for source in self.file.sources for spec in source.specs
        }
        a_second = sum(1000 / spec.period_ms for s in self.file.sources for spec in s.specs)
        most = timedelta(seconds=MAX_ROWS / max(a_second, 1.0))
        self.window = max(timedelta(minutes=1), min(self.window, most))

    def status(self) -> Status | None:
        """Return the newest status; None when there is none."""
        return read_status(self.file.data_dir)

    def all_up(self) -> bool:
        """Return True when every source is up and every tag has said something."""
        status = self.status()
        return (
            status is not None
            and bool(status.sources)
            and all(s.state == "up" for s in status.sources)
            and all(t.status is not None for t in status.tags)
        )

    def now(self, since: datetime) -> tuple[Status | None, Uploads]:
        """Return the status and the upload rates since then, of the window at most.

        They are computed every few seconds, and the more seldom the longer it takes.
        """
        if time.monotonic() - self._computed >= self.every_s:
            began = time.monotonic()
            until = datetime.now(UTC) - timedelta(seconds=1)
            since = max(since, until - self.window)
            if until > since + timedelta(seconds=1):
                # a store that is busy, or not there yet, is asked again
                with contextlib.suppress(JournalError, Stop):
                    self._uploads = uploads(self.file, Period(start=since, end=until))
            self._computed = time.monotonic()
            self.every_s = max(self.every_s, SHARE * (self._computed - began))
        return self.status(), self._uploads


def uploads(file: PlantFile, period: Period) -> Uploads:
    """Return the upload rates of a period, computed as ``kpi`` would."""
    from plantseal.history import rows
    from plantseal_kpi.evaluate import spans, upload_figures

    journal = open_store(file, read_only=True)
    try:
        plant = plant_in_force(journal).model_copy(update={"baseline": None})
        results = upload_figures(rows(journal, spans(plant, period)), plant, period)
    finally:
        journal.close()
    found = {r.scope: r.value for r in results}
    return Uploads(found, found.get("plant"), period)


def run(config: Path, *, until: str | None, live: bool, as_json: bool) -> None:
    """Acquire until stopped; with ``--json`` print one summary at the end."""
    from plantseal.run import Gateway

    file = plant_file(config)
    until_s = None if until is None else seconds_until(until, datetime.now(UTC))
    _log_to_the_terminal()
    gateway = Gateway(file)
    if live and talk.is_terminal and not as_json:
        done = threading.Event()
        view = threading.Thread(target=_view, args=(file, done), daemon=True)
        view.start()
        try:
            summary = gateway.run(until_s)
        finally:
            done.set()
            view.join(5)
    else:
        summary = gateway.run(until_s)
    if as_json:
        emit(summary.to_json())
    else:
        say(
            word("stopped: ", "已停止：") + (summary.text() if language() == "en" else _zh(summary))
        )


def _log_to_the_terminal() -> None:
    """Print what happens, one line a transition, above the live table or into a service's log."""
    if talk.is_terminal:
        handler: logging.Handler = RichHandler(console=talk, show_path=False, markup=False)
        form = "%(message)s"
    else:
        handler = logging.StreamHandler()
        form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, handlers=[handler])
    logging.getLogger("plantseal").setLevel(logging.INFO)


def _view(file: PlantFile, done: threading.Event) -> None:
    watch, since = Watch(file), datetime.now(UTC)
    with Live(console=talk, auto_refresh=False) as screen:
        while not done.wait(0.5):
            status, rates = watch.now(since)
            if status is not None:
                most = max(6, talk.height - len(status.sources) - 12)
                screen.update(live_view(status, watch.equipment, rates, most), refresh=True)


def status(config: Path, *, health: bool, as_json: bool) -> None:
    """Show the running gateway; exit 4 when it does not run."""
    file = plant_file(config)
    watch = Watch(file)
    found = watch.status()
    if found is None:
        raise Stop(Exit.UNREACHABLE, f"{file.data_dir}: {_not_running('')}")
    age_s = (time.time_ns() - found.written_ns) / 1e9
    if found.state in ("stopped", "failed") or age_s > ALIVE_S:
        ended = {"stopped": word("stopped", "已停止"), "failed": word("failed", "因故障终止")}
        how = ended.get(found.state, word("last heard of", "最后一次响应"))
        seen = word(f"; {how} {age_text(age_s)} ago", f"；{how}，{age_text(age_s)}前")
        why = f": {found.detail}" if found.detail else ""
        raise Stop(Exit.UNREACHABLE, f"{file.data_dir}: {_not_running(seen + why)}")
    if health:
        if not as_json:
            show(word("alive", "正常"))
            return
        emit({"alive": True, "age_s": round(age_s, 1)})
        return
    _, rates = watch.now(datetime.now(UTC) - watch.window)
    if as_json:
        document = found.to_json()
        document["upload_rate"] = {
            "start": None if rates.period is None else rates.period.start.isoformat(),
            "end": None if rates.period is None else rates.period.end.isoformat(),
            "plant": rates.plant,
            "by_equipment": {k: v for k, v in rates.by_equipment.items() if k != "plant"},
        }
        emit(document)
        return
    show(live_view(found, watch.equipment, rates))


def _zh(summary: "Summary") -> str:
    parts = [f"{summary.seconds:.1f} 秒内写入 {summary.rows} 行"]
    parts += [f"{s}：应答 {n}，坏值 {summary.bad[s]}" for s, n in summary.received.items()]
    if summary.gaps:
        parts.append(f"此前空缺 {summary.gaps} 段")
    if summary.restarts:
        parts.append(f"工作进程重启 {summary.restarts} 次")
    return "；".join(parts)


def _not_running(how: str) -> str:
    return word(
        f"the gateway does not run{how}; start it with `plantseal run`",
        f"网关未运行{how}；用 plantseal run 启动",
    )
