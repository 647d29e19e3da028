"""C2SP signed notes and checkpoints: a text that a stranger can check with a shell.

A checkpoint is a note of three lines: origin, tree size, base64 root. Only Ed25519 (type 0x01) is
known here. A signature of a known key that does not verify refuses the whole note; signatures of
unknown keys are passed over, at least one known one must be there.

Source: C2SP signed-note; C2SP tlog-checkpoint.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519: Final = b"\x01"
MAX_NOTE: Final = 1_000_000
MAX_SIGNATURES: Final = 100
_MARK: Final = "\u2014 "  # em dash, as the format wants it
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(ValueError):
    """A note, checkpoint or verifier key is malformed or not signed as it must be."""


class Signer(Protocol):
    """A named Ed25519 key; ``plantseal.keys.Signer`` is one."""

    @property
    def name(self) -> str:
        """Return the key's name."""
        ...

    @property
    def public_key(self) -> bytes:
        """Return the raw public key, 32 bytes."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``, 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log.

    Attributes:
        origin: Name of the log.
        size: Number of entries.
        root: RFC 6962 root over them, 32 bytes.
    """

    origin: str
    size: int
    root: bytes


def check_name(name: str) -> str:
    """Return ``name`` when a key may bear it.

    Raises:
        NoteError: It is empty or holds white space, a plus sign or a control character.
    """
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        raise NoteError(
            f"key name {name[:80]!r}: expected no space, plus sign or control character"
        )
    return name


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the four bytes that name a key in a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def vkey(name: str, public_key: bytes) -> str:
    """Return the verifier key, ``name+8hex+base64``: one line, printable as a card."""
    encoded = base64.b64encode(ED25519 + public_key).decode()
    return f"{check_name(name)}+{key_id(name, public_key).hex()}+{encoded}"


def parse_vkey(text: str) -> tuple[str, bytes, bytes]:
    """Return name, key id (4 bytes) and raw public key (32 bytes) of a verifier key.

    Raises:
        NoteError: Not ``name+8hex+base64``, not Ed25519, or the key id is not that of the key.
    """
    parts = text.strip().split("+", 2)  # base64 may hold plus signs, a name must not
    if len(parts) != 3:
        raise NoteError(f"verifier key {text[:120]!r}: expected name+8hex+base64")
    name, hex_id, encoded = check_name(parts[0]), parts[1], parts[2]
    raw = _base64(encoded, "verifier key")
    if len(raw) != 33 or raw[:1] != ED25519:
        raise NoteError(f"verifier key {name}: expected an Ed25519 key (type 1, 32 bytes)")
    if key_id(name, raw[1:]).hex() != hex_id:
        raise NoteError(
            f"verifier key {name}: key id is {hex_id[:16]!r}, but the key's own is "
            f"{key_id(name, raw[1:]).hex()}; was the line mistyped?"
        )
    return name, bytes.fromhex(hex_id), raw[1:]


def sign_note(text: str, signer: Signer) -> bytes:
    """Return the note over ``text``, which ends with a line feed, with one signature line.

    Raises:
        ValueError: The text does not end with a line feed.
    """
    if not text.endswith("\n"):
        raise ValueError("note: the text must end with a line feed")
    signature = key_id(signer.name, signer.public_key) + signer.sign(text.encode())
    return f"{text}\n{_MARK}{signer.name} {base64.b64encode(signature).decode()}\n".encode()


def open_note(note: bytes, vkeys: Sequence[str]) -> str:
    """Return the text of a note that at least one of ``vkeys`` signed.

    Raises:
        NoteError: Malformed, no signature by a known key, or one that does not verify.
    """
    text, lines = _split(note)
    known = {(name, kid): key for name, kid, key in map(parse_vkey, vkeys)}
    verified = set()
    for line in lines:
        name, signature = _signature_line(line)
        key = known.get((name, signature[:4]))
        if key is None or (name, signature[:4]) in verified:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], text.encode())
        except (InvalidSignature, ValueError) as e:
            raise NoteError(f"signature of {name} does not verify") from e
        verified.add((name, signature[:4]))
    if not verified:
        names = ", ".join(sorted(name for name, _ in known)) or "no key"
        raise NoteError(f"no signature by a known key (known: {names})")
    return text


def _split(note: bytes) -> tuple[str, list[str]]:
    if len(note) > MAX_NOTE:
        raise NoteError(f"{len(note)} bytes, expected at most {MAX_NOTE}")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError as e:
        raise NoteError(f"byte {e.start} is not UTF-8") from e
    if any(c < " " and c != "\n" for c in whole):
        raise NoteError("a control character in the text")
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise NoteError("expected a text, an empty line and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"{len(lines)} signatures, expected at most {MAX_SIGNATURES}")
    return text + "\n", lines


def _signature_line(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not space:
        raise NoteError(f"malformed signature line {line[:80]!r}")
    signature = _base64(encoded, "signature line")
    if len(signature) < 5:
        raise NoteError(f"signature of {name[:80]!r} is too short")
    return check_name(name), signature


def _base64(text: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as e:
        raise NoteError(f"{where}: {text[:80]!r} is not standard base64") from e
    if base64.b64encode(raw).decode() != text:
        raise NoteError(f"{where}: stray bits at the end of {text[:80]!r}")
    return raw


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed note over a checkpoint.

    Raises:
        ValueError: The origin holds a line feed, or the root is not 32 bytes.
    """
    if "\n" in checkpoint.origin or not checkpoint.origin or len(checkpoint.root) != 32:
        raise ValueError(f"checkpoint: malformed origin {checkpoint.origin!r} or root")
    root = base64.b64encode(checkpoint.root).decode()
    return sign_note(f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n", signer)


def open_checkpoint(note: bytes, vkeys: Sequence[str]) -> Checkpoint:
    """Return the checkpoint of a note that at least one of ``vkeys`` signed.

    Raises:
        NoteError: As :func:`open_note`, or the text is not origin, size and root.
    """
    lines = open_note(note, vkeys).removesuffix("\n").split("\n")
    if len(lines) != 3 or not lines[0]:
        raise NoteError(f"checkpoint has {len(lines)} lines, expected origin, size and root")
    if not _SIZE.fullmatch(lines[1]):
        raise NoteError(f"checkpoint: size is {lines[1][:40]!r}, expected a decimal number")
    root = _base64(lines[2], "checkpoint root")
    if len(root) != 32:
        raise NoteError(f"checkpoint: root has {len(root)} bytes, expected 32")
    return Checkpoint(lines[0], int(lines[1]), root)
