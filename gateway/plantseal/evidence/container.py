"""The container of a bundle: a directory, or a ZIP of the one form that ``zipped`` knows.

Only plain files with safe names that stay apart when case-folded; no links, no devices.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from plantseal.evidence.format import (
    ENVELOPE,
    MAX_FILES,
    Code,
    NotABundle,
    Refused,
    check_name,
    check_unique,
)
from plantseal.evidence.zipped import open_zip

_CHUNK = 2**20


class Container(Protocol):
    """Files of a bundle by name; names and sizes have passed the container rules."""

    @property
    def names(self) -> Sequence[str]:
        """Return all file names, sorted."""
        ...

    def size(self, name: str) -> int:
        """Return the size of a file [bytes]."""
        ...

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file in pieces.

        Raises:
            Refused: The stored checksum does not match, or the file changed under our hands.
        """
        ...

    def file(self, name: str, scratch: Path) -> Path:
        """Return a path at which the file can be opened, copied to ``scratch`` if need be."""
        ...


def read(bundle: Container, name: str, limit: int) -> bytes:
    """Return the content of one file of at most ``limit`` bytes.

    Raises:
        Refused: The file is missing, larger than the limit, or damaged.
    """
    if name not in bundle.names:
        raise Refused(Code.MISSING, f"{name}: missing")
    if bundle.size(name) > limit:
        raise Refused(Code.SIZE, f"{name}: {bundle.size(name)} bytes, expected at most {limit}")
    return b"".join(bundle.chunks(name))


def digest(bundle: Container, name: str) -> str:
    """Return the SHA-256 of one file, in hex.

    Raises:
        Refused: The file is damaged.
    """
    h = hashlib.sha256()
    for chunk in bundle.chunks(name):
        h.update(chunk)
    return h.hexdigest()


def manifest(subjects: Mapping[str, str]) -> bytes:
    r"""Return ``manifest-sha256.txt`` over the payload: digest by name in, lines by name out.

    Example:
        >>> manifest({"data/a": "00", "bagit.txt": "11"})
        b'00  data/a\n'
    """
    payload = sorted(name for name in subjects if name.startswith("data/"))
    return "".join(f"{subjects[name]}  {name}\n" for name in payload).encode()


def bag_info(site: str, period: Mapping[str, str], log: tuple[str, int], software: str) -> bytes:
    r"""Return ``bag-info.txt``, what a person sees first; a function of report and statement alone.

    Args:
        site: Site of the report.
        period: ``start`` and ``end`` as the statement has them.
        log: Origin and number of entries.
        software: Product and version that made the bundle.

    Example:
        >>> bag_info("site-7", {"start": "A", "end": "B"}, ("cq.example/7", 9), "x 1").splitlines()[1]
        b'External-Identifier: cq.example/7#9'
    """
    lines = (
        f"Source-Organization: {site}",
        f"External-Identifier: {log[0]}#{log[1]}",
        f"External-Description: plantseal evidence bundle, {period['start']} to {period['end']}",
        f"Bag-Software-Agent: {software}",
    )
    # a line feed in a name would begin a field of its own
    return "".join(" ".join(line.split()) + "\n" for line in lines).encode()


def open_bundle(path: Path) -> Container:
    """Return the container at ``path`` after all container rules held.

    Raises:
        NotABundle: Nothing there, or something that does not claim to be a bundle.
        Refused: It claims to be one and breaks a rule.
    """
    try:
        if path.is_dir():
            return _open_directory(path)
        if path.is_file():
            return open_zip(path)
    except OSError as e:
        raise NotABundle(f"{path}: cannot be read: {e.strerror}") from e
    raise NotABundle(f"{path}: no such file or directory")


@dataclass(frozen=True, slots=True)
class _Directory:
    root: Path
    sizes: Mapping[str, int]

    @property
    def names(self) -> Sequence[str]:
        return list(self.sizes)

    def size(self, name: str) -> int:
        return self.sizes[name]

    def chunks(self, name: str) -> Iterator[bytes]:
        left = self.sizes[name]
        try:
            fd = os.open(self.root / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(fd, "rb") as f:
                while chunk := f.read(_CHUNK):
                    left -= len(chunk)
                    yield chunk
        except OSError as e:
            raise Refused(Code.MISSING, f"{name}: cannot be read: {e.strerror}") from e
        if left:
            raise Refused(Code.SIZE, f"{name}: its size changed while it was read")

    def file(self, name: str, scratch: Path) -> Path:
        return self.root / name


def _open_directory(root: Path) -> _Directory:
    if not (root / ENVELOPE).exists():
        raise NotABundle(f"{root}: no {ENVELOPE} in this directory")
    sizes: dict[str, int] = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                name = prefix + entry.name
                check_name(name)
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    pending.append(name + "/")
                elif stat.S_ISREG(info.st_mode):
                    sizes[name] = info.st_size
                else:
                    raise Refused(Code.UNSAFE_NAME, f"{name}: a link or device, expected a file")
                if len(sizes) + len(pending) > MAX_FILES:
                    raise Refused(Code.SIZE, f"more than {MAX_FILES} files")
    check_unique(sorted(sizes))
    return _Directory(root, {name: sizes[name] for name in sorted(sizes)})
