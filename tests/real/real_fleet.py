"""Eight machines in April and May 2018: which of them deliver data.

Imported, there is no receive time, so no upload rate can be had; link and point rates and the proven
share can. One day is then served live, and the rate compared with adding up the file by hand.
"""

import asyncio
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import real_plant
import real_replay
from real_table import RealRow

from plantseal_simulators.replay import Event, microseconds, window

MACHINES = ("GFAgie01", "Hurco01", "Hurco02", "Hurco03", "Hurco04", "Hurco06", "Mazak01", "Mazak03")
STATE_KEYS = ("execution", "Program_Status")
DAY = "20180516-20180517"
START = datetime(2018, 5, 16, tzinfo=UTC)
SPEED = 1_440  # a day in a minute
UNAVAILABLE = "UNAVAILABLE"

PLANT = """version: 1
site: fleet
zone: UTC
equipment:
{equipment}
sources:
{source}
"""
RECORDED = "  - {id: history, connector: recorded, tags: tags.csv}"
LIVE = (
    "  - {{id: agent, connector: opcua, endpoint: 'opc.tcp://127.0.0.1:{port}', "
    "publishing_ms: 250, queue_size: 10000, tags: tags.csv}}"
)
MAP = """source: history
format: parquet
time: {column: ts, format: rfc3339}
machine_column: machine
key_column: key
value_column: value
not_available: [UNAVAILABLE, Unavailable]
keys:
"""


def rows(data: Path) -> list[RealRow]:
    """Return one row a figure."""
    table = data / "nist_smstb_fleet_2018q2" / "fleet_20180401_20180531.parquet"
    records = pl.read_parquet(table)
    with tempfile.TemporaryDirectory() as folder:
        imported = _imported(table, records, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        live = asyncio.run(_live(records, Path(folder)))
    return imported + live


def _keys(records: pl.DataFrame) -> list[tuple[str, str]]:
    """Return (machine, key) of every data item, asset bookkeeping left out."""
    pairs = records.select("machine", "key").unique().sort("machine", "key").rows()
    return [(m, k) for m, k in pairs if "_asset_" not in k]


def _equipment() -> str:
    return "\n".join(
        f"  - {{id: {m}, name: {m}, cls: processing, declared_level: L1, stale_s: null}}"
        for m in MACHINES
    )


def _imported(table: Path, records: pl.DataFrame, folder: Path) -> list[RealRow]:
    keys = _keys(records)
    tags = "".join(
        f"{m}.{k},{m},{m}/{k},text,,,,60000,{'state' if k in STATE_KEYS else 'value'},"
        f"{str(k in STATE_KEYS).lower()},\n"
        for m, k in keys
    )
    plant = real_plant.make(
        folder,
        PLANT.format(equipment=_equipment(), source=RECORDED),
        {"tags.csv": tags},
        map_yaml=MAP + "".join(f"  {m}/{k}: {m}.{k}\n" for m, k in keys),
    )
    real_plant.plantseal("import", table, "--map", folder / "map.yaml", "-c", plant)
    report: Any = real_plant.plantseal(
        "kpi", "--period", "2018-04-01..2018-05-31", "-c", plant, codes=(0, 8)
    )
    upload = _result(report, "upload_rate")
    verdict = next(v for v in report["verdicts"] if v["metric"] == "data_upload_rate")
    proven = _result(report, "proven_equipment_share")
    listed = [f["message"] for f in upload["findings"] if "Hurco04.avail" in f["message"]]
    return [
        _row("imported: upload rate", "no receive times", verdict["outcome"],
             verdict["outcome"] == "NOT_ASSESSABLE" and upload["value"] is None),
        _row("imported: link rate, machines that deliver", "2 of 8",
             f"{upload['parts']['devices_linked']} of {upload['parts']['devices']}"),
        _row("imported: point rate, state tags that deliver", "2 of 8",
             f"{upload['parts']['points_linked']} of {upload['parts']['points']}"),
        _row("imported: proven digital share", "2 of 8",
             f"{proven['numerator']} of {proven['denominator']}"),
        _row("imported: Hurco04's single AVAILABLE", "listed", listed[0][:60] if listed else "absent",
             bool(listed)),
    ]  # fmt: skip


def _result(report: Any, metric: str) -> Any:
    return next(r for r in report["results"] if r["metric"] == metric and r["scope"] == "plant")


async def _live(records: pl.DataFrame, folder: Path) -> list[RealRow]:
    day = records.filter(pl.col("file").str.contains(DAY) & pl.col("key").is_in(STATE_KEYS)).sort(
        "machine", "line"
    )
    start_us = int(START.timestamp()) * 1_000_000
    read = [
        Event(microseconds(r["ts"]), f"{r['machine']}/{r['key']}", r["value"])
        for r in day.iter_rows(named=True)
    ]
    events = window(read, start_us, start_us + real_replay.DAY_US)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = {e.key: (e.key.split("/")[0], "state", True) for e in events}
    plant = real_plant.make(
        folder,
        PLANT.format(equipment=_equipment(), source=LIVE.format(port=port)),
        {"tags.csv": real_replay.tag_rows(keys)},
    )
    done = await real_replay.run(folder, plant, events, start_us, SPEED, port)
    begin, end = (
        datetime.fromtimestamp(done.mapping.present(start_us + t) / 1e6, UTC).isoformat()
        for t in (0, real_replay.DAY_US)
    )
    report: Any = await asyncio.to_thread(
        real_plant.plantseal, "kpi", "--period", f"{begin}..{end}", "-c", plant
    )
    found = {r["scope"]: r for r in report["results"] if r["metric"] == "upload_rate"}
    by_hand = {m: _available(events, m, start_us) / real_replay.DAY_US for m in MACHINES}
    listed = [(m, by_hand[m], float(found[m]["value"])) for m in MACHINES if by_hand[m]]
    listed.append(("plant", sum(by_hand.values()) / 8, float(found["plant"]["value"])))
    silent = [m for m in MACHINES if not by_hand[m]]
    return [
        *(
            RealRow(
                f"live, {START:%Y-%m-%d} in a minute: upload rate of {name}",
                f"{expected:.4%}", f"{ours:.4%}", f"{ours - expected:+.4%}",
                abs(ours - expected) <= 0.002,
            )
            for name, expected, ours in listed
        ),
        _row("live: machines that only said UNAVAILABLE", f"{len(silent)} at 0",
             f"{sum(found[m]['value'] == '0' for m in silent)} at 0"),
    ]  # fmt: skip


def _available(events: list[Event], machine: str, start_us: int) -> int:
    """Return the time [µs] in which the machine's state was known, adding up line by line."""
    total, since = 0, None
    for event in events:
        if event.key.split("/")[0] != machine:
            continue
        if since is not None:
            total += event.t_us - since
        since = None if event.value == UNAVAILABLE else event.t_us
    return total + (start_us + real_replay.DAY_US - since if since is not None else 0)


def _row(name: str, source: str, ours: str, passed: bool | None = None) -> RealRow:
    return RealRow(name, source, ours, "", source == ours if passed is None else passed)
