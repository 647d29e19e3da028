"""``plantseal sim`` and ``plantseal demo``."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.live import Live

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.figures import figure_table, verdict_table
from plantseal.cli.live import live_view
from plantseal.cli.output import emit, grid, plain, say, show, talk, word
from plantseal.cli.periods import seconds_until
from plantseal.cli.running import Watch
from plantseal.cli.store import open_store, plant_file, signer_of
from plantseal.cli.verifying import print_verification
from plantseal.demo import (
    Child,
    Compared,
    DemoError,
    Site,
    altered_copy,
    compare,
    declare_window,
    prepare,
    serve,
    serve_log,
    wait_for,
)
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Report

LEAD_S = 10
"""The demo's window begins so long after it was declared [s]: time for the sources to come up."""


def sim(site: Site, *, out: Path | None, until: str | None, fault: bool) -> None:
    """Serve the workshop until stopped; print one JSON document that says where it listens."""
    until_s = None if until is None else seconds_until(until, datetime.now(UTC))
    try:
        asyncio.run(serve(site, out, until_s=until_s, faults=fault, on_ready=emit))
    except DemoError as e:
        raise Stop(Exit.INPUT, str(e)) from e


def sim_log(log: Path, *, speed: int, host: str, port: int) -> None:
    """Serve a recorded log over OPC UA until its end; print where it listens."""
    if not log.is_file():
        raise Stop(Exit.INPUT, f"{log}: no such file")
    try:
        late_s = asyncio.run(serve_log(log, speed=speed, host=host, port=port, on_ready=emit))
    except DemoError as e:
        raise Stop(Exit.INPUT, str(e)) from e
    say(
        word("log served; greatest lateness {s:.3f} s", "记录回放完毕；最大滞后 {s:.3f} 秒").format(
            s=late_s
        )
    )


def demo(*, out: Path, seconds: int, seed: int, as_json: bool) -> None:
    """Run the workshop end to end; exit 1 when anything is not as it must be."""
    began = time.monotonic()
    try:
        prepare(out)
    except DemoError as e:
        raise Stop(Exit.INPUT, str(e)) from e
    try:
        document = _run(out, seconds, seed, quiet=as_json)
    except DemoError as e:
        raise Stop(Exit.UNREACHABLE, str(e)) from e
    document["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        emit(document)
    else:
        _where(out, time.monotonic() - began)
    if not document["as_expected"]:
        raise Stop(Exit.FAULT, word("the demo did not end as it must", "演示结果与预期不符"))


def _run(out: Path, seconds: int, seed: int, *, quiet: bool) -> dict[str, object]:
    step = _steps(quiet)
    step(word("the workshop starts: OPC UA, Modbus TCP, MQTT, Sparkplug B", "启动仿真车间"))
    workshop = Child.start(
        out / "workshop.log", "sim", "--out", str(out), "--seed", str(seed),
        "--until", f"{seconds + 90}s",
    )  # fmt: skip
    try:
        wait_for(out / "plant.yaml", workshop)
        step(word("the window to be reported is declared", "声明申报窗口"))
        period = declare_window(out / "plant.yaml", seconds, lead_s=LEAD_S)
        say(f"{period.start.isoformat()} .. {period.end.isoformat()}")
        step(word("records from before the project are imported", "导入改造前的历史记录"))
        _import_before(out)
        step(word(f"the gateway acquires for {seconds} s", f"网关采集 {seconds} 秒"))
        period = _acquire(out, period, seconds, quiet=quiet)
        return _conclude(out, period, step, quiet=quiet)
    finally:
        workshop.stop()


def _steps(quiet: bool) -> Callable[[str], None]:
    count = iter(range(1, 100))

    def step(text: str) -> None:
        if not quiet:
            talk.rule(f"{next(count)}  {text}", align="left")

    return step


def _import_before(out: Path) -> None:
    from plantseal.cli.records import import_files

    for name, done in import_files(
        plant_file(out / "plant.yaml"), [out / "before.csv"], out / "before.map.yaml", again=False
    ):
        say(f"{name}: {done.rows} rows, {done.bad} unreadable")


def _started(out: Path, watch: Watch) -> Child:
    """Return a gateway in its own process, all of its sources up."""
    gateway = Child.start(out / "gateway.log", "run", "--config", str(watch.file.path), "--no-live")
    try:
        wait_for(watch.file.data_dir / "status.json", gateway)
        deadline = time.monotonic() + 20
        while not watch.all_up():
            if gateway.process.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"the sources did not come up:\n{gateway.tail()}")
            time.sleep(0.1)
    except BaseException:
        gateway.stop()
        raise
    return gateway


