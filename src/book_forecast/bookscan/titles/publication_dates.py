"""Publication dates in a list of titles, read in one order of day and month."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from book_forecast.bookscan.cells import parse_cells
from book_forecast.bookscan.conventions.dates import DateOrder, has_order, read_date
from book_forecast.bookscan.conventions.months import month_number
from book_forecast.bookscan.hints import ExportHints

EARLIEST = dt.date(1450, 1, 1)
YEARS_AHEAD = 10

# What programs and people write in place of an unknown date.
_UNKNOWN = {
    *(dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1), dt.date(1901, 1, 1)),
    *(dt.date(1, 1, 1), dt.date(1753, 1, 1), dt.date(2099, 12, 31), dt.date(9999, 12, 31)),
}
_NO_DATE = {
    *("0", "1", "?", "tbc", "tba", "tbd", "unknown", "not known", "unbekannt", "inconnu"),
    *("00/00/0000", "0000-00-00", "00/01/1900", "0000-00-00 00:00:00"),
}
_CONVERTED = re.compile(r"\s*\d{4}-\d{2}-\d{2}(?!\d)")
_ENOUGH_CONVERTED, _ENOUGH_LEFT, _ENOUGH_DAYS = 20, 10, 6
_LAST_MONTH = 12
_YEAR = r"(?P<y>(?:1[4-9]|20)\d{2})"
_MONTHS = (
    re.compile(rf"^{_YEAR}[-/.](?P<m>0?[1-9]|1[0-2])$"),
    re.compile(rf"^{_YEAR}(?P<m>0[1-9]|1[0-2])$"),
    re.compile(rf"^(?P<m>0?[1-9]|1[0-2])[-/.]{_YEAR}$"),
    re.compile(rf"^(?P<m>[^\W\d_]{{3,12}})\.?[-/,.\s]*{_YEAR}$"),
)
_OTHER_ORDER = "day and month in another order than in the rest of the file"


@dataclass(frozen=True)
class PublicationDates:
    """How a file writes publication dates.

    Attributes:
        order: Of day and month; a month alone stands for its first day.
        remark: What a user should know; empty if nothing.
        are_exchanged: Whether a spreadsheet has read the dates with a day up to 12 in the other
            order, and left the others as texts.
    """

    order: DateOrder
    remark: str = ""
    are_exchanged: bool = False

    def read(
        self, texts: Sequence[str], today: dt.date, date_1904: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read dates.

        Args:
            texts: Cells; an empty one has no date.
            today: Dates more than ten years after it are errors.
            date_1904: Whether serial numbers count from 1904.

        Returns:
            ``datetime64[D]``, NaT for no date and for one that stands for an unknown date; and the
            reason of each error, empty for others.
        """

        def parse(text: str) -> dt.date | None:
            if not text or text.strip().casefold() in _NO_DATE:
                return None
            month = _first_of_month(text)
            if month is not None:
                return _checked(month, today)
            try:
                date = read_date(text, self.order, date_1904)
            except ValueError:
                if _is_date(text, _other(self.order)):
                    raise ValueError(_OTHER_ORDER) from None
                raise
            if self.are_exchanged and _CONVERTED.match(text):
                date = date.replace(month=date.day, day=date.month)
            return _checked(date, today)

        found, reasons = parse_cells(parse, texts)
        return found.astype("datetime64[D]"), reasons


def find_date_order(
    texts: Sequence[str], hints: ExportHints, otherwise: DateOrder = "day_first"
) -> PublicationDates:
    """Find the order of day and month in a file, and report dates without a day.

    Args:
        texts: Distinct dates of all sheets.
        hints: What the user says; it holds.
        otherwise: The order where no date shows one, as that of the exports.
    """
    found = _find_order(texts, hints, otherwise)
    month = next((text.strip() for text in texts if _first_of_month(text)), None)
    if month is None:
        return found
    remark = f"Publication dates such as {month} have no day: the first of the month is used"
    return replace(found, remark=". ".join(filter(None, [found.remark, remark])))


def _find_order(texts: Sequence[str], hints: ExportHints, otherwise: DateOrder) -> PublicationDates:
    """Find the order of day and month that most dates allow."""
    if hints.date_order is not None:
        return PublicationDates(hints.date_order)
    unclear = [text for text in texts if has_order(text)]
    valid = {
        order: {text for text in unclear if _is_date(text, order)}
        for order in ("day_first", "month_first")
    }
    only_day = len(valid["day_first"] - valid["month_first"])
    only_month = len(valid["month_first"] - valid["day_first"])
    order: DateOrder = "month_first" if only_month > only_day else "day_first"
    if _are_exchanged(texts, unclear, max(only_day, only_month)):
        return PublicationDates(
            order,
            "A spreadsheet exchanged day and month of publication dates up to the 12th: set right",
            are_exchanged=True,
        )
    if only_day and only_month:
        fewer = min(only_day, only_month)
        return PublicationDates(
            order, f"{fewer:,} publication dates have day and month in another order: not used"
        )
    if unclear and not only_day and not only_month:
        return PublicationDates(
            otherwise,
            "No publication date shows the order of day and month: they are read "
            f"{otherwise.replace('_', ' ')}",
        )
    return PublicationDates(order)


def _are_exchanged(texts: Sequence[str], unclear: Sequence[str], only_one: int) -> bool:
    """Return whether a spreadsheet of another country has converted a part of the dates.

    It converts ``02/10/1995`` to 10 February and leaves ``29/09/1994`` as text. So every text is a
    date in one order alone, and no converted date has a day after the 12th.
    """
    days = [int(text.strip()[8:10]) for text in texts if _CONVERTED.match(text)]
    return (
        only_one == len(unclear) >= _ENOUGH_LEFT
        and len(days) >= _ENOUGH_CONVERTED
        and len(set(days)) >= _ENOUGH_DAYS
        and max(days) <= _LAST_MONTH
    )


def _first_of_month(text: str) -> dt.date | None:
    """Return the first day of a month without a day, such as ``10.1995``; None for other texts."""
    match = next((found for form in _MONTHS if (found := form.match(text.strip()))), None)
    if match is None:
        return None
    month = match["m"]
    try:
        return dt.date(int(match["y"]), int(month) if month.isdigit() else month_number(month), 1)
    except ValueError:
        return None


def _other(order: DateOrder) -> DateOrder:
    return "month_first" if order == "day_first" else "day_first"


def _is_date(text: str, order: DateOrder) -> bool:
    try:
        read_date(text, order)
    except ValueError:
        return False
    return True


def _checked(date: dt.date, today: dt.date) -> dt.date | None:
    if date in _UNKNOWN:
        return None
    if date < EARLIEST:
        raise ValueError(f"a date before {EARLIEST.year}")
    if date.year - today.year > YEARS_AHEAD:
        raise ValueError(f"a date more than {YEARS_AHEAD} years in the future")
    return date
