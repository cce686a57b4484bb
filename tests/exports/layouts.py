"""The layout of a sheet: what stands above, between and below its rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.exports.drafts import Draft, Line
from tests.exports.looks import Look
from tests.exports.styles import Cell

_HEADINGS: tuple[tuple[list[Cell], ...], ...] = (
    (["Weekly Sales Report"], []),
    (["Weekly Sales Report"], ["Run date:", "03/12/2024"], ["Territory", "UK"], []),
    (["Report: sales by ISBN and week, volume and value"], ["Copyright, all rights reserved"]),
    ([], [], ["Period", "1 Jan to 31 Dec"], []),
)
_FOOTNOTES: tuple[list[Cell], ...] = (
    ["Source: panel of retailers. Figures are provisional."],
    ["* Week of 53 in some years"],
)
REJECTED = r"(?i)\d+ of \d+ rows|rows? .*(reject|cannot be used)"


@dataclass(frozen=True)
class Layout:
    """A layout; the same for every sheet of an export.

    Attributes:
        heading: Rows above the header.
        blank_lines: Blank rows between the others.
        totals: ``none``, ``end``, ``with ISBN cell`` or ``titles``.
        footnotes: Rows below all others.
        repeated_header: The header stands again between the rows.
    """

    heading: tuple[list[Cell], ...]
    blank_lines: bool
    totals: str
    footnotes: bool
    repeated_header: bool
    seed: int

    def arrange(
        self, look: Look, rows: Sequence[list[Cell]], lines: Sequence[Line]
    ) -> tuple[list[list[Cell]], list[int]]:
        """Arrange rows; returns the grid and the index in it of each row."""
        rng = random.Random(self.seed)
        grid: list[list[Cell]] = [list(row) for row in self.heading]
        grid.append(list(look.header))
        numbers: list[int] = []
        middle = len(rows) // 2
        for at, (row, line) in enumerate(zip(rows, lines, strict=True)):
            if self.repeated_header and at == middle and at:
                grid.append(list(look.header))
            if self.blank_lines and rng.random() < 0.05:
                grid.append([])
            numbers.append(len(grid))
            grid.append(row)
            is_last = at + 1 == len(lines) or lines[at + 1].title != line.title
            if self.totals == "titles" and is_last:
                same = [other for other in lines if other.title == line.title]
                grid.append(_total(look, same, f"Total {line.title.title}"))
        if self.totals in ("end", "with ISBN cell"):
            grid.append(_total(look, lines, "Total", in_isbn=self.totals == "with ISBN cell"))
        if self.footnotes:
            grid += [[], *(list(row) for row in _FOOTNOTES)]
        return grid, numbers


def draw_layout(draft: Draft) -> Layout:
    """Choose a layout; an export with many rows that are no sales may be refused."""
    rng = draft.rng
    if draft.format == "parquet":
        return Layout((), False, "none", False, False, 0)
    heading = draft.choose("heading", "none", ("lines",), 0.3)
    # Few exports have so many rows that are no sales that they may be refused.
    smallest = min(len(lines) for lines in draft.deliveries)
    room = 0.04 * smallest if rng.random() < 0.9 or draft.forced else 1000
    ways = ("end", "with ISBN cell", "titles")[: 3 if len(draft.truth.titles) < room - 3 else 2]
    totals = draft.choose("totals", "none", ways, 0.4 if room > 4 else 0.0)
    layout = Layout(
        heading=rng.choice(_HEADINGS) if heading == "lines" else (),
        blank_lines=draft.choose("blank lines", "none", ("some",), 0.15) == "some",
        totals=totals,
        footnotes=draft.choose("footnotes", "none", ("two",), 0.25 if room > 4 else 0.0) == "two",
        repeated_header=draft.choose("header", "once", ("repeated",), 0.2 if room > 4 else 0.0)
        == "repeated",
        seed=rng.randrange(1 << 30),
    )
    extra = {"titles": len(draft.truth.titles), "none": 0}.get(totals, 1)
    extra += 2 * layout.footnotes + layout.repeated_header
    if extra > 0.04 * smallest:
        draft.refusals.append(REJECTED)
    return layout


def _total(look: Look, lines: Sequence[Line], label: str, *, in_isbn: bool = False) -> list[Cell]:
    volume = sum(line.volume for line in lines if isinstance(line.volume, int))
    named = "isbn" if in_isbn or "title" not in look.columns else "title"
    cells: dict[str, Cell] = {named: label, "volume": look.numbers.volume(volume)}
    values = [line.value for line in lines if line.value is not None]
    if values:
        cells["value"] = look.numbers.money(sum(values[1:], values[0]))
    return [cells.get(column, "") for column in look.columns]
