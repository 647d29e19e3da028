"""Step 11: everything that the log says the period needs lies in the bundle and says the same.

Which configuration was in force, which segments hold rows of the period, which texts those rows
point at: all of it is derived from the log, never from what happens to be in the bundle.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from plantseal.evidence.container import Container, read
from plantseal.evidence.declared import ledgers, versions
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.envelope import Predicate, Statement
from plantseal.evidence.format import MAX_JSON, MAX_SEGMENT, MAX_TEXTS, Code, Finding, Refused
from plantseal.evidence.verify_clock import shown
from plantseal.evidence.verify_config import (
    check_configurations,
    check_ledgers,
    check_run,
    config_name,
    read_ledger,
    runs_of,
)
from plantseal.evidence.verify_coverage import bounds
from plantseal.evidence.verify_figures import read_period, read_plant
from plantseal.evidence.verify_log import Log, Segment, number, text
from plantseal.evidence.verify_rows import (
    check_imported,
    check_segment,
    check_values,
    extent,
    frame,
    keep,
    read_texts,
)
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.evaluate import spans
from plantseal_kpi.plant import Period, Plant
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.versions import Version, chosen


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where segments are opened.

    Attributes:
        scratch: Directory that is removed with the verification.
        decoder: The child process that opens Parquet.
    """

    scratch: Path
    decoder: Decoder


@dataclass(slots=True)
class Data:
    """What the figures are computed from.

    Attributes:
        plant: The plant as it counts for the period.
        period: The period reported.
        parts: All rows of the bundle, as the KPI core takes them, with the bounds of their times.
        count: How many they are.
        versions: Every configuration that was in force before the figures were computed.
        ledgers: The ledgers that the plant names, by name.
    """

    plant: Plant
    period: Period
    parts: list[Part]
    count: int
    versions: list[Version]
    ledgers: Ledgers

    @property
    def rows(self) -> pl.LazyFrame:
        """Return all rows of the bundle."""
        return pl.concat([p.rows for p in self.parts])


def read_data(
    bundle: Container, statement: Statement, log: Log, workshop: Workshop, found: list[Finding]
) -> Data:
    """Return the data of the bundle; disagreements with the log go to ``found``.

    Raises:
        Refused: Something without which no row can be read at all.
    """
    predicate = statement.predicate
    period = read_period(predicate.period.start, predicate.period.end)
    found.extend(check_run(statement, log))
    logged = _versions(bundle, log, predicate)
    plant = chosen(logged, period).plant
    rows_end = _rows_end(log, predicate.report_sha256)
    if rows_end not in {0, *(s.seq0 + s.n for s in log.segments)}:
        found.append(Finding(Code.ROWS, f"log: the run ends at row {rows_end}, amid a segment"))
    windows = spans(plant, period)
    names = set(bundle.names)
    known = [s for s in log.segments if s.seq0 < rows_end]
    present = [s for s in known if _name(s) in names]
    required = [s for s in known if _meets(s, windows)]
    found.extend(_missing(required, bundle))
    found.extend(_strangers(bundle, log))
    found.extend(_left_out(log, rows_end, plant, period))
    absent = [s for s in known if _name(s) not in names]
    found.extend(_elsewhere(log, absent, _periods(plant, period)))
    blocks = [b for s in present for b in log.blocks_of(s)]
    found.extend(
        check_configurations(bundle, log, blocks, predicate.config_sha256, predicate.report_sha256)
    )
    texts = _texts(bundle, log, present, found)
    reading = _Reading(bundle, log, texts, workshop)
    used = pl.col("seq") < rows_end
    opened = [reading.segment(s, found) for s in present]
    parts = [
        Part(*times, frame([path], texts).filter(used))
        for path, times in (kept for kept in opened if kept is not None)
    ]
    parts = parts or [Part(0, -1, frame([], texts))]
    found.extend(check_ledgers(bundle, plant))
    try:
        records = ledgers(plant, lambda sha256: read_ledger(bundle, sha256))
    except ValueError as e:
        raise Refused(Code.UNREADABLE, f"data/ledgers: {e}") from e
    return Data(plant, period, parts, reading.count, logged, records)


def _versions(bundle: Container, log: Log, predicate: Predicate) -> list[Version]:
    """Return the configurations before the run, each from the bundle.

    Raises:
        Refused: One is missing or cannot be read, or there is none.
    """
    runs = runs_of(log, "kpi_run", predicate.report_sha256)
    end = runs[-1].index if runs else log.size

    def plant(sha256: str) -> Plant:
        name = config_name(sha256)
        return read_plant(read(bundle, name, MAX_JSON), name)

    found = versions((s for i, s in log.steps() if i < end), plant)
    if not found:
        raise Refused(Code.CONFIG_NOT_IN_LOG, "log: no configuration came into force")
    return found


def _name(segment: Segment) -> str:
    return f"data/{segment.path}"


def _rows_end(log: Log, report_sha256: str) -> int:
    """Return the end of the rows that the report was computed from, as its run states it."""
    if runs := runs_of(log, "kpi_run", report_sha256):
        return number(runs[-1].body, "rows")
    return max((s.seq0 + s.n for s in log.segments), default=0)


def _missing(required: Sequence[Segment], bundle: Container) -> Iterator[Finding]:
    present = set(bundle.names)
    for segment in required:
        if _name(segment) not in present:
            yield Finding(
                Code.DATA_NOT_IN_BUNDLE,
                f"{_name(segment)}: the log (entry {segment.index}) has rows {segment.seq0} to "
                f"{segment.seq0 + segment.n - 1} of this period in it, the bundle does not",
            )


