"""How exports write numbers, dates and ISBNs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

Cell = str | int | float | Decimal | dt.date | None
"""A cell; None is empty."""

_MONTHS = {
    "English": "January February March April May June July August September October November"
    " December",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre"
    " décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
}
_EXCEL_EPOCH = dt.date(1899, 12, 30)
NO_BREAK_SPACE, NARROW_SPACE, TYPOGRAPHIC_APOSTROPHE, MINUS = "\u00a0", "\u202f", "\u2019", "\u2212"


@dataclass(frozen=True)
class Numbers:
    """A convention for numbers.

    Attributes:
        decimal: The decimal mark.
        group: The thousands separator.
        indian: Groups of two digits before the last three.
        before: Text before an amount of money, such as ``£``.
        after: Text after it.
        negative: Pattern of a negative number, such as ``({})``.
        volume_decimals: Decimals of volumes.
    """

    decimal: str = "."
    group: str = ""
    indian: bool = False
    before: str = ""
    after: str = ""
    negative: str = "-{}"
    volume_decimals: int = 0

    def volume(self, number: int) -> str:
        return self._write(Decimal(number), self.volume_decimals)

    def money(self, amount: Decimal) -> str:
        return self._write(amount, 2, self.before, self.after)

    def _write(self, number: Decimal, decimals: int, before: str = "", after: str = "") -> str:
        whole, _, fraction = f"{abs(number):.{decimals}f}".partition(".")
        groups = [whole[-3:]]
        rest, size = whole[:-3], 2 if self.indian else 3
        while rest:
            groups.insert(0, rest[-size:])
            rest = rest[:-size]
        text = before + self.group.join(groups) + (self.decimal + fraction if fraction else "")
        return (self.negative if number < 0 else "{}").format(text + after)


NUMBERS: dict[str, Numbers] = {
    "plain": Numbers(),
    "comma thousands": Numbers(group=","),
    "decimal comma": Numbers(","),
    "point thousands": Numbers(",", "."),
    "blank thousands": Numbers(",", " "),
    "no-break thousands": Numbers(",", NO_BREAK_SPACE),
    "narrow thousands": Numbers(",", NARROW_SPACE),
    "apostrophe thousands": Numbers(".", "'"),
    "typographic apostrophe": Numbers(".", TYPOGRAPHIC_APOSTROPHE),
    "Indian": Numbers(".", ",", indian=True),
    "blank thousands and point": Numbers(".", " "),
}

CURRENCIES: dict[str, tuple[str, str]] = {
    "none": ("", ""),
    "pound": ("£", ""),
    "dollar": ("$", ""),
    "euro before": ("€ ", ""),
    "euro after": ("", " €"),
    "code after": ("", " EUR"),
    "code before": ("CHF ", ""),
    "rupee": ("₹", ""),
}

NEGATIVES = ("-{}", "-{}", "({})", "{}-", MINUS + "{}")


@dataclass(frozen=True)
class Dates:
    """A convention for dates.

    Attributes:
        write: Writes a date.
        by_month: The month is first.
        may_refuse: A refusal is right: few readers know the form.
        encodable: Every encoding has its characters.
    """

    write: Callable[[dt.date], Cell]
    by_month: bool = False
    may_refuse: bool = False
    encodable: bool = True


def _pattern(pattern: str) -> Callable[[dt.date], Cell]:
    return lambda day: day.strftime(pattern)


def _format(pattern: str) -> Callable[[dt.date], Cell]:
    return pattern.format


def _named(language: str, pattern: str, letters: int | None = None) -> Callable[[dt.date], Cell]:
    months = _MONTHS[language].split()
    return lambda day: pattern.format(day, m=months[day.month - 1][:letters])


def _write_utc(day: dt.date) -> Cell:
    midnight = dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/London"))
    return f"{midnight.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


DATES: dict[str, Dates] = {
    "dd/mm/yyyy": Dates(_pattern("%d/%m/%Y")),
    "d/m/yyyy": Dates(_format("{0.day}/{0.month}/{0.year}")),
    "dd/mm/yy": Dates(_pattern("%d/%m/%y")),
    "dd-mm-yyyy": Dates(_pattern("%d-%m-%Y")),
    "dd.mm.yyyy": Dates(_pattern("%d.%m.%Y")),
    "dd.mm.yy": Dates(_pattern("%d.%m.%y")),
    "dd/mm/yyyy hh:mm": Dates(_pattern("%d/%m/%Y 00:00")),
    "dd.mm.yyyy hh:mm:ss": Dates(_pattern("%d.%m.%Y 00:00:00")),
    "mm/dd/yyyy": Dates(_pattern("%m/%d/%Y"), by_month=True),
    "m/d/yyyy": Dates(_format("{0.month}/{0.day}/{0.year}"), by_month=True),
    "m/d/yy": Dates(lambda day: f"{day.month}/{day.day}/{day:%y}", by_month=True),
    "mm-dd-yyyy": Dates(_pattern("%m-%d-%Y"), by_month=True),
    "m/d/yyyy h:mm:ss AM": Dates(_format("{0.month}/{0.day}/{0.year} 12:00:00 AM"), by_month=True),
    "ISO": Dates(_pattern("%Y-%m-%d")),
    "yyyy/mm/dd": Dates(_pattern("%Y/%m/%d")),
    "yyyymmdd": Dates(_pattern("%Y%m%d")),
    "ISO with time": Dates(_pattern("%Y-%m-%dT00:00:00")),
    "ISO with time and zone": Dates(_pattern("%Y-%m-%d 00:00:00+00:00")),
    "d Mon yyyy": Dates(_named("English", "{0.day} {m} {0.year}", 3)),
    "dd-Mon-yy": Dates(_named("English", "{0:%d}-{m}-{0:%y}", 3)),
    "Mon d, yyyy": Dates(_named("English", "{m} {0.day}, {0.year}")),
    "weekday, d Month yyyy": Dates(_named("English", "{0:%A}, {0.day} {m} {0.year}")),
    "German month": Dates(_named("German", "{0.day}. {m} {0.year}"), may_refuse=True),
    "German short month": Dates(_named("German", "{0:%d}. {m} {0:%Y}", 3), may_refuse=True),
    "French month": Dates(_named("French", "{0.day} {m} {0.year}"), may_refuse=True),
    "Spanish month": Dates(_named("Spanish", "{0.day} de {m} de {0.year}"), may_refuse=True),
    "Japanese": Dates(_format("{0.year}年{0.month}月{0.day}日"), may_refuse=True, encodable=False),
    "UTC of midnight in London": Dates(_write_utc),
    "Buddhist year": Dates(lambda day: f"{day:%d/%m}/{day.year + 543}", may_refuse=True),
    "Excel serial": Dates(lambda day: str((day - _EXCEL_EPOCH).days)),
}


def write_isbn(form: str, isbn: str) -> Cell:
    """Write an ISBN in a form; `ISBN_FORMS` names them."""
    match form:
        case "hyphens":
            return f"{isbn[:3]}-{isbn[3]}-{isbn[4:8]}-{isbn[8:12]}-{isbn[12]}"
        case "blanks":
            return f"{isbn[:3]} {isbn[3:12]} {isbn[12]}"
        case "float":
            return f"{isbn}.0"
        case "formula":
            return f'="{isbn}"'
        case "apostrophe":
            return f"'{isbn}"
        case "scientific, all digits":
            return f"{isbn[0]}.{isbn[1:]}E+12"
        case "ISBN before":
            return f"ISBN {isbn}"
        case "scientific, lost digits":
            return f"{int(isbn):.5E}"
        case "ISBN-10":
            return _isbn_10(isbn)
        case _:
            return isbn


LOST_DIGITS = "scientific, lost digits"
ISBN_FORMS = (
    *("hyphens", "blanks", "float", "formula", "apostrophe", "ISBN before", "ISBN-10") * 3,
    "scientific, all digits", LOST_DIGITS,
)  # fmt: skip


def _isbn_10(isbn: str) -> str:
    if not isbn.startswith("978"):
        return isbn
    total = sum(int(digit) * (10 - at) for at, digit in enumerate(isbn[3:12]))
    return isbn[3:12] + "0123456789X"[-total % 11]
