"""The gateway's signing key: one Ed25519 key in a file that only its owner may read (custody K0).

The file is PKCS #8 PEM with the key's name on a line before it (RFC 7468 allows text there), so
``openssl pkey -in gateway.pem -pubout`` reads it too. A key is never overwritten: a log belongs to
its key, and losing it ends the log.
"""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from plantseal.note import NoteError, check_name, vkey

_NAME: Final = b"Name: "


class KeyFileError(Exception):
    """A key file cannot be made or used; the message says what to do."""


class Signer:
    """A named Ed25519 key that signs; the private half never leaves it.

    Attributes:
        name: Key name, the origin of the log it signs.
        public_key: Raw public key, 32 bytes.
    """

    __slots__ = ("_key", "name", "public_key")

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = name
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._key = key

    def __repr__(self) -> str:
        return f"Signer({self.vkey})"

    @property
    def vkey(self) -> str:
        """Return the verifier key, the one line that an evaluator pins."""
        return vkey(self.name, self.public_key)

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``, 64 bytes."""
        return self._key.sign(data)


def create(path: Path, name: str) -> Signer:
    """Return a new key, written to ``path`` with mode 0600 in a directory of mode 0700.

    Args:
        path: File that must not exist yet.
        name: Origin of the log, such as ``plantseal/site-7``.

    Raises:
        KeyFileError: The name is unfit, the file exists, or it cannot be written.
    """
    try:
        check_name(name)
    except NoteError as e:
        raise KeyFileError(str(e)) from e
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as e:
        raise KeyFileError(f"{path}: a key is there already and is never overwritten") from e
    except OSError as e:
        raise KeyFileError(f"{path}: cannot write the key: {e.strerror}") from e
    with open(handle, "wb") as file:
        file.write(_NAME + name.encode() + b"\n" + pem)
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(path.parent)
    return Signer(name, key)


def load(path: Path) -> Signer:
    """Return the key in ``path``.

    Raises:
        KeyFileError: There is none, others may read it, or it is no key of ours.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise KeyFileError(
                f"{path}: mode is {mode:04o}, others may read the key, expected 0600; "
                f"run: chmod 600 {path}"
            )
        data = path.read_bytes()
    except FileNotFoundError as e:
        raise KeyFileError(f"{path}: no such key file") from e
    except OSError as e:
        raise KeyFileError(f"{path}: cannot read the key: {e.strerror}") from e
    first, _, pem = data.partition(b"\n")
    try:
        name = check_name(first.removeprefix(_NAME).decode()) if first.startswith(_NAME) else ""
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise KeyFileError(f"{path}: not a private key in PEM: {e}") from e
    if not name:
        raise KeyFileError(f"{path}: expected the line 'Name: <origin>' before the key")
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: got a {type(key).__name__}, expected an Ed25519 key")
    return Signer(name, key)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
