"""``plantseal verify`` as an evaluator types it: exit codes, both languages, JSON, and no traceback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plantseal_testing_bundle import Forger

from plantseal import keys

Run = subprocess.CompletedProcess[str]


def run(*arguments: object, lang: str = "en") -> Run:
    return plantseal("--lang", lang, "verify", *map(str, arguments))


def plantseal(*arguments: str) -> Run:
    command = [sys.executable, "-m", "plantseal", *arguments]
    env = {**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)


def text_file(tmp_path: Path, forger: Forger) -> Path:
    path = tmp_path / "notes.zip"
    path.write_text("not a bundle")
    return path


def nothing(tmp_path: Path, forger: Forger) -> Path:
    return tmp_path / "absent"


def cut_parquet(tmp_path: Path, forger: Forger) -> Path:
    forger.edit(forger.segments()[0], lambda b: b[: len(b) // 2])
    forger.resign()
    return forger.root


def cut_zip(tmp_path: Path, forger: Forger) -> Path:
    path = Path(shutil.make_archive(str(tmp_path / "b"), "zip", forger.root))
    path.write_bytes(path.read_bytes()[:-30])
    return path


HOSTILE: dict[str, tuple[Callable[[Path, Forger], Path], int, str, str]] = {
    "nothing there": (nothing, 3, "Not a bundle", "不是证据包"),
    "a text file": (text_file, 3, "Not a bundle", "不是证据包"),
    "a Parquet file cut short": (cut_parquet, 6, "Invalid", "无效"),
    "a ZIP cut short": (cut_zip, 6, "Invalid", "无效"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_input_ends_with_a_word_and_a_code(
    what: str, tmp_path: Path, forger: Forger
) -> None:
    change, code, en, zh = HOSTILE[what]
    path = change(tmp_path, forger)
    for lang, word in (("en", en), ("zh", zh)):
        done = run(path, "--trust", forger.signer.vkey, lang=lang)
        assert (done.returncode, word in done.stdout) == (code, True), done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_key_file_a_wrong_key_and_no_key(tmp_path: Path, forger: Forger) -> None:
    card = tmp_path / "card.txt"
    card.write_text(forger.signer.vkey + "\nplant 7\n")
    stranger = keys.create(tmp_path / "other" / "gateway.pem", "another.plant/1")
    cases = (((card,), 0), ((stranger.vkey,), 7), ((), 7), (("half+a+key",), 3))
    for trust, code in cases:
        done = run(forger.root, *(x for key in trust for x in ("--trust", key)))
        assert done.returncode == code, (trust, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_figures_that_were_not_recomputed_are_not_trusted(forger: Forger) -> None:
    done = run(forger.root, "--trust", forger.signer.vkey, "--no-recompute", "--json")
    body = json.loads(done.stdout)
    assert (done.returncode, body["verdict"]) == (8, "Incomplete")
    assert body["rungs"]["REPRODUCED"] == "NOT CHECKED"


def test_a_report_that_is_none_is_shown_as_none(forger: Forger) -> None:
    forger.path("data/report.json").write_bytes(b'{"a":1}')
    done = plantseal("bundle", "show", str(forger.root))
    assert (done.returncode, "unexpected fault" in done.stderr) == (3, False), done.stderr
