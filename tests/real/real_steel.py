"""UCI steel plant: a year of quarter-hours imported, its first week served through two meters.

The year imported gives the source's own total, the midnight rows on the right date. Its first 672
rows are then served by simulated meters at 10,000 times the speed and read back over Modbus TCP.
"""

import asyncio
import csv
import gzip
import itertools
import tempfile
import time
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import polars as pl
import real_plant
from real_table import RealRow

from plantseal_simulators.modbus import ModbusSimulator

YEAR_KWH = Decimal("959636.71")  # SOURCE.md
YEAR_CO2_T = Decimal("403.81")  # the sum of its column, rounded to 0.01 t every quarter of an hour
KGCE = Decimal("0.1229")  # GB/T 2589, 当量值 [kgce/kWh]
WEEK_ROWS, WEEK_KWH = 672, Decimal("18246.34")
SPEED = 10_000
STEP_S = 900 / SPEED
FLOAT_START_KWH = 131_072
FLOAT_STEP_KWH = Decimal(1) / 64  # float32 between 131072 and 262144: 2^(17-23) kWh


def usage(data: Path) -> list[tuple[str, Decimal]]:
    """Return (date text, kWh) of every row, as published."""
    with gzip.open(data / "uci_steel_energy" / "Steel_industry_data.csv.gz", "rt") as f:
        return [(row["date"], Decimal(row["Usage_kWh"])) for row in csv.DictReader(f)]


PLANT = """version: 1
site: steel
zone: Asia/Seoul
equipment:
  - {{id: works, name: 钢厂, cls: processing}}
energy:
  carbon_factors:
    electricity: {{value: 0.45, year: 2018, citation: "UCI 851, SOURCE.md: 0.00045 t/kWh"}}
sources:
{sources}
"""
RECORDED = """  - id: history
    connector: recorded
    tags: history.csv
"""
MAP = """source: history
format: csv
time: {column: date, format: "%d/%m/%Y %H:%M", zone: Asia/Seoul, midnight: next_day}
columns: {Usage_kWh: works.usage}
"""


def rows(data: Path) -> list[RealRow]:
    """Return one row a figure."""
    published = usage(data)
    with tempfile.TemporaryDirectory() as folder:
        imported = _year(data, Path(folder), published)
    with tempfile.TemporaryDirectory() as folder:
        live = asyncio.run(_meters(Path(folder), [kwh for _, kwh in published[:WEEK_ROWS]]))
    return imported + live


def _year(data: Path, folder: Path, published: list[tuple[str, Decimal]]) -> list[RealRow]:
    plant = real_plant.make(
        folder,
        PLANT.format(sources=RECORDED),
        {"history.csv": "works.usage,works,Usage_kWh,int,,0.01,kWh,900000,energy_interval,true,\n"},
        map_yaml=MAP,
    )
    source = data / "uci_steel_energy" / "Steel_industry_data.csv.gz"
    real_plant.plantseal("import", source, "--map", folder / "map.yaml", "-c", plant)
    report = real_plant.plantseal("kpi", "--period", "2018-01-01..2018-12-31", "-c", plant)
    energy = next(r for r in report["results"] if r["metric"] == "energy")
    ours = Decimal(energy["numerator"]) / 1000
    found, _ = real_plant.stored(plant)
    coal = Decimal(real_plant.figure(report, "comprehensive_energy")["value"])
    carbon = Decimal(real_plant.figure(report, "carbon_emissions")["value"]) / 1000
    rounded = sum(
        (
            (kwh * Decimal("0.00045")).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for _, kwh in published
        ),
        Decimal(0),
    )
    return [
        _equal("year [kWh]", YEAR_KWH, ours),
        RealRow("year, by hand with 0.1229 kgce/kWh [kgce]", str(YEAR_KWH * KGCE), str(coal),
                f"{coal - YEAR_KWH * KGCE:.6f}", abs(coal - YEAR_KWH * KGCE) < Decimal("0.000001")),
        RealRow("year, by hand with 0.45 kg CO2/kWh [t]", str(YEAR_KWH * Decimal("0.00045")),
                str(carbon), str(carbon - YEAR_KWH * Decimal("0.00045")),
                carbon == YEAR_KWH * Decimal("0.00045")),
        RealRow("year, its own column, each quarter hour rounded to 0.01 t [t]", str(YEAR_CO2_T),
                f"{rounded} rounded so", f"{rounded - YEAR_CO2_T}; not rounded {carbon:.2f}",
                abs(rounded / YEAR_CO2_T - 1) < Decimal("0.02")),
        _equal("rows", len(published), found.filter(pl.col("kind") == 1).height),
        *_days(published, found),
    ]  # fmt: skip


