"""What a user says about exports that do not say it themselves: the `exports` parameter."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from book_forecast.bookscan.columns import ALL_LABELS, column_named
from book_forecast.bookscan.conventions.dates import DateOrder

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class ExportHints(BaseModel):
    """Properties of the exports of one pattern; None for what the file itself shows.

    Attributes:
        columns: The file's heading of a column, by the column's name: `{isbn: Article}`.
        delimiter: Between the cells of a text file.
        encoding: Of a text file.
        sheets: The sheets of a workbook to read, hidden ones too; the others are passed over.
        date_order: Of dates such as 08/01/2026.
        decimal_mark: In numbers such as 1.234.
        dates: Whether a date ends its week, begins it, or is a day of sales.
        week_ends: The weekday on which the weeks of the source end.
        copies: Whether rows that equal others in all cells are dropped or add up.
        interval: How weeks of an interval are counted: weeks of ISO 8601 (that of the Saturday), or
            the year's n-th Saturday; `ignore` where they are no weeks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str] = Field(default_factory=dict)
    delimiter: Literal[",", ";", "\t", "|", "tab"] | None = None
    encoding: str | None = None
    sheets: list[str] | None = None
    date_order: DateOrder | None = None
    decimal_mark: Literal["point", "comma"] | None = None
    dates: Literal["week_ending", "week_beginning", "days"] | None = None
    week_ends: Weekday | None = None
    copies: Literal["drop", "add"] | None = None
    interval: Literal["iso", "nth_saturday", "ignore"] | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _known_columns(cls, columns: object) -> object:
        if not isinstance(columns, Mapping):
            return columns
        found = {}
        for name, heading in columns.items():
            known = column_named(str(name))
            if known is None:
                raise ValueError(f"there is no column {name}; known are {', '.join(ALL_LABELS)}")
            found[known] = str(heading)
        return found

    @field_validator("decimal_mark", mode="before")
    @classmethod
    def _named_mark(cls, mark: object) -> object:
        return {",": "comma", ".": "point"}.get(str(mark), mark) if mark else mark

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        if encoding is not None:
            try:
                "".encode(encoding)
            except LookupError:
                raise ValueError("there is no such encoding; utf-8 and cp1252 are usual") from None
        return encoding


def hints_for(file: str, by_pattern: Mapping[str, Any]) -> ExportHints:
    """Return the hints of a file; of several patterns that fit, the later ones win by field.

    Args:
        file: Path below the folder of exports, with ``/``.
        by_pattern: Hints or their fields by pattern, as in ``us/*.csv``; case makes no difference.
    """
    given: dict[str, object] = {}
    name = file.rpartition("/")[2]
    for pattern, hints in by_pattern.items():
        wanted = pattern.casefold()
        if any(fnmatchcase(text.casefold(), wanted) for text in (file, name)):
            fields = ExportHints.model_validate(hints).model_dump(exclude_none=True)
            given |= {field: value for field, value in fields.items() if value}
    return ExportHints.model_validate(given)
