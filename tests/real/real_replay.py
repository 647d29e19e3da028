"""A recorded day served over a real OPC UA server, acquired live by the gateway."""

import asyncio
import json
import time
from collections.abc import Mapping as Table
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import real_plant

from plantseal_simulators.log_server import NAMESPACE, LogServer
from plantseal_simulators.replay import Event, Mapping

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it.

    Attributes:
        plant: plant.yaml of the run.
        mapping: Log time onto the present.
        rows: Every row of the store.
        ids: Tag ids by name.
        late_s: Greatest lateness of the server itself [s].
        services: Names of the OPC UA services that the gateway asked for.
    """

    plant: Path
    mapping: Mapping
    rows: pl.DataFrame
    ids: dict[str, int]
    late_s: float
    services: frozenset[str]


async def run(
    folder: Path, plant: Path, events: list[Event], start_us: int, speed: int, port: int
) -> Replayed:
    """Serve ``events`` of one day, let the gateway read them, and return what was stored."""
    server = await LogServer.start(events, port=port)
    gateway = real_plant.start("run", "-c", plant, "--no-live", log=folder / "log.txt")
    try:
        await asyncio.to_thread(_all_up, folder / "data" / "status.json")
        begin_us = time.time_ns() // 1000 + 1_000_000
        mapping = Mapping(start_us, begin_us, speed)
        late_s = await server.play(mapping)
        end_us = mapping.present(start_us + DAY_US)
        await asyncio.sleep(max(0.0, end_us / 1e6 - time.time()) + 2)
    finally:
        gateway.terminate()
        code = await asyncio.to_thread(gateway.wait, 60)
        services = frozenset(server.server.services)
        await server.stop()
    if code:
        raise RuntimeError(f"the gateway ended with {code}: {(folder / 'log.txt').read_text()}")
    rows, ids = real_plant.stored(plant)
    return Replayed(plant, mapping, rows, ids, late_s, services)


def _all_up(status: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if status.exists():
            document = json.loads(status.read_text(encoding="utf-8"))
            if all(s["state"] == "up" for s in document["sources"]):
                return
        time.sleep(0.1)
    raise TimeoutError("the gateway did not connect within half a minute")


def tag_rows(keys: Table[str, tuple[str, str, bool]]) -> str:
    """Return a tag table: key to (equipment, role, required); tag ``<equipment>.<key>``."""
    return "".join(
        f"{equipment}.{key.rsplit('/', 1)[-1]},{equipment},nsu={NAMESPACE};s={key},,,,,1000,"
        f"{role},{str(required).lower()},\n"
        for key, (equipment, role, required) in keys.items()
    )
