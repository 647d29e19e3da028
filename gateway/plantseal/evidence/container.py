"""The container of a bundle: a directory, or a ZIP with exactly one possible form.

A bundle ZIP holds its files stored (never compressed), sorted by name, back to back, followed by
the central directory and nothing else; every header field follows from name, checksum, size and
offset. So there is nothing to decompress, nothing to hide in, and no byte that two readers could
take differently: a reader rebuilds each header and compares.

Source: PKWARE APPNOTE 6.3.10, 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end).
"""

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from plantseal.evidence.format import (
    ENVELOPE,
    MAX_FILES,
    MAX_NAME,
    MAX_ZIP,
    SAFE_NAME,
    Code,
    NotABundle,
    Refused,
)

_VERSION = 20  # APPNOTE 4.4.3.2: directories and folders; what stored files in folders need
_DATE = 0x0021  # 1980-01-01, the first day a DOS date can say
_CHUNK = 2**20
_LOCAL_SIZE, _CENTRAL_SIZE, _END_SIZE = 30, 46, 22


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
            return _open_zip(path)
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
                _check_name(name)
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    pending.append(name + "/")
                elif stat.S_ISREG(info.st_mode):
                    sizes[name] = info.st_size
                else:
                    raise Refused(Code.UNSAFE_NAME, f"{name}: a link or device, expected a file")
                if len(sizes) + len(pending) > MAX_FILES:
                    raise Refused(Code.SIZE, f"more than {MAX_FILES} files")
    _check_unique(sorted(sizes))
    return _Directory(root, {name: sizes[name] for name in sorted(sizes)})


def _check_name(name: str) -> None:
    parts = name.split("/")
    if len(name) > MAX_NAME or not SAFE_NAME.fullmatch(name) or {".", ".."} & set(parts):
        raise Refused(Code.UNSAFE_NAME, f"{name[:MAX_NAME]!r}: unsafe file name")


def _check_unique(names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.casefold(), name)
        if first is not name:
            raise Refused(Code.DUPLICATE, f"{name}: there is already {first}")


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    crc: int
    size: int
    offset: int  # of its local header

    def local(self) -> bytes:
        raw = self.name.encode("ascii")
        return (
            struct.pack(
                "<4s5H3L2H", b"PK\x03\x04", _VERSION, 0, 0, 0, _DATE,
                self.crc, self.size, self.size, len(raw), 0,
            ) + raw
        )  # fmt: skip

    def central(self) -> bytes:
        raw = self.name.encode("ascii")
        return (
            struct.pack(
                "<4s6H3L5H2L", b"PK\x01\x02", _VERSION, _VERSION, 0, 0, 0, _DATE,
                self.crc, self.size, self.size, len(raw), 0, 0, 0, 0, 0, self.offset,
            ) + raw
        )  # fmt: skip

    @property
    def end(self) -> int:
        return self.offset + _LOCAL_SIZE + len(self.name) + self.size


def _end(count: int, size: int, offset: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, offset, 0)


@dataclass(frozen=True, slots=True)
class _Zip:
    path: Path
    members: Mapping[str, _Member]

    @property
    def names(self) -> Sequence[str]:
        return list(self.members)

    def size(self, name: str) -> int:
        return self.members[name].size

    def chunks(self, name: str) -> Iterator[bytes]:
        member, crc = self.members[name], 0
        left = member.size
        with self.path.open("rb") as f:
            f.seek(member.end - member.size)
            while left and (chunk := f.read(min(_CHUNK, left))):
                left -= len(chunk)
                crc = zlib.crc32(chunk, crc)
                yield chunk
        if left or crc != member.crc:
            raise Refused(Code.DIGEST, f"{name}: its checksum in the ZIP does not match")

    def file(self, name: str, scratch: Path) -> Path:
        target = scratch / name.replace("/", "_")
        with target.open("wb") as f:
            f.writelines(self.chunks(name))
        return target


