"""A bundle ZIP has exactly one form; a directory has only plain files with safe names."""

import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal.evidence.container import open_bundle, read
from plantseal.evidence.format import ENVELOPE, Code, NotABundle, Refused
from plantseal.evidence.zipped import write_zip

FILES = {
    ENVELOPE: b"{}",
    "bagit.txt": b"BagIt",
    "data/log/entries.jsonl": b"x" * 3000,
    "data/e": b"",
}


def plain(root: Path) -> Path:
    for name, body in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)
    return root


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    write_zip(plain(tmp_path / "dir"), tmp_path / "b.zip")
    return tmp_path / "b.zip"


def read_all(path: Path) -> dict[str, bytes]:
    bundle = open_bundle(path)
    return {name: read(bundle, name, 2**20) for name in bundle.names}


def refusal(path: Path) -> Code:
    with pytest.raises(Refused) as e:
        read_all(path)
    return e.value.code


def test_what_was_written_is_read_from_both_forms(zipped: Path) -> None:
    for path in (zipped, zipped.parent / "dir"):
        assert read_all(path) == FILES


def test_any_zip_reader_can_unpack_it(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as z:
        assert z.testzip() is None
        assert {n: z.read(n) for n in z.namelist()} == FILES


@given(data=st.data())
def test_no_byte_of_a_zip_can_change_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.getbasetemp() / "canonical"
    if not root.exists():
        write_zip(plain(root / "dir"), root / "b.zip")
    body = bytearray((root / "b.zip").read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    (root / "m.zip").write_bytes(body)
    with pytest.raises((Refused, NotABundle)):
        read_all(root / "m.zip")


def foreign_zip(path: Path, names: list[str], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as z:
        for name in names:
            z.writestr(zipfile.ZipInfo(name), b"{}", compress_type=method)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_traps_are_refused(tmp_path: Path, zipped: Path) -> None:
    whole = zipped.read_bytes()
    out = tmp_path / "t.zip"
    out.write_bytes(whole + b"tail")
    assert refusal(out) is Code.NOT_CANONICAL
    out.write_bytes(whole[:-10])
    assert refusal(out) is Code.NOT_CANONICAL
    out.write_bytes(whole[: len(whole) // 2])
    assert refusal(out) is Code.NOT_CANONICAL
    out.write_bytes(b"PK head " + whole)
    assert refusal(out) is Code.NOT_CANONICAL
    for names in ([ENVELOPE, ENVELOPE], [ENVELOPE, "../x"], [ENVELOPE, "a\\b"], ["/a", ENVELOPE]):
        assert refusal(foreign_zip(out, names)) in (Code.NOT_CANONICAL, Code.UNSAFE_NAME)


def test_a_bundle_that_other_tools_packed_is_to_be_unpacked(zipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped) as z:
        z.extractall(tmp_path / "plain")
    stored = shutil.make_archive(str(tmp_path / "other"), "zip", tmp_path, "plain")
    with pytest.raises(Refused, match="unpack it and verify the directory"):
        open_bundle(Path(stored))


def test_a_compressed_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(ENVELOPE, b"\0" * 50_000_000)
    out = tmp_path / "bomb.zip"
    out.write_bytes(buffer.getvalue())
    assert len(buffer.getvalue()) < 100_000
    assert refusal(out) is Code.NOT_CANONICAL


def test_links_devices_and_names_that_collide_are_refused(tmp_path: Path) -> None:
    linked = plain(tmp_path / "linked")
    (linked / "data/l").symlink_to("/etc/hostname")
    assert refusal(linked) is Code.UNSAFE_NAME
    piped = plain(tmp_path / "piped")
    os.mkfifo(piped / "data/p")
    assert refusal(piped) is Code.UNSAFE_NAME
    spaced = plain(tmp_path / "spaced")
    (spaced / "data/a b").write_bytes(b"")
    assert refusal(spaced) is Code.UNSAFE_NAME
    folded = plain(tmp_path / "folded")
    (folded / "BAGIT.txt").write_bytes(b"")
    assert refusal(folded) is Code.DUPLICATE


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    empty = tmp_path / "empty"
    empty.mkdir()
    other = foreign_zip(tmp_path / "other.zip", ["word/document.xml"], zipfile.ZIP_DEFLATED)
    for path in (text, empty, other, tmp_path / "absent"):
        with pytest.raises(NotABundle):
            open_bundle(path)
