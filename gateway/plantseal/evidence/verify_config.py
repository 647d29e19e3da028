"""Step 11, configurations: the one used is the one in force, each is the bytes logged, changes are shown.

A configuration may change for good reasons: a cycle time is corrected, a meter is added. The log
holds every one, and a period is judged by the one in force when it began, which the report says.
So that nobody has to find out alone, what changed after a row was collected is a note.
"""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final

from plantseal.evidence.container import Container, read
from plantseal.evidence.envelope import Statement, strict_json
from plantseal.evidence.format import MAX_JSON, Code, Finding, Refused
from plantseal.evidence.verify_log import Block, Entry, Log, text
from plantseal_kpi.plant import Plant

_ABSENT: Final = object()
LEDGERS: Final = "data/ledgers/"


def config_name(sha256: str) -> str:
    """Return the name of a configuration in a bundle."""
    return f"data/config/{sha256}.json"


def check_run(statement: Statement, log: Log) -> Iterator[Finding]:
    """Yield what does not agree between the statement and the run whose report was exported."""
    predicate = statement.predicate
    runs = runs_of(log, "kpi_run", predicate.report_sha256)
    stated = predicate.period.model_dump()
    for kind in ("kpi_run", "export"):
        entries = runs_of(log, kind, predicate.report_sha256)
        if not entries:
            yield Finding(
                Code.LISTS_DISAGREE, f"log: no {kind} entry for the report of this bundle"
            )
        elif entries[-1].body.get("period") != stated:
            yield Finding(
                Code.LISTS_DISAGREE,
                f"entry {entries[-1].index}: period is {entries[-1].body.get('period')}, "
                f"the envelope says {stated}",
            )
    if not runs:
        return
    in_force = log.config_before(runs[-1].index)
    if not in_force == predicate.config_sha256 == runs[-1].body.get("config_sha256"):
        yield Finding(
            Code.CONFIG_NOT_IN_LOG,
            f"entry {runs[-1].index}: computed with configuration "
            f"{runs[-1].body.get('config_sha256')}, in force was {in_force}, "
            f"the envelope says {predicate.config_sha256}",
        )


def check_ledgers(bundle: Container, plant: Plant) -> Iterator[Finding]:
    """Yield ledgers that the plant names and the bundle lacks or alters, and those it does not name."""
    named = {ledger_name(ref.sha256): name for name, ref in plant.ledgers.items()}
    present = {n for n in bundle.names if n.startswith(LEDGERS)}
    for name, ledger in sorted(named.items()):
        if name not in present:
            yield Finding(Code.DATA_NOT_IN_BUNDLE, f"{name}: the ledger {ledger} is not there")
        elif hashlib.sha256(read(bundle, name, MAX_JSON)).hexdigest() != name[len(LEDGERS) : -4]:
            yield Finding(Code.DIGEST, f"{name}: its digest is not its name")
    for name in sorted(present - named.keys()):
        yield Finding(Code.UNEXPECTED, f"{name}: no configuration used names this ledger")


def ledger_name(sha256: str) -> str:
    """Return the name of a ledger in a bundle."""
    return f"{LEDGERS}{sha256}.csv"


def read_ledger(bundle: Container, sha256: str) -> bytes:
    """Return the bytes of a ledger.

    Raises:
        Refused: It is not there.
    """
    return read(bundle, ledger_name(sha256), MAX_JSON)


def runs_of(log: Log, kind: str, report_sha256: str) -> list[Entry]:
    """Return the entries of a type that name a report, in order."""
    return [e for e in log.of(kind) if e.body.get("report_sha256") == report_sha256]


def check_configurations(
    bundle: Container, log: Log, blocks: Sequence[Block], used: str, report_sha256: str
) -> Iterator[Finding]:
    """Yield configurations that are missing or not the bytes logged, and notes of what changed.

    Args:
        bundle: The bundle.
        log: Its log.
        blocks: The blocks whose rows are in the bundle, in order.
        used: Digest of the configuration in force when the figures were computed.
        report_sha256: Digest of the report; every configuration before its run is needed.
    """
    present = set(bundle.names)
    needed = dict.fromkeys([*(b.config for b in blocks), used])
    run = runs_of(log, "kpi_run", report_sha256)
    before = [e for e in log.of("config") if not run or e.index < run[-1].index]
    needed |= dict.fromkeys(text(e.body, "sha256") for e in before)
    digests = [sha256 for sha256 in needed if sha256 is not None]
    bodies: dict[str, Any] = {}
    for sha256 in dict.fromkeys([*digests, *(text(e.body, "sha256") for e in log.of("config"))]):
        name = config_name(sha256)
        if name not in present:
            if sha256 in digests:
                yield Finding(
                    Code.CONFIG_NOT_IN_LOG, f"{name}: was in force, but not in the bundle"
                )
            continue
        data = read(bundle, name, MAX_JSON)
        if hashlib.sha256(data).hexdigest() != sha256:
            yield Finding(Code.CONFIG_NOT_IN_LOG, f"{name}: its digest is not its name")
            continue
        try:
            bodies[sha256] = strict_json(data, name)
        except Refused as e:
            yield e.finding()
    yield from _changes(log, blocks, used, bodies)


def _changes(
    log: Log, blocks: Sequence[Block], used: str, bodies: dict[str, Any]
) -> Iterator[Finding]:
    """Yield a note for each value that changed after rows of the bundle had been collected."""
    steps: list[tuple[str, int]] = []  # configuration, first row after it
    for block in blocks:
        if block.config is not None and (not steps or steps[-1][0] != block.config):
            steps.append((block.config, block.seq0))
    if not steps:
        return
    end = blocks[-1].seq0 + blocks[-1].n
    if steps[-1][0] != used:
        steps.append((used, end))
    for (before, _), (after, row) in itertools.pairwise(steps):
        if before not in bodies or after not in bodies:
            continue
        entries = [e.index for e in log.of("config") if e.body.get("sha256") == after]
        for where, old, new in _differences(bodies[before], bodies[after], ""):
            yield Finding(
                Code.NOTE,
                f"entry {entries[-1] if entries else '?'}: configuration changed after row "
                f"{row - 1}: {where} was {old}, became {new}",
            )


def _differences(old: Any, new: Any, where: str) -> Iterator[tuple[str, str, str]]:
    """Yield place, old value and new value of each difference; items of lists go by id or name."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            inner = f"{where}.{key}" if where else str(key)
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), inner)
    elif isinstance(old, list) and isinstance(new, list):
        before, after = _by_name(old), _by_name(new)
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(
                before.get(key, _ABSENT), after.get(key, _ABSENT), f"{where}[{key}]"
            )
    elif old is not new and (type(old) is not type(new) or old != new):
        yield where, _show(old), _show(new)


def _by_name(items: Sequence[Any]) -> dict[str, Any]:
    """Return the items of a list by the name they bear; by their place where they bear none."""
    for key in ("id", "name"):
        names = [i.get(key) if isinstance(i, dict) else None for i in items]
        if len(set(map(str, names))) == len(items) and None not in names:
            return dict(zip(map(str, names), items, strict=True))
    return {str(i): item for i, item in enumerate(items)}


def _show(value: Any) -> str:
    shown = "absent" if value is _ABSENT else repr(value)
    return shown if len(shown) <= 120 else shown[:117] + "..."
