"""The columns of exports and of lists of titles, found by name in any case and spacing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from book_forecast.bookscan.synonyms import (
    LIST_FORMS,
    LIST_SYNONYMS,
    RUNNING_NUMBERS,
    SYNONYMS,
)

LABELS = {
    "isbn": "ISBN",
    "title": "Title",
    "author": "Author",
    "interval": "Interval",
    "year": "Year",
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
    "transaction": "Transaction Type",
}
"""Internal names of the columns, and their names in exports."""

LIST_LABELS = {
    "isbn": "ISBN",
    "title": "Title",
    "author": "Author",
    "imprint": "Imprint",
    "publisher_group": "Publisher Group",
    "rrp": "RRP",
    "binding": "Binding",
    "publication_date": "Publication Date",
    "product_class": "Product Class",
    "country": "Country of Publication",
    "comparable": "Comparable ISBNs",
    "print_run": "Print Run",
}
"""The same of lists of titles, and of tables of launches, which alone use the last two."""

ALL_LABELS = LABELS | LIST_LABELS
"""The same of both kinds of tables."""

_SALES_ALONE = frozenset(("volume", "value", "asp", "interval", "end_date"))
"""Columns that no list of titles has."""

REQUIRED = "ISBN, Volume, and End Date or Interval"
"""The columns that an export needs, in words."""

REQUIRED_NAMES = ("isbn", "volume", "end_date", "interval")
"""Internal names of these columns."""

ATTRIBUTES = ("title", "author", "product_class", "binding", "imprint", "publisher_group")
"""Columns that describe a title."""

PRICES = ("value", "asp", "rrp")
"""Columns of money; an invalid price never rejects a row."""

NUMBERS = ("volume", *PRICES)
"""Columns of numbers."""

HEADER_SEARCH = 20
"""Number of first rows that may be the header: reports have a heading above it."""

_NOT_IN_A_NAME = re.compile(r"[\W_]+")


def _plain(heading: str) -> str:
    return _NOT_IN_A_NAME.sub("", heading).casefold()


def _ranks(labels: Mapping[str, str], *synonyms: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Column and rank of every known heading; the column's own label has rank 0."""
    found: dict[str, tuple[str, int]] = {}
    for name, label in labels.items():
        others = ",".join(headings.get(name, "") for headings in synonyms).split(",")
        for rank, heading in enumerate([label, *filter(str.strip, others)]):
            found.setdefault(_plain(heading), (name, rank))
    return found


_NAMES = _ranks(LABELS, SYNONYMS)
_LIST_NAMES = _ranks(LIST_LABELS, SYNONYMS, LIST_SYNONYMS)
_LAST = 1000
"""The rank of headings that have one of `LIST_FORMS`."""


_UNIT = re.compile(
    r"\s*[(\[]\s*(?:£|€|\$|gbp|eur|usd|units?|copies|qty|no\.?|#|sat(?:urday)?|sun(?:day)?|fri(?:day)?"
    r"|dd.mm.yy(?:yy)?|mm.dd.yy(?:yy)?|yyyy.mm.dd|yyyyww)\s*[)\]]\s*$",
    re.IGNORECASE,
)


class MissingColumnsError(ValueError):
    """No row is a header with the required columns.

    Attributes:
        missing: The columns that the best row lacks, as exports name them.
        headings: The cells of the best row that are not empty.
    """

    def __init__(self, missing: list[str], headings: Sequence[str] = ()) -> None:
        super().__init__(f"it has no column {' and no column '.join(missing)}")
        self.missing = missing
        self.headings = [heading.strip() for heading in headings if heading.strip()]


class DuplicateColumnError(ValueError):
    """Two columns of a header have the same name."""


@dataclass(frozen=True)
class Header:
    """The header of a sheet.

    Attributes:
        row: Its index among the rows that were searched.
        positions: The index in it of each known column.
        headings: The file's own heading of each known column.
        passed_over: Headings of the other columns.
        others: The index of each other column that may tell rows apart; no running number does.
        width: Number of its cells.
    """

    row: int
    positions: dict[str, int]
    headings: dict[str, str]
    passed_over: tuple[str, ...]
    others: tuple[int, ...]
    width: int


