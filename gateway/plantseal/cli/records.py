"""``plantseal import`` and ``plantseal bundle seal``: what goes into and out of the store."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.figures import say_if_open
from plantseal.cli.output import emit, language, say, show, word
from plantseal.cli.periods import period as parse_period
from plantseal.cli.store import open_store, plant_file, plant_in_force, signer_of
from plantseal.config import PlantFile

if TYPE_CHECKING:
    from plantseal.importing import Imported


def import_(
    config: Path, *, files: list[Path], column_map: Path, again: bool, as_json: bool
) -> None:
    """Import each file; exit 3 when a file was refused, 0 when rows were bad but kept."""
    documents = []
    for path, done in import_files(plant_file(config), files, column_map, again=again):
        documents.append(
            {
                "file": str(path),
                "sha256": done.sha256,
                "rows": done.rows,
                "bad": done.bad,
                "log_entry": done.entry,
                "findings": [f.message for f in done.findings],
            }
        )
        if not as_json:
            show(
                word("{f}: {n} rows, {b} unreadable", "{f}：{n} 行，{b} 行无法识别").format(
                    f=path, n=done.rows, b=done.bad
                )
            )
            for finding in done.findings:
                say(f"  {finding.message}")
    if as_json:
        emit({"files": documents})


def import_files(
    file: PlantFile, files: Sequence[Path], column_map: Path, *, again: bool
) -> Iterator[tuple[Path, "Imported"]]:
    """Yield each file with what its import did; the store is made when there is none yet.

    Raises:
        Stop: With exit code 3, when a file does not exist.
    """
    from plantseal.importing import import_file, open_for_import

    missing = ", ".join(str(f) for f in (*files, column_map) if not f.is_file())
    if missing:
        raise Stop(Exit.INPUT, word("no such file: ", "文件不存在：") + missing)
    journal, bound = open_for_import(file)
    with journal:
        for path in files:
            yield (
                path,
                import_file(journal, bound, path, column_map, again=again, lang=language()),
            )


def seal(config: Path, *, period: str, out: Path, as_json: bool) -> None:
    """Seal a bundle and say what is in it and which key signed it."""
    from plantseal.evidence.seal import seal as seal_bundle

    file = plant_file(config)
    signer = signer_of(file)
    journal = open_store(file, read_only=False)
    try:
        wanted = parse_period(period, plant_in_force(journal).zone)
        say_if_open(wanted)
        sealed = seal_bundle(journal, wanted, out, signer=signer, zipped=out.suffix == ".zip")
    finally:
        journal.close()
    if as_json:
        emit(
            {"bundle": str(sealed.path), "origin": sealed.origin, "tree_size": sealed.size,
             "root": sealed.root.hex(), "verifier_key": signer.vkey}
        )  # fmt: skip
        return
    show(f"{word('bundle', '证据包')}: {sealed.path}")
    show(f"{word('origin', '来源')}: {sealed.origin}  {word('entries', '日志条数')}: {sealed.size}")
    show(f"{word('verifier key', '核验公钥')}: {signer.vkey}")
