"""Every alteration is refused, and the reason is named.

Here is what somebody without the key could try, and random damage; ``test_forgery`` has the key.
"""

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_bundle import Forger

from plantseal import keys
from plantseal.evidence import format as names
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.verify import Policy, Verification, verify

Change = Callable[[Forger], Any]


def judged(forger: Forger, decoder: Decoder) -> Verification:
    return verify(forger.root, Policy([forger.signer.vkey]), decoder=decoder)


def codes(found: Verification) -> set[str]:
    return {str(f.code) for s in found.steps for f in s.findings} - {"note"}


def flip(data: bytes, at: int = -200) -> bytes:
    body = bytearray(data)
    body[at] ^= 1
    return bytes(body)


def some(forger: Forger, pattern: str) -> str:
    return sorted(p.relative_to(forger.root).as_posix() for p in forger.root.glob(pattern))[0]


def nest(data: bytes) -> bytes:
    return b"[" * 100_000 + data


def spaced(data: bytes) -> bytes:
    return data.replace(b'":', b'": ', 1)


def drop(forger: Forger, name: str) -> None:
    forger.path(name).unlink()


def add(forger: Forger, name: str, data: bytes = b"x") -> None:
    forger.path(name).parent.mkdir(parents=True, exist_ok=True)
    forger.path(name).write_bytes(data)


def link(forger: Forger) -> None:
    forger.path("data/env.json").unlink()
    forger.path("data/env.json").symlink_to("/etc/hostname")


WITHOUT_KEY: dict[str, tuple[Change, int, str]] = {
    "sample altered": (lambda f: f.edit(f.segments()[0], flip), 6, "E301"),
    "segment cut short": (lambda f: f.edit(f.segments()[0], lambda b: b[: len(b) // 2]), 6, "E601"),
    "segment is a text": (lambda f: f.edit(f.segments()[0], lambda _: b"hello"), 6, "E601"),
    "segment dropped": (lambda f: drop(f, f.segments()[1]), 6, "E101"),
    "texts altered": (lambda f: f.edit(some(f, "data/texts/*"), lambda b: flip(b, 5)), 6, "E301"),
    "report edited": (lambda f: f.edit(names.REPORT, lambda b: flip(b, 30)), 6, "E301"),
    "page edited": (lambda f: f.edit(names.REPORT_PAGE, flip), 6, "E301"),
    "configuration edited": (lambda f: f.edit(some(f, "data/config/*"), flip), 6, "E301"),
    "log line altered": (lambda f: f.edit(names.ENTRIES, lambda b: flip(b, 100)), 6, "E301"),
    "log cut short": (lambda f: f.edit(names.ENTRIES, lambda b: b[:-1]), 6, "E407"),
    "log replaced by brackets": (lambda f: f.edit(names.ENTRIES, nest), 6, "E106"),
    "checkpoint altered": (lambda f: f.edit(names.CHECKPOINT, lambda b: flip(b, -5)), 6, "E201"),
    "file added": (lambda f: add(f, "data/extra.csv"), 6, "E102"),
    "file added at the top": (lambda f: add(f, "README.txt"), 6, "E102"),
    "unsafe name": (lambda f: add(f, "data/a b"), 6, "E103"),
    "name that folds": (lambda f: add(f, "data/Env.json"), 6, "E104"),
    "link": (link, 6, "E103"),
    "manifest edited": (lambda f: f.edit(names.MANIFEST, lambda b: flip(b, 3)), 6, "E303"),
    "bagit.txt edited": (lambda f: f.edit(names.BAGIT, lambda b: b + b"\n"), 6, "E106"),
    "envelope with space": (lambda f: f.edit(names.ENVELOPE, spaced), 6, "E106"),
    "envelope nested": (lambda f: f.edit(names.ENVELOPE, nest), 6, "E106"),
    "envelope empty": (lambda f: f.edit(names.ENVELOPE, lambda _: b""), 6, "E106"),
    "envelope a list": (lambda f: f.edit(names.ENVELOPE, lambda _: b"[]"), 6, "E106"),
    "envelope without signature": (
        lambda f: f.edit_json(names.ENVELOPE, lambda e: e["signatures"].clear()), 6, "E206",
    ),
    "envelope signed twice": (
        lambda f: f.edit_json(names.ENVELOPE, lambda e: e["signatures"].extend(e["signatures"])),
        6, "E206",
    ),
    "another payload type": (
        lambda f: f.edit_json(names.ENVELOPE, lambda e: e.update(payloadType="text/plain")),
        6, "E205",
    ),
    "payload edited": (
        lambda f: f.edit_json(
            names.ENVELOPE, lambda e: e.update(payload=base64.b64encode(b"{}").decode())
        ), 6, "E201",
    ),
    "envelope removed": (lambda f: drop(f, names.ENVELOPE), 3, "E101"),
}  # fmt: skip


@pytest.mark.parametrize("what", WITHOUT_KEY)
def test_without_the_key_nothing_can_be_altered(
    forger: Forger, what: str, decoder: Decoder
) -> None:
    change, exit_code, code = WITHOUT_KEY[what]
    change(forger)
    found = judged(forger, decoder)
    assert found.exit_code == exit_code
    assert code in codes(found), found.to_json()


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_byte_changed_anywhere_is_detected(
    original: tuple[Path, keys.Signer],
    tmp_path_factory: pytest.TempPathFactory,
    decoder: Decoder,
    data: st.DataObject,
) -> None:
    path, signer = original
    root = tmp_path_factory.getbasetemp() / "mutated"
    if not root.exists():
        shutil.copytree(path, root)
    files = sorted(p.relative_to(root) for p in root.rglob("*") if p.is_file())
    name = data.draw(st.sampled_from(files))
    before = (root / name).read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    body = bytearray(before)
    body[at] ^= data.draw(st.integers(1, 255))
    (root / name).write_bytes(body)
    try:
        assert verify(root, Policy([signer.vkey]), recompute=False, decoder=decoder).exit_code == 6
    finally:
        (root / name).write_bytes(before)
