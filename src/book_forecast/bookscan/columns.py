"""The columns of an export, found by name in any case and spacing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

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
}
"""Internal names of the columns, and their names in exports."""

_SYNONYMS = {
    "isbn": (
        "isbn 13, isbn number, isbn no, isbn code, isbn ean, ean, ean 13, ean code, ean number,"
        "ean isbn, gtin, gtin 13, isbn 10, barcode, bar code"
    ),
    "title": "book title, title name, product title, product name, titel, titre, título, titolo",
    "author": "authors, author name, author s, contributor, autor, autoren, auteur, autore",
    "interval": (
        "year week, yyyyww, iso week, year and week, week id, jahr woche, week number, week no,"
        "week num, week nr, wk, wk no, kalenderwoche, kw, numéro de semaine, número de semana"
    ),
    "year": "calendar year, sales year, iso year, yr, jahr, année, año, anno, jaar",
    "end_date": (
        "week ending, week ending date, week ended, week end, week end date, weekend date, w e,"
        "w e date, week ending saturday, week ending sat, week ending sunday, week ending sun,"
        "week ending friday, week ending fri, period end, period end date, period ending,"
        "end of week, ending, week commencing, week commencing date, w c, w c date, week beginning,"
        "week beginning date, w b, week starting, week start, week start date, start of week,"
        "start date, date, week date, sales date, sale date, week, datum, woche, wochenende,"
        "woche bis, fecha, semana, fecha fin, semaine, date fin, data, settimana, fine settimana"
    ),
    "volume": (
        "units, units sold, unit sales, sales units, units sales, volume sales, sales volume,"
        "volume sold, qty, qty sold, sales qty, quantity, quantity sold, sold quantity,"
        "sales quantity, copies, copies sold, sold copies, net units, net units sold, net qty,"
        "net quantity, net sales units, actual units, absatz, menge, stück, stückzahl,"
        "verkaufte exemplare, exemplare, unidades, unidades vendidas, ejemplares, cantidad,"
        "quantité, quantité vendue, exemplaires, exemplaires vendus, quantità, copie vendute,"
        "antal, aantal"
    ),
    "value": (
        "sales value, value sales, revenue, net revenue, turnover, net sales, net sales value,"
        "sales revenue, umsatz, chiffre d affaires, ca, importe, fatturato"
    ),
    "asp": "average selling price, average price, avg price, avg selling price",
    "rrp": (
        "recommended retail price, list price, retail price, srp, msrp, uvp, ladenpreis, pvp,"
        "cover price"
    ),
    "binding": "format, product form, einband",
    "publisher_group": "publisher, publishing group, group, verlag, éditeur, editorial, editore",
    "product_class": "product class code, class, category, genre, warengruppe",
}
"""Other headings of the same columns, the preferred ones first."""

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

# Columns without a heading are often the row numbers of a data frame.
_RUNNING_NUMBERS = frozenset(
    {
        *("", "unnamed0", "rank", "salesrank", "rang", "position", "pos", "no", "nr", "id"),
        *("recordid", "row", "rowno", "rownumber", "index", "line", "lineno"),
    }
)

_NOT_IN_A_NAME = re.compile(r"[\W_]+")


def _plain(heading: str) -> str:
    return _NOT_IN_A_NAME.sub("", heading).casefold()


def _ranks() -> dict[str, tuple[str, int]]:
    """Column and rank of every known heading; the column's own label has rank 0."""
    found: dict[str, tuple[str, int]] = {}
    for name, label in LABELS.items():
        others = [text for text in _SYNONYMS.get(name, "").split(",") if text.strip()]
        for rank, heading in enumerate([label, *others]):
            found.setdefault(_plain(heading), (name, rank))
    return found


_NAMES = _ranks()


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


def column_named(heading: str) -> str | None:
    """Return the internal name of the column with a heading, None if it is unknown."""
    found = _NAMES.get(_plain(heading))
    return found[0] if found else None


def find_header(rows: Iterable[Sequence[str]], named: Mapping[str, str] | None = None) -> Header:
    """Find the header among the first rows of a sheet, and the known columns in it.

    Case, blanks, underscores, hyphens and dots make no difference: ``END_DATE``, ``end date`` and
    ``EndDate`` are the same column. Of several headings of one column, such as ``ISBN`` and
    ``EAN``, the first in the order of `LABELS` and its other names is taken. Unknown columns are
    passed over.

    Args:
        rows: The cells of the first rows, at most `HEADER_SEARCH` are read.
        named: Headings that a user gives by the internal name of the column.

    Raises:
        MissingColumnsError: No row names ISBN, Volume, and End Date or Interval.
        DuplicateColumnError: Two columns have the same name.
    """
    by_user = {_plain(heading): name for name, heading in (named or {}).items()}
    nearest: Sequence[str] = ()
    most = -1
    for row, cells in enumerate(islice(rows, HEADER_SEARCH)):
        positions = _positions(cells, by_user)
        if not _missing(positions):
            return _header(row, cells, positions)
        if len(positions) > most or (not positions and not nearest):
            nearest, most = cells, len(positions)
    raise MissingColumnsError(_missing(_positions(nearest, by_user)), nearest)


def _header(row: int, cells: Sequence[str], positions: dict[str, int]) -> Header:
    taken = set(positions.values())
    free = [at for at in range(len(cells)) if at not in taken]
    passed_over = tuple(cells[at].strip() for at in free if cells[at].strip())
    others = tuple(at for at in free if _plain(cells[at]) not in _RUNNING_NUMBERS)
    headings = {name: cells[at].strip() for name, at in positions.items()}
    return Header(row, positions, headings, passed_over, others, len(cells))


def _missing(positions: Mapping[str, int]) -> list[str]:
    missing = [LABELS[name] for name in ("isbn", "volume") if name not in positions]
    if "end_date" not in positions and "interval" not in positions:
        missing.append("End Date or Interval")
    return missing


def _positions(cells: Sequence[str], by_user: Mapping[str, str]) -> dict[str, int]:
    """Return the place of each column: that of its best heading."""
    best: dict[str, tuple[int, int]] = {}
    for at, cell in enumerate(cells):
        plain = _plain(cell)
        name, rank = (by_user[plain], -1) if plain in by_user else _NAMES.get(plain, ("", 0))
        if not name or (name in by_user.values() and rank >= 0):
            continue
        if name in best and best[name][0] == rank:
            raise DuplicateColumnError(f"two of its columns are named {cell.strip()}")
        if name not in best or rank < best[name][0]:
            best[name] = (rank, at)
    return {name: at for name, (_, at) in sorted(best.items(), key=lambda item: item[1][1])}
