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
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.envelope import Statement
from plantseal.evidence.format import MAX_JSON, MAX_SEGMENT, MAX_TEXTS, Code, Finding, Refused
from plantseal.evidence.verify_coverage import bounds
from plantseal.evidence.verify_figures import read_period, read_plant
from plantseal.evidence.verify_log import Log, Segment, number, text
from plantseal.evidence.verify_rows import (
    check_segment,
    check_values,
    frame,
    keep,
    read_texts,
)
from plantseal_kpi.evaluate import spans
from plantseal_kpi.plant import Period, Plant


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
        plant: The plant of the configuration in force when the figures were computed.
        period: The period reported.
        rows: All rows of the bundle, as the KPI core takes them.
        count: How many they are.
    """

    plant: Plant
    period: Period
    rows: pl.LazyFrame
    count: int


def read_data(
    bundle: Container, statement: Statement, log: Log, workshop: Workshop, found: list[Finding]
) -> Data:
    """Return the data of the bundle; disagreements with the log go to ``found``.

    Raises:
        Refused: Something without which no row can be read at all.
    """
    predicate = statement.predicate
    period = read_period(predicate.period.start, predicate.period.end)
    plant = _plant_in_force(bundle, statement, log, found)
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
    found.extend(_configurations(bundle, log, present))
    texts = _texts(bundle, log, present, found)
    reading = _Reading(bundle, log, texts, workshop)
    paths = [p for s in present if (p := reading.segment(s, found)) is not None]
    rows = frame(paths, texts).filter(pl.col("seq") < rows_end)
    return Data(plant, period, rows, reading.count)


def _name(segment: Segment) -> str:
    return f"data/{segment.path}"


def _plant_in_force(
    bundle: Container, statement: Statement, log: Log, found: list[Finding]
) -> Plant:
    """Return the plant; it must be the one in force at the run whose report was exported."""
    predicate = statement.predicate
    runs = [e for e in log.of("kpi_run") if e.body.get("report_sha256") == predicate.report_sha256]
    exports = [
        e for e in log.of("export") if e.body.get("report_sha256") == predicate.report_sha256
    ]
    stated = predicate.period.model_dump()
    for kind, entries in (("kpi_run", runs), ("export", exports)):
        if not entries:
            found.append(
                Finding(Code.LISTS_DISAGREE, f"log: no {kind} entry for the report of this bundle")
            )
        elif entries[-1].body.get("period") != stated:
            found.append(
                Finding(
                    Code.LISTS_DISAGREE,
                    f"entry {entries[-1].index}: period is {entries[-1].body.get('period')}, "
                    f"the envelope says {stated}",
                )
            )
    if runs:
        in_force = log.config_before(runs[-1].index)
        if not in_force == predicate.config_sha256 == runs[-1].body.get("config_sha256"):
            found.append(
                Finding(
                    Code.CONFIG_NOT_IN_LOG,
                    f"entry {runs[-1].index}: computed with configuration "
                    f"{runs[-1].body.get('config_sha256')}, in force was {in_force}, "
                    f"the envelope says {predicate.config_sha256}",
                )
            )
    name = f"data/config/{predicate.config_sha256}.json"
    return read_plant(read(bundle, name, MAX_JSON), name)


def _rows_end(log: Log, report_sha256: str) -> int:
    """Return the end of the rows that the report was computed from, as its run states it."""
    runs = [e for e in log.of("kpi_run") if e.body.get("report_sha256") == report_sha256]
    if runs:
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
    known |= {f"data/config/{text(e.body, 'sha256')}.json" for e in log.of("config")}
    for name in bundle.names:
        folder = name.rsplit("/", 1)[0]
        if folder in ("data/segments", "data/texts", "data/config") and name not in known:
            code = Code.CONFIG_NOT_IN_LOG if folder == "data/config" else Code.UNEXPECTED
            yield Finding(code, f"{name}: the log knows no such file")


def _left_out(log: Log, rows_end: int, plant: Plant, period: Period) -> Iterator[Finding]:
    """Yield segments and open blocks that the report left out although they may belong to it."""
    baseline = plant.baseline.period if plant.baseline else None
    periods = [bounds(p) for p in (period, baseline) if p is not None]
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


def _meets(segment: Segment, windows: Sequence[tuple[int, int]]) -> bool:
    return any(segment.t_min < end and segment.t_max >= start for start, end in windows)


def _configurations(bundle: Container, log: Log, segments: Sequence[Segment]) -> Iterator[Finding]:
    """Yield configurations that were in force for some row of the bundle and are not in it."""
    present = set(bundle.names)
    used = dict.fromkeys(b.config for s in segments for b in log.blocks_of(s))
    for sha256 in used:
        name = f"data/config/{sha256}.json"
        if sha256 is None:
            continue  # rows of the link tags may come before the first configuration
        if name not in present:
            yield Finding(Code.CONFIG_NOT_IN_LOG, f"{name}: was in force, but not in the bundle")
        elif hashlib.sha256(read(bundle, name, MAX_JSON)).hexdigest() != sha256:
            yield Finding(Code.CONFIG_NOT_IN_LOG, f"{name}: its digest is not its name")


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

    def segment(self, segment: Segment, found: list[Finding]) -> Path | None:
        """Return where the rows of a segment are kept, if they could be read."""
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
        self.count += len(rows)
        kept = scratch / f"{segment.seq0}.arrow"
        keep(rows, kept)
        return kept
