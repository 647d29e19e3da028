"""Steps 5 and 6: the file set is closed, every list of it agrees, every digest holds."""

from collections.abc import Iterator, Mapping

from plantseal.evidence.container import Container, digest, manifest, read
from plantseal.evidence.envelope import Statement
from plantseal.evidence.format import (
    BAGIT,
    BAGIT_TEXT,
    ENVELOPE,
    KNOWN,
    MANIFEST,
    MAX_ENVELOPE,
    REPORT,
    REQUIRED,
    Code,
    Finding,
    Refused,
)


def check_file_set(bundle: Container, statement: Statement) -> Iterator[Finding]:
    """Yield files that are missing, unexpected or of no known kind, and lists that disagree."""
    subjects = {s.name: s.digest.sha256 for s in statement.subject}
    present = set(bundle.names) - {ENVELOPE}
    for name in sorted(subjects.keys() - present):
        yield Finding(Code.MISSING, f"{name}: signed for, but not in the bundle")
    for name in sorted(present - subjects.keys()):
        yield Finding(Code.UNEXPECTED, f"{name}: in the bundle, but not signed for")
    for name in sorted(set(REQUIRED) - subjects.keys()):
        yield Finding(Code.MISSING, f"{name}: not among the signed files")
    if subjects.get(REPORT) != statement.predicate.report_sha256:
        yield Finding(
            Code.LISTS_DISAGREE, f"{REPORT}: not the report that the statement names by its digest"
        )
    for name in sorted(subjects.keys() - set(REQUIRED)):
        if not KNOWN.fullmatch(name):
            yield Finding(Code.UNEXPECTED, f"{name}: no file of this bundle version")
    try:
        if read(bundle, BAGIT, 1024) != BAGIT_TEXT:
            yield Finding(Code.NOT_CANONICAL, f"{BAGIT}: not the text of BagIt 1.0")
        yield from _manifest(read(bundle, MANIFEST, MAX_ENVELOPE), subjects)
    except Refused as e:
        yield e.finding()


def _manifest(data: bytes, subjects: Mapping[str, str]) -> Iterator[Finding]:
    if data == manifest(subjects):
        return
    listed = {}
    for line in data.decode("ascii", "replace").splitlines():
        value, _, name = line.partition("  ")
        listed[name] = value
    payload = {n: d for n, d in subjects.items() if n.startswith("data/")}
    wrong = sorted(
        n for n in listed.keys() | payload.keys() if listed.get(n) != payload.get(n)
    ) or ["its form"]
    yield Finding(
        Code.LISTS_DISAGREE, f"{MANIFEST}: not what the envelope says of {', '.join(wrong)[:300]}"
    )


def check_digests(
    bundle: Container, statement: Statement, digests: dict[str, str]
) -> Iterator[Finding]:
    """Yield E301 for every file whose bytes are not those signed; ``digests`` gets all by name."""
    present = set(bundle.names)
    for subject in statement.subject:
        if subject.name not in present:
            continue  # step 5 has said so
        try:
            got = digest(bundle, subject.name)
        except Refused as e:
            yield e.finding()
            continue
        digests[subject.name] = got
        if got != subject.digest.sha256:
            yield Finding(
                Code.DIGEST,
                f"{subject.name}: altered; digest {got}, signed was {subject.digest.sha256}",
            )