def _open_zip(path: Path) -> _Zip:
    size = path.stat().st_size
    with path.open("rb") as f:
        head = f.read(2**16)
        if not head.startswith(b"PK"):
            raise NotABundle(f"{path}: neither a directory nor a ZIP file")
        f.seek(max(0, size - 2**20))
        if ENVELOPE.encode() not in head and ENVELOPE.encode() not in f.read():
            raise NotABundle(f"{path}: a ZIP file without {ENVELOPE}")
        if size > MAX_ZIP:
            raise Refused(Code.SIZE, f"ZIP of {size} bytes, expected at most {MAX_ZIP}")
        members = _read_members(f, size)
    names = [m.name for m in members]
    if ENVELOPE not in names:
        raise NotABundle(f"{path}: a ZIP file without {ENVELOPE}")
    return _Zip(path, {m.name: m for m in members})


def _read_members(f: BinaryIO, size: int) -> list[_Member]:
    """Return the members; every header is compared with the only form that it may have."""
    f.seek(max(0, size - _END_SIZE))
    end = f.read()
    if len(end) < _END_SIZE or end[:4] != b"PK\x05\x06":
        raise _not_canonical("it does not end where its directory says; truncated, or bytes added")
    count, central_size, central_at = struct.unpack_from("<H2L", end, 10)
    if (
        end != _end(count, central_size, central_at)
        or central_at + central_size != size - _END_SIZE
    ):
        raise _not_canonical("end record")
    if count > MAX_FILES:
        raise Refused(Code.SIZE, f"more than {MAX_FILES} files")
    f.seek(central_at)
    central, at, offset = f.read(central_size), 0, 0
    members: list[_Member] = []
    for _ in range(count):
        if at + _CENTRAL_SIZE > central_size:
            raise _not_canonical("directory cut short")
        method, crc, length = struct.unpack_from("<H4xL4xL", central, at + 10)
        name_len = struct.unpack_from("<H", central, at + 28)[0]
        raw = central[at + _CENTRAL_SIZE : at + _CENTRAL_SIZE + name_len]
        name = raw.decode("ascii", "replace")
        _check_name(name)
        if method != 0:
            raise _not_canonical(f"{name}: compressed; unpack it and verify the directory instead")
        member = _Member(name, crc, length, offset)
        if central[at : at + _CENTRAL_SIZE + name_len] != member.central():
            raise _not_canonical(f"{name}: directory record")
        f.seek(offset)
        if f.read(_LOCAL_SIZE + name_len) != member.local():
            raise _not_canonical(f"{name}: local header differs from the directory")
        at, offset = at + _CENTRAL_SIZE + name_len, member.end
        members.append(member)
    if at != central_size or offset != central_at:
        raise _not_canonical("bytes that belong to no file")
    names = [m.name for m in members]
    _check_unique(names)
    if names != sorted(names):
        raise _not_canonical("files are not sorted by name")
    return members


def _not_canonical(what: str) -> Refused:
    return Refused(Code.NOT_CANONICAL, f"ZIP is not in the form of a bundle: {what}")


def write_zip(root: Path, out: Path) -> None:
    """Write the files below ``root`` as a bundle ZIP at ``out`` and sync it.

    Raises:
        ValueError: The bundle is too large for a ZIP without ZIP64.
    """
    names = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    members: list[_Member] = []
    offset = 0
    for name in names:
        crc = size = 0
        with (root / name).open("rb") as f:
            while chunk := f.read(_CHUNK):
                crc, size = zlib.crc32(chunk, crc), size + len(chunk)
        members.append(_Member(name, crc, size, offset))
        offset = members[-1].end
    central = b"".join(m.central() for m in members) if offset <= MAX_ZIP else b""
    if offset + len(central) + _END_SIZE > MAX_ZIP or len(members) > 0xFFFF:
        raise ValueError(f"{out}: bundle of {offset} bytes is too large for a ZIP; use a directory")
    with out.open("xb") as target:
        for member in members:
            target.write(member.local())
            with (root / member.name).open("rb") as f:
                while chunk := f.read(_CHUNK):
                    target.write(chunk)
        target.write(central + _end(len(members), len(central), offset))
        target.flush()
        os.fsync(target.fileno())