def _known(heading: str) -> tuple[str, int]:
    """Return the column and rank of a heading, also of one with a unit such as ``Value (£)``."""
    found = _NAMES.get(_plain(heading))
    if found is None:
        name, rank = _NAMES.get(_plain(_UNIT.sub("", heading)), ("", 0))
        found = (name, rank + _LAST // 2)
    return found


def column_named(heading: str) -> str | None:
    """Return the internal name of the column with a heading, None if it is unknown."""
    plain = _plain(heading)
    found = _NAMES.get(plain) or _LIST_NAMES.get(plain)
    return found[0] if found else None


def find_header(rows: Iterable[Sequence[str]], named: Mapping[str, str] | None = None) -> Header:
    """Find the header among the first rows of a sheet, and the known columns in it.

    It is that of an export or, where no row is one, that of a list of titles. Such a list has an
    ISBN, no column that only sales have, and a publication date or else a title and no unknown
    column.

    Case, blanks, underscores, hyphens and dots make no difference: ``END_DATE``, ``end date`` and
    ``EndDate`` are the same column. Of several headings of one column, such as ``ISBN`` and
    ``EAN``, the first in the order of `LABELS` and its other names is taken. Unknown columns are
    passed over.

    Args:
        rows: The cells of the first rows, at most `HEADER_SEARCH` are read.
        named: Headings that a user gives by the internal name of the column.

    Raises:
        MissingColumnsError: No row names ISBN, Volume, and End Date or Interval, or the columns of
            a list.
        DuplicateColumnError: Two columns have the same name.
    """
    by_user = {_plain(heading): name for name, heading in (named or {}).items()}
    nearest: Sequence[str] = ()
    most = -1
    listed: Header | None = None
    for row, cells in enumerate(islice(rows, HEADER_SEARCH)):
        positions = _positions(cells, by_user)
        if not _missing(positions):
            return _header(row, cells, positions)
        listed = listed or _list_header(row, cells, by_user)
        if len(positions) > most or (not positions and not nearest):
            nearest, most = cells, len(positions)
    if listed is not None:
        return listed
    raise MissingColumnsError(_missing(_positions(nearest, by_user)), nearest)


def _header(row: int, cells: Sequence[str], positions: dict[str, int]) -> Header:
    taken = set(positions.values())
    free = [at for at in range(len(cells)) if at not in taken]
    passed_over = tuple(cells[at].strip() for at in free if cells[at].strip())
    others = tuple(at for at in free if _plain(cells[at]) not in RUNNING_NUMBERS)
    headings = {name: cells[at].strip() for name, at in positions.items()}
    return Header(row, positions, headings, passed_over, others, len(cells))


def _missing(positions: Mapping[str, int]) -> list[str]:
    missing = [LABELS[name] for name in ("isbn", "volume") if name not in positions]
    if "end_date" not in positions and "interval" not in positions:
        missing.append("End Date or Interval")
    return missing


def _list_header(row: int, cells: Sequence[str], by_user: Mapping[str, str]) -> Header | None:
    """Return the header of a list of titles, None if the row is none."""
    plain = {_plain(cell) for cell in cells}
    # What a user names for all exports need not be there.
    there = {heading: name for heading, name in by_user.items() if heading in plain}
    known = {_NAMES.get(heading, ("", 0))[0] for heading in plain - set(there)}
    if (known | set(there.values())) & _SALES_ALONE:
        return None
    positions = _positions(cells, there, in_list=True)
    header = _header(row, cells, positions)
    is_dated = {"isbn", "publication_date"} <= set(positions)
    is_complete = {"isbn", "title"} < set(positions) and not header.others
    return header if is_dated or is_complete else None


def _list_column(plain: str) -> tuple[str, int]:
    """Return the column of a list that has a heading, and its rank; an empty name if unknown."""
    if plain in _LIST_NAMES:
        return _LIST_NAMES[plain]
    found = (name for name, form in LIST_FORMS.items() if re.fullmatch(form, plain))
    return next(found, ""), _LAST


def _positions(
    cells: Sequence[str], by_user: Mapping[str, str], *, in_list: bool = False
) -> dict[str, int]:
    """Return the place of each column: that of its best heading."""
    best: dict[str, tuple[int, int]] = {}
    for at, cell in enumerate(cells):
        plain = _plain(cell)
        known = _list_column(plain) if in_list else _known(cell)
        name, rank = (by_user[plain], -1) if plain in by_user else known
        if not name or (name in by_user.values() and rank >= 0):
            continue
        if name in best and best[name][0] == rank:
            if rank == _LAST:
                continue
            raise DuplicateColumnError(f"two of its columns are named {cell.strip()}")
        if name not in best or rank < best[name][0]:
            best[name] = (rank, at)
    return {name: at for name, (_, at) in sorted(best.items(), key=lambda item: item[1][1])}
