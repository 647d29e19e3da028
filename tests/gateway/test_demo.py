"""The whole line as a customer sees it; and with the gateway killed in its middle."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from plantseal.config import load
from plantseal.history import rows as history_rows
from plantseal.journal import Journal
from plantseal_simulators.workshop_files import VEHICLES

pytestmark = pytest.mark.long


def demo(out: Path, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "plantseal", "demo", "--out", str(out), "--json", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def gateway_of(out: Path) -> int | None:
    """Return the process id of the demo's gateway, as its own status file names it."""
    with contextlib.suppress(OSError, ValueError):
        status = json.loads((out / "data" / "status.json").read_text(encoding="utf-8"))
        if status["state"] == "running" and all(s["state"] == "up" for s in status["sources"]):
            return int(status["pid"])
    return None


def test_the_demo_ends_within_a_minute_with_everything_as_it_must_be(tmp_path):
    running = demo(tmp_path / "d")
    told, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    document = json.loads(told)
    assert document["seconds"] < 60
    rungs = document["verified"]["rungs"]
    assert rungs == {
        "WELL-FORMED": "PASS", "INTACT": "PASS", "ANCHORED": "NOT CHECKED", "COMPLETE": "PASS",
        "REPRODUCED": "PASS",
    }  # fmt: skip
    assert document["verified"]["verdict"] == "Trusted"
    assert document["altered"]["exit_code"] == 6
    codes = {f["code"] for s in document["altered"]["steps"] for f in s["findings"]}
    assert "E301" in codes
    by_protocol = Counter(row["protocol"] for row in document["truth"])
    assert by_protocol == {"opcua": 118, "mqtt": 34, "sparkplug": 14, "modbus": 2}
    for row in document["truth"]:
        if row["what"].split()[0] not in VEHICLES:  # meter 2 lied for four seconds: bridged
            assert row["truth"] == row["ours"], row
        assert row["ours"] <= row["truth"] <= row["ours"] + row["unknown"], row
    figures = {row["what"]: row for row in document["truth"]}
    for vehicle in VEHICLES:  # away for 2.5 s: unknown from the last message to the birth
        for figure in ("energy numerator", "throughput_rate made"):
            row = figures[f"{vehicle} {figure}"]
            assert row["truth"] == row["ours"], row
        row = figures[f"{vehicle} availability producing_ns"]
        assert row["unknown"] < 5 * 10**9
    outcomes = document["verdicts"]
    assert outcomes["cq2020.w1.digital_share"] == "PASS"
    assert outcomes["cq2020.w2.upload_rate"] == "PASS"
    assert outcomes["cq2020.w5.energy"] == "PASS_POINT"
    assert outcomes["cq2020.w5.opcost"] == "NOT_ASSESSABLE"


def test_killed_in_its_middle_no_row_is_lost_and_the_outage_is_a_gap_with_its_reason(tmp_path):
    out = tmp_path / "d"
    running = demo(out)
    deadline = time.monotonic() + 60
    while (pid := gateway_of(out)) is None:
        assert time.monotonic() < deadline, running.poll()
        time.sleep(0.1)
    time.sleep(8)
    file = load(out / "plant.yaml")
    before = _stored(file.data_dir)
    os.kill(pid, signal.SIGKILL)
    told, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert "starting it again" in said
    after = _stored(file.data_dir)
    assert after.head(before.height).equals(before)
    assert after["seq"].to_list() == list(range(after.height))
    gaps = after.filter(after["kind"] == 6)
    ids = _tag_ids(file.data_dir)
    told_of = {name for name in ids if ids[name] in set(gaps["tag"])}
    assert {"$link:cell1", "$link:packing", "$link:vehicles"} <= told_of
    for meter in ("meter1", "meter2"):  # no gap where the restart was quicker than a slot
        slots = after.filter((after["tag"] == ids[f"{meter}.energy"]) & after["kind"].is_in([1, 2]))
        missed = gaps.filter((gaps["tag"] == ids[f"$link:{meter}"]) & (gaps["src_seq"] == 0))
        seen = slots["src_seq"]
        assert seen.is_unique().all()
        assert len(seen) + missed["value_i"].sum() == int(seen.max()) - int(seen.min()) + 1
    assert set(gaps["status"]) == {0x800C0000}
    notes = [f["message"] for s in json.loads(told)["verified"]["steps"] for f in s["findings"]]
    assert any("gap" in note and "cell1" in note for note in notes)


def _stored(data_dir: Path):
    journal = Journal.open(data_dir, read_only=True)
    try:
        return history_rows(journal).collect().sort("seq")
    finally:
        journal.close()


def _tag_ids(data_dir: Path) -> dict[str, int]:
    journal = Journal.open(data_dir, read_only=True)
    try:
        return journal.known_tags()
    finally:
        journal.close()
