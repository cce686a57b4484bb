"""What a workbook's first bytes and its archive show before a library reads it."""

import re
import zipfile
from pathlib import Path
from typing import Literal

from book_forecast.storage.errors import UserError

Kind = Literal["xlsx", "xlsb", "xls", "ods"]

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_MAGIC = b"PK"
_PARTS: tuple[tuple[str, Kind], ...] = (
    ("xl/workbook.bin", "xlsb"),
    ("xl/worksheets/", "xlsx"),
    ("xl/workbook", "xlsx"),
    ("content.xml", "ods"),
)
# Rows of a sheet differ at least in their number, so that no sheet of sales is packed so well.
_BOMB_RATIO = 200
_BOMB_BYTES = 1 << 28
_SETTINGS_BYTES = 1 << 22
_MOST_SETTINGS_BYTES = 1 << 24
_SETTINGS = re.compile(r"xl/workbook\d*\.(xml|bin)")

_XLSX_1904 = re.compile(rb"<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*[\"'](?:1|true|on)[\"']")
_ODS_1904 = re.compile(rb"<table:null-date\b[^>]*date-value\s*=\s*[\"']1904-01-01")
_BIFF_GLOBALS = re.compile(rb"\x09\x08[\x08\x10]\x00\x00[\x05\x06]\x05\x00", re.DOTALL)
_BIFF_DATEMODE, _BIFF_EOF = 0x22, 0x0A
_XLSB_PROPERTIES = 153


def find_kind(path: Path, name: str) -> Kind:
    """Find the kind of a workbook by its content; the ending of its name may be wrong.

    Raises:
        UserError: It is encrypted, no workbook, or an archive that unpacks to far more than a
            workbook of sales.
    """
    with path.open("rb") as file:
        start = file.read(len(_OLE_MAGIC))
        if start == _OLE_MAGIC:
            directory = start + file.read()
            if "EncryptedPackage".encode("utf-16-le") in directory:
                raise password(name)
            return "xls"
    if not start.startswith(_ZIP_MAGIC):
        raise UserError(
            f"{name} cannot be read as a workbook: it holds something else, such as text or a web "
            "page. If it opens as text, give it the ending .csv; if a program opens it as a "
            "workbook, save it there as .xlsx."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise damaged(name, error) from error
    _check_sizes(members, name)
    for part, kind in _PARTS:
        if any(member.filename.lower().startswith(part) for member in members):
            return kind
    raise UserError(
        f"{name} cannot be read as a workbook: it is an archive without sheets. Open it in Excel "
        "and save it as .xlsx, or remove it from the folder."
    )


def has_1904_dates(path: Path, kind: Kind) -> bool:
    """Return whether the workbook counts days from 1904, as old ones of macOS do."""
    if kind == "xls":
        return _xls_has_1904_dates(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            plain = member.lower()
            if kind == "ods" and plain == "content.xml":
                return bool(_ODS_1904.search(_start_of(archive, member)))
            if kind == "xlsx" and re.fullmatch(r"xl/workbook\d*\.xml", plain):
                return bool(_XLSX_1904.search(_start_of(archive, member)))
            if kind == "xlsb" and plain == "xl/workbook.bin":
                return _xlsb_has_1904_dates(_start_of(archive, member))
    return False


def password(name: str) -> UserError:
    """Return the error of an encrypted workbook."""
    return UserError(f"{name} has a password. Open it in Excel and save it without one.")


def damaged(name: str, error: Exception) -> UserError:
    """Return the error of a workbook that a library cannot read."""
    reason = " ".join(str(error).split())[:200]
    return UserError(
        f"{name} cannot be read as a workbook ({reason}). It may be damaged or only half copied: "
        "export or copy it again, or remove it from the folder."
    )


def _check_sizes(members: list[zipfile.ZipInfo], name: str) -> None:
    for member in members:
        size, packed = member.file_size, max(member.compress_size, 1)
        if size > max(_BOMB_BYTES, _BOMB_RATIO * packed):
            raise UserError(
                f"{name} cannot be read: its part {member.filename[:60]} unpacks to "
                f"{size / 1e6:,.0f} MB, {size // packed:,} times its size, which no sales have. "
                "Export it again as .csv, or remove it from the folder."
            )
        if size > _MOST_SETTINGS_BYTES and _SETTINGS.fullmatch(member.filename.lower()):
            raise UserError(
                f"{name} cannot be read: its list of sheets and names has {size / 1e6:,.0f} MB, "
                "which no workbook of sales has. Export it again, or remove it from the folder."
            )


def _start_of(archive: zipfile.ZipFile, member: str) -> bytes:
    with archive.open(member) as file:
        return file.read(_SETTINGS_BYTES)


def _xlsb_has_1904_dates(content: bytes) -> bool:
    """Search the records: a number of one or two bytes, a length of one to four, the content."""
    at = 0
    while at < len(content):
        number, at = _variable(content, at, 2)
        length, at = _variable(content, at, 4)
        if number == _XLSB_PROPERTIES:
            return bool(content[at : at + 1] and content[at] & 1)
        at += length
    return False


def _variable(content: bytes, at: int, most: int) -> tuple[int, int]:
    """Return an integer of seven bits a byte, and where it ends."""
    value = 0
    for place in range(most):
        byte = content[at + place] if at + place < len(content) else 0
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    return value, at + most


def _xls_has_1904_dates(content: bytes) -> bool:
    """Search the records of the globals: their number and length, two bytes each, the content."""
    start = _BIFF_GLOBALS.search(content)
    at = start.start() if start else len(content)
    while at + 4 <= len(content):
        number, length = (int.from_bytes(content[at + n : at + n + 2], "little") for n in (0, 2))
        if number == _BIFF_DATEMODE:
            return content[at + 4 : at + 5] == b"\x01"
        if number == _BIFF_EOF:
            return False
        at += 4 + length
    return False
