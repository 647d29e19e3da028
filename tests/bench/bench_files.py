"""Files of the benchmark: sealed segments as the gateway writes them, and how they are read.

A folder holds ``segments/*.parquet``, ``texts.parquet`` (the journal's text table) and
``manifest.json``. A folder that was made with the same options is used again.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import bench_rows
import polars as pl
from bench_plant import plant

from plantseal import history
from plantseal.segments import MAX_ROWS, columns
from plantseal_connectors.rows import ABSENT
from plantseal_kpi.plant import Plant
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.schema import ROWS

LAYOUT = 2
"""Raised when the generated rows change, so that files of before are not taken for the same."""


@dataclass(frozen=True, slots=True)
class Files:
    """What was generated.

    Attributes:
        days: Local days, midnight to midnight.
        rows: Rows in all segments.
        segments: Path, rows, least and greatest source or receive time [ns].
    """

    folder: Path
    devices: int
    days: int
    rows: int
    segments: tuple[tuple[str, int, int, int], ...]

    @property
    def plant(self) -> Plant:
        """The plant that the rows are of."""
        return plant(self.devices)

    @property
    def paths(self) -> list[str]:
        """Every segment."""
        return [str(self.folder / s[0]) for s in self.segments]

    def size(self) -> int:
        """Return the bytes of all segments."""
        return sum(Path(p).stat().st_size for p in self.paths)


def files(folder: Path, devices: int, days: int, seed: int, trouble: float = 1) -> Files:
    """Return the files of a folder, generated day by day unless they are there already."""
    wanted = {"layout": LAYOUT, "devices": devices, "days": days, "seed": seed, "trouble": trouble}
    manifest = folder / "manifest.json"
    if manifest.exists():
        known = json.loads(manifest.read_text())
        if {k: known.get(k) for k in wanted} == wanted:
            segments = tuple(tuple(s) for s in known["segments"])
            return Files(folder, devices, days, sum(s[1] for s in segments), segments)
        manifest.unlink()
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    carry = bench_rows.start(devices)
    segments = []
    for day in range(days):
        rows = bench_rows.day_rows(devices, day, seed, carry, trouble)
        for at in range(0, len(rows), MAX_ROWS):
            segments.append(_segment(folder, len(segments) + 1, rows[at : at + MAX_ROWS]))
    texts = bench_rows.texts(devices)
    pl.DataFrame(
        {"ix": list(texts), "text": list(texts.values())},
        schema={"ix": pl.Int64, "text": pl.String},
    ).write_parquet(folder / "texts.parquet")
    manifest.write_text(json.dumps(wanted | {"segments": segments}))
    return Files(folder, devices, days, sum(s[1] for s in segments), tuple(segments))


def _segment(folder: Path, number: int, rows: bench_rows.Rows) -> tuple[str, int, int, int]:
    """Write a segment as ``plantseal.segments`` does; return its entry of the manifest."""
    name = f"segments/{number:06}.parquet"
    columns(rows).sort("tag", "t", "seq").write_parquet(
        folder / name, compression="zstd", compression_level=3, row_group_size=250_000
    )
    times = [t[t != ABSENT] for t in (rows["t_source"], rows["t_receive"])]
    found = [t for t in times if len(t)]
    return name, len(rows), min(int(t.min()) for t in found), max(int(t.max()) for t in found)


def parts(made: Files) -> list[Part]:
    """Return each segment as a part in the columns of the core, by the gateway's own mapping."""
    texts = pl.read_parquet(made.folder / "texts.parquet")
    return [
        Part(t_min, t_max, as_rows(pl.scan_parquet(made.folder / name, glob=False), texts))
        for name, _, t_min, t_max in made.segments
    ]


def as_rows(segment: pl.LazyFrame, texts: pl.DataFrame) -> pl.LazyFrame:
    """Return a segment in the columns of :data:`plantseal_kpi.schema.ROWS`."""
    return history.as_rows(segment, texts).select(ROWS.names())
