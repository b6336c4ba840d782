"""A ZIP that notes of each file length and SHA-256 as it is written."""

import struct
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any
from zipfile import ZipFile, ZipInfo

# Fixed, so that no byte of the archive is free (docs/evidence.md).
NO_TIME = (1980, 1, 1, 0, 0, 0)
NO_DATE = 33
"""1 January 1980, as MS-DOS packs it."""
FILE_MODE = 0o644
ZIP64_VERSION = 45
ELSEWHERE = 0xFFFFFFFF
BUFFER = 1 << 16


class FileInfo(ZipInfo):
    """A file's headers, to the byte the same by every Python: those before 3.11.4 say less."""

    def FileHeader(self, zip64: bool | None = None) -> bytes:  # noqa: FBT001, N802 - zipfile's
        """The header before the file, with the sizes in its ZIP64 field, large or not."""
        del zip64
        self.create_version = self.extract_version = ZIP64_VERSION
        name = self.filename.encode("ascii")
        fixed = (ZIP64_VERSION, 0, self.flag_bits, self.compress_type, 0, NO_DATE, self.CRC)
        sizes = struct.pack("<2H2Q", 1, 16, self.file_size, self.compress_size)
        lengths = (ELSEWHERE, ELSEWHERE, len(name), len(sizes))
        return struct.pack("<4s2B4HL2L2H", b"PK\3\4", *fixed, *lengths) + name + sizes


class Archive:
    """Writes files into a ZIP, piece by piece, compressed as the ZIP says."""

    def __init__(self, zipped: ZipFile) -> None:
        self._zipped = zipped
        self.files: list[dict[str, Any]] = []
        """Of each file written: name, bytes, sha256 and, where they were counted, rows."""

    def write(
        self, name: str, pieces: Iterable[bytes], rows: Callable[[], int] | None = None
    ) -> None:
        """One file; `rows` is asked at its end."""
        info = FileInfo(name, NO_TIME)
        info.create_system, info.external_attr = 3, FILE_MODE << 16
        info.compress_type = self._zipped.compression
        digest, length = sha256(), 0
        with self._zipped.open(info, "w", force_zip64=True) as file:
            for piece in _buffered(pieces):
                digest.update(piece)
                length += file.write(piece)
        noted: dict[str, Any] = {"name": name, "bytes": length, "sha256": digest.hexdigest()}
        self.files.append({**noted, "rows": rows()} if rows else noted)


def _buffered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= BUFFER:
            yield bytes(held)
            held.clear()
    yield bytes(held)
