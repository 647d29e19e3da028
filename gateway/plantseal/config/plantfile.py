"""plant.yaml and the tables it names, as one checked whole.

Nothing here touches a network. Every file is looked at to its end before anything is raised.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from plantseal.config.document import Document, Loc, read
from plantseal.config.ledgers import Ledger, read_ledger
from plantseal.config.model import (
    RECORDED,
    RECORDED_TYPES,
    Evidence,
    Header,
    SourceHead,
    split_source,
)
from plantseal.config.problems import ConfigError, Problem, with_hint
from plantseal.config.references import check_references
from plantseal.config.remarks import remarks
from plantseal.config.sheets import (
    Placed,
    Table,
    equipment_register,
    in_words,
    register_ids,
    tag_table,
)
from plantseal.config.validation import display, validate
from plantseal.config.words import Lang, say
from plantseal_connectors.registry import connectors
from plantseal_connectors.source import Connector, SourceSettings
from plantseal_connectors.tags import Finding, Tag, TagSpec
from plantseal_kpi.judging.notices import notice_keys
from plantseal_kpi.plant import Equipment, LedgerName, MachineState, Plant, PlantHead
from plantseal_kpi.units import FACTORS, OF_CARRIER

T = TypeVar("T")
_HEADER = TypeAdapter(Header)
_HEAD = TypeAdapter(SourceHead)
_REGISTER = TypeAdapter(tuple[Equipment, ...])
_PLANT = TypeAdapter(Plant)


@dataclass(frozen=True, slots=True)
class PlantSource:
    """One entry of ``sources`` with its tag table.

    Attributes:
        connector: The protocol; None for recorded data.
        settings: As written; paths are relative to plant.yaml.
        specs: Rows of the tag table; what the device profile knows is filled in.
        devices: Keys of devices that live and die on their own behind this source.
    """

    id: str
    connector: Connector | None
    settings: SourceSettings
    specs: tuple[TagSpec, ...]
    worker: str
    devices: tuple[str, ...] = ()

    @property
    def protocol(self) -> str:
        """Return the word used as ``connector:``."""
        return self.connector.name if self.connector else RECORDED


@dataclass(frozen=True, slots=True)
class PlantFile:
    """A plant.yaml without a mistake.

    Attributes:
        path: The file, as the person named it.
        plant: Everything the figures depend on, points still missing.
        sources: In the order of the file.
        data_dir: Where journal, segments and keys lie.
        evidence: How the log is named, and cut; ``origin`` is never empty.
        lang: Language its messages were asked in.
        ledgers: Canonical bytes of the ledgers that the plant names by their digest.
        remarks: What is no mistake, but most likely not meant.
    """

    path: Path
    plant: Plant
    sources: tuple[PlantSource, ...]
    data_dir: Path
    evidence: Evidence
    lang: Lang
    ledgers: tuple[bytes, ...] = ()
    remarks: tuple[Problem, ...] = ()


def load(path: Path, lang: Lang = "en") -> PlantFile:
    """Return the plant of a plant.yaml: tables and register read, every source planned.

    Raises:
        ConfigError: With all problems of all files, in ``lang``.
    """
    document = read(path, lang)
    reader = _Reader(document, path.parent)
    header = validate(document, _HEADER, document.data)
    register = reader.register(document.data.get("equipment"))
    known = {e.id for e in register} | reader.named
    if header is not None:
        register = reader.with_states(register, header.states)
    sources = reader.sources(document.data.get("sources"), known)
    plant, ledgers = None, dict[LedgerName, Ledger]()
    if header is not None:
        points = {spec.name for source in sources for spec in source.specs}
        loops = {loop.id for loop in header.process.loops}
        there = {"of_register": known, "of_points": points, "of_loops": loops}
        if reader.unread:
            del there["of_register"]
        check_references(document, there)
        reader.notices(header.notices)
        ledgers = reader.ledgers(header.ledgers, header.zone)
        if not document.problems and not reader.problems:
            fields = {name: getattr(header, name) for name in PlantHead.model_fields}
            refs = {name: ledger.ref for name, ledger in ledgers.items()}
            plant = validate(document, _PLANT, {**fields, "equipment": register, "ledgers": refs})
    files = list(dict.fromkeys(p.file for p in reader.problems))
    tables = sorted(reader.problems, key=lambda p: (files.index(p.file), p.line))
    problems = [*sorted(document.problems), *tables]
    if header is None or plant is None or problems:
        raise ConfigError(problems)
    data_dir = path.parent / header.data_dir
    origin = header.evidence.origin or re.sub(r"[\s+]+", "-", f"plantseal.invalid/{plant.site}")
    evidence = header.evidence.model_copy(update={"origin": origin})
    kept = tuple(ledger.body for ledger in ledgers.values())
    roles = {spec.name: spec.role for source in sources for spec in source.specs}
    today = datetime.now(ZoneInfo(plant.zone)).date()
    notes = tuple(remarks(document, plant, roles, ledgers, today))
    return PlantFile(path, plant, sources, data_dir, evidence, lang, kept, notes)


@dataclass(slots=True)
class _Reader:
    document: Document
    directory: Path
    problems: list[Problem]  # of the tables, after those of plant.yaml itself
    names: dict[str, str]  # tag name to the place where it first stood
    named: set[str]  # ids of the register, of entries with another mistake too
    unread: bool  # the register as a whole is amiss: that is told once, not by every tag again

    def __init__(self, document: Document, directory: Path) -> None:
        self.document, self.directory = document, directory
        self.problems, self.names, self.named, self.unread = [], {}, set(), False

    def register(self, raw: object) -> tuple[Equipment, ...]:
        """Return the equipment register, inline or from its file."""
        at: Loc = ("equipment",)
        if isinstance(raw, str):
            self.named = set(register_ids(self.directory / raw))
            self.unread = not self.named
            return tuple(row.value for row in self._rows(at, equipment_register, raw))
        if raw is None:
            return ()
        entries = raw if isinstance(raw, list) else []
        register = validate(self.document, _REGISTER, raw, at)
        first: dict[str, int] = {}
        for i, entry in enumerate(entries):
            key = entry.get("id") if isinstance(entry, dict) else None
            if not isinstance(key, str):
                continue
            self.named.add(key)  # a mistake beside it is told once, not by every tag again
            if first.setdefault(key, i) != i:
                self.document.complain(
                    (*at, i, "id"), "twice", what=self._word("equipment"), id=key
                )
        if register is not None:
            return tuple({e.id: e for e in register}.values())
        quiet = Document("", self.document.lang)
        return tuple(
            e for x in entries if (e := validate(quiet, TypeAdapter(Equipment), x)) is not None
        )

    def with_states(
        self, register: tuple[Equipment, ...], states: Mapping[str, Mapping[str, MachineState]]
    ) -> tuple[Equipment, ...]:
        """Return the register with the state words that plant.yaml gives apart."""
        known = {e.id for e in register}
        for key in states:
            if key != "*" and key not in known and not self.unread:
                self._unknown(("states", key), key, known, say(self.document.lang, "of_register"))
        default = states.get("*", {})
        return tuple(
            e if e.states else e.model_copy(update={"states": dict(states.get(e.id, default))})
            for e in register
        )

    def sources(self, raw: object, known: set[str]) -> tuple[PlantSource, ...]:
        """Return every source that can be read."""
        if raw is None:
            return ()
        if not isinstance(raw, list):
            self._expected(("sources",), raw, "list")
            return ()
        found: list[PlantSource] = []
        ids: set[str] = set()
        for i, entry in enumerate(raw):
            at: Loc = ("sources", i)
            if not isinstance(entry, dict):
                self._expected(at, entry, "mapping")
                continue
            key = entry.get("id")
            if isinstance(key, str):
                if key in ids:
                    self.document.complain((*at, "id"), "twice", what=self._word("source"), id=key)
                ids.add(key)
            source = self._source(at, entry, known)
            if source is not None:
                found.append(source)
        return tuple(found)

    def _source(self, at: Loc, entry: Mapping[str, Any], known: set[str]) -> PlantSource | None:
        head_keys, setting_keys = split_source(entry)
        head = validate(self.document, _HEAD, head_keys, at)
        offered = connectors()
        name = entry.get("connector")
        connector = offered.get(name) if isinstance(name, str) else None
        settings: SourceSettings | None = None
        if connector or name == RECORDED:
            model = connector.settings if connector else SourceSettings
            settings = validate(self.document, TypeAdapter(model), setting_keys, at)
        elif isinstance(name, str):
            self._unknown((*at, "connector"), name, [*offered, RECORDED])
        rows: list[Placed[TagSpec]] = []
        if isinstance(tags := entry.get("tags"), str):
            rows = self._rows((*at, "tags"), tag_table, tags)
            self._check_tags(rows, known)
            if name == RECORDED:
                self._check_recorded(rows)
        if head is None or settings is None:
            return None
        specs = tuple(row.value for row in rows)
        devices: tuple[str, ...] = ()
        if connector:
            specs = self._planned(connector, settings, rows, at)
            devices = connector.devices(settings, _numbered(specs))
        self._check_units(rows, specs)
        return PlantSource(head.id, connector, settings, specs, head.worker, devices)

    def _planned(
        self,
        connector: Connector,
        settings: SourceSettings,
        rows: Sequence[Placed[TagSpec]],
        at: Loc,
    ) -> tuple[TagSpec, ...]:
        resolved = [connector.resolve(settings, row.value) for row in rows]
        places = {row.value.name: row for row in rows}
        for finding in connector.check(settings, _numbered(resolved)):
            row = places.get(str(finding.data.get("tag")))
            if row is None:
                self.document.problem(at, in_words(finding.message, self.document.lang))
            else:
                self.problems.append(_of_finding(row, finding, self.document.lang))
        return tuple(resolved)

    def _check_tags(self, rows: Iterable[Placed[TagSpec]], known: set[str]) -> None:
        lang = self.document.lang
        for row in rows:
            place = f"{row.file}:{row.line}"
            first = self.names.setdefault(row.value.name, place)
            if first != place:
                message = self._twice("tag", row.value.name, first)
                self.problems.append(Problem(row.file, row.line, 0, "name", message))
            if row.value.equipment not in known and not self.unread:
                got, expected = display(lang, row.value.equipment), say(lang, "of_register")
                message = say(lang, "got", got=got, expected=expected)
                message = with_hint(lang, message, row.value.equipment, known)
                self.problems.append(Problem(row.file, row.line, 0, "equipment", message))

    def _check_units(self, rows: Iterable[Placed[TagSpec]], specs: Iterable[TagSpec]) -> None:
        """Check that meters and counters have a unit that measures what they are said to count."""
        lang = self.document.lang
        for row, spec in zip(rows, specs, strict=True):
            metered = spec.role in ("energy", "energy_interval")
            base = OF_CARRIER[spec.carrier] if metered else "piece"
            if (metered or spec.role.startswith("count_")) and (
                FACTORS.get(spec.unit, ("", 0))[0] != base
            ):
                units = [u for u, (of, _) in FACTORS.items() if of == base and u]
                what = spec.carrier if metered else spec.role
                expected = say(lang, "unit_of", units=", ".join(units), what=what)
                message = say(lang, "got", got=display(lang, spec.unit), expected=expected)
                self.problems.append(Problem(row.file, row.line, 0, "unit", message))

    def _check_recorded(self, rows: Iterable[Placed[TagSpec]]) -> None:
        lang = self.document.lang
        for row in rows:
            if row.value.type not in RECORDED_TYPES:
                got, expected = display(lang, row.value.type), say(lang, "recorded_type")
                message = say(lang, "got", got=got, expected=expected)
                message = with_hint(lang, message, row.value.type, RECORDED_TYPES[1:])
                self.problems.append(Problem(row.file, row.line, 0, "type", message))

    def ledgers(self, files: Mapping[LedgerName, str], zone: str) -> dict[LedgerName, Ledger]:
        """Return every ledger that can be read whole; the others end in problems."""
        found: dict[LedgerName, Ledger] = {}
        for name, file in files.items():
            ledger, problems = read_ledger(self.directory / file, name, zone, self.document.lang)
            for problem in problems:
                self._told(("ledgers", name), problem)
            if ledger is not None:
                found[name] = ledger
        return found

    def notices(self, keys: Sequence[str]) -> None:
        """Check that every notice is one that figures can be judged by."""
        for i, key in enumerate(keys):
            if key not in notice_keys():
                self._unknown(("notices", i), key, notice_keys())

    def _rows(
        self, at: Loc, reader: Callable[[Path, Lang], Table[T]], name: str
    ) -> list[Placed[T]]:
        table = reader(self.directory / name, self.document.lang)
        for problem in table.problems:
            self._told(at, problem)
        return table.rows

    def _told(self, at: Loc, problem: Problem) -> None:
        if problem.line:
            self.problems.append(problem)
        else:  # of the file as a whole: said where it is named
            self.document.problem(at, f"{problem.file}: {problem.message}")

    def _word(self, key: str) -> str:
        return say(self.document.lang, key)

    def _twice(self, what: str, key: str, first: str) -> str:
        return say(self.document.lang, "twice_at", what=self._word(what), id=key, first=first)

    def _expected(self, at: Loc, got: object, what: str) -> None:
        lang = self.document.lang
        self.document.complain(at, "got", got=display(lang, got), expected=say(lang, what))

    def _unknown(self, at: Loc, got: str, known: Iterable[str], expected: str = "") -> None:
        lang, known = self.document.lang, sorted(known)
        expected = expected or say(lang, "one_of", choices=", ".join(known))
        message = say(lang, "got", got=display(lang, got), expected=expected)
        self.document.problem(at, with_hint(lang, message, got, known))


def _numbered(specs: Sequence[TagSpec]) -> tuple[Tag, ...]:
    return tuple(Tag(i, spec) for i, spec in enumerate(specs, 1))


def _of_finding(row: Placed[TagSpec], finding: Finding, lang: Lang) -> Problem:
    column = str(finding.data.get("column", finding.code.rpartition(".")[2]))
    message = finding.message.removeprefix(f"{row.value.name}: ").removeprefix(f"{column}: ")
    return Problem(row.file, row.line, 0, column, in_words(message, lang))