def _days(published: list[tuple[str, Decimal]], found: pl.DataFrame) -> list[RealRow]:
    """Compare every day's energy with adding up the printed dates, the slow way."""
    slow: dict[str, Decimal] = {}
    for printed, kwh in published:
        day, month, year = printed.split()[0].split("/")
        date = f"{year}-{month}-{day}"
        slow[date] = slow.get(date, Decimal(0)) + kwh
    begun = pl.from_epoch(pl.col("t_source") - 900 * 10**9, time_unit="ns")
    ours = (
        found.filter(pl.col("kind") == 1)
        .with_columns(
            day=begun.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Seoul").dt.date()
        )
        .group_by("day")
        .agg(pl.col("value_i").sum())
    )
    by_day = {str(day): Decimal(raw) / 100 for day, raw in ours.iter_rows()}
    wrong = sorted(d for d in slow.keys() | by_day.keys() if slow.get(d) != by_day.get(d))
    return [
        RealRow(
            "days whose energy differs", "0 of 365", f"{len(wrong)} of {len(by_day)}",
            ", ".join(wrong[:3]), not wrong and len(by_day) == 365,
        )
    ]  # fmt: skip


METERS = """  - id: {id}
    connector: modbus
    host: 127.0.0.1
    port: {port}
    unit_id: {unit}
    profile: {profile}
    timeout_ms: 1000
    tags: {id}.csv
"""


async def _meters(folder: Path, steps: list[Decimal]) -> list[RealRow]:
    """Serve the steps through both register maps at once, and read them back."""
    simulator = await ModbusSimulator.start()

    def serve(hundredths: int) -> None:
        simulator.set_value(1, "holding", 10, hundredths, "int32")
        simulator.set_value(2, "input", 72, FLOAT_START_KWH + hundredths / 100, "float32")

    serve(0)
    tag = "works.{id},works,profile:active_energy_import_total,,,,,20,energy,true,\n"
    plant = real_plant.make(
        folder,
        PLANT.format(
            sources="".join(
                METERS.format(id=i, port=simulator.port, unit=unit, profile=profile)
                for i, unit, profile in (
                    ("acrel", 1, "acrel_dtsd1352"),
                    ("eastron", 2, "eastron_sdm630"),
                )
            )
        ),
        {f"{i}.csv": tag.format(id=i) for i in ("acrel", "eastron")},
    )
    length_s = len(steps) * STEP_S
    gateway = real_plant.start(
        "run", "-c", plant, "--no-live", "--until", f"{length_s + 6:.0f}s", log=folder / "log.txt"
    )
    await _reads(simulator, 40)
    begin = time.monotonic()
    for i, total in enumerate(itertools.accumulate(int(kwh * 100) for kwh in steps), 1):
        await asyncio.sleep(max(0.0, begin + i * STEP_S - time.monotonic()))
        serve(total)
    code = await asyncio.to_thread(gateway.wait)
    await simulator.stop()
    if code:
        raise RuntimeError(f"the gateway ended with {code}: {(folder / 'log.txt').read_text()}")
    found, ids = real_plant.stored(plant)
    read = found.filter((pl.col("kind") == 1) & (pl.col("status") == 0))
    acrel = read.filter(pl.col("tag") == ids["works.acrel"])["value_i"]
    eastron = read.filter(pl.col("tag") == ids["works.eastron"])["value_f"]
    written = {r.function for r in simulator.requests} - {1, 2, 3, 4, 43}
    exact = Decimal(acrel[-1] - acrel[0]) / 100
    floated = Decimal(eastron[-1]) - Decimal(eastron[0])
    return [
        _equal("acrel_dtsd1352, two registers of 0.01 kWh [kWh]", WEEK_KWH, exact),
        RealRow(
            f"eastron_sdm630 from {FLOAT_START_KWH} kWh, float32 step {FLOAT_STEP_KWH} kWh [kWh]",
            str(WEEK_KWH), str(floated), str(floated - WEEK_KWH),
            abs(floated - WEEK_KWH) <= FLOAT_STEP_KWH,
        ),
        _equal("poll slots of both meters without exactly one row", 0, _slots_amiss(found, ids)),
        _equal("function codes on the wire that are not reads", 0, len(written)),
    ]  # fmt: skip


def _slots_amiss(found: pl.DataFrame, ids: dict[str, int]) -> int:
    """Return how many slots between the first and the last have no row, or more than one."""
    amiss = 0
    for meter in ("works.acrel", "works.eastron"):
        slots = found.filter((pl.col("tag") == ids[meter]) & pl.col("kind").is_in([1, 2]))[
            "src_seq"
        ]
        wanted = int(slots.max()) - int(slots.min()) + 1
        amiss += (wanted - slots.n_unique()) + (len(slots) - slots.n_unique())
    return amiss


async def _reads(simulator: ModbusSimulator, wanted: int) -> None:
    """Return when the gateway has asked so often.

    Raises:
        TimeoutError: It did not within half a minute.
    """

    def wait() -> None:
        deadline = time.monotonic() + 30
        while len(simulator.requests) < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(simulator.requests)} of {wanted} requests")
            time.sleep(0.05)

    await asyncio.to_thread(wait)


def _equal(name: str, source: object, ours: object) -> RealRow:
    difference = "" if source == ours else "differs"
    if isinstance(source, Decimal) and isinstance(ours, Decimal):
        difference = str(ours - source)
    return RealRow(name, str(source), str(ours), difference, source == ours)


__all__ = ["rows"]
