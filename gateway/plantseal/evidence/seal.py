"""The producer: from a store to a bundle.

The order is the design: what the bundle says must be in the log before the log is signed, and the
log must be signed before the envelope, so that nothing needed lies outside the envelope.

1. close the open block and seal all rows: no row of the period stays outside a segment
2. compute the report from the history, as the verifier will from the segments
3. log the run and the export
4. sign the checkpoint
5. write the files, each synced
6. sign the envelope, last; then the directory takes its name (or becomes a ZIP)
"""

import hashlib
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from plantseal import canonical, merkle, note, segments
from plantseal.evidence import format as names
from plantseal.evidence.container import bag_info, manifest
from plantseal.evidence.definitions import SOFTWARE, definitions, environment
from plantseal.evidence.envelope import sign
from plantseal.evidence.inputs import NothingConfigured, inputs
from plantseal.evidence.report import page
from plantseal.evidence.zipped import write_zip
from plantseal.journal import Journal
from plantseal.keys import Signer
from plantseal_kpi.evaluate import report_json
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Report


class SealError(Exception):
    """The store cannot be sealed as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SealedBundle:
    """A bundle as it was made.

    Attributes:
        path: The directory or ZIP.
        origin: Name of the log.
        size: Entries in the log at the checkpoint.
        root: Merkle root at that size, 32 bytes.
        report: The figures and verdicts sealed.
    """

    path: Path
    origin: str
    size: int
    root: bytes
    report: Report


def seal(
    journal: Journal,
    period: Period,
    out: Path,
    *,
    signer: Signer,
    zipped: bool = False,
    now_ns: int | None = None,
) -> SealedBundle:
    """Return the bundle made at ``out`` from the rows, log and configuration of a store.

    Args:
        journal: The store, open for writing.
        period: What to report on.
        out: Path that does not exist yet.
        signer: Key of the log.
        zipped: Write a ZIP instead of a directory.
        now_ns: Time of sealing [ns since the epoch]; the wall clock by default.

    Raises:
        SealError: ``out`` exists, the key is not the log's, or no configuration is in force.
        JournalError: The store refuses.
    """
    if out.exists():
        raise SealError(f"{out}: exists; choose another name or remove it first")
    if signer.vkey != journal.vkey:
        raise SealError(f"the log belongs to key {journal.vkey}, not to {signer.vkey}")
    sealed_at = _rfc3339(time.time_ns() if now_ns is None else now_ns)
    journal.close_block()  # 1
    segments.seal(journal, force=True)
    # A gateway may be writing meanwhile: what comes after the segments sealed here is left out
    rows_end = journal.sealed_end()
    try:
        # From the JSON in the log, not from plant.yaml: the verifier has nothing else
        given = inputs(journal, period, rows_end=rows_end)
    except NothingConfigured as e:
        raise SealError(
            "no configuration in the log: run the gateway once, or import with one"
        ) from e
    config_sha256 = given.versions[-1].sha256
    report = given.report()  # 2
    report_bytes = canonical.dumps(report_json(report))
    stated = {"start": period.start.isoformat(), "end": period.end.isoformat()}
    run = {
        "config_sha256": config_sha256,
        "period": stated,
        "report_sha256": hashlib.sha256(report_bytes).hexdigest(),
    }
    journal.record("kpi_run", {**run, "rows": str(rows_end)})  # 3
    last = journal.record("export", run)
    entries = list(journal.entries(0, last + 1))
    _require_in_force(config_sha256, entries)
    checkpoint = note.Checkpoint(
        signer.name, len(entries), merkle.root(map(merkle.leaf_hash, entries))
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        writer = _Writer(work)
        writer.write(names.CHECKPOINT, note.sign_checkpoint(checkpoint, signer))  # 4
        writer.write(names.ENTRIES, b"".join(line + b"\n" for line in entries))  # 5
        writer.write(names.REPORT, report_bytes)
        writer.write(names.REPORT_PAGE, page(canonical.loads(report_bytes)))
        writer.write(names.DEFINITIONS, canonical.dumps(definitions()))
        writer.write(names.ENVIRONMENT, canonical.dumps(environment()))
        _write_store(journal, entries, given.spans, rows_end, writer)
        for ref in dict.fromkeys(r.sha256 for r in given.plant.ledgers.values()):
            writer.write(f"data/ledgers/{ref}.csv", journal.config(ref))
        writer.write(names.BAGIT, names.BAGIT_TEXT)
        head = (checkpoint.origin, checkpoint.size)
        writer.write(names.BAG_INFO, bag_info(given.plant.site, stated, head, SOFTWARE))
        writer.write(names.MANIFEST, manifest(writer.digests))
        statement = {
            "_type": names.STATEMENT_TYPE,
            "predicateType": names.PREDICATE_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": value}}
                for name, value in sorted(writer.digests.items())
            ],
            "predicate": {
                "schema": names.SCHEMA,
                "origin": checkpoint.origin,
                "tree": {"size": str(checkpoint.size), "root": checkpoint.root.hex()},
                "genesis_sha256": hashlib.sha256(entries[0]).hexdigest(),
                "sealed_at": sealed_at,
                "software": SOFTWARE,
                **run,
            },
        }
        writer.write(names.ENVELOPE, sign(statement, signer))  # 6
        if zipped:
            write_zip(work, out)
        else:
            work.chmod(0o755)
            work.rename(out)
        _sync_directory(out.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return SealedBundle(out, checkpoint.origin, checkpoint.size, checkpoint.root, report)


def _require_in_force(sha256: str, entries: Sequence[bytes]) -> None:
    """Return when no other process put another configuration in force while we computed.

    Raises:
        SealError: One did; a bundle made now would be refused.
    """
    configs = [line for line in entries if b'"t":"config"' in line]
    if canonical.loads(configs[-1])["sha256"] != sha256:
        raise SealError("the configuration changed while the report was computed; seal again")


def _rfc3339(t_ns: int) -> str:
    return datetime.fromtimestamp(t_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class _Writer:
    """Files written and synced below ``root``, with their digests."""

    root: Path
    digests: dict[str, str]

    def __init__(self, root: Path) -> None:
        self.root, self.digests = root, {}

    def write(self, name: str, data: bytes) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        self.digests[name] = hashlib.sha256(data).hexdigest()


def _write_store(
    journal: Journal,
    entries: Sequence[bytes],
    windows: Sequence[tuple[int, int]],
    rows_end: int,
    writer: _Writer,
) -> None:
    """Write configurations, segments and texts, as the log names them."""
    decoded = [canonical.loads(line) for line in entries]
    for sha256 in dict.fromkeys(e["sha256"] for e in decoded if e["t"] == "config"):
        writer.write(f"data/config/{sha256}.json", journal.config(sha256))
    end = 0
    for segment in (e for e in decoded if e["t"] == "segment" and int(e["seq0"]) < rows_end):
        t_min, t_max = int(segment["t_min"]), int(segment["t_max"])
        if any(t_min < stop and t_max >= start for start, stop in windows):
            writer.write(f"data/{segment['path']}", (journal.root / segment["path"]).read_bytes())
            end = int(segment["seq0"]) + int(segment["n"])
    for block in (e for e in decoded if e["t"] == "block"):
        if int(block["seq0"]) < end and int(block["text_n"]):
            texts = journal.texts(int(block["text0"]), int(block["text_n"]))
            writer.write(f"data/texts/{block['seq0']}.bin", b"".join(_prefixed(texts)))


def _prefixed(texts: Sequence[bytes]) -> Iterator[bytes]:
    for text in texts:
        yield struct.pack("<L", len(text))
        yield text


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
