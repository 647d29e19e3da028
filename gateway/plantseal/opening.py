"""A plant's store, opened for writing; key and store are made at the first start."""

import fcntl
import os
from pathlib import Path
from typing import Final

from plantseal import __version__, keys
from plantseal.config import PlantFile
from plantseal.journal import Journal

SOFTWARE: Final = f"plantseal {__version__}"
LOCK: Final = "gateway.lock"
"""File in the data directory that a running gateway holds locked."""


def open_store(file: PlantFile) -> Journal:
    """Return the plant's journal, open for writing.

    Baselines are often imported before the gateway ever ran, so whoever comes first makes store and
    key. A key that is missing beside a store is never replaced: that would begin a second log.

    Raises:
        JournalError: It is damaged, newer, or of another key.
        KeyFileError: The key is missing although the store is there, or others may read it.
    """
    root, key = file.data_dir, file.data_dir / "keys" / "gateway.pem"
    if (root / "journal.db").exists():
        return Journal.open(root, signer=key_of(key))
    signer = keys.load(key) if key.exists() else keys.create(key, file.evidence.origin)
    return Journal.create(root, origin=signer.name, signer=signer, software=SOFTWARE)


def key_of(path: Path) -> keys.Signer:
    """Return the signing key of a store that is there.

    Raises:
        KeyFileError: It is missing, unreadable, or others may read it.
    """
    if not path.exists():
        raise keys.KeyFileError(
            f"{path}: the store is there, but its signing key is missing; put the key back from "
            "its copy. Without it this store can be read but never be continued: then keep it, and "
            "give another data_dir"
        )
    return keys.load(path)


def gateway_runs(data_dir: Path) -> bool:
    """Return True when a gateway holds the data directory now."""
    try:
        handle = os.open(data_dir / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
