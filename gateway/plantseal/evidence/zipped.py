"""A bundle as a ZIP, which has exactly one possible form.

Its files lie stored (never compressed), sorted by name, back to back, followed by the central
directory and nothing else; every header field follows from name, checksum, size and offset. So
there is nothing to decompress, nothing to hide in, and no byte that two readers could take
differently: a reader rebuilds each header and compares.

Source: PKWARE APPNOTE 6.3.10, 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end).
"""

import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from plantseal.evidence.format import (
    ENVELOPE,
    MAX_FILES,
    MAX_ZIP,
    Code,
    NotABundle,
    Refused,
    check_name,
    check_unique,
)

_VERSION: Final = 20  # APPNOTE 4.4.3.2: what stored files in folders need
_DATE: Final = 0x0021  # 1980-01-01, the first day a DOS date can say
_CHUNK: Final = 2**20
_LOCAL_SIZE, _CENTRAL_SIZE, _END_SIZE = 30, 46, 22


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
class ZippedFiles:
    """Files of a ZIP; a :class:`plantseal.evidence.container.Container`."""

    path: Path
    members: Mapping[str, _Member]

    @property
    def names(self) -> Sequence[str]:
        """Return all file names, sorted."""
        return list(self.members)

    def size(self, name: str) -> int:
        """Return the size of a file [bytes]."""
        return self.members[name].size

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file in pieces.

        Raises:
            Refused: E301 when the checksum of its header does not match.
        """
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
        """Return the path of a copy of the file in ``scratch``."""
        target = scratch / name.replace("/", "_")
        with target.open("wb") as f:
            f.writelines(self.chunks(name))
        return target


def open_zip(path: Path) -> ZippedFiles:
    """Return the files of a bundle ZIP.

    Raises:
        NotABundle: No ZIP, or one that does not name an envelope.
        Refused: It names one and is not in the form of a bundle.
    """
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
    return ZippedFiles(path, {m.name: m for m in members})


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
        if method != 0 or name.endswith("/"):  # as other tools pack a bundle
            what = "compressed" if method else "a folder"
            raise _not_canonical(f"{name!r}: {what}; unpack it and verify the directory instead")
        check_name(name)
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
    check_unique(names)
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
