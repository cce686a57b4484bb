"""Archives of exports: their members, unpacked one at a time and within bounds."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from book_forecast.storage.errors import UserError

MOST_MEMBERS = 1000
MOST_BYTES = 8 << 30
"""Bytes that one archive may unpack to."""

# Sales are packed to a tenth; small files of repeated rows are packed further.
_MOST_RATIO = 200
_UNSUSPICIOUS_BYTES = 1 << 26
_BLOCK_BYTES = 1 << 20
_MOST_DIRECTORY_BYTES = 1 << 22
_END = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 1 << 16
_ENCRYPTED = 1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    struct.error,
    ValueError,
)


def list_members(file: BinaryIO, name: str) -> list[str]:
    """Return the names of the files in a zip archive.

    A leading ``/`` and parts such as ``..`` are left out: nothing is unpacked to a path of a name.

    Args:
        file: The archive, which can seek.
        name: Its name in messages.

    Raises:
        UserError: It is damaged or encrypted, or it exceeds the bounds.
    """
    _check_directory(file, name)
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except _BROKEN as error:
        raise _damaged(name, error) from error
    if len(members) > MOST_MEMBERS:
        raise _too_many(name)
    names = [_plain(member.filename) for member in members]
    if len(set(names)) < len(names):
        raise UserError(
            f"{name} cannot be read: two of its files have the same name. Pack it again."
        )
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise UserError(f"{name} has a password. Pack it again without one, or unpack it here.")
    size = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    _check_size(size, packed, name)
    return names


@contextmanager
def open_member(file: BinaryIO, member: str, name: str) -> Iterator[BinaryIO]:
    """Open a file of a zip archive.

    Args:
        file: The archive, which can seek.
        member: One of `list_members`.
        name: Archive and file in messages.

    Raises:
        UserError: The archive is damaged, which reading may show as well.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = {_plain(info.filename): info for info in archive.infolist()}
            with archive.open(found[member]) as content:
                yield content  # type: ignore[misc]
    except _BROKEN as error:
        raise _damaged(name, error) from error
    except (KeyError, RuntimeError) as error:  # the archive has changed, or has a password now
        raise _damaged(name, error) from error


def unpack(content: BinaryIO, target: Path, packed: int, name: str) -> None:
    """Copy unpacked bytes to a local file, and stop at the bounds whatever the archive declares.

    Args:
        content: The unpacked bytes.
        target: The file to write.
        packed: Size of the archive.
        name: Archive and file in messages.

    Raises:
        UserError: There are more bytes than the bounds allow.
    """
    size = 0
    with target.open("wb") as copy:
        while block := content.read(_BLOCK_BYTES):
            size += len(block)
            _check_size(size, packed, name)
            copy.write(block)


def unpack_gzip(source: Path, target: Path, name: str) -> None:
    """Unpack a .gz file.

    Raises:
        UserError: It is damaged, or exceeds the bounds.
    """
    try:
        with gzip.open(source) as content:
            unpack(content, target, source.stat().st_size, name)  # type: ignore[arg-type]
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _damaged(name, error) from error


def _plain(member: str) -> str:
    parts = member.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def _check_directory(file: BinaryIO, name: str) -> None:
    """Refuse a directory of too many members before it is loaded into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _LONGEST_COMMENT))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at >= 0 and len(end) >= at + _END.size:
        directory = _END.unpack_from(end, at)[5]
        if directory > _MOST_DIRECTORY_BYTES:
            raise _too_many(name)
    file.seek(0)


def _check_size(size: int, packed: int, name: str) -> None:
    if size > MOST_BYTES or size > max(_UNSUSPICIOUS_BYTES, _MOST_RATIO * packed):
        raise UserError(
            f"{name} cannot be read: it unpacks to more than {size / 1e6:,.0f} MB from "
            f"{packed / 1e6:,.1f} MB, which exceeds the limits for an archive. If it holds sales, "
            "put the unpacked files here, else remove it from the folder."
        )


def _too_many(name: str) -> UserError:
    return UserError(
        f"{name} cannot be read: it has more than {MOST_MEMBERS:,} files. Put only exports into it,"
        " or remove it from the folder."
    )


def _damaged(name: str, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:150]
    return UserError(
        f"{name} cannot be unpacked ({reason}). It may be damaged or only half copied: pack or copy"
        " it again, or remove it from the folder."
    )
