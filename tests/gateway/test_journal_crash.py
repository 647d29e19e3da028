"""What was acknowledged survives kill -9, and a failed write is the last one."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import plantseal_testing_writer
import pytest
from plantseal_testing_store import check_store, new_store, numbered, open_store, stored_rows

from plantseal_connectors.rows import VType

WRITER = Path(plantseal_testing_writer.__file__)


def start(root: Path, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, str(WRITER), str(root), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=WRITER.parent)


def check_rows(root: Path, acknowledged: int) -> None:
    """Assert that every acknowledged row is there, with what it was written with."""
    with open_store(root) as journal:
        rows = stored_rows(journal)
        assert len(rows) >= acknowledged
        expected = numbered(0, len(rows))
        for name in ("tag", "t_source", "t_server", "t_receive"):
            assert np.array_equal(rows[name], expected[name])
        integers = rows["vtype"] == VType.I64
        assert np.array_equal(rows["value"][integers], expected["value"][integers])
        for text in np.unique(rows["value"][~integers]):
            assert journal.texts(int(text), 1)[0].startswith(b"text ")


def test_kill_9_at_any_moment_loses_no_acknowledged_row(tmp_path: Path) -> None:
    new_store(tmp_path).close()
    chance = random.Random(20_26)
    acknowledged = 0
    for kill in range(10):
        with start(tmp_path, kill) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            timer = threading.Timer(chance.uniform(0.01, 0.25), writer.kill)
            timer.start()
            for line in writer.stdout:
                acknowledged = int(line.split()[1])
            timer.join()
        assert writer.returncode == -9
        check_rows(tmp_path, acknowledged)
        entries = check_store(tmp_path)
        kinds = [e["t"] for e in entries]
        assert "recovery" in kinds
        recovery = len(kinds) - 1 - kinds[::-1].index("recovery")
        boot = entries[recovery + 1]
        assert (boot["t"], boot["clean"]) == ("boot", False)
        if int(str(entries[recovery]["n"])):
            block = entries[recovery + 2]
            orphans = (entries[recovery]["seq0"], entries[recovery]["n"])
            assert (block["t"], block["seq0"], block["n"]) == ("block", *orphans)
    assert acknowledged > 1_000


def test_a_write_that_fails_is_final_and_loses_nothing(tmp_path: Path) -> None:
    new_store(tmp_path).close()
    with start(tmp_path, 1, 400_000) as writer:
        output = writer.stdout.read().splitlines() if writer.stdout else []
    acknowledged = int(next(x for x in output[::-1] if x.startswith("acknowledged")).split()[1])
    failed, refused = output[-2:]
    assert failed.startswith("failed")
    assert "start again" in failed
    assert refused.startswith("refused")
    assert "an earlier write failed" in refused
    check_rows(tmp_path, acknowledged)
    kinds = [e["t"] for e in check_store(tmp_path)]
    assert kinds.count("recovery") == 1


@pytest.mark.parametrize("survivor", ["closes", "seals"])
def test_a_neighbour_that_is_killed_leaves_its_rows_to_the_one_that_lives(
    tmp_path: Path, survivor: str
) -> None:
    from plantseal.segments import seal

    journal = new_store(tmp_path)
    with start(tmp_path, 5) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        acknowledged = int(writer.stdout.readline().split()[1])
        writer.kill()
        for line in writer.stdout:
            acknowledged = int(line.split()[1])
    journal.close_block()
    if survivor == "seals":
        seal(journal, force=True)
    journal.close()
    kinds = [e["t"] for e in check_store(tmp_path)]
    assert "recovery" not in kinds
    assert kinds.count("boot") == 1  # the neighbour was not alone, and no crash of the store
    check_rows(tmp_path, acknowledged)
