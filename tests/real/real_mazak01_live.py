"""Mazak01, the whole of 2018-02-07, at 600 times its speed over a real OPC UA server.

Read through a subscription, journalled, mapped back to log time, and compared with an independent
slow reading of the file.
"""

import asyncio
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import real_plant
import real_replay
from real_table import RealRow

from plantseal_kpi.rows.states import state_durations
from plantseal_simulators.replay import NOT_AVAILABLE, Event, numeric_keys, read_shdr, window

LOG = "nist_smstb_mazak01/Mazak01-20180207-20180208.txt.gz"
START_US = int(datetime(2018, 2, 7, tzinfo=UTC).timestamp()) * 1_000_000
SPEED = 600
STEP_MS = 0.6  # one microsecond of the present

PLANT = """version: 1
site: mazak01
zone: UTC
equipment:
  - {{id: Mazak01, name: Mazak Integrex 100-IV, cls: processing, stale_s: null}}
sources:
  - {{id: agent, connector: opcua, endpoint: 'opc.tcp://127.0.0.1:{port}', publishing_ms: 100,
     queue_size: 100000, tags: tags.csv}}
"""


def rows(data: Path) -> list[RealRow]:
    """Return one row a figure."""
    events = window(read_shdr(data / LOG), START_US, START_US + real_replay.DAY_US)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_replayed(events, Path(folder)))


async def _replayed(events: list[Event], folder: Path) -> list[RealRow]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = {e.key: ("Mazak01", "state" if e.key == "execution" else "value", False) for e in events}
    plant = real_plant.make(
        folder, PLANT.format(port=port), {"tags.csv": real_replay.tag_rows(keys)}
    )
    done = await real_replay.run(folder, plant, events, START_US, SPEED, port)
    begin_ns = done.mapping.begin_us * 1000
    names = {i: n.removeprefix("Mazak01.") for n, i in done.ids.items()}
    seen = done.rows.filter(pl.col("t_source") >= begin_ns).with_columns(
        key=pl.col("tag").replace_strict(names, default=None, return_dtype=pl.String)
    )
    return [
        *_transitions(events, seen, done),
        *_durations(events, done),
        *_losses(events, seen),
        _equal("OPC UA services asked for that could write", "none", _writes(done.services)),
    ]


def _transitions(
    events: list[Event], seen: pl.DataFrame, done: real_replay.Replayed
) -> list[RealRow]:
    expected = [(e.t_us, e.value) for e in changes(events, "execution")]
    mine = seen.filter((pl.col("key") == "execution") & (pl.col("kind") == 1)).sort("seq")
    ours = [(done.mapping.log(t // 1000), v) for t, v in mine.select("t_source", "text").rows()]
    worst_ms = max((abs(a[0] - b[0]) / 1000 for a, b in zip(expected, ours, strict=False)),
                   default=0.0)  # fmt: skip
    return [
        _equal("execution transitions", len(expected), len(ours)),
        _equal("in the same order", "yes",
               "yes" if [v for _, v in expected] == [v for _, v in ours] else "no"),
        RealRow("greatest shift of a transition, log time [ms]", f"<= {STEP_MS}",
                f"{worst_ms:.4f}", "", worst_ms <= STEP_MS),
    ]  # fmt: skip


def _durations(events: list[Event], done: real_replay.Replayed) -> list[RealRow]:
    slow = seconds_per_state(events)
    span = (
        done.mapping.begin_us * 1000,
        done.mapping.present(START_US + real_replay.DAY_US) * 1000,
    )
    found = state_durations(done.rows, [done.ids["Mazak01.execution"]], span=span, until=span[1])
    ours = {
        state: ns * SPEED / 1e9
        for state, ns in found.group_by("state").agg(pl.col("ns").sum()).iter_rows()
    }
    edges = {s: 2 * sum(e.value == s for e in changes(events, "execution")) for s in slow}
    out = []
    for state in sorted(slow):
        difference_ms = (ours.get(state, 0.0) - slow[state]) * 1000
        out.append(
            RealRow(f"{state} [s]", f"{slow[state]:.6f}", f"{ours.get(state, 0.0):.6f}",
                    f"{difference_ms:+.3f} ms over {edges[state]} edges",
                    abs(difference_ms) <= STEP_MS * max(1, edges[state]))
        )  # fmt: skip
    return out


def _losses(events: list[Event], seen: pl.DataFrame) -> list[RealRow]:
    numeric = numeric_keys(events)
    expected = {k: len(changes(events, k)) for k in numeric if k != "execution"}
    counted = {
        kind: dict(seen.filter(pl.col("kind") == kind).group_by("key").len().iter_rows())
        for kind in (1, 7)
    }
    missing = {k: n - counted[1].get(k, 0) for k, n in expected.items()}
    flagged = {k: counted[7].get(k, 0) for k in expected}
    wrong = sorted(k for k in expected if missing[k] != flagged[k])
    bad = seen.filter(
        (pl.col("kind") == 1)
        & (pl.col("status") >= 1 << 31)
        & pl.col("key").is_in([k for k, number in numeric.items() if number])
    )
    unavailable = sum(numeric[e.key] and e.value in NOT_AVAILABLE for e in events)
    return [
        _equal("changes of the other tags", sum(expected.values()),
               sum(counted[1].get(k, 0) for k in expected)),
        RealRow("changes missing, and flagged as overflow", str(sum(flagged.values())),
                str(sum(missing.values())), ", ".join(wrong[:5]), not wrong),
        _equal("UNAVAILABLE on a numeric tag, as Bad rows without a value", unavailable,
               bad.filter(pl.col("vtype") == 0).height),
    ]  # fmt: skip


def changes(events: list[Event], key: str) -> list[Event]:
    """Return the events of a key whose value differs from the one before, read one by one."""
    out: list[Event] = []
    for event in events:
        if event.key == key and (not out or out[-1].value != event.value):
            out.append(event)
    return out


def seconds_per_state(events: list[Event]) -> dict[str, float]:
    """Return the seconds of the day in each execution state, adding up line by line."""
    total: dict[str, int] = {}
    lines = [(e.t_us, e.value) for e in events if e.key == "execution"]
    ends = [t for t, _ in lines[1:]] + [START_US + real_replay.DAY_US]
    for (t, state), end in zip(lines, ends, strict=True):
        total[state] = total.get(state, 0) + end - t
    return {state: us / 1e6 for state, us in total.items()}


def _writes(services: frozenset[str]) -> str:
    harmful = ("Write", "Call", "HistoryUpdate", "AddNodes", "DeleteNodes", "AddReferences")
    return ", ".join(sorted(s for s in services if s.startswith(harmful))) or "none"


def _equal(name: str, source: object, ours: object) -> RealRow:
    return RealRow(name, str(source), str(ours), "" if source == ours else "differs",
                   source == ours)  # fmt: skip
