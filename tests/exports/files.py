"""Writes the files of an export."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from tests.exports import writers
from tests.exports.books import SHEETS, sheets_of
from tests.exports.columns import DATE
from tests.exports.drafts import TEXT_FILES, Draft, Export, Line, stem_of
from tests.exports.layouts import Layout
from tests.exports.looks import Look
from tests.exports.rows import COPIES
from tests.exports.styles import Cell

# The second part is the reason of a rejected row; no warning starts so.
CUT = r"(?i)\bcut\b|truncat|last (row|line)|inside|quotation|^(isbn|volume|end date|interval) "
ENCODING = r"(?i)encod|utf|windows|character|byte|text"

_ENCODINGS = (
    *("utf-8-sig", "utf-16", "cp1252", "latin-1", writers.ONE_BYTE) * 5,
    *("mac-roman", "utf-16-le"),
)


class FileWriter:
    """Writes the files of an export and notes the place of every row."""

    def __init__(self, export: Export, layout: Layout) -> None:
        self.export = export
        self.draft = export.draft
        self.layout = layout
        self.kind = kind = self.draft.format
        self.form = self._draw_text_form() if kind in TEXT_FILES else None
        self.left = _draw_left(self.draft) if kind.startswith("xlsx") else 0
        workbook = kind.startswith("xlsx") or kind == "ods"
        states = SHEETS if kind != "ods" else ("by class", "visible copy", "notes")
        self.sheets = self.draft.choose("sheets", "one", states, 0.6) if workbook else "one"
        self.parquet = self._draw_parquet_form()
        folder = self.draft.choose("folder", "none", ("2024/", "2024/weekly/"), 0.06)
        self.folder = "" if folder == "none" else folder
        if kind == "xlsx half-converted dates":
            self.draft.excuse(DATE)
            self.draft.excuse(DATE, only="price")
            self.draft.refusals.append(DATE)

    def write(self, stem: str, lines: Sequence[Line], look: Look) -> None:
        """Write a delivery as one file."""
        name, content = self._write(stem, lines, look)
        self.export.files[f"{self.folder}{name}"] = content

    def _write(self, stem: str, lines: Sequence[Line], look: Look) -> tuple[str, bytes]:
        if self.form is not None:
            suffix = "txt" if self.kind == "txt" else "csv"
            name = f"{stem}.{suffix}"
            grid = self._grid(name, "", lines, look, texts=True)
            if self.form.cut:
                self.draft.excuse(CUT, [lines[-1].key])
                self.draft.excuse(CUT, [lines[-1].key], only="price")
            try:
                content = writers.write_text(grid, self.form)
            except UnicodeEncodeError:  # the encoding does not have a character of the conventions
                self.form = replace(self.form, encoding="utf-8")
                self.draft.chosen.pop("encoding")
                content = writers.write_text(grid, self.form)
            if self.kind in ("csv.gz", "zip"):
                return writers.compress(name, content, self.kind.removeprefix("csv."))
            return name, content
        if self.kind == "parquet":
            return f"{stem}.parquet", self._parquet(stem, lines, look)
        book = self._book(stem, lines, look)
        if self.kind == "ods":
            return f"{stem}.ods", writers.write_ods(book)
        form = writers.BookForm("1904" in self.kind, "serials" in self.kind, self.left)
        return f"{stem}.xlsx", writers.write_workbook(book, form)

    def _draw_text_form(self) -> writers.TextForm:
        draft = self.draft
        delimiter = draft.choose("delimiter", ",", (";", ";", "\t", "|"), 0.5)
        encoding = draft.choose("encoding", "utf-8", _ENCODINGS, 0.4)
        if encoding == writers.ONE_BYTE:
            draft.excuse(ENCODING, only="title")
        if encoding == "mac-roman":
            self.export.titles_checked = False
            draft.refusals.append(ENCODING)
        if encoding == "utf-16-le":
            draft.refusals.append(ENCODING)
        return writers.TextForm(
            encoding=encoding,
            delimiter=delimiter,
            quoting=csv.QUOTE_ALL if draft.rng.random() < 0.2 else csv.QUOTE_MINIMAL,
            end=draft.rng.choice(("\n", "\n", "\r\n", "\r\n", "\r")),
            before=f"sep={delimiter}\r\n"
            if draft.choose("first line", "none", ("sep=",), 0.08) == "sep="
            else "",
            cut=self._draw_cut(),
            trailing=draft.choose("ends of rows", "none", ("delimiter",), 0.08) == "delimiter",
        )

    def _draw_cut(self) -> bool:
        """Choose whether the copy of the file has stopped in its last row."""
        if self.layout.totals != "none" or self.layout.footnotes:
            return False
        if self.draft.choose("end of file", "whole", ("cut",), 0.04) != "cut":
            return False
        self.draft.refusals.append(CUT)
        return True

    def _draw_parquet_form(self) -> writers.ParquetForm:
        rng = self.draft.rng
        return writers.ParquetForm(
            isbn=rng.choice(("text", "integer", "float")),
            dates=rng.choice(("date", "timestamp", "timestamp with zone", "text")),
            numbers=rng.choice(("float", "decimal", "text")),
            dictionaries=rng.random() < 0.3,
        )

    def _grid(
        self, name: str, sheet: str, lines: Sequence[Line], look: Look, *, texts: bool
    ) -> writers.Grid:
        rows = [
            look.texts(line, rank) if texts else look.cells(line, rank)
            for rank, line in enumerate(lines, 1)
        ]
        if self.kind == "xlsx half-converted dates":
            rows = [[_half_convert(cell) for cell in row] for row in rows]
        grid, numbers = self.layout.arrange(look, rows, lines)
        first = 2 if self.form and self.form.before else 1
        for number, line in zip(numbers, lines, strict=True):
            self.export.places[stem_of(name), sheet, number + first] = line.key
        return grid

    def _parquet(self, name: str, lines: Sequence[Line], look: Look) -> bytes:
        rows = [look.cells(line, rank) for rank, line in enumerate(lines, 1)]
        columns: dict[str, list[Cell]] = {
            column: [row[at] for row in rows] for at, column in enumerate(look.columns)
        }
        for number, line in enumerate(lines):
            self.export.places[stem_of(name), "", number + 2] = line.key
        return writers.write_parquet(look.header, columns, self.parquet)

    def _book(self, name: str, lines: Sequence[Line], look: Look) -> list[writers.Sheet]:
        texts = self.kind == "xlsx text"

        def sheet(title: str, part: Sequence[Line], state: str = "visible") -> writers.Sheet:
            return writers.Sheet(title, self._grid(name, title, part, look, texts=texts), state)

        if self.sheets == "visible copy" or self.sheets == "all and classes":
            self.draft.excuse(COPIES, [line.key for line in lines])
        return sheets_of(self.sheets, sheet, lines)


def _draw_left(draft: Draft) -> int:
    """Choose the number of empty columns before a sheet's first."""
    return 2 if draft.choose("first column", "A", ("C",), 0.1) == "C" else 0


def _half_convert(cell: Cell) -> Cell:
    """Convert a British date as a spreadsheet with American settings does."""
    if not isinstance(cell, dt.date):
        return cell
    return cell.replace(month=cell.day, day=cell.month) if cell.day <= 12 else f"{cell:%d/%m/%Y}"
