import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from plantseal import keys
from plantseal.keys import KeyFileError


def test_a_key_is_private_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "gateway.pem"
    made = keys.create(path, "plantseal/渝厂")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    read = keys.load(path)
    assert (read.name, read.public_key, read.vkey) == (made.name, made.public_key, made.vkey)
    Ed25519PublicKey.from_public_bytes(made.public_key).verify(read.sign(b"x"), b"x")


def test_other_tools_read_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    made = keys.create(path, "plantseal/a")
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    assert key.public_key().public_bytes_raw() == made.public_key


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    before = keys.create(path, "plantseal/a").vkey
    with pytest.raises(KeyFileError, match="never overwritten"):
        keys.create(path, "plantseal/a")
    assert keys.load(path).vkey == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "k.pem"
    keys.create(path, "plantseal/a")
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"mode is {mode:04o}.*chmod 600 {path}"):
        keys.load(path)
    path.chmod(0o600)
    assert keys.load(path).name == "plantseal/a"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b"])
def test_a_name_that_a_note_cannot_bear_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyFileError, match="expected no space"):
        keys.create(tmp_path / "k.pem", name)
    assert not (tmp_path / "k.pem").exists()


def test_what_is_no_key_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    with pytest.raises(KeyFileError, match="no such key file"):
        keys.load(path)
    keys.create(path, "plantseal/a")
    whole = path.read_bytes()
    for data, why in (
        (b"hello", "not a private key"),
        (b"Name: plantseal/a\n", "not a private key"),
        (whole.partition(b"\n")[2], "not a private key"),
        (b"x\n" + whole.partition(b"\n")[2], "expected the line 'Name: <origin>'"),
        (whole[:-40], "not a private key"),
        (b"Name: \xff\n" + whole.partition(b"\n")[2], "not a private key"),
    ):
        path.write_bytes(data)
        with pytest.raises(KeyFileError, match=why):
            keys.load(path)
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match="cannot read the key"):
        keys.load(path)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="cannot write the key"):
        keys.create(tmp_path / "file" / "k.pem", "plantseal/a")
    assert os.listdir(tmp_path) == ["file"]
