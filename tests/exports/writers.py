"""Writers of real files from grids of cells."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from tests.exports.styles import Cell

Grid = Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook; state is ``visible``, ``hidden`` or ``veryHidden``."""

    name: str
    grid: Grid
    state: str = "visible"


@dataclass(frozen=True)
class TextForm:
    """How a text file is written.

    Attributes:
        encoding: A codec of Python; ``utf-8 with a cp1252 byte`` damages one letter.
        delimiter: Between cells.
        quoting: A constant of `csv`.
        end: The end of lines.
        before: Text before the first row, such as ``sep=;``.
        trailing: Every row ends with a delimiter.
        cut: The last row is not whole.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL
    end: str = "\n"
    before: str = ""
    trailing: bool = False
    cut: bool = False


def write_text(grid: Grid, form: TextForm) -> bytes:
    """Write a grid of texts."""
    text = io.StringIO()
    text.write(form.before)
    writer = csv.writer(
        text, delimiter=form.delimiter, quoting=form.quoting, lineterminator=form.end
    )
    for row in grid:
        writer.writerow([*row, ""] if form.trailing and row else row)
    written = text.getvalue()
    if form.cut:
        last = written.rstrip("\r\n").rfind(form.end) + 1
        written = written[: last + (len(written) - last) // 2]
    if form.encoding == ONE_BYTE:
        whole = written.encode("utf-8")
        return whole.replace("é".encode(), b"\xe9", 1)
    return written.encode(form.encoding)


ONE_BYTE = "utf-8 with a cp1252 byte"


def compress(name: str, content: bytes, way: str) -> tuple[str, bytes]:
    """Pack a file as ``.gz`` or ``.zip``; returns the new name."""
    if way == "gz":
        return f"{name}.gz", gzip.compress(content, mtime=0)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as pack:
        pack.writestr(_member(name), content, zipfile.ZIP_DEFLATED)
        pack.writestr(_member(f"__MACOSX/._{name}"), b"\0\5\x16\7\0\2\0\0Mac OS X")
    return f"{name.rpartition('.')[0]}.zip", archive.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    """A file of an archive, of 1980: with the time of its writing, an export would never repeat."""
    return zipfile.ZipInfo(name)


@dataclass(frozen=True)
class BookForm:
    """How a workbook is written.

    Attributes:
        epoch_1904: Its dates count from 1904.
        serials: Dates have no format: they are numbers.
        left: Empty columns before the first.
    """

    epoch_1904: bool = False
    serials: bool = False
    left: int = 0


def write_workbook(sheets: Sequence[Sheet], form: BookForm) -> bytes:
    """Write sheets as .xlsx; numbers and dates are typed where their cells are."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    if form.epoch_1904:
        book.epoch = CALENDAR_MAC_1904
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        page.sheet_state = sheet.state
        for row in sheet.grid:
            page.append([None] * form.left + [_typed(cell, form, page) for cell in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _typed(cell: Cell, form: BookForm, page: Worksheet) -> Any:
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, dt.date) and form.serials:
        epoch = dt.date(1904, 1, 1) if form.epoch_1904 else dt.date(1899, 12, 30)
        return (cell - epoch).days
    if isinstance(cell, str) and cell.startswith("="):
        text = openpyxl.cell.Cell(page, value=cell)
        text.data_type = "s"  # a text such as ="978…", not a formula
        return text
    return cell or None if isinstance(cell, str) else cell


_ODS_MIME = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
)


def write_ods(sheets: Sequence[Sheet]) -> bytes:
    """Write sheets as the smallest OpenDocument spreadsheet."""
    tables = "".join(
        f'<table:table table:name="{escape(sheet.name)}">'
        + "".join(
            f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"
            for row in sheet.grid
        )
        + "</table:table>"
        for sheet in sheets
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_ODS_NAMES}>'
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_MIME}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as pack:
        pack.writestr(_member("mimetype"), _ODS_MIME)
        pack.writestr(_member("content.xml"), content)
        pack.writestr(_member("META-INF/manifest.xml"), manifest)
    return archive.getvalue()


def _ods_cell(cell: Cell) -> str:
    if cell in (None, ""):
        return "<table:table-cell/>"
    text = f"<text:p>{escape(str(cell))}</text:p></table:table-cell>"
    if isinstance(cell, dt.date):
        return f'<table:table-cell office:value-type="date" office:date-value="{cell}">{text}'
    if isinstance(cell, int | float | Decimal):
        return f'<table:table-cell office:value-type="float" office:value="{cell}">{text}'
    return f'<table:table-cell office:value-type="string">{text}'


@dataclass(frozen=True)
class ParquetForm:
    """The types of a Parquet file's columns."""

    isbn: str = "text"
    dates: str = "date"
    numbers: str = "float"
    dictionaries: bool = False


def write_parquet(
    header: Sequence[str], columns: dict[str, list[Cell]], form: ParquetForm
) -> bytes:
    """Write columns of typed cells; `header` has their labels."""
    arrays = [_array(name, cells, form) for name, cells in columns.items()]
    content = io.BytesIO()
    pq.write_table(pa.table(arrays, names=list(header)), content)
    return content.getvalue()


def _array(name: str, cells: list[Cell], form: ParquetForm) -> pa.Array:
    if name == "isbn":
        kind = {"text": pa.string(), "integer": pa.int64(), "float": pa.float64()}[form.isbn]
        return pa.array(
            [str(cell) if form.isbn == "text" else int(str(cell)) for cell in cells]
        ).cast(kind)
    if name == "end_date":
        return _dates(cells, form.dates)
    if name in ("volume", "interval"):
        whole = [None if cell is None else int(str(cell)) for cell in cells]
        if form.numbers == "text":
            return pa.array([None if cell is None else str(cell) for cell in whole])
        return pa.array(whole, pa.int64() if form.numbers == "decimal" else pa.float64())
    if name in ("value", "asp", "rrp"):
        if form.numbers == "decimal":
            return pa.array(cells, pa.decimal128(18, 4))
        amounts = [None if cell is None else float(str(cell)) for cell in cells]
        return (
            pa.array([None if cell is None else f"{cell:.2f}" for cell in amounts])
            if (form.numbers == "text")
            else pa.array(amounts, pa.float64())
        )
    texts = pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    return texts.dictionary_encode() if form.dictionaries else texts


def _dates(cells: list[Cell], kind: str) -> pa.Array:
    days = pa.array(cells, pa.date32())
    types = {
        "date": pa.date32(),
        "timestamp": pa.timestamp("ns"),
        "timestamp with zone": pa.timestamp("us", "Europe/London"),
    }
    if kind == "text":
        return days.cast(pa.string())
    if kind == "timestamp with zone":
        # Midnight in London, as a local time.
        local = days.cast(pa.timestamp("us"))
        return pc.assume_timezone(local, "Europe/London")
    return days.cast(types[kind])
