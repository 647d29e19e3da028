"""The verifier. It needs the bundle, the KPI core and a policy; no gateway, store or protocol.

A bundle is accepted when all of these hold, in this order:

====  =============================================================================
  1   container: only safe names, one form, sizes within limits; no cryptography yet
  2   envelope: its bytes are their own canonical form
  3   signature over the exact payload bytes, by a key of the **caller's** policy
  4   statement: parsed from the very bytes that were verified
  5   file set: every signed file there, no other file, all lists agree
  6   digests of all files
  7   log: each line canonical, indexed, chained; blocks and segments without a hole
  8   tree root equals the signed checkpoint; same origin, same key throughout
  9   external anchors (none are made by this version: NOT CHECKED)
 10   clock: within a boot, wall clock and boot clock run together
 11   rows: every segment, text and configuration of the period is there, and every
      block is reproduced bit by bit
 12   coverage: every poll slot and every silence has its row
 13   devices: who spoke, and whether that changed
 14   figures: computed again from these rows, equal to the last digit
 15   report text: page and bag-info.txt say what the figures say
====  =============================================================================

Steps 1 to 4 stop at the first failure, for what follows would read bytes nobody vouches for; after
them the verifier always goes on. A directory must not be changed while it is verified.
"""

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plantseal.evidence import envelope as dsse
from plantseal.evidence.container import Container, open_bundle, read
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.envelope import Envelope, SignedBy, Statement, strict_json
from plantseal.evidence.format import (
    BAG_INFO,
    CHECKPOINT,
    DEFINITIONS,
    ENTRIES,
    ENVELOPE,
    ENVIRONMENT,
    MAX_ENVELOPE,
    MAX_JSON,
    MAX_LOG,
    REPORT,
    REPORT_PAGE,
    Code,
    Finding,
    NotABundle,
    Refused,
)
from plantseal.evidence.report import RENDERER
from plantseal.evidence.verdict import Found, Ledger, Policy, Verification
from plantseal.evidence.verify_clock import check_clock
from plantseal.evidence.verify_coverage import Coverage, check_coverage, check_devices
from plantseal.evidence.verify_data import Data, Workshop, read_data
from plantseal.evidence.verify_figures import (
    check_definitions,
    check_environment,
    check_page,
    check_report,
    figures,
    other_page,
)
from plantseal.evidence.verify_files import check_digests, check_file_set
from plantseal.evidence.verify_log import Log, check_checkpoint, read_log
from plantseal.note import parse_vkey
from plantseal_kpi.report import Report

__all__ = ["Decoder", "Policy", "Verification", "read_report", "verify"]


def verify(
    path: Path, policy: Policy, *, recompute: bool = True, decoder: Decoder | None = None
) -> Verification:
    """Return the judgement of the bundle at ``path``; nothing in it can make this raise.

    Args:
        path: A directory or a ZIP file.
        policy: Keys trusted and rungs demanded.
        recompute: False leaves steps 14 and 15 unchecked: quicker, and at best incomplete.
        decoder: Process that opens Parquet, to spare its start for each of many bundles; by
            default one is started, and ended before this returns.

    Raises:
        ValueError: A key of the policy is malformed; the caller's mistake.
    """
    ledger = Ledger()
    # 1-2 WELL-FORMED
    try:
        bundle = ledger.take(1, lambda _: open_bundle(path))
    except NotABundle as e:
        ledger.taken[1] = ("FAIL", [Finding(Code.MISSING, str(e))])
        return ledger.close(3)
    if bundle is None:
        return ledger.judge(policy)
    envelope = ledger.take(2, lambda _: dsse.parse(read(bundle, ENVELOPE, MAX_ENVELOPE)))
    if envelope is None:
        return ledger.judge(policy)
    # 3-8 INTACT
    signed_by = ledger.take(3, lambda found: _signer(envelope, policy, found))
    if signed_by is None:
        return ledger.judge(policy)
    ledger.signer, ledger.trusted = signed_by.vkey, signed_by.trusted
    statement = ledger.take(4, lambda found: _statement(envelope, policy, signed_by, found))
    if statement is None:
        return ledger.judge(policy)
    _describe(statement, ledger)
    ledger.take(5, lambda found: found.extend(check_file_set(bundle, statement)))
    digests: dict[str, str] = {}
    ledger.take(6, lambda found: found.extend(check_digests(bundle, statement, digests)))
    log = ledger.take(7, lambda found: read_log(read(bundle, ENTRIES, MAX_LOG), found))
    if log is None:
        for number in range(8, 16):
            ledger.leave(number, "the log cannot be read")
        return ledger.judge(policy)
    ledger.take(
        8,
        lambda found: found.extend(
            check_checkpoint(read(bundle, CHECKPOINT, 4096), log, statement, signed_by)
        ),
    )
    # 9-10 ANCHORED
    ledger.leave(9, "no external anchor was checked; edits by the key holder stay possible")
    ledger.take(10, lambda found: found.extend(check_clock(log)))
    with (
        tempfile.TemporaryDirectory(prefix="plantseal-verify-") as scratch,
        nullcontext(decoder) if decoder else Decoder() as opened,
    ):
        # 11-13 COMPLETE
        workshop = Workshop(Path(scratch), opened)
        data = ledger.take(11, lambda found: read_data(bundle, statement, log, workshop, found))
        if data is None:
            for number in range(12, 16):
                ledger.leave(number, "the rows cannot be read")
            return ledger.judge(policy)
        ledger.numbers["rows"] = str(data.count)
        _complete(data, log, ledger)
        # 14-15 REPRODUCED
        if recompute:
            _reproduce(bundle, statement, data, ledger)
        else:
            ledger.leave(14, "not asked for")
            ledger.leave(15, "not asked for")
    return ledger.judge(policy)


