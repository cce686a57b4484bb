"""The look of one file: its columns and conventions, and the cells of a row in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from tests.exports.columns import DATE, MONEY, NUMBER, draw_columns, interval_of
from tests.exports.drafts import Draft, Line
from tests.exports.rows import ISBNS
from tests.exports.styles import (
    CURRENCIES,
    DATES,
    ISBN_FORMS,
    LOST_DIGITS,
    NEGATIVES,
    NUMBERS,
    Cell,
    Numbers,
    write_isbn,
)

_DATES = [name for name, dates in DATES.items() if not dates.may_refuse] * 40 + [
    name for name, dates in DATES.items() if dates.may_refuse
]


@dataclass(frozen=True)
class Look:
    """How one file is written.

    Attributes:
        columns: Names of columns in order.
        labels: Their headings.
        numbers: Convention for numbers.
        dates: Name of the convention for dates.
        isbn_form: Name of the form of ISBNs.
        shift: Days from the Saturday to the date that is written.
        interval: ``ISO`` or ``n-th Saturday``.
        empty: The text of an empty price.
    """

    columns: tuple[str, ...]
    labels: dict[str, str]
    numbers: Numbers
    dates: str
    isbn_form: str
    shift: int
    interval: str
    empty: str

    @property
    def header(self) -> list[str]:
        return [self.labels[column] for column in self.columns]

    def values(self, line: Line, rank: int) -> dict[str, Cell]:
        """The values of a row, by column, before they become texts."""
        return {
            "isbn": line.isbn or line.title.isbn,
            "title": line.title.title,
            "author": line.title.author,
            "interval": int(interval_of(line.week, self.interval)),
            "end_date": line.day + dt.timedelta(days=self.shift) if line.dated else None,
            "volume": line.volume,
            "value": line.value,
            "asp": line.asp,
            "rrp": line.title.rrp,
            "channel": line.channel or "Shops",
            "product_class": line.title.product_class,
            "region": "UK",
            **_extra_values(line, rank, self.shift),
        }

    def cells(self, line: Line, rank: int) -> list[Cell]:
        """The cells of a row, typed."""
        values = self.values(line, rank)
        return [values[column] for column in self.columns]

    def texts(self, line: Line, rank: int) -> list[Cell]:
        """The cells of a row as texts."""
        values = self.values(line, rank)
        return [self._text(column, values[column]) for column in self.columns]

    def _text(self, column: str, value: Cell) -> Cell:
        if value is None:
            return self.empty if column in ("value", "asp", "rrp") else ""
        if isinstance(value, dt.date):
            return DATES[self.dates].write(value)
        if column == "isbn_10":
            return str(value)
        if column == "isbn":
            return write_isbn(self.isbn_form, str(value))
        if column in ("volume", "to_date", "last_week") and isinstance(value, int):
            return self.numbers.volume(value)
        return self.numbers.money(value) if isinstance(value, Decimal) else str(value)


def draw_look(draft: Draft) -> Look:
    """Choose a look; excuses and refusals go to the draft."""
    columns, labels, shift, interval = draw_columns(draft)
    if not draft.is_text:
        return Look(columns, labels, Numbers(), "dd/mm/yyyy", "plain", shift, interval, "")
    numbers = _draw_numbers(draft)
    dates = "dd/mm/yyyy"
    if "end_date" in columns:
        # A date in UTC is a day early in summer: it is told from a week's end only on Saturdays.
        is_saturday = not shift and draft.chosen.get("rows") not in ("by day", "stray days")
        forms = _DATES if is_saturday else [name for name in _DATES if not name.startswith("UTC")]
        dates = draft.choose("dates", dates, forms, 0.6)
    if DATES[dates].may_refuse:
        draft.refusals.append(DATE)
    isbn_form = draft.choose("ISBNs", "plain", ISBN_FORMS, 0.4)
    if isbn_form == LOST_DIGITS:
        draft.expected.clear()
        draft.refusals.append(ISBNS)
    if not {"value", "asp"} & set(columns) and numbers.group in (".", ","):
        draft.excuse(NUMBER)
        draft.refusals.append(NUMBER)
    return Look(
        columns=columns,
        labels=labels,
        numbers=numbers,
        dates=dates,
        isbn_form=isbn_form,
        shift=shift,
        interval=interval,
        empty=draft.rng.choice(("", "", "", "-", "n/a")),
    )


def _draw_numbers(draft: Draft) -> Numbers:
    numbers = NUMBERS[draft.choose("numbers", "plain", NUMBERS, 0.6)]
    currency = draft.choose("currency", "none", CURRENCIES, 0.25)
    before, after = CURRENCIES[currency]
    if currency in ("code after", "code before", "rupee"):
        draft.excuse(MONEY, only="price")
    return replace(
        numbers,
        before=before,
        after=after,
        negative=draft.rng.choice(NEGATIVES),
        volume_decimals=2 if draft.rng.random() < 0.1 else 0,
    )


def _extra_values(line: Line, rank: int, shift: int) -> dict[str, Cell]:
    """Cells of columns that are no part of a sale, but look like parts of one."""
    number = int(line.title.isbn[6:12])
    copies = line.volume if isinstance(line.volume, int) else 0
    end = line.day + dt.timedelta(days=shift)
    return {
        "rank": (number + line.week.toordinal() // 7) % 97 + 1,
        "number": rank,
        "to_date": abs(copies) * 7 + number % 1000,
        "last_week": abs(copies) * 5 // 4 + 3,
        "published": dt.date(1998, 3, 5) + dt.timedelta(days=number % 2000),
        "week_start": end - dt.timedelta(days=6) if line.dated else None,
        "isbn_10": write_isbn("ISBN-10", line.title.isbn),
    }
