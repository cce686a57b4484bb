"""The sheets of a workbook: copies, notes, pivots, lists beside the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.exports.drafts import Line
from tests.exports.styles import Cell
from tests.exports.truth import Key
from tests.exports.writers import Sheet

SHEETS = (
    *("by class", "hidden copy", "very hidden copy", "older hidden copy", "visible copy"),
    *("all and classes", "notes", "pivot", "title list"),
)


def sheets_of(way: str, sheet: Callable[..., Sheet], lines: Sequence[Line]) -> list[Sheet]:
    """Make the sheets of a workbook.

    Args:
        way: One of `SHEETS`, or any other text for one sheet.
        sheet: Makes a sheet from a name, lines and a state.
        lines: The rows of the delivery.
    """
    if way == "by class":
        return _by_class(sheet, lines)
    main = sheet("Export", lines)
    others: dict[str, Callable[[], list[Sheet]]] = {
        "hidden copy": lambda: [main, sheet("Backup", lines, "hidden")],
        "very hidden copy": lambda: [sheet("Backup", lines, "veryHidden"), main],
        "older hidden copy": lambda: [main, sheet("Old", _older(lines), "hidden")],
        "visible copy": lambda: [main, sheet("Export (2)", lines)],
        "all and classes": lambda: [main, *_by_class(sheet, lines)],
        "notes": lambda: [Sheet("Notes", [["Notes"], [None], ["Provisional."]]), main],
        "pivot": lambda: [main, Sheet("Pivot", _pivot(lines))],
        "title list": lambda: [main, Sheet("Titles", _titles(lines))],
    }
    return others[way]() if way in others else [main]


def _by_class(sheet: Callable[..., Sheet], lines: Sequence[Line]) -> list[Sheet]:
    classes = sorted({line.title.product_class for line in lines})
    return [
        sheet(name[:31], [line for line in lines if line.title.product_class == name])
        for name in classes
    ]


def _older(lines: Sequence[Line]) -> list[Line]:
    return [
        replace(line, volume=line.volume + 3) if isinstance(line.volume, int) else line
        for line in lines
    ]


def _titles(lines: Sequence[Line]) -> list[list[Cell]]:
    titles = sorted({line.title for line in lines}, key=lambda title: title.isbn)
    header: list[Cell] = ["ISBN", "Title", "Author", "RRP", "Product Class"]
    rows: list[list[Cell]] = [
        [title.isbn, title.title, title.author, title.rrp, title.product_class] for title in titles
    ]
    return [header, *rows]


def _pivot(lines: Sequence[Line]) -> list[list[Cell]]:
    weeks = sorted({line.week for line in lines})[-10:]
    isbns = sorted({line.title.isbn for line in lines})
    sums: dict[Key, int] = {}
    for line in lines:
        sums[line.key] = sums.get(line.key, 0) + int(line.volume)
    header: list[Cell] = ["ISBN", *(f"{week:%d/%m/%Y}" for week in weeks)]
    rows: list[list[Cell]] = [[isbn, *(sums.get((isbn, week)) for week in weeks)] for isbn in isbns]
    return [header, *rows]
