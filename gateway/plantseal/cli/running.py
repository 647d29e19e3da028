"""``plantseal run`` and ``plantseal status``."""

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.live import Live
from rich.logging import RichHandler

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.live import Uploads, live_view
from plantseal.cli.output import emit, say, show, talk, word
from plantseal.cli.periods import seconds_until
from plantseal.cli.store import open_store, plant_file, plant_in_force
from plantseal.config import PlantFile
from plantseal.status import Status
from plantseal.status import read as read_status
from plantseal_kpi.plant import Period

ALIVE_S: Final = 15.0
"""A status file older than this means that the gateway does not run."""
_NONE: Final = Uploads({}, None)


@dataclass(slots=True)
class Watch:
    """Reads what a running gateway says, and computes upload rates from its store."""

    file: PlantFile
    every_s: float = 2.0
    equipment: dict[str, str] = field(default_factory=dict)
    _uploads: Uploads = field(default=_NONE)
    _computed: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.equipment = {
            spec.name: spec.equipment for source in self.file.sources for spec in source.specs
        }

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
        """Return the status and the upload rates since then, computed every few seconds."""
        if time.monotonic() - self._computed >= self.every_s:
            until = datetime.now(UTC) - timedelta(seconds=1)
            if until > since + timedelta(seconds=1):
                self._uploads = uploads(self.file, Period(start=since, end=until))
            self._computed = time.monotonic()
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
    return Uploads(found, found.get("plant"))


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
        say(word("stopped: ", "已停止：") + summary.text())


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
    age_s = None if found is None else (time.time_ns() - found.written_ns) / 1e9
    if found is None or age_s is None or age_s > ALIVE_S:
        seen = (
            "" if age_s is None else word(f"; last seen {age_s:.0f} s ago", f"；{age_s:.0f} 秒前")
        )
        raise Stop(
            Exit.UNREACHABLE,
            word("the gateway does not run on ", "网关未运行：")
            + f"{file.data_dir}{seen}; "
            + word("start it with `plantseal run`", "用 plantseal run 启动"),
        )
    if health:
        if not as_json:
            show(word("alive", "正常"))
            return
        emit({"alive": True, "age_s": round(age_s, 1)})
        return
    since = datetime.now(UTC) - timedelta(hours=1)
    _, rates = watch.now(since)
    if as_json:
        document = found.to_json()
        document["upload_rate_last_hour"] = {"plant": rates.plant, **rates.by_equipment}
        emit(document)
        return
    show(live_view(found, watch.equipment, rates))
