"""The look of one file: its columns and conventions, and the cells of a row in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

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

NUMBER = r"(?i)number|decimal|thousand|separator|comma|convention|ambiguous"
DATE = r"(?i)\bdates?\b|end date|day first|month first|interval|ambiguous"
WEEK_ENDING = r"(?i)week.?ending|sunday|friday|monday|thursday|weeks? (that )?ends?"
COLUMN = r"(?i)column"
MONEY = r"(?i)price|value|asp|money|currenc"

_HEADERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Names that every reader of exports has to know, and names for which it may refuse the file.
    "isbn": (("EAN", "ISBN-13", "ISBN13", "isbn", "EAN13", "ISBN_13"), ("Barcode", "Artikel-EAN")),
    "volume": (
        ("Units", "Units Sold", "Qty", "VOLUME", "Quantity", "Sales Units"),
        ("Copies", "Absatz", "Ventes", "Menge"),
    ),
    "end_date": (
        ("Week Ending", "W/E", "end date", "END_DATE", "Week End", "Week Ending Date"),
        ("Datum", "Date", "Week", "Semaine"),
    ),
    "week_start": (("Week Commencing", "W/C", "Week Beginning"), ("Start Date", "Week Start")),
}
_LABELS = {
    "isbn": "ISBN",
    "title": "Title",
    "author": "Author",
    "interval": "Interval",
    "end_date": "End Date",
    "volume": "Volume",
    "value": "Value",
    "asp": "ASP",
    "rrp": "RRP",
    "channel": "Channel",
    "product_class": "Product Class",
    "rank": "Rank",
    "region": "Region",
}
# Days from the Saturday to the date that is written.
_DATES = [name for name, dates in DATES.items() if not dates.may_refuse] * 14 + [
    name for name, dates in DATES.items() if dates.may_refuse
]
_WEEK_ENDINGS = {"Sunday": 1, "Friday": -1, "Monday": 2, "Thursday": -2}
_WEEK_STARTS = {"from Sunday": -6, "from Monday": -5, "from Saturday": -7}


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
            "interval": int(_interval(line.week, self.interval)),
            "end_date": line.day + dt.timedelta(days=self.shift) if line.dated else None,
            "volume": line.volume,
            "value": line.value,
            "asp": line.asp,
            "rrp": line.title.rrp,
            "channel": line.channel or "Shops",
            "product_class": line.title.product_class,
            "rank": rank,
            "region": "UK",
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
        if column == "isbn":
            return write_isbn(self.isbn_form, str(value))
        if column == "volume" and isinstance(value, int):
            return self.numbers.volume(value)
        return self.numbers.money(value) if isinstance(value, Decimal) else str(value)


def draw_look(draft: Draft) -> Look:
    """Choose a look; excuses and refusals go to the draft."""
    columns, labels, shift, interval = _draw_columns(draft)
    if not draft.is_text:
        return Look(columns, labels, Numbers(), "dd/mm/yyyy", "plain", shift, interval, "")
    numbers = _draw_numbers(draft)
    dates = "dd/mm/yyyy"
    if "end_date" in columns:
        dates = draft.choose("dates", dates, _DATES, 0.6)
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


def _draw_columns(draft: Draft) -> tuple[tuple[str, ...], dict[str, str], int, str]:
    rng = draft.rng
    by_day = draft.chosen.get("rows") == "by day"
    labels = dict(_LABELS)
    wanted = ["isbn", "end_date", "volume"]
    wanted += [name for name in ("title", "author", "product_class") if rng.random() < 0.7]
    money = draft.choose("money", "value and ASP", ("none", "value", "ASP"), 0.3)
    wanted += {"value and ASP": ["value", "asp"], "value": ["value"], "ASP": ["asp"]}.get(money, [])
    wanted += ["rrp"] if rng.random() < 0.5 else []
    wanted += [name for name in ("rank", "region") if rng.random() < 0.15]
    # Returns and channels have a column of their own, without which their rows may be equal.
    wanted += ["channel"] if draft.chosen.get("rows") in ("returns", "by channel") else []
    interval = ""
    shift = 0
    if not by_day:
        interval = draft.choose(
            "interval", "", ("ISO", "ISO", "n-th Saturday", "some dates empty", "alone"), 0.4
        )
        shift = _draw_week_ending(draft, interval, labels)
    if interval:
        wanted.append("interval")
    if interval == "alone":
        wanted.remove("end_date")
    if draft.choose("order of columns", "usual", ("mixed",), 0.4) == "mixed":
        rng.shuffle(wanted)
    else:
        wanted.sort(key=list(_LABELS).index)
    _draw_headings(draft, labels, starts=shift <= -5)
    convention = "n-th Saturday" if interval == "n-th Saturday" else "ISO"
    if interval in ("n-th Saturday", "some dates empty"):
        _empty_some_dates(draft)
    return tuple(wanted), labels, shift, convention


def _draw_week_ending(draft: Draft, interval: str, labels: dict[str, str]) -> int:
    if interval in ("alone", "n-th Saturday", "some dates empty"):
        return 0
    days = _WEEK_ENDINGS if interval else _WEEK_ENDINGS | _WEEK_STARTS
    ending = draft.choose("week ending", "Saturday", days, 0.25)
    return days.get(ending, 0)


def _draw_headings(draft: Draft, labels: dict[str, str], *, starts: bool) -> None:
    known = draft.choose("headings", "usual", (*["synonyms"] * 12, "rare"), 0.35)
    names = {"isbn": "isbn", "volume": "volume"}
    names["end_date"] = "week_start" if starts else "end_date"
    if starts:
        labels["end_date"] = draft.rng.choice(_HEADERS["week_start"][0])
    if known == "usual":
        return
    rare_column = draft.rng.choice(list(names)) if known == "rare" else ""
    for column, name in names.items():
        usual, rare = _HEADERS[name]
        labels[column] = draft.rng.choice(usual)
        if column == rare_column:
            labels[column] = draft.rng.choice(rare)
            draft.refusals.append(COLUMN)


def _empty_some_dates(draft: Draft) -> None:
    """Empty some dates, in files whose other rows show the convention of intervals."""
    for number, lines in enumerate(draft.deliveries):
        emptied = [replace(line, dated=draft.rng.random() > 0.08) for line in lines]
        pairs = [line for line in emptied if line.dated and _conventions_differ(line.week)]
        if len(pairs) >= 5 or not any(_conventions_differ(line.week) for line in lines):
            draft.deliveries[number] = emptied


def _conventions_differ(week: dt.date) -> bool:
    return _interval(week, "ISO") != _interval(week, "n-th Saturday")


def _interval(week: dt.date, convention: str) -> str:
    if convention == "ISO":
        year, number, _ = week.isocalendar()
        return f"{year}{number:02d}"
    return f"{week.year}{(week.timetuple().tm_yday - 1) // 7 + 1:02d}"
