"""Names, limits and error codes that producer and verifier share; nothing here computes a digest.

The normative text is ``docs/bundle-format.md``. Readers and writers of the data themselves are
deliberately not shared: the verifier has its own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:plantseal:bundle:1"
SCHEMA: Final = "plantseal.bundle/1"

ENVELOPE: Final = "bundle.dsse.json"
BAGIT: Final = "bagit.txt"
BAG_INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
REPORT: Final = "data/report.json"
REPORT_PAGE: Final = "data/report.html"
DEFINITIONS: Final = "data/kpi/definitions.json"
ENTRIES: Final = "data/log/entries.jsonl"
CHECKPOINT: Final = "data/log/checkpoint"
ENVIRONMENT: Final = "data/env.json"
BAGIT_TEXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

REQUIRED: Final = (
    BAGIT, BAG_INFO, MANIFEST, REPORT, REPORT_PAGE, DEFINITIONS, ENTRIES, CHECKPOINT, ENVIRONMENT,
)  # fmt: skip
"""Files of every bundle besides the envelope."""

KNOWN: Final = re.compile(
    r"data/(config/[0-9a-f]{64}\.json|ledgers/[0-9a-f]{64}\.csv|segments/[0-9]{6}\.parquet|texts/[0-9]{1,20}\.bin"
    r"|log/anchors/[0-9]{1,20}\.(note|tsr)|log/presence/[0-9]{1,20}\.json"
    r"|kpi/lineage\.parquet|sbom\.json)"
)
"""The other files a bundle may hold; a name that is neither is refused although signed."""

SAFE_NAME: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
ZERO_HASH: Final = "0" * 64

MAX_FILES: Final = 100_000
MAX_NAME: Final = 200
MAX_ENVELOPE: Final = 32 * 2**20  # 100,000 subjects of about 200 bytes, in base64
MAX_JSON: Final = 64 * 2**20  # report, definitions, one configuration, one ledger
MAX_LOG: Final = 2**30  # seven years of one block a minute
MAX_LINE: Final = 2**20
MAX_SEGMENT: Final = 256 * 2**20  # segments are cut at 64 MiB or 2 M rows; room for another writer
MAX_SEGMENT_ROWS: Final = 8_000_000
MAX_TEXTS: Final = 2**30
MAX_ZIP: Final = 2**32 - 1  # no ZIP64: a bigger bundle is delivered as a directory
MAX_FINDINGS: Final = 20
"""Findings of one kind listed a step; what follows is counted, not listed."""


class Code(StrEnum):
    """Error code of a finding; the hundreds name the family."""

    NOTE = "note"  # worth knowing, nothing wrong
    MISSING = "E101"
    UNEXPECTED = "E102"
    UNSAFE_NAME = "E103"
    DUPLICATE = "E104"
    SIZE = "E105"
    NOT_CANONICAL = "E106"
    BAD_SIGNATURE = "E201"
    UNKNOWN_KEY = "E202"
    KEY_NOT_VALID = "E203"
    ALGORITHM = "E204"
    PAYLOAD_TYPE = "E205"
    THRESHOLD = "E206"
    DIGEST = "E301"
    FILE_SIZE = "E302"
    LISTS_DISAGREE = "E303"
    ROOT = "E401"
    INCLUSION = "E402"
    ANCHORED_ROOT = "E403"
    SHORTER_THAN_ANCHORED = "E404"
    ORIGIN = "E405"
    SEQUENCE = "E406"
    CHAIN = "E407"
    TOKEN_INVALID = "E501"  # noqa: S105  a time-stamp token, not a secret
    TOKEN_UNTRUSTED = "E502"  # noqa: S105
    TIME_BOUNDS = "E503"
    LATENCY = "E504"
    CLOCK_STEP = "E505"
    UNREADABLE = "E601"
    ROWS = "E602"
    BLOCK_HASH = "E603"
    OUTSIDE_PERIOD = "E604"
    DUPLICATE_ROWS = "E605"
    COVERAGE = "E606"
    UNEXPLAINED_GAP = "E607"
    CONFIG_NOT_IN_LOG = "E701"
    UNLOGGED_CHANGE = "E702"
    DEVICE_CHANGED = "E703"
    TEST_SOURCE = "E704"
    DEFINITION = "E801"
    VALUE = "E802"
    DATA_NOT_IN_BUNDLE = "E803"
    UNIT = "E804"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found, as data.

    Attributes:
        code: Error code, or ``note``.
        message: Where, got versus expected, and what it means.
    """

    code: Code
    message: str


class Refused(Exception):
    """The bytes break a rule of the format.

    Attributes:
        code: Error code.
        message: Where, got versus expected.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def finding(self) -> Finding:
        """Return the same as a finding."""
        return Finding(self.code, self.message)


class NotABundle(Exception):
    """What lies at the path does not claim to be a bundle."""


SHORTFALLS: Final = frozenset(
    {Code.LATENCY, Code.CLOCK_STEP, Code.COVERAGE, Code.UNEXPLAINED_GAP, Code.DEFINITION}
)
"""Codes of what is wanting rather than wrong: the step is not established, but nothing is refuted.

They leave the step NOT CHECKED, so a rung that the policy demands is missing: incomplete."""

NOTES: Final = frozenset({Code.NOTE, Code.UNKNOWN_KEY, Code.DEVICE_CHANGED, Code.TEST_SOURCE})
"""Codes that a reader must know and that change no outcome; every other code is a FAIL.

An unknown key caps the verdict instead of failing a step."""


def check_name(name: str) -> None:
    """Return when ``name`` is a safe relative path.

    Raises:
        Refused: E103.
    """
    parts = name.split("/")
    if len(name) > MAX_NAME or not SAFE_NAME.fullmatch(name) or {".", ".."} & set(parts):
        raise Refused(Code.UNSAFE_NAME, f"{name[:MAX_NAME]!r}: unsafe file name")


def check_unique(names: Iterable[str]) -> None:
    """Return when no two names are the same, case aside.

    Raises:
        Refused: E104.
    """
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.casefold(), name)
        if first is not name:
            raise Refused(Code.DUPLICATE, f"{name}: there is already {first}")
