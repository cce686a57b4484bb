"""The files in a folder of exports, also in its subfolders and archives."""

import logging
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from book_forecast.datasets.archives import list_members, open_member
from book_forecast.datasets.export_kinds import (
    SHOWN,
    FileKind,
    find_file_kind,
    is_litter,
    is_table,
)
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_DIGITS = re.compile(r"(\d+)")
_SAMPLE_BYTES = 1 << 16
_MOST_SHOWN = 80
_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


@dataclass(frozen=True)
class ExportFile:
    """An export.

    Attributes:
        name: Path below the folder, with ``/``; in an archive ``a.zip/b.csv``.
        path: Of the file or archive on the filesystem.
        kind: By the ending of its name.
        member: Its name in the archive; empty outside of archives.
    """

    name: str
    path: str
    kind: FileKind
    member: str = ""


def find_exports(fs: AbstractFileSystem, folder: str, shown: str) -> list[ExportFile]:
    """Find the exports in a folder, its subfolders and archives, in order of delivery.

    Hidden files and those that systems leave behind are passed over. One warning names others that
    are no exports.

    Args:
        fs: The filesystem of the folder.
        folder: The folder on it.
        shown: The folder in messages.

    Raises:
        FileNotFoundError: There is no such folder.
        NotADirectoryError: It is a file.
        UserError: A folder or archive cannot be read; a file is a pipe, a device or the like, or
            in a format that may hold sales but is not read.
    """
    walk = _walk_local if isinstance(fs, LocalFileSystem) else _walk_cloud
    found: list[ExportFile] = []
    ignored: list[str] = []
    for name, path in walk(fs, folder, shown):
        kind = find_file_kind(name)
        if kind == "unread":
            raise _unread(name, shown)
        if kind == "zip":
            members = _members(fs, name, path)
            found += [member for member in members if member.kind != "other"]
            ignored += [member.name for member in members if member.kind == "other"]
        elif kind == "other" or (kind == "text" and _are_notes(fs, name, path)):
            ignored.append(name)
        elif kind != "litter":
            found.append(ExportFile(name, path, kind))
    if ignored:
        logger.warning("Ignored, because they are no exports: %s", _bounded(ignored))
    return sorted(found, key=lambda file: delivery_order(file.name))


def delivery_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a key that sorts names as people number their files.

    Numbers count as numbers, and endings do not count: ``w9.csv`` comes before ``w10.csv``, and
    ``w9.csv`` before ``w9-corrected.csv`` and ``w9 (1).csv``.
    """
    stems = "/".join(Path(part.removesuffix(".gz")).stem for part in name.casefold().split("/"))
    pieces = [piece for piece in _DIGITS.split(stems) if piece]
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces], name


def check_regular(path: str, name: str) -> None:
    """Refuse a local pipe, socket, device or folder, which would block or never end.

    Raises:
        UserError: It is one.
        OSError: It does not exist or is out of reach.
    """
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode):
        kind = _SPECIAL.get(stat.S_IFMT(mode), "something else")
        raise UserError(
            f"{name} cannot be read: it is {kind}, not a file. Remove it from the folder."
        )


def _walk_local(
    _fs: AbstractFileSystem, folder: str, shown: str, below: str = "", seen: Any = None
) -> Iterator[tuple[str, str]]:
    """Yield the name and path of each file; a folder that links lead to twice is read once."""
    seen = set() if seen is None else seen
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except PermissionError as error:
        raise UserError(
            f"The folder {below.rstrip('/') or shown} cannot be read ({error.strerror}). Change its"
            " permissions, or move it elsewhere."
        ) from error
    for entry in listed:
        name = below + entry.name
        if is_litter(entry.name):
            continue
        if _is_folder(entry):
            yield from _walk_local(_fs, entry.path, shown, f"{name}/", seen)
            continue
        if find_file_kind(name) != "other":
            try:
                check_regular(entry.path, name)
            except OSError as error:
                raise _unreachable(name, shown, error) from error
        yield name, entry.path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere or to itself
        return False


def _walk_cloud(fs: AbstractFileSystem, folder: str, _shown: str) -> Iterator[tuple[str, str]]:
    folder = folder.rstrip("/")
    fs.invalidate_cache(folder)
    found = fs.find(folder, detail=True)
    if not found:
        fs.ls(folder)  # raises an error if there is no such folder
    if folder in found:
        raise NotADirectoryError(folder)
    for path, info in found.items():
        # Object stores list the placeholder of a folder among the files.
        if info["type"] == "file" and not path.endswith("/"):
            yield path[len(folder) :].lstrip("/"), path


def _members(fs: AbstractFileSystem, name: str, path: str) -> list[ExportFile]:
    found = []
    try:
        with fs.open(path, "rb") as file:
            for member in list_members(file, name):
                kind = find_file_kind(member)
                shown = f"{name}/{member}"
                if kind in ("unread", "zip"):
                    raise UserError(
                        f"{shown[:200]} cannot be read: exports inside an archive are tables, not "
                        "archives or other formats. Unpack it, or remove it from the archive."
                    )
                if kind == "text" and member.lower().endswith(".txt"):
                    with open_member(file, member, shown) as content:
                        kind = kind if is_table(content.read(_SAMPLE_BYTES)) else "other"
                if kind != "litter":
                    found.append(ExportFile(shown, path, kind, member))
    except OSError as error:
        raise _unreachable(name, "the folder", error) from error
    if all(member.kind == "other" for member in found):
        raise UserError(
            f"{name} holds no export ({_bounded([file.member for file in found]) or 'it is empty'})"
            f". Put {SHOWN.removesuffix(' or .zip')} files into it, or remove it from the folder."
        )
    return found


def _are_notes(fs: AbstractFileSystem, name: str, path: str) -> bool:
    if not name.lower().endswith(".txt"):
        return False
    try:
        with fs.open(path, "rb") as file:
            start = file.read(_SAMPLE_BYTES)
    except OSError:
        return False  # the reader of exports reports what is wrong
    return bool(start.strip()) and not is_table(start)


def _bounded(names: list[str]) -> str:
    shown = names[0][:_MOST_SHOWN] if names else ""
    count = 1
    for name in names[1:]:
        if len(shown) + len(name) > _MOST_SHOWN:
            return f"{shown} and {len(names) - count:,} more"
        shown += f", {name}"
        count += 1
    return shown


def _unread(name: str, shown: str) -> UserError:
    suffix = name[name.rfind(".") :].lower()
    return UserError(
        f"{name} in {shown} cannot be read: a {suffix} file is no export. Save it as .csv or .xlsx,"
        " or remove it from the folder."
    )


def _unreachable(name: str, shown: str, error: OSError) -> UserError:
    return UserError(
        f"{name} in {shown} cannot be read ({error.strerror or error}). Check its permissions, copy"
        " it again, or remove it from the folder."
    )
