"""Kinds of files in a folder of exports, by the ending of their names."""

from collections import Counter
from pathlib import PurePosixPath
from typing import Literal

from book_forecast.bookscan.columns import REQUIRED_NAMES, column_named

FileKind = Literal["text", "gzip", "workbook", "parquet", "zip", "unread", "litter", "other"]

_TEXT = (".csv", ".tsv", ".txt")
_KINDS: dict[FileKind, tuple[str, ...]] = {
    "gzip": tuple(f"{suffix}.gz" for suffix in _TEXT),
    "text": _TEXT,
    "workbook": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
    "parquet": (".parquet",),
    "zip": (".zip",),
    # Formats that may hold sales; ignoring such a file would lose a delivery silently.
    "unread": (
        *(".numbers", ".fods", ".xlt", ".xltx", ".dbf", ".mdb", ".accdb"),
        *(".feather", ".arrow", ".orc", ".avro"),
        *(".gz", ".7z", ".rar", ".bz2", ".xz", ".zst", ".tar", ".tgz"),
    ),
}
SHOWN = ".csv, .txt, .tsv, .xlsx, .xlsm, .xls, .xlsb, .ods, .parquet, .csv.gz or .zip"
"""The endings of exports, in words."""

NO_TABLE_BY_HAND = {suffix for suffixes in _KINDS.values() for suffix in suffixes} - {".csv"}
"""Endings of tables that are no plain CSV."""

_LITTER = {"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "icon\r"}
_SAMPLE_LINES = 50
_SHARE_OF_TABLE = 0.6


def find_file_kind(name: str) -> FileKind:
    """Return the kind of a file; hidden and lock files are litter, and so are all within litter.

    Args:
        name: Its path below the folder, with ``/``.
    """
    parts = PurePosixPath(name).parts
    if any(is_litter(part) for part in parts):
        return "litter"
    plain = name.lower()
    return next((kind for kind, ends in _KINDS.items() if plain.endswith(ends)), "other")


def is_litter(name: str) -> bool:
    """Return whether a file or folder is one that systems and programs leave behind."""
    return name.startswith((".", "~")) or name.lower() in _LITTER


def is_table(start: bytes) -> bool:
    """Return whether the start of a .txt file looks like a table, not like notes.

    A table has a row with a heading of a required column, or the same number of cells in most rows.
    """
    text = start.decode("utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252", "ignore")
    lines = [line for line in text.replace("\0", "").splitlines() if line.strip()][:_SAMPLE_LINES]
    for delimiter in ",;\t|":
        rows = [line.split(delimiter) for line in lines]
        if any(
            len(row) > 2 and any(column_named(cell.strip('" ')) in REQUIRED_NAMES for cell in row)
            for row in rows
        ):
            return True
        width, count = next(iter(Counter(map(len, rows)).most_common(1)), (0, 0))
        if width > 2 and count >= _SHARE_OF_TABLE * len(rows):
            return True
    return False
