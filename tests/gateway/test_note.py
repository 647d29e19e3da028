import base64
from pathlib import Path

import pytest

from plantseal import keys, note
from plantseal.note import Checkpoint, NoteError

# the example of C2SP signed-note (and of golang.org/x/mod/sumdb/note)
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
PUBLISHED = f"{TEXT}\n{SIGNATURE}".encode()


@pytest.fixture
def signer(tmp_path: Path) -> keys.Signer:
    return keys.create(tmp_path / "k.pem", "plantseal/厂")


def test_the_published_note_opens_with_the_published_key() -> None:
    assert note.open_note(PUBLISHED, [PETER]) == TEXT
    name, key_id, public_key = note.parse_vkey(PETER)
    assert (name, key_id.hex(), note.vkey(name, public_key)) == ("PeterNeumann", "c74f20a3", PETER)


def test_a_checkpoint_opens_as_it_was_signed(signer: keys.Signer) -> None:
    head = Checkpoint("plantseal/厂", 2**40, bytes(range(32)))
    signed = note.sign_checkpoint(head, signer)
    assert note.open_checkpoint(signed, [signer.vkey]) == head
    assert note.open_checkpoint(signed, [PETER, signer.vkey]) == head
    root = base64.b64encode(head.root).decode()
    assert signed.decode().split("\n")[:4] == ["plantseal/厂", str(2**40), root, ""]


def test_every_flipped_bit_of_a_checkpoint_is_noticed(signer: keys.Signer) -> None:
    signed = note.sign_checkpoint(Checkpoint("plantseal/厂", 7, b"r" * 32), signer)
    for bit in range(len(signed) * 8):
        altered = bytearray(signed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteError):
            note.open_checkpoint(bytes(altered), [signer.vkey])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty line"),
        (TEXT.encode(), "empty line"),
        (PUBLISHED[:-1], "empty line"),
        (f"{TEXT}\n".encode(), "empty line"),
        (PUBLISHED.replace(b"answer", b"ansvver"), "PeterNeumann does not verify"),
        (PUBLISHED.replace("— Peter".encode(), b"- Peter"), "malformed signature line"),
        (PUBLISHED.replace(b"x08go", b"x18go"), "no signature by a known key"),
        (PUBLISHED.replace(b"= \n", b"\n").replace(b"AM=", b"AM"), "not standard base64"),
        (PUBLISHED + SIGNATURE.encode() * 100, "101 signatures"),
        (PUBLISHED.replace(b"then", b"th\x00n"), "control character"),
        (b"\xff" + PUBLISHED, "byte 0 is not UTF-8"),
    ],
)
def test_a_note_that_is_not_as_it_must_be_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        note.open_note(data, [PETER])


def test_a_foreign_line_beside_a_good_one_is_passed_over(signer: keys.Signer) -> None:
    ours = note.sign_note(TEXT, signer)
    both = ours + SIGNATURE.encode()
    assert note.open_note(both, [signer.vkey]) == TEXT
    assert note.open_note(both, [PETER]) == TEXT
    with pytest.raises(NoteError, match=r"no signature by a known key \(known: PeterNeumann\)"):
        note.open_note(ours, [PETER])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("o\n1\n", "has 2 lines"),
        ("o\n1\nAAAA\nextra\n", "has 4 lines"),
        ("o\n01\n" + "A" * 43 + "=\n", "size is '01'"),
        ("o\n-1\n" + "A" * 43 + "=\n", "size is '-1'"),
        ("o\n1\nAAAA\n", "root has 3 bytes"),
        ("o\n1\n" + "A" * 42 + "B=\n", "stray bits"),
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(
    signer: keys.Signer, text: str, why: str
) -> None:
    with pytest.raises(NoteError, match=why):
        note.open_checkpoint(note.sign_note(text, signer), [signer.vkey])


@pytest.mark.parametrize(
    ("vkey", "why"),
    [
        ("PeterNeumann", "expected name"),
        (PETER.replace("c74f20a3", "c74f20a4"), "key id is 'c74f20a4'"),
        (PETER.replace("ARpc", "ARpd"), "mistyped"),
        (PETER.replace("+ARpc", "+ApRc"), "expected an Ed25519 key"),
        ("a b+c74f20a3+AAAA", "expected no space"),
        ("+c74f20a3+AAAA", "expected no space"),
        ("x+c74f20a3+A", "not standard base64"),
    ],
)
def test_a_mistyped_verifier_key_is_refused(vkey: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        note.parse_vkey(vkey)
