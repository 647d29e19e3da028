"""A small real store, sealed; and what an operator with the key could do to its bundle.

Nothing here is a stand-in: rows go through the real journal, segments and seal. The forger works on
a directory bundle and can mend every list and signature that the key in hand can mend.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plantseal import canonical, keys, log, merkle, note, segments
from plantseal.evidence import envelope as dsse
from plantseal.evidence import format as names
from plantseal.evidence.container import manifest
from plantseal.evidence.seal import SealedBundle, seal
from plantseal.journal import Journal, Submitted
from plantseal_connectors.rows import Kind, RowList
from plantseal_connectors.status import BAD_SHUTDOWN, BAD_TIMEOUT
from plantseal_kpi.plant import Equipment, Period, Plant, Point

ORIGIN = "plantseal.test/site-7"
START = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = 10**9
START_NS = int(START.timestamp()) * SECOND
MINUTES = 12
TAGS = ("$link:cell1", "cnc1.state", "cnc1.total", "cnc1.good", "cnc1.energy")
SEALED_AT_NS = START_NS + 3600 * SECOND


def period() -> Period:
    """Return the period that the store covers."""
    return Period(start=START, end=START + timedelta(minutes=MINUTES))


def plant(ids: Mapping[str, int]) -> Plant:
    """Return a plant of one polled machine, three parts a minute."""
    roles = {"cnc1.state": "state", "cnc1.total": "count_total", "cnc1.good": "count_good",
             "cnc1.energy": "energy"}  # fmt: skip
    return Plant(
        site="site-7",
        name="七号车间",
        equipment=(
            Equipment(
                id="cnc1", name="数控车床一", cls="processing", key=True, declared_level="L1",
                ideal_cycle_s=18, states={"RUN": "producing", "IDLE": "idle"},
            ),
        ),
        points=tuple(
            Point(
                tag=ids[name], name=name, equipment="cnc1", source="cell1",
                link=ids["$link:cell1"], mode="polled", protocol="modbus", role=role,
                period_ms=1000, keepalive_ms=5000, unit="kWh" if role == "energy" else "",
            )
            for name, role in roles.items()
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """What the rows of a store tell.

    Attributes:
        withhold: Seconds [from, to) of which no row is written.
        invented: Parts added to every count.
    """

    withhold: tuple[int, int] = (0, 0)
    invented: int = 0


def _minute(ids: Mapping[str, int], minute: int, rows: RowList, story: Story) -> None:
    for second in range(minute * 60, minute * 60 + 60):
        if story.withhold[0] <= second < story.withhold[1]:
            continue
        at = START_NS + second * SECOND
        slot, received = at // SECOND, at + 20_000_000
        state = "IDLE" if second % 100 < 20 else "RUN"
        made = second // 20 + story.invented
        values = (state, made, made - second // 200, 100.0 + second / 1000)
        for name, value in zip(TAGS[1:], values, strict=True):
            if second % 97 == 5:
                rows.add(tag=ids[name], t_receive=received, src_seq=slot, kind=Kind.SLOT,
                         status=BAD_TIMEOUT)  # fmt: skip
            else:
                rows.add(tag=ids[name], t_receive=received, src_seq=slot, value=value)


def make_store(root: Path, signer: keys.Signer, story: Story = Story()) -> Journal:
    """Return a store of twelve minutes, one of them a gap, in two sealed segments and a tail."""
    journal = Journal.create(root, origin=ORIGIN, signer=signer, software="plantseal test")
    ids = journal.tag_ids(TAGS)
    body = {
        "schema": "plantseal.config/1",
        "plant": plant(ids).model_dump(mode="json"),
        "sources": [],
        "tags": [],
    }
    journal.configure(canonical.dumps(body))
    for minute in range(MINUTES):
        rows = RowList()
        if minute == 0:
            rows.add(tag=ids[TAGS[0]], t_receive=START_NS, kind=Kind.BIRTH, value='{"serial":"7"}')
        if minute == 5:
            rows.add(
                tag=ids[TAGS[0]], kind=Kind.GAP, status=BAD_SHUTDOWN, value=60,
                t_source=START_NS + 300 * SECOND, t_server=START_NS + 360 * SECOND,
                t_receive=START_NS + 360 * SECOND,
            )  # fmt: skip
        else:
            _minute(ids, minute, rows, story)
        journal.append([Submitted("cell1", rows.batch())])
        if minute % 2 == 1:
            journal.close_block()
        if minute in (3, 7):
            segments.seal(journal, force=True)
    return journal


def sealed(
    root: Path, *, zipped: bool = False, withhold: tuple[int, int] = (0, 0), invented: int = 0
) -> tuple[SealedBundle, keys.Signer]:
    """Return a bundle of a fresh store below ``root``, and its key."""
    signer = keys.create(root / "keys" / "gateway.pem", ORIGIN)
    journal = make_store(root / "data", signer, Story(withhold, invented))
    try:
        out = root / ("bundle.zip" if zipped else "bundle")
        return seal(
            journal, period(), out, signer=signer, zipped=zipped, now_ns=SEALED_AT_NS
        ), signer
    finally:
        journal.close()


Entry = dict[str, Any]


@dataclass(slots=True)
class Forger:
    """An operator who edits a directory bundle.

    Attributes:
        root: The bundle.
        signer: The key in hand.
    """

    root: Path
    signer: keys.Signer

    def path(self, name: str) -> Path:
        """Return the path of a file of the bundle."""
        return self.root / name

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Replace the bytes of a file by what ``change`` makes of them."""
        self.path(name).write_bytes(change(self.path(name).read_bytes()))

    def edit_json(self, name: str, change: Callable[[Any], None]) -> None:
        """Change a canonical JSON file in place."""
        body = json.loads(self.path(name).read_bytes())
        change(body)
        self.path(name).write_bytes(canonical.dumps(body))

    def statement(self) -> Any:
        """Return the statement in the envelope."""
        return json.loads(dsse.parse(self.path(names.ENVELOPE).read_bytes()).payload)

    def resign(self, change: Callable[[Any], None] = lambda s: None) -> None:
        """Make manifest and file list anew over what lies there, and sign."""
        statement = self.statement()
        digests = self._digests()
        self.path(names.MANIFEST).write_bytes(manifest(digests))
        digests = self._digests()
        statement["subject"] = [
            {"name": name, "digest": {"sha256": digests[name]}} for name in sorted(digests)
        ]
        change(statement)
        self.path(names.ENVELOPE).write_bytes(dsse.sign(statement, self.signer))

    def _digests(self) -> dict[str, str]:
        return {
            p.relative_to(self.root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in self.root.rglob("*")
            if p.is_file() and p.name != names.ENVELOPE
        }

    def entries(self) -> list[Entry]:
        """Return all entries of the log."""
        return [json.loads(x) for x in self.path(names.ENTRIES).read_bytes().splitlines()]

    def rewrite_log(self, change: Callable[[list[Entry]], list[Entry] | None]) -> None:
        """Change entries, chain them anew, sign a new checkpoint and the envelope over it."""
        entries = self.entries()
        entries = change(entries) or entries
        lines: list[bytes] = []
        for i, entry in enumerate(entries):
            body = {k: v for k, v in entry.items() if k not in ("i", "prev", "t")}
            prev = hashlib.sha256(lines[-1]).hexdigest() if lines else names.ZERO_HASH
            lines.append(log.entry_line(i, prev, entry["t"], body))
        self.path(names.ENTRIES).write_bytes(b"".join(line + b"\n" for line in lines))
        root = merkle.root(map(merkle.leaf_hash, lines))
        checkpoint = note.Checkpoint(ORIGIN, len(lines), root)
        self.path(names.CHECKPOINT).write_bytes(note.sign_checkpoint(checkpoint, self.signer))

        self.edit(names.BAG_INFO, lambda b: re.sub(rb"#[0-9]+", b"#%d" % len(lines), b))

        def agree(statement: Any) -> None:
            predicate = statement["predicate"]
            predicate["tree"] = {"size": str(len(lines)), "root": root.hex()}
            predicate["genesis_sha256"] = hashlib.sha256(lines[0]).hexdigest()

        self.resign(agree)

    def segments(self) -> list[str]:
        """Return the names of the segments, in order."""
        found = (self.root / "data" / "segments").glob("*.parquet")
        return sorted(p.relative_to(self.root).as_posix() for p in found)

    def log_file(self, name: str) -> None:
        """Let the log's segment entry agree with a changed segment; the blocks stay as they are."""
        data = self.path(name).read_bytes()

        def change(entries: list[Entry]) -> None:
            for entry in entries:
                if entry["t"] == "segment" and f"data/{entry['path']}" == name:
                    entry["sha256"] = hashlib.sha256(data).hexdigest()
                    entry["size"] = str(len(data))

        self.rewrite_log(change)
