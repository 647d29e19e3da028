"""What holds is said to hold, rung by rung; what a policy demands decides the word."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from plantseal_testing_bundle import (
    MINUTES,
    ORIGIN,
    SECOND,
    START_NS,
    TAGS,
    Forger,
    make_store,
    period,
    sealed,
)

from plantseal import keys, segments
from plantseal.evidence import format as names
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.seal import SealError, seal
from plantseal.evidence.verify import Policy, read_report, verify
from plantseal.journal import Journal, Submitted
from plantseal_connectors.rows import RowList

Original = tuple[Path, keys.Signer]


def test_a_sealed_bundle_is_trusted(original: Original) -> None:
    path, signer = original
    found = verify(path, Policy([signer.vkey]))
    problems = [(s.number, f) for s in found.steps for f in s.findings if f.code != "note"]
    assert problems == []
    assert (found.exit_code, found.verdict, found.word["zh"]) == (0, "Trusted", "可信")
    assert found.rungs == {
        "WELL-FORMED": "PASS",
        "INTACT": "PASS",
        "ANCHORED": "NOT CHECKED",
        "COMPLETE": "PASS",
        "REPRODUCED": "PASS",
    }
    assert found.numbers["gap_s"] == "60.000"
    assert found.numbers["gaps"] == "1"
    # 12 minutes of four tags; one minute is a gap, in eight seconds elsewhere the poll timed out
    assert found.numbers["slots_expected"] == str(4 * 720)
    assert found.numbers["slots_received"] == str(4 * (660 - 8))
    assert "gap: cell1 from 2026-03-02T00:05:00.000Z" in str(found.steps[11].findings)


def test_a_zip_says_the_same_as_a_directory(tmp_path: Path, decoder: Decoder) -> None:
    bundle, signer = sealed(tmp_path, zipped=True)
    found = verify(bundle.path, Policy([signer.vkey]), decoder=decoder)
    assert found.exit_code == 0, found.to_json()
    assert bundle.path.is_file()
    assert {p.name for p in tmp_path.iterdir()} == {"bundle.zip", "data", "keys"}


def test_the_report_has_figures_that_the_rows_imply(original: Original) -> None:
    report = read_report(original[0])
    results = {(r["metric"], r["scope"]): r for r in report["results"]}
    # 720 s less the minute of the gap; in 100 s of time the machine idles for 20 s
    assert results["energy", "plant"]["value"] is not None
    assert report["rows_live"] > 2000
    assert results["digital_equipment_share", "plant"]["value"] == "1"


def test_an_unknown_signer_caps_the_word(original: Original, decoder: Decoder) -> None:
    found = verify(original[0], Policy(), decoder=decoder)
    assert (found.exit_code, found.verdict) == (7, "Valid, signer unknown")
    assert found.steps[2].outcome == "PASS"
    assert [f.code for f in found.steps[2].findings] == ["E202"]


def test_a_demand_that_is_not_met_is_incomplete(original: Original, decoder: Decoder) -> None:
    path, signer = original
    anchored = Policy([signer.vkey], {"anchored": True, "complete": True, "reproduced": True})
    assert verify(path, anchored, decoder=decoder).exit_code == 8
    assert verify(path, Policy([signer.vkey]), recompute=False, decoder=decoder).exit_code == 8
    lax = Policy([signer.vkey], {"anchored": False, "complete": True, "reproduced": False})
    assert verify(path, lax, recompute=False, decoder=decoder).exit_code == 0


def test_a_malformed_policy_is_the_callers_mistake(original: Original, decoder: Decoder) -> None:
    with pytest.raises(ValueError, match="verifier key"):
        verify(original[0], Policy(["no key"]), decoder=decoder)


def test_what_is_no_bundle_gets_its_own_word(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    for path in (text, tmp_path, tmp_path / "absent"):
        found = verify(path, Policy())
        assert (found.exit_code, found.verdict) == (3, "Not a bundle")
        assert read_report(path) is None


def test_the_judgement_is_json(original: Original, decoder: Decoder) -> None:
    body = json.loads(json.dumps(verify(original[0], Policy(), decoder=decoder).to_json()))
    assert body["exit_code"] == 7
    assert [s["number"] for s in body["steps"]] == list(range(1, 16))
    assert len(body["not_proven"]["en"]) == len(body["not_proven"]["zh"]) == 5


def test_sha256sum_reads_the_manifest(original: Original) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", names.MANIFEST],
        cwd=original[0], capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_same_store_gives_the_same_bundle(tmp_path: Path) -> None:
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    journal = make_store(tmp_path / "one", signer)
    journal.close_block()
    journal.close()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    made = []
    for name in ("one", "two"):
        journal = Journal.open(tmp_path / name, signer=signer)
        seal(journal, period(), tmp_path / f"{name}.b", signer=signer, now_ns=1)
        journal.close()
        made.append(tmp_path / f"{name}.b")
    first, second = (
        {p.relative_to(m): p.read_bytes() for p in m.rglob("*") if p.is_file()} for m in made
    )
    assert first.keys() == second.keys()
    # a reopened store logs the time of its boot; all that does not quote the log is the same
    quoting = {names.ENTRIES, names.CHECKPOINT, names.MANIFEST, names.ENVELOPE, names.BAG_INFO}
    assert {str(n) for n in first if first[n] != second[n]} <= quoting
    assert any(str(n).startswith("data/segments/") for n in first)


def test_sealing_twice_is_two_exports_of_one_log(tmp_path: Path, decoder: Decoder) -> None:
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    journal = make_store(tmp_path / "data", signer)
    one = seal(journal, period(), tmp_path / "one", signer=signer)
    two = seal(journal, period(), tmp_path / "two", signer=signer)
    with pytest.raises(SealError, match="exists"):
        seal(journal, period(), tmp_path / "two", signer=signer)
    journal.close()
    assert two.size > one.size
    assert one.report == two.report
    for bundle in (one, two):
        assert verify(bundle.path, Policy([signer.vkey]), decoder=decoder).exit_code == 0
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_bundle_sealed_beside_a_running_gateway_holds(tmp_path: Path, decoder: Decoder) -> None:
    """Rows that come while it is sealed lie within the context of the period, and change nothing."""
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    journal = make_store(tmp_path / "data", signer)
    ids = journal.tag_ids(TAGS)
    done = threading.Event()

    def gateway() -> None:
        with Journal.open(tmp_path / "data", signer=signer) as beside:
            for second in range(MINUTES * 60 + 1, MINUTES * 60 + 2000):
                rows = RowList()
                at = START_NS + second * SECOND
                rows.add(tag=ids["cnc1.energy"], t_receive=at, src_seq=at // SECOND, value=500.0)
                beside.append([Submitted("cell1", rows.batch())])
                beside.close_block()
                if second % 7 == 0:
                    segments.seal(beside, force=True)
                if done.is_set():
                    return

    writer = threading.Thread(target=gateway)
    writer.start()
    try:
        found = []
        for i in range(3):
            bundle = seal(journal, period(), tmp_path / f"b{i}", signer=signer)
            found.append(verify(bundle.path, Policy([signer.vkey]), decoder=decoder))
    finally:
        done.set()
        writer.join()
        journal.close()
    assert [f.exit_code for f in found] == [0, 0, 0], [f.to_json() for f in found if f.exit_code]


def test_another_key_cannot_seal_the_log(tmp_path: Path, stranger: keys.Signer) -> None:
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    journal = make_store(tmp_path / "data", signer)
    before = journal.size
    with pytest.raises(SealError, match="key"):
        seal(journal, period(), tmp_path / "out", signer=stranger)
    assert journal.size == before
    journal.close()


BLOCKED = ("asyncua", "pymodbus", "paho", "zstandard", "google.protobuf", "plantseal_connectors",
           "plantseal.journal", "plantseal.history", "plantseal.segments", "plantseal.log")  # fmt: skip


def test_an_evaluator_needs_neither_gateway_nor_protocols(forger: Forger) -> None:
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        "from pathlib import Path\n"
        "from plantseal.evidence.verify import Policy, verify\n"
        "found = verify(Path(sys.argv[1]), Policy([sys.argv[2]]))\n"
        "raise SystemExit(40 + found.exit_code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, forger.root, forger.signer.vkey],
        capture_output=True, text=True, check=False, env={**os.environ, "TZ": "America/Lima"},
    )  # fmt: skip
    assert done.returncode == 40, done.stderr
