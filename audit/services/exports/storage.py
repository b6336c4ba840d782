"""The objects of exports, in the storage that EXPORT_STORAGE names."""

import secrets
from collections.abc import Iterator, Sequence

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from audit.models import ExportPart

NAME_BYTES = 32
CHUNK = 256 * 1024


class StorageError(Exception):
    """The storage didn't do what it was asked; the text names its error's kind alone."""


def _storage() -> Storage:
    return storages["exports"]


def new_name() -> str:
    """A name that tells nothing and can't be guessed."""
    return secrets.token_hex(NAME_BYTES)


def store(name: str, content: bytes) -> None:
    """Keep an object. Raises StorageError."""
    try:
        _storage().save(name, ContentFile(content))
    except Exception as error:
        # Whatever the storage of a deployment raises; its text may hold addresses and keys.
        raise StorageError(type(error).__name__) from error


def remove(name: str) -> None:
    """Delete an object, if it is there. Raises StorageError."""
    try:
        _storage().delete(name)
    except Exception as error:
        raise StorageError(type(error).__name__) from error


def names() -> list[str]:
    """Every object there is. Raises StorageError."""
    try:
        return list(_storage().listdir("")[1])
    except FileNotFoundError:
        return []
    except Exception as error:
        raise StorageError(type(error).__name__) from error


def read(parts: Sequence[ExportPart], *, first: int, last: int) -> Iterator[bytes]:
    """The bytes `first` to `last` of the file that the parts make, both included, in chunks."""
    begin = 0
    for part in parts:
        end = begin + part.bytes
        if first < end and last >= begin:
            yield from _read(part.name, max(first - begin, 0), min(last + 1, end) - begin)
        begin = end


def _read(name: str, at: int, end: int) -> Iterator[bytes]:
    try:
        opened = _storage().open(name, "rb")
    except Exception as error:
        raise StorageError(type(error).__name__) from error
    with opened as file:
        file.seek(at)
        while at < end:
            piece = file.read(min(CHUNK, end - at))
            if not piece:
                raise StorageError(f"an object ends at {at} bytes and not at {end}")
            at += len(piece)
            yield piece