def _signer(envelope: Envelope, policy: Policy, found: Found) -> SignedBy:
    signed_by = dsse.verify_signature(envelope, policy.trusted)
    if not signed_by.trusted:
        found.append(
            Finding(
                Code.UNKNOWN_KEY,
                f"signed by {signed_by.vkey}, which is not in the policy; the key in a bundle is "
                "only a hint, compare it with the card of the plant",
            )
        )
    return signed_by


def _statement(envelope: Envelope, policy: Policy, signed_by: SignedBy, found: Found) -> Statement:
    statement = dsse.parse_statement(envelope.payload)
    origin = statement.predicate.origin
    pinned = [k for k in policy.trusted if parse_vkey(k)[0] == origin]
    if pinned and not signed_by.trusted:
        found.append(
            Finding(
                Code.KEY_NOT_VALID,
                f"the policy pins {' or '.join(pinned)} for {origin}, but {signed_by.vkey} "
                "signed: a foreign key",
            )
        )
    return statement


def _describe(statement: Statement, ledger: Ledger) -> None:
    predicate = statement.predicate
    ledger.numbers.update(
        origin=predicate.origin,
        start=predicate.period.start,
        end=predicate.period.end,
        tree_size=predicate.tree.size,
        tree_root=predicate.tree.root,
        sealed_at=predicate.sealed_at,
        software=predicate.software,
    )


def _complete(data: Data, log: Log, ledger: Ledger) -> None:
    coverage = Coverage()
    ledger.take(
        12,
        lambda found: found.extend(
            check_coverage(data.rows, data.plant, data.period, log, coverage)
        ),
    )
    ledger.numbers.update(
        slots_expected=str(coverage.expected),
        slots_received=str(coverage.received),
        gaps=str(coverage.gaps),
        gap_s=f"{coverage.gap_ns // 10**6 / 1000:.3f}",
    )
    ledger.take(13, lambda found: found.extend(check_devices(data.rows, data.plant, log)))


def _reproduce(bundle: Container, statement: Statement, data: Data, ledger: Ledger) -> None:
    ledger.take(14, lambda found: found.extend(_figures(bundle, statement, data, ledger)))
    ledger.take(15, lambda found: found.extend(_text(bundle, statement)))


def _figures(
    bundle: Container, statement: Statement, data: Data, ledger: Ledger
) -> Iterator[Finding]:
    environment = strict_json(read(bundle, ENVIRONMENT, MAX_JSON), ENVIRONMENT)
    claimed_definitions = strict_json(read(bundle, DEFINITIONS, MAX_JSON), DEFINITIONS)
    yield from check_environment(environment, statement)
    foreign = list(check_definitions(claimed_definitions, environment))
    yield from foreign
    raw = read(bundle, REPORT, MAX_JSON)
    claimed = strict_json(raw, REPORT)
    if any(f.code is Code.DEFINITION for f in foreign):
        return
    computed = figures(data.parts, data.versions, data.period, data.ledgers)
    yield from check_report(raw, claimed, computed)


def _text(bundle: Container, statement: Statement) -> Iterator[Finding]:
    environment = strict_json(read(bundle, ENVIRONMENT, MAX_JSON), ENVIRONMENT)
    if other := other_page(environment):
        yield Finding(
            Code.DEFINITION, f"report.html: made by {other}, this verifier knows {RENDERER}"
        )
        return
    report = strict_json(read(bundle, REPORT, MAX_JSON), REPORT)
    html, info = (read(bundle, name, MAX_JSON) for name in (REPORT_PAGE, BAG_INFO))
    yield from check_page(html, info, report, statement)


def read_report(path: Path) -> Any | None:
    """Return the report in a bundle as it stands, unjudged; None where none can be read."""
    try:
        report = strict_json(read(open_bundle(path), REPORT, MAX_JSON), REPORT)
        Report.model_validate(report)
    except (NotABundle, Refused, ValidationError):
        return None
    return report