def _acquire(out: Path, period: Period, seconds: int, *, quiet: bool) -> Period:
    """Run the gateway over the window, restart it when it is killed; return the window.

    Where the sources come up after the window began, the next one is declared.
    """
    file = plant_file(out / "plant.yaml")
    watch = Watch(file)
    gateway = _started(out, watch)
    lead_s = LEAD_S
    while datetime.now(UTC) >= period.start:
        gateway.stop()
        lead_s *= 2
        period = declare_window(file.path, seconds, lead_s=lead_s)
        say(f"{word('too late; declared', '已错过，重新声明')} {period.start.isoformat()}")
        gateway = _started(out, watch)
    try:
        last = period.end + timedelta(seconds=1.5)
        with Live(console=talk, auto_refresh=False, transient=True) as live:
            while datetime.now(UTC) < last:
                if gateway.process.poll() is not None:
                    say(f"the gateway ended ({gateway.process.returncode}); starting it again")
                    gateway = Child.start(
                        out / "gateway.log", "run", "--config", str(file.path), "--no-live"
                    )
                if talk.is_terminal and not quiet:
                    status, uploads = watch.now(period.start)
                    if status is not None:
                        most = max(6, talk.height - len(status.sources) - 12)
                        live.update(live_view(status, watch.equipment, uploads, most), refresh=True)
                time.sleep(0.5)
        if not quiet:
            status, uploads = watch.now(period.start)
            if status is not None:
                show_view = live_view(status, watch.equipment, uploads)
                talk.print(show_view)
    finally:
        code = gateway.stop()
    if code:
        raise DemoError(f"the gateway ended with {code}:\n{gateway.tail()}")
    return period


def _conclude(
    out: Path, period: Period, step: Callable[[str], None], *, quiet: bool
) -> dict[str, object]:
    from plantseal.evidence.seal import seal
    from plantseal.evidence.verify import Policy, verify

    file = plant_file(out / "plant.yaml")
    signer = signer_of(file)
    journal = open_store(file, read_only=False)
    try:
        sealed = seal(journal, period, out / "bundle", signer=signer, zipped=False)
    finally:
        journal.close()
    report: Report = sealed.report
    compared = compare(out, report)
    step(word("figures and verdict per clause", "指标与逐条结论"))
    if not quiet:
        show(figure_table(report))
        show(verdict_table(report))
        _truths(compared)
    policy = Policy(
        trusted=(signer.vkey,), demands={"anchored": False, "complete": True, "reproduced": True}
    )
    step(word("the bundle is sealed and verified", "封存并核验证据包"))
    good = verify(sealed.path, policy)
    step(word("an altered copy is refused", "被改动的副本被拒绝"))
    change = altered_copy(sealed.path, out / "bundle-altered")
    bad = verify(out / "bundle-altered", policy)
    if not quiet:
        print_verification(good)
        say(change)
        print_verification(bad, only_failures=True)
    (out / "verifier-key.txt").write_text(signer.vkey + "\n", encoding="utf-8")
    expected = good.exit_code == 0 and bad.exit_code == 6 and all(c.holds for c in compared)
    expected &= report.window is not None
    return {
        "as_expected": expected,
        "period": [report.start, report.end],
        "window": report.window,
        "bundle": str(sealed.path),
        "verifier_key": signer.vkey,
        "verified": good.to_json(),
        "altered": {"change": change, **bad.to_json()},
        "truth": [
            {"protocol": c.protocol, "what": c.what, "truth": c.truth, "ours": c.ours,
             "unknown": c.unknown}
            for c in compared
        ],
        "verdicts": {v.criterion: v.outcome for v in report.verdicts},
    }  # fmt: skip


def _truths(compared: list[Compared]) -> None:
    """Print how many figures of each protocol are equal, and those that are not."""
    counts = grid(
        word("protocol", "协议"), word("true figures", "真值个数"), word("equal", "相等"),
        word("within what was declared unknown", "在已声明未知范围内"), word("wrong", "不符"),
    )  # fmt: skip
    for protocol in dict.fromkeys(c.protocol for c in compared):
        mine = [c for c in compared if c.protocol == protocol]
        equal, holding = sum(c.truth == c.ours for c in mine), sum(c.holds for c in mine)
        counts.add_row(
            protocol, *map(str, (len(mine), equal, holding - equal, len(mine) - holding))
        )
    show(counts)
    table = grid(
        word("machine and figure", "设备与指标"), word("simulator's truth", "仿真真值"),
        word("gateway", "网关"), word("declared unknown", "已声明未知"), "",
    )  # fmt: skip
    for c in compared:
        if c.truth == c.ours:
            continue
        mark = "[green]√[/]" if c.holds else "[red]×[/]"
        ours = "–" if c.ours is None else f"{c.ours}"
        table.add_row(plain(c.what), f"{c.truth}", ours, str(c.unknown or ""), mark)
    show(table)


def _where(out: Path, seconds: float) -> None:
    talk.rule(word("where everything lies", "产物所在"), align="left")
    for name, en, zh in (
        ("plant.yaml", "the plant file and its tag tables (tags/)", "工厂配置与点表"),
        ("data/", "journal, sealed segments, signing key", "日志、封存数据段、签名密钥"),
        ("bundle/", "the evidence bundle; open data/report.html", "证据包"),
        ("bundle-altered/", "the altered copy that was refused", "被拒绝的改动副本"),
        ("verifier-key.txt", "the key an evaluator pins", "评审专家所需公钥"),
        ("gateway.log, workshop.log", "what both processes said", "运行日志"),
    ):
        say(f"  {out / name}  {word(en, zh)}")
    say(f"  plantseal verify {out / 'bundle'} --trust {out / 'verifier-key.txt'}")
    say(word(f"done in {seconds:.0f} s", f"用时 {seconds:.0f} 秒"))
