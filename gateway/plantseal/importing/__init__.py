"""Recorded data in: through the journal and the log like live rows, flagged IMPORTED.

There is no second way into the history. The log names the file by its digest and carries the whole
column map, so that whoever has the file can make the same rows again. Imported rows have a source
time and, unless the record itself tells one, no receive time: they serve baselines and durations
and never an upload rate. Nothing is de-duplicated here; the figures do that, and say so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from plantseal.config import Bound, PlantFile, bind, tag_names
from plantseal.config.words import Lang, say
from plantseal.importing.batches import Ledger, batch_of
from plantseal.importing.columns import ColumnMap, load_map
from plantseal.importing.records import ImportRefused, chunks, digest
from plantseal.journal import Journal, Submitted
from plantseal.opening import gateway_runs, open_store
from plantseal_connectors.tags import Finding

__all__ = [
    "ColumnMap",
    "ImportRefused",
    "Imported",
    "import_file",
    "load_map",
    "open_for_import",
]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        rows: Value rows stored, those among them that say "no value" included.
        bad: Records that could not be read; each is an UNPARSED row.
        findings: Unreadable records (at most 100 listed), then the totals.
        seq0: Sequence number of the first row; None when nothing was stored.
        n: Rows stored in all.
        entry: Index of the log entry that names file and map.
        sha256: Digest of the file.
    """

    rows: int
    bad: int
    findings: tuple[Finding, ...]
    seq0: int | None
    n: int
    entry: int
    sha256: str


def open_for_import(pf: PlantFile) -> tuple[Journal, Bound]:
    """Return the plant's store, open for writing, and the configuration with its tag ids.

    The store is made where there is none. The caller closes the journal.

    Raises:
        JournalError: The store cannot be opened or made.
        KeyFileError: The signing key cannot be read or made.
    """
    journal = open_store(pf)
    try:
        return journal, bind(pf, journal.tag_ids(tag_names(pf)))
    except BaseException:
        journal.close()
        raise


def import_file(
    journal: Journal,
    bound: Bound,
    file: Path,
    map_file: Path,
    *,
    again: bool = False,
    lang: Lang = "en",
) -> Imported:
    """Store the records of a file as rows of a recorded source; return what was done.

    The configuration goes into force first, so the log says what the rows' tags mean.

    Args:
        journal: Open for writing.
        bound: The configuration with the journal's own tag ids.
        file: CSV, CSV.gz, SHDR log or Parquet, as the map says.
        map_file: The column map.
        again: Store a file that is in this source already once more.
        lang: Language of findings and errors.

    Raises:
        ConfigError: The map is wrong, or the file lacks a column that it names.
        ImportRefused: The file is unreadable, or in this source already; or the gateway runs with
            another configuration than the plant file says now.
        JournalError: The store failed.
    """
    columns = load_map(map_file, bound, lang)
    sha256 = digest(file)
    source = columns.source.id
    earlier = None if again else find_import(journal, source, sha256)
    if earlier is not None:
        raise ImportRefused(say(lang, "imported_before", file=file, source=source, entry=earlier))
    records = chunks(file, columns, lang)
    first = next(records, None)  # a wrong file is refused before anything is written
    in_force = journal.config_in_force()
    if in_force and in_force[1] != bound.canonical and gateway_runs(journal.root):
        raise ImportRefused(say(lang, "configured_otherwise", file=file))
    journal.configure(bound.canonical, bound.ledgers)
    ledger = Ledger(lang, file.name)
    seqs: list[range] = []
    complete = False
    try:
        for chunk in chain([] if first is None else [first], records):
            batch = batch_of(chunk, columns, ledger)
            if len(batch.rows):
                seqs.append(journal.append([Submitted(source, batch)]))
        complete = True
    finally:
        # Also when the file breaks off in its middle: the rows stored so far stay, and say whence.
        if complete or seqs:
            entry = journal.record("import", _entry(columns, file, sha256, seqs, ledger, complete))
            journal.close_block()
    n = sum(map(len, seqs))
    seq0 = seqs[0].start if seqs else None
    return Imported(ledger.rows, ledger.bad, ledger.findings(), seq0, n, entry, sha256)


def _entry(
    columns: ColumnMap,
    file: Path,
    sha256: str,
    seqs: Sequence[range],
    ledger: Ledger,
    complete: bool,
) -> dict[str, object]:
    return {
        "source": columns.source.id,
        "file": file.name,
        "sha256": sha256,
        "map": columns.text,
        "map_sha256": columns.sha256,
        "seq0": str(seqs[0].start if seqs else 0),
        "seq_end": str(seqs[-1].stop if seqs else 0),  # a running gateway's rows may lie between
        "n": str(sum(map(len, seqs))),
        "bad": str(ledger.bad),
        "complete": complete,
    }


def find_import(journal: Journal, source: str, sha256: str) -> int | None:
    """Return the index of the log entry by which a file was wholly imported; None if it was not."""
    for line in journal.entries():
        if b'"import"' not in line or sha256.encode() not in line:
            continue
        entry = json.loads(line)
        same = entry.get("source") == source and entry.get("sha256") == sha256
        if entry.get("t") == "import" and same and entry.get("complete"):
            return int(entry["i"])
    return None
