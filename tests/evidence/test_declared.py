"""Configurations that changed, windows and ledgers: in the log, in the bundle, and recomputed."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from plantseal_testing_bundle import ORIGIN, TAGS, Forger, plant

from plantseal import canonical, keys
from plantseal.evidence.declared import steps, versions
from plantseal.evidence.format import ENTRIES, REPORT
from plantseal.evidence.inputs import logged_versions
from plantseal.evidence.seal import seal
from plantseal.evidence.verify import Policy, Verification, verify
from plantseal.journal import Journal, Submitted
from plantseal_connectors.rows import RowList
from plantseal_kpi.plant import Period, Plant

COSTS = (
    b"entry,date,account,kind,amount,amount_baseline_prices\n"
    b"1,2026-01-31,5001,labour,150000000,150000000\n"
)
SHA = hashlib.sha256(COSTS).hexdigest()


def policy(signer: keys.Signer) -> Policy:
    return Policy((signer.vkey,), {"complete": False, "reproduced": True, "anchored": False})


def configured(journal: Journal, given: Plant, *attached: bytes) -> None:
    body = {"schema": "plantseal.config/1", "plant": given.model_dump(mode="json"), "sources": [],
            "tags": []}  # fmt: skip
    journal.configure(canonical.dumps(body), attached)


def codes(report: dict[str, object]) -> list[str]:
    return [f["code"] for f in report["findings"]]  # type: ignore[attr-defined]


@pytest.fixture
def forger(tmp_path: Path) -> Forger:
    """A bundle of seconds from now on: window and ledger declared, then the cycle time changed."""
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    start = datetime.now(UTC) + timedelta(seconds=1)
    period = Period(start=start, end=start + timedelta(seconds=1))
    with Journal.create(tmp_path / "s", origin=ORIGIN, signer=signer, software="t") as journal:
        ids = journal.tag_ids(TAGS)
        first = Plant.model_validate(
            plant(ids).model_dump()
            | {
                "windows": [{"id": "w1", "period": period.model_dump()}],
                "ledgers": {"costs": {"sha256": SHA, "rows": 1}},
            }
        )
        configured(journal, first, COSTS)
        rows = RowList()
        at = int(start.timestamp() * 10**9) + 500_000_000
        rows.add(tag=ids["cnc1.total"], t_receive=at, src_seq=at // 10**9, value=3)
        journal.append([Submitted("cell1", rows.batch())])
        while datetime.now(UTC) < start + timedelta(milliseconds=300):
            pass
        machine = first.equipment[0].model_copy(update={"ideal_cycle_s": Decimal(99)})
        configured(journal, first.model_copy(update={"equipment": (machine,)}))
        seal(journal, period, tmp_path / "bundle", signer=signer)
    return Forger(tmp_path / "bundle", signer)


def verified(forger: Forger) -> Verification:
    return verify(forger.root, policy(forger.signer))


def test_window_ledger_and_change_travel_and_are_recomputed(forger: Forger) -> None:
    report = json.loads(forger.path(REPORT).read_bytes())
    assert report["window"] == "w1"
    assert [w["id"] for w in report["windows"]] == ["w1"]
    changed = [f for f in report["findings"] if f["code"] == "config.changed"]
    assert [f["data"]["where"] for f in changed] == ["equipment[cnc1].ideal_cycle_s"]
    assert forger.path(f"data/ledgers/{SHA}.csv").read_bytes() == COSTS
    found = verified(forger)
    failed = [f for s in found.steps for f in s.findings if f.code.startswith("E")]
    assert not [f for f in failed if f.code not in ("E606", "E607")], failed
    assert {s.number: s.outcome for s in found.steps}[14] == "PASS"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda path: path.unlink(), "E803"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"labour", b"energy")), "E301"),
        (lambda path: path.with_name("0" * 64 + ".csv").write_bytes(COSTS), "E102"),
    ],
)
def test_a_ledger_missing_altered_or_added_is_refused(
    forger: Forger, change: object, code: str
) -> None:
    change(forger.path(f"data/ledgers/{SHA}.csv"))  # type: ignore[operator]
    forger.resign()
    found = verified(forger)
    assert found.exit_code == 6
    assert code in {f.code for s in found.steps for f in s.findings}


def test_a_configuration_logged_as_earlier_than_it_was_changes_the_report(forger: Forger) -> None:
    """Who holds the key can rewrite the log, but then the report must follow from it."""

    def backdate(entries: list[dict[str, object]]) -> None:
        late = [e for e in entries if e["t"] == "config"][-1]
        late["wall_ns"] = next(e["wall_ns"] for e in entries if e["t"] == "config")

    forger.rewrite_log(backdate)
    found = verified(forger)
    # a block before it was closed at a later time, which a configuration cannot undercut
    assert "E802" in {f.code for s in found.steps for f in s.findings}


def test_an_older_configuration_left_out_is_missed(forger: Forger) -> None:
    first = next(e for e in forger.entries() if e["t"] == "config")
    forger.path(f"data/config/{first['sha256']}.json").unlink()
    forger.resign()
    assert verified(forger).exit_code == 6


def test_producer_and_verifier_see_the_same_times(forger: Forger, tmp_path: Path) -> None:
    from plantseal.evidence.verify_log import read_log

    data = forger.path(ENTRIES).read_bytes()
    log = read_log(data, [])
    ours = list(steps(data.splitlines()))
    assert [s for _, s in log.steps()] == ours
    with Journal.open(tmp_path / "s", read_only=True) as journal:
        logged = logged_versions(journal)
    assert [v.sha256 for v in logged] == [s for _, s in ours if s]
    assert [v.since for v in logged] == sorted(v.since for v in logged)


def test_a_clock_set_back_declares_nothing_beforehand() -> None:
    def read(_: str) -> Plant:
        return Plant(site="s", equipment=())

    found = versions([(100, None), (7, "a"), (None, "b"), (120, None), (None, "c")], read)
    assert [(v.since, v.sha256) for v in found] == [(100, "a"), (120, "b")]
