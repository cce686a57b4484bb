"""The columns of an export, found by name in any case and spacing."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

LABELS = {
    "isbn": "ISBN",
    "title": "Title",
    "author": "Author",
    "interval": "Interval",
    "end_date": "End Date",
    "volume": "Volume",
    "value": "Value",
    "asp": "ASP",
    "rrp": "RRP",
    "binding": "Binding",
    "imprint": "Imprint",
    "publisher_group": "Publisher Group",
    "product_class": "Product Class",
    "source": "Source",
}
"""Internal names of the columns, and their names in exports."""

ATTRIBUTES = ("title", "author", "product_class", "binding", "imprint", "publisher_group")
"""Columns that describe a title."""

PRICES = ("value", "asp", "rrp")
"""Columns of money; an invalid price never rejects a row."""

_NOT_IN_A_NAME = re.compile(r"[\W_]+")
_NAMES = {_NOT_IN_A_NAME.sub("", label).casefold(): name for name, label in LABELS.items()}


HEADER_SEARCH = 20
"""Number of first rows that may be the header: reports have a heading above it."""


class MissingColumnsError(ValueError):
    """No row is a header with the required columns.

    Attributes:
        missing: The columns that the best row lacks, as exports name them.
    """

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"it has no column {' and no column '.join(missing)}")
        self.missing = missing


class DuplicateColumnError(ValueError):
    """Two columns of a header have the same name."""


def find_header(rows: Iterable[Sequence[str]]) -> tuple[int, dict[str, int]]:
    """Find the header among the first rows of a sheet, and the known columns in it.

    Case, blanks, underscores, hyphens and dots make no difference: ``END_DATE``, ``end date`` and
    ``EndDate`` are the same column. Unknown columns are ignored.

    Args:
        rows: The cells of the first rows, at most `HEADER_SEARCH` are read.

    Returns:
        The header's index among the rows, and the index in it of each known column.

    Raises:
        MissingColumnsError: No row names ISBN, Volume, and End Date or Interval.
        DuplicateColumnError: Two columns have the same name.
    """
    nearest: list[str] = []
    for row, cells in enumerate(islice(rows, HEADER_SEARCH)):
        known = [_NAMES.get(_NOT_IN_A_NAME.sub("", cell).casefold()) for cell in cells]
        names = [name for name in known if name is not None]
        if not _missing(names):
            return row, _positions(known)
        nearest = max(nearest, names, key=lambda found: len(set(found)))
    raise MissingColumnsError(_missing(nearest))


def _missing(names: list[str]) -> list[str]:
    missing = [LABELS[name] for name in ("isbn", "volume") if name not in names]
    if "end_date" not in names and "interval" not in names:
        missing.append("End Date or Interval")
    return missing


def _positions(known: list[str | None]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for position, name in enumerate(known):
        if name in positions:
            raise DuplicateColumnError(f"two of its columns are named {LABELS[name]}")
        if name is not None:
            positions[name] = position
    return positions
