"""The conventions of an export: one way of writing numbers, dates and weeks for all its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from book_forecast.bookscan.cells import are_empty
from book_forecast.bookscan.conventions.date_orders import DateReading, choose_reading
from book_forecast.bookscan.conventions.dates import DateOrder
from book_forecast.bookscan.conventions.decimal_marks import find_number_convention
from book_forecast.bookscan.conventions.intervals import IntervalCalendar, split_interval
from book_forecast.bookscan.conventions.numbers import DecimalMark
from book_forecast.bookscan.conventions.week_counting import (
    WeekPairs,
    find_calendar,
)
from book_forecast.bookscan.conventions.weeks import SATURDAY, WEEKDAYS
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import RawRows, texts_and_codes

_MOST = 0.5


@dataclass(frozen=True)
class Conventions:
    """How the cells of one file are understood.

    Attributes:
        decimal_mark: In numbers.
        volumes_are_whole: Whether no volume is clearly a fraction, so that 1.234 is unclear.
        date_order: Of dates such as 08/01/2026.
        is_weekly: Whether the dates stand for weeks rather than for days.
        weekday: The weekday of (nearly) all dates of a weekly source, 0 for Monday; else None.
        last_day: The weekday on which the source's weeks end.
        calendar: How intervals count weeks; None if intervals are ignored.
        dates_are_intervals: Whether the column of dates has intervals.
        remarks: What was decided on little evidence, or is unusual.
    """

    decimal_mark: DecimalMark = "point"
    volumes_are_whole: bool = True
    date_order: DateOrder = "day_first"
    is_weekly: bool = True
    weekday: int | None = None
    last_day: int = SATURDAY
    calendar: IntervalCalendar | None = field(default_factory=IntervalCalendar)
    dates_are_intervals: bool = False
    remarks: tuple[str, ...] = ()

    def describe(self) -> dict[str, str]:
        """Return the conventions in words, by name."""
        weeks = f"weeks end on {WEEKDAYS[self.last_day].capitalize()}"
        return {
            "numbers": f"decimal {self.decimal_mark}",
            "dates": self.date_order.replace("_", " "),
            "weeks": weeks if self.is_weekly else "days, in weeks that end on Saturday",
            "intervals": self.calendar.counting.replace("_", " ") if self.calendar else "ignored",
        }


def find_conventions(
    parts: Sequence[RawRows],
    hints: ExportHints,
    today: dt.date,
    former: Conventions | None = None,
    last_week: dt.date | None = None,
) -> Conventions:
    """Find the conventions of a file.

    Args:
        parts: All rows of the file.
        hints: What the user says; it holds.
        today: Dates more than 366 days after it are no dates.
        former: Conventions of the file before, which decide where the file itself shows nothing.
        last_week: The last week of the files before.
    """
    numbers = find_number_convention(parts, hints)
    dates = _DistinctTexts.of(parts, "end_date")
    intervals = _DistinctTexts.of(parts, "interval")
    dates_are_intervals = not intervals.texts and _are_intervals(dates.texts)
    weeks = _weeks((dates if dates_are_intervals else intervals).texts)
    pairs = WeekPairs() if dates_are_intervals else _pairs(dates, intervals, weeks)
    date_1904 = any(part.layout.date_1904 for part in parts)
    heading = next((part.layout.headings.get("end_date", "") for part in parts), "")
    reading, date_remarks = choose_reading(
        [] if dates_are_intervals else dates.texts,
        pairs,
        hints,
        heading=heading,
        today=today,
        date_1904=date_1904,
        former=_former(former),
        last_week=last_week,
    )
    calendar, interval_remark = find_calendar(
        list(weeks.values()), pairs, reading.saturdays, hints, former.calendar if former else None
    )
    remarks = [numbers.remark, *date_remarks, interval_remark]
    return Conventions(
        decimal_mark=numbers.decimal_mark,
        volumes_are_whole=numbers.volumes_are_whole,
        date_order=reading.order,
        is_weekly=reading.is_weekly,
        weekday=reading.weekday,
        last_day=reading.last_day,
        calendar=calendar,
        dates_are_intervals=dates_are_intervals,
        remarks=tuple(text for text in remarks if text),
    )


@dataclass(frozen=True)
class _DistinctTexts:
    """The distinct texts of a column over several parts, and each part's codes among them."""

    texts: list[str]
    codes: list[np.ndarray]

    @classmethod
    def of(cls, parts: Sequence[RawRows], column: str) -> _DistinctTexts:
        numbers: dict[str, int] = {}
        codes = []
        for part in parts:
            if column not in part.table.column_names:
                codes.append(np.full(part.table.num_rows, -1))
                continue
            texts, of_rows = texts_and_codes(part.table[column])
            empty = are_empty(texts)
            known = [
                -1 if is_empty else numbers.setdefault(text.strip(), len(numbers))
                for text, is_empty in zip(texts.to_pylist(), empty, strict=True)
            ]
            codes.append(np.array(known, dtype=np.int64)[of_rows] if known else of_rows)
        return cls(list(numbers), codes)


def _weeks(texts: Sequence[str]) -> dict[int, tuple[int, int]]:
    """Return the year and the week of each text that is an interval, by its position."""
    weeks: dict[int, tuple[int, int]] = {}
    for number, text in enumerate(texts):
        try:
            weeks[number] = split_interval(text)
        except ValueError:
            continue
    return weeks


def _pairs(
    dates: _DistinctTexts, intervals: _DistinctTexts, weeks: dict[int, tuple[int, int]]
) -> WeekPairs:
    """Return the distinct pairs of a date and an interval in a row."""
    width = len(intervals.texts)
    found: set[int] = set()
    for of_dates, of_intervals in zip(dates.codes, intervals.codes, strict=True):
        both = (of_dates >= 0) & (of_intervals >= 0)
        found.update(np.unique(of_dates[both] * width + of_intervals[both]).tolist())
    pairs = [
        (pair // width, weeks[pair % width]) for pair in sorted(found) if pair % width in weeks
    ]
    return WeekPairs(np.array([date for date, _ in pairs], dtype=np.int64), [w for _, w in pairs])


def _are_intervals(texts: Sequence[str]) -> bool:
    """Return whether a column of dates, such as ``Week``, has intervals in it."""
    weeks = _weeks(texts).values()
    found = sum(1900 <= year <= 2100 and 1 <= week <= 53 for year, week in weeks)
    return found > _MOST * len(texts)


def _former(former: Conventions | None) -> DateReading | None:
    if former is None or (former.is_weekly and former.weekday is None):
        return None  # a file of intervals alone
    return DateReading(
        former.date_order,
        np.empty(0, "datetime64[D]"),
        former.is_weekly,
        former.weekday,
        former.last_day,
    )
