"""Parts that real machines made: a counter with false zeros, and forty pieces judged twice.

Hurco01's part counter goes 2379 to 3797 and drops to 0 thirteen times on connecting. The 20 covers
and 20 plates were judged on arrival and again by the first article inspection; the two disagree.
"""

import csv
import gzip
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import real_plant
from real_table import RealRow

from plantseal_kpi.plant import Period

PARTS = range(2379, 3797)
FALSE_ZEROS = 13
HURCO = """version: 1
site: hurco01
zone: UTC
equipment:
  - {id: Hurco01, name: Hurco VMX24, cls: processing, stale_s: null,
     states: {ACTIVE: producing, READY: idle, FEED_HOLD: idle, STOPPED: idle,
              PROGRAM_STOPPED: idle, PROGRAM_COMPLETED: idle}}
sources:
  - {id: history, connector: recorded, tags: tags.csv}
"""
ROLES = {"Program_Status": "state", "Part_Count": "count_total"}

PLATES = """version: 1
site: plates
zone: UTC
equipment:
  - {id: Hurco04, name: Hurco VMX24, cls: processing, stale_s: null}
quality: {inspection: '%s'}
ledgers: {inspections: inspections.csv}
sources:
  - {id: history, connector: recorded, tags: tags.csv}
"""
MAP = """source: history
format: parquet
time: {column: ts, format: rfc3339}
key_column: key
value_column: value
not_available: [UNAVAILABLE]
keys:
"""
# SOURCE.md: passed and failed of each inspection, 20 parts each.
JUDGED = {"incoming": 20 + 0, "fair": 19 + 1}
FAILED = {"incoming": 0 + 20, "fair": 1 + 19}
WHEN = {"incoming": "2017-03-20T00:00:00Z", "fair": "2017-06-01T00:00:00Z"}


def rows(data: Path) -> list[RealRow]:
    """Return one row a figure."""
    with tempfile.TemporaryDirectory() as folder:
        counted = _counted(data, Path(folder))
    return [*counted, *_judged(data)]


def _counted(data: Path, folder: Path) -> list[RealRow]:
    log = data / "nist_smstb_hurco01_parts" / "hurco01_20170201_20170831.parquet"
    records = pl.read_parquet(log)
    keys = sorted(set(records["key"].drop_nulls().to_list()))
    tags = "".join(
        f"Hurco01.{k},Hurco01,{k},{'int' if k == 'Part_Count' else 'text'},,,,60000,"
        f"{ROLES.get(k, 'value')},false,\n"
        for k in keys
    )
    plant = real_plant.make(
        folder, HURCO, {"tags.csv": tags},
        map_yaml=MAP + "".join(f"  {k}: Hurco01.{k}\n" for k in keys),
    )  # fmt: skip
    done: Any = real_plant.plantseal("import", log, "--map", folder / "map.yaml", "-c", plant)
    months = Period(start=datetime(2017, 2, 1, tzinfo=UTC), end=datetime(2017, 9, 1, tzinfo=UTC))
    machine = real_plant.worked(plant, months)[0]
    zeros = [f for f in machine.findings if f.code == "counter.false_zero"]
    found = sum(int(f.data["n"]) for f in zeros)
    return [
        _row("Hurco01: events imported", records.height, done["files"][0]["rows"]),
        _row("Hurco01: false zeros left out", FALSE_ZEROS, found),
        _row(f"Hurco01: pieces, {PARTS.start} to {PARTS.stop}", len(PARTS), machine.made),
    ]  # fmt: skip


def _judged(data: Path) -> list[RealRow]:
    source = data / "nist_mtc_cover_plate"
    out = []
    for counts in ("incoming", "fair", ""):
        with tempfile.TemporaryDirectory() as folder:
            rate = _rate(source, Path(folder), counts)
        codes = [f["code"] for f in rate["findings"]]
        parts = rate["parts"]
        if not counts:
            out.append(
                RealRow("plates: no inspection chosen", "no figure", rate["value"] or "no figure",
                        ", ".join(codes), rate["value"] is None and
                        "unassessable.inspection" in codes)
            )  # fmt: skip
            continue
        out += [
            _row(f"plates: {counts} counts, failed of inspected",
                 f"{FAILED[counts]} / {JUDGED[counts] + FAILED[counts]}",
                 f"{rate['numerator']} / {rate['denominator']}"),
            _row(f"plates: {counts} counts, the figure says", f"{counts}; the other beside it",
                 f"{parts['inspection']}; incoming {parts['by_incoming']}, fair {parts['by_fair']}",
                 parts["inspection"] == counts and parts["by_incoming"] == parts["by_fair"]),
            _row(f"plates: {counts} counts, parts judged the other way", 2, int(parts["disagree"]),
                 parts["disagree"] == "2" and "inspections.disagree" in codes),
        ]  # fmt: skip
    return out


def _rate(source: Path, folder: Path, counts: str) -> Any:
    """Return the defect rate, the machine's log and both inspections read by the gateway."""
    keys = {"Part_Count": "int", "Program_Name_Running": "text"}
    tags = "".join(f"Hurco04.{k},Hurco04,{k},{t},,,,60000,value,false,\n" for k, t in keys.items())
    folder.mkdir(exist_ok=True)
    with (folder / "inspections.csv").open("w", newline="", encoding="utf-8") as f:
        table = csv.writer(f)
        table.writerow(["part", "inspection", "time", "passed"])
        for part in ("cover", "plate"):
            for inspection in WHEN:
                table.writerows(_verdicts(source, part, inspection))
    log = folder / "parts.parquet"
    read = [pl.read_parquet(source / f"{p}_partdata.parquet") for p in ("cover", "plate")]
    pl.concat(read).filter(pl.col("key").is_in(list(keys))).write_parquet(log)
    plant = real_plant.make(
        folder, PLATES % counts, {"tags.csv": tags},
        map_yaml=MAP + "".join(f"  {k}: Hurco04.{k}\n" for k in keys),
    )  # fmt: skip
    real_plant.plantseal("import", log, "--map", folder / "map.yaml", "-c", plant)
    report = real_plant.plantseal("kpi", "--period", "2017-01-01..2017-12-31", "-c", plant)
    return real_plant.figure(report, "defect_rate")


def _verdicts(source: Path, part: str, inspection: str) -> list[tuple[str, str, str, str]]:
    """Return (part, inspection, time, passed) of each MeasurementResults of a QIF file."""
    packed = (source / f"{part}_{inspection}.qif.gz").read_bytes()
    text = gzip.decompress(packed).decode("utf-8-sig")
    blocks = re.findall(r"<MeasurementResults .*?</MeasurementResults>", text, re.S)
    found = [re.findall(r"<InspectionStatus>.*?<\w*Enum>(PASS|FAIL)</", b, re.S) for b in blocks]
    return [
        (f"{part}-{i}", inspection, WHEN[inspection], str(v == ["PASS"]).lower())
        for i, v in enumerate(found, 1)
    ]


def _row(name: str, source: object, ours: object, passed: bool | None = None) -> RealRow:
    difference = str(ours - source) if isinstance(ours, int) and isinstance(source, int) else ""
    return RealRow(name, str(source), str(ours), difference,
                   source == ours if passed is None else passed)  # fmt: skip
