"""Ledgers named in plant.yaml: read from CSV or XLSX, checked, and brought to their one form.

The digest of that form goes into the configuration and so into the log; the bytes are stored with
it. A file with a bad cell is refused as a whole: a figure of half a ledger is a wrong figure.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from plantseal.config.problems import Problem
from plantseal.config.sheets import of_finding
from plantseal.config.words import Lang
from plantseal_connectors.ledger import read_records
from plantseal_kpi.business.ledgers import SCHEMAS, canonical_csv
from plantseal_kpi.business.schema import framed
from plantseal_kpi.plant import LedgerName, LedgerRef


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger in its canonical form.

    Attributes:
        ref: As the configuration names it.
        body: The bytes whose digest that is.
    """

    ref: LedgerRef
    body: bytes


def read_ledger(
    path: Path, name: LedgerName, zone: str, lang: Lang
) -> tuple[Ledger | None, list[Problem]]:
    """Return the ledger in the table at ``path``, or None with everything that is wrong in it.

    Args:
        path: CSV or XLSX.
        name: Which ledger it is.
        zone: Time zone of times without an offset.
        lang: Language of the problems.
    """
    schema = SCHEMAS[name]
    records, findings = read_records(path, schema, zone)
    problems = [of_finding(path, f, lang) for f in findings]
    if problems:
        return None, problems
    try:
        frame = framed(records, schema)
        body = canonical_csv(frame, name)
    except ValueError as e:  # the columns check all of it; a schema that grew may not fit
        return None, [Problem(str(path), 0, 0, "", str(e))]
    ref = LedgerRef(sha256=hashlib.sha256(body).hexdigest(), rows=frame.height)
    return Ledger(ref, body), []
