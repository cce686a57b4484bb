"""Draws exports with known right readings: a truth, mutations, real files."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace

from tests.exports import writers
from tests.exports.deliveries import deliver
from tests.exports.drafts import TEXT_FILES, Draft, Export, Line
from tests.exports.layouts import Layout, draw_layout
from tests.exports.looks import DATE, WEEK_ENDING, Look, draw_look
from tests.exports.rows import COPIES
from tests.exports.styles import NUMBERS, Cell
from tests.exports.truth import Key

ENCODING = r"(?i)encod|utf|windows|character|byte|text"

_FORMATS = (
    *("xlsx typed", "parquet", "csv.gz", "zip", "ods", "xlsx text", "xlsx 1904 serials") * 2,
    "xlsx typed", "xlsx typed", "xlsx text", "xlsx 1904", "xlsx serials", "xlsx 1904 serials",
    "parquet", "parquet", "csv.gz", "zip", "ods", "txt",
)  # fmt: skip
_ENCODINGS = (
    *("utf-8-sig", "utf-16", "cp1252", "latin-1", writers.ONE_BYTE) * 5,
    *("mac-roman", "utf-16-le"),
)
_SHEETS = (
    "by class", "hidden copy", "very hidden copy", "older hidden copy", "visible copy", "notes",
    "pivot", "title list",
)  # fmt: skip
_PRICES = ("value", "asp", "rrp")


def mutate(seed: int, only: dict[str, str] | None = None) -> Export:
    """Draw the export of a seed: the same seed gives the same files.

    Args:
        seed: Of all draws.
        only: The only mutations, by kind; None to draw them.
    """
    rng = random.Random(seed)
    draft = Draft(rng, forced=only)
    draft.format = draft.choose("format", "csv", _FORMATS, 0.45)
    deliver(draft)
    look = draw_look(draft)
    looks = _vary(draft, [look] * len(draft.deliveries))
    layout = draw_layout(draft)
    is_rounded = draft.chosen.get("rows", "").endswith("rounded")
    export = Export(
        seed=seed,
        draft=draft,
        files={},
        places={},
        prices=[name for name in _PRICES if name in look.columns],
        titles_checked="title" in look.columns and not is_rounded,
    )
    writer = _Writer(export, layout)
    for number, (lines, each) in enumerate(zip(draft.deliveries, looks, strict=True)):
        _note_weak_evidence(draft, lines, each)
        writer.write(f"sales-2024-{number + 1:02d}", lines, each)
    return export


def _vary(draft: Draft, looks: list[Look]) -> list[Look]:
    """Give one of several deliveries another convention than the others."""
    if len(looks) < 2:
        return looks
    ways = ("US dates", "numbers", "ISBNs") if draft.is_text else ("ISBNs",)
    way = draft.choose("one delivery differs", "no", ways, 0.4)
    at = draft.rng.randrange(len(looks))
    look = looks[at]
    if way == "US dates":
        looks[at] = replace(look, dates="mm/dd/yyyy")
    elif way == "numbers":
        other = draft.rng.choice([name for name in NUMBERS if name != "Indian"])
        looks[at] = replace(look, numbers=NUMBERS[other])
        if not {"value", "asp"} & set(look.columns):
            looks[at] = look
    elif way == "ISBNs":
        looks[at] = replace(look, isbn_form="hyphens")
    return looks


def _note_weak_evidence(draft: Draft, lines: Sequence[Line], look: Look) -> None:
    """Let a file be refused, or its dates be told, whose dates can be read in two ways."""
    days = {line.day + dt.timedelta(days=look.shift) for line in lines if line.dated}
    keys = [line.key for line in lines]
    if look.shift and len(days) < 3:
        draft.excuse(WEEK_ENDING)
    if not _has_day_and_month(look.dates) or any(day.day > 12 for day in days):
        return
    if "interval" in look.columns:
        return
    swapped = {day.replace(month=day.day, day=day.month) for day in days}
    saturdays = all(day.weekday() == 5 for day in days)
    if saturdays and any(day.weekday() != 5 for day in swapped):
        return
    draft.refusals.append(DATE)
    draft.excuse(DATE, [*keys, *((isbn, day) for isbn, _ in keys for day in swapped)])


def _has_day_and_month(dates: str) -> bool:
    return (
        dates.lower()
        .replace("-", "/")
        .replace(".", "/")
        .startswith(("d/m", "dd/mm", "m/d", "mm/dd"))
    )


class _Writer:
    """Writes the files of an export and notes the place of every row."""

    def __init__(self, export: Export, layout: Layout) -> None:
        self.export = export
        self.draft = export.draft
        self.layout = layout
        self.kind = kind = self.draft.format
        self.form = self._draw_text_form() if kind in TEXT_FILES else None
        self.left = draft_left(self.draft) if kind.startswith("xlsx") else 0
        workbook = kind.startswith("xlsx") or kind == "ods"
        states = _SHEETS if kind != "ods" else ("by class", "visible copy", "notes")
        self.sheets = self.draft.choose("sheets", "one", states, 0.6) if workbook else "one"
        self.parquet = self._draw_parquet_form()

    def write(self, stem: str, lines: Sequence[Line], look: Look) -> None:
        """Write a delivery as one file."""
        files = self.export.files
        if self.form is not None:
            suffix = "txt" if self.kind == "txt" else "csv"
            name = f"{stem}.{suffix}"
            grid = self._grid(name, "", lines, look, texts=True)
            try:
                content = writers.write_text(grid, self.form)
            except UnicodeEncodeError:  # the encoding does not have a character of the conventions
                self.form = replace(self.form, encoding="utf-8")
                self.draft.chosen.pop("encoding")
                content = writers.write_text(grid, self.form)
            if self.kind in ("csv.gz", "zip"):
                name, content = writers.compress(name, content, self.kind.removeprefix("csv."))
            files[name] = content
        elif self.kind == "parquet":
            files[f"{stem}.parquet"] = self._parquet(f"{stem}.parquet", lines, look)
        elif self.kind == "ods":
            files[f"{stem}.ods"] = writers.write_ods(self._book(f"{stem}.ods", lines, look))
        else:
            form = writers.BookForm("1904" in self.kind, "serials" in self.kind, self.left)
            book = self._book(f"{stem}.xlsx", lines, look)
            files[f"{stem}.xlsx"] = writers.write_workbook(book, form)

    def _draw_text_form(self) -> writers.TextForm:
        draft = self.draft
        delimiter = draft.choose("delimiter", ",", (";", ";", "\t", "|"), 0.5)
        encoding = draft.choose("encoding", "utf-8", _ENCODINGS, 0.4)
        if self.kind == "txt":
            draft.refusals.append(r"(?i)txt|no export")
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
            trailing=draft.choose("ends of rows", "none", ("delimiter",), 0.08) == "delimiter",
        )

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
        grid, numbers = self.layout.arrange(look, rows, lines)
        first = 2 if self.form and self.form.before else 1
        for number, line in zip(numbers, lines, strict=True):
            self.export.places[name, sheet, number + first] = line.key
        return grid

    def _parquet(self, name: str, lines: Sequence[Line], look: Look) -> bytes:
        rows = [look.cells(line, rank) for rank, line in enumerate(lines, 1)]
        columns: dict[str, list[Cell]] = {
            column: [row[at] for row in rows] for at, column in enumerate(look.columns)
        }
        for number, line in enumerate(lines):
            self.export.places[name, "", number + 2] = line.key
        return writers.write_parquet(look.header, columns, self.parquet)

    def _book(self, name: str, lines: Sequence[Line], look: Look) -> list[writers.Sheet]:
        texts = self.kind == "xlsx text"

        def sheet(title: str, part: Sequence[Line], state: str = "visible") -> writers.Sheet:
            return writers.Sheet(title, self._grid(name, title, part, look, texts=texts), state)

        main = sheet("Export", lines)
        match self.sheets:
            case "by class":
                classes = sorted({line.title.product_class for line in lines})
                return [
                    sheet(each[:31], [line for line in lines if line.title.product_class == each])
                    for each in classes
                ]
            case "hidden copy":
                return [main, sheet("Backup", lines, "hidden")]
            case "very hidden copy":
                return [sheet("Backup", lines, "veryHidden"), main]
            case "older hidden copy":
                older = [
                    replace(line, volume=line.volume + 3) if isinstance(line.volume, int) else line
                    for line in lines
                ]
                return [main, sheet("Old", older, "hidden")]
            case "visible copy":
                keys: list[Key] = [line.key for line in lines]
                self.draft.excuse(COPIES, keys)
                return [main, sheet("Export (2)", lines)]
            case "notes":
                notes: list[list[Cell]] = [
                    ["Notes"],
                    [None],
                    ["All figures are provisional."],
                    ["Contact: sales"],
                ]
                return [writers.Sheet("Notes", notes), main]
            case "pivot":
                return [main, writers.Sheet("Pivot", _pivot(lines))]
            case "title list":
                header: list[Cell] = ["ISBN", "Title", "Author", "RRP", "Product Class"]
                titles = {line.title for line in lines}
                rows: list[list[Cell]] = [
                    [title.isbn, title.title, title.author, title.rrp, title.product_class]
                    for title in sorted(titles, key=lambda title: title.isbn)
                ]
                return [main, writers.Sheet("Titles", [header, *rows])]
        return [main]


def draft_left(draft: Draft) -> int:
    """Choose the number of empty columns before a sheet's first."""
    return 2 if draft.choose("first column", "A", ("C",), 0.1) == "C" else 0


def _pivot(lines: Sequence[Line]) -> list[list[Cell]]:
    weeks = sorted({line.week for line in lines})[-10:]
    isbns = sorted({line.title.isbn for line in lines})
    sums: dict[Key, int] = {}
    for line in lines:
        sums[line.key] = sums.get(line.key, 0) + int(line.volume)
    header: list[Cell] = ["ISBN", *(f"{week:%d/%m/%Y}" for week in weeks)]
    rows: list[list[Cell]] = [[isbn, *(sums.get((isbn, week)) for week in weeks)] for isbn in isbns]
    return [header, *rows]