def _strangers(bundle: Container, log: Log) -> Iterator[Finding]:
    known = {_name(s) for s in log.segments}
    known |= {f"data/texts/{b.seq0}.bin" for b in log.blocks if b.text_n}
    known |= {config_name(text(e.body, "sha256")) for e in log.of("config")}
    for name in bundle.names:
        folder = name.rsplit("/", 1)[0]
        if folder in ("data/segments", "data/texts", "data/config") and name not in known:
            code = Code.CONFIG_NOT_IN_LOG if folder == "data/config" else Code.UNEXPECTED
            yield Finding(code, f"{name}: the log knows no such file")


def _left_out(log: Log, rows_end: int, plant: Plant, period: Period) -> Iterator[Finding]:
    """Yield what the report left out although it may belong to it: segments, blocks, time to come."""
    periods = _periods(plant, period)
    closed = max((b.wall_ns for b in log.blocks if b.seq0 < rows_end), default=None)
    if closed is not None and closed < bounds(period)[1]:
        yield Finding(
            Code.COVERAGE,
            f"log: the last row used was logged at {shown(closed)}, before the period ended at "
            f"{shown(bounds(period)[1])}; what came after is not in the report: seal again with "
            "the gateway running past the end, or choose a period that ends earlier",
        )
    sealed_end, before = 0, 0
    for segment in log.segments:
        sealed_end = segment.seq0 + segment.n
        if segment.seq0 >= rows_end and _meets(segment, periods):
            yield Finding(
                Code.COVERAGE,
                f"{_name(segment)}: has rows of the period, but the report was computed from rows "
                f"below {rows_end} alone; seal again",
            )
    for block in log.blocks:
        if block.seq0 >= sealed_end and before < bounds(period)[1]:
            yield Finding(
                Code.COVERAGE,
                f"entry {block.index}: rows {block.seq0} to {block.seq0 + block.n - 1} came after "
                "the report was computed and may belong to its period; seal again",
            )
        before = block.wall_ns


def _elsewhere(
    log: Log, absent: Sequence[Segment], periods: Sequence[tuple[int, int]]
) -> Iterator[Finding]:
    """Yield blocks logged in the period whose segment says that its times lie elsewhere.

    Recorded data taken in meanwhile are of another time, and an ``import`` entry says so.
    """
    imports = _imports(log)
    for segment in absent:
        for block in log.blocks_of(segment):
            inside = any(start <= block.wall_ns < end for start, end in periods)
            last = block.seq0 + block.n
            if inside and not any(a < last and b > block.seq0 for a, b in imports):
                yield Finding(
                    Code.COVERAGE,
                    f"entry {block.index}: rows {block.seq0} to {last - 1} were logged at "
                    f"{shown(block.wall_ns)}, within the period, but {_name(segment)} is not in "
                    "the bundle, its times are said to be elsewhere",
                )


def _imports(log: Log) -> list[tuple[int, int]]:
    """Return the rows [first, end) of each import."""
    return [(number(e.body, "seq0"), number(e.body, "seq_end")) for e in log.of("import")]


def _periods(plant: Plant, period: Period) -> list[tuple[int, int]]:
    baseline = plant.baseline.period if plant.baseline else None
    return [bounds(p) for p in (period, baseline) if p is not None]


def _meets(segment: Segment, windows: Sequence[tuple[int, int]]) -> bool:
    return any(segment.t_min < end and segment.t_max >= start for start, end in windows)


def _texts(
    bundle: Container, log: Log, segments: Sequence[Segment], found: list[Finding]
) -> dict[int, bytes]:
    """Return every text from the first block to the last block of the segments, by index."""
    end = max((s.seq0 + s.n for s in segments), default=0)
    texts: dict[int, bytes] = {}
    for block in log.blocks:
        if block.seq0 >= end or not block.text_n:
            continue
        name = f"data/texts/{block.seq0}.bin"
        try:
            read_in = read_texts(read(bundle, name, MAX_TEXTS), name, block)
        except Refused as e:
            code = Code.DATA_NOT_IN_BUNDLE if e.code is Code.MISSING else e.code
            found.append(Finding(code, e.message))
            continue
        texts.update(enumerate(read_in, start=block.text0))
    return texts


@dataclass(slots=True)
class _Reading:
    """Segments read one after the other; only one is in memory at a time."""

    bundle: Container
    log: Log
    texts: dict[int, bytes]
    workshop: Workshop
    count: int = field(default=0)

    def segment(
        self, segment: Segment, found: list[Finding]
    ) -> tuple[Path, tuple[int, int]] | None:
        """Return where the rows of a segment are kept, and their extent, if they could be read."""
        name = _name(segment)
        try:
            data = read(self.bundle, name, MAX_SEGMENT)
            if (len(data), hashlib.sha256(data).hexdigest()) != (segment.size, segment.sha256):
                found.append(
                    Finding(Code.DIGEST, f"{name}: not the file sealed by entry {segment.index}")
                )
            scratch = self.workshop.scratch
            rows = self.workshop.decoder.rows(self.bundle.file(name, scratch), name, scratch)
        except Refused as e:
            found.append(e.finding())
            return None
        found.extend(check_segment(rows, segment, self.log.blocks_of(segment)))
        found.extend(check_values(rows, name, self.texts))
        found.extend(check_imported(rows, name, _imports(self.log)))
        self.count += len(rows)
        kept = scratch / f"{segment.seq0}.arrow"
        keep(rows, kept)
        return kept, extent(rows)
