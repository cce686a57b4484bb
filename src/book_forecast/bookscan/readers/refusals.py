"""Messages about files that lack a column: what was found, and the line that would mend it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from book_forecast.bookscan.columns import (
    HEADER_SEARCH,
    LABELS,
    REQUIRED,
    DuplicateColumnError,
    MissingColumnsError,
    column_named,
)
from book_forecast.bookscan.isbn_text import normalise_text
from book_forecast.storage.errors import UserError

_MOST_HEADINGS = 12
_LONGEST_HEADING = 24
_LONGEST_MESSAGE = 600
_DATE = re.compile(r"\d{1,4}[-/. ]\w{1,9}[-/. ]\d{1,4}.*")
_YEAR_WEEK = re.compile(r"(19|20)\d\d[- /]?W?[0-5]\d")
_NUMBER = re.compile(r"[+-]?\d[\d.,]{0,9}")


def refuse_columns(
    name: str,
    error: MissingColumnsError,
    top: Sequence[Sequence[str]],
    named: Mapping[str, str],
    sheet: str = "",
) -> UserError:
    """Make the error of a file or sheet without the required columns.

    Args:
        name: The file.
        error: What its best row lacks.
        top: The cells of its first rows.
        named: Headings that the user gives by column.
        sheet: The sheet, if the format has any.
    """
    header, below = _header_and_cells(error, top)
    guessed = _guess(header, below, _known(header, named), error.missing)
    columns = ", ".join(
        f"{column}: {json.dumps(_short(heading), ensure_ascii=False)}"
        for column, heading in guessed.items()
    )
    where = f"Sheet {_short(sheet)} of {name}" if sheet else name
    unknown = [heading for heading in named.values() if heading.strip() not in header]
    absent = f" The heading {_short(unknown[0])!r} of its option is not there." if unknown else ""
    found = f"It has the columns {_list(header)}." if any(header) else "Its first rows are empty."
    return UserError(
        _bounded(
            f"{where} cannot be used: {error}. An export needs {REQUIRED}. {found}{absent} "
            "Export it with them, remove it from the folder, or name them"
            " in the parameters, such as",
            f' exports: {{"{name}": {{columns: {{{columns}}}}}}}.',
        )
    )


def refuse_duplicate(name: str, error: DuplicateColumnError, sheet: str = "") -> UserError:
    """Make the error of a file or sheet with two columns of one name."""
    where = f"Sheet {_short(sheet)} of {name}" if sheet else name
    return UserError(f"{where} cannot be used: {error}. Remove or rename one.")


def _bounded(text: str, line: str) -> str:
    room = max(_LONGEST_MESSAGE - len(line), 60)
    return (text if len(text) <= room else f"{text[: room - 1]}…") + line


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST_HEADING else f"{plain[: _LONGEST_HEADING - 1]}…"


def _list(headings: Sequence[str]) -> str:
    shown = [_short(heading) for heading in headings if heading]
    more = len(shown) - _MOST_HEADINGS
    return ", ".join(shown[:_MOST_HEADINGS]) + (f" and {more} more" if more > 0 else "")


def _header_and_cells(
    error: MissingColumnsError, top: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Return the headings of the best row, and the cells below each of them.

    Without a known heading anywhere, the first of the widest rows is the header.
    """
    rows = [[cell.strip() for cell in row] for row in top[:HEADER_SEARCH]]
    if not rows:
        return [], []
    filled = [sum(map(bool, row)) for row in rows]
    best = filled.index(max(filled))
    if any(column_named(heading) for heading in error.headings):
        matching = [n for n, row in enumerate(rows) if list(filter(None, row)) == error.headings]
        best = matching[0] if matching else best
    below = [
        [row[at] for row in rows[best + 1 :] if at < len(row) and row[at]]
        for at in range(len(rows[best]))
    ]
    return rows[best], below


def _known(header: Sequence[str], named: Mapping[str, str]) -> set[str]:
    return {text for text in header if column_named(text) or text in named.values()}


def _guess(
    header: Sequence[str], below: Sequence[Sequence[str]], taken: set[str], missing: Sequence[str]
) -> dict[str, str]:
    """Return a likely heading of each missing column, by the cells below it."""
    guessed: dict[str, str] = {}
    for column, (label, kinds) in _KINDS.items():
        if label not in missing:
            continue
        found = ((kind, _first_with(kinds[kind], header, below, taken)) for kind in kinds)
        name, heading = next(((kind, at) for kind, at in found if at), (column, _EXAMPLES[column]))
        guessed[name] = heading
        taken.add(heading)
    return guessed


def _first_with(
    fits: Callable[[str], bool],
    header: Sequence[str],
    below: Sequence[Sequence[str]],
    taken: set[str],
) -> str | None:
    for heading, cells in zip(header, below, strict=True):
        if heading and heading not in taken and cells and all(map(fits, cells)):
            return heading
    return None


def _is_isbn(text: str) -> bool:
    try:
        normalise_text(text)
    except ValueError:
        return False
    return True


def _is_volume(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))


# The kinds of cells that each missing column may have, the likelier ones first.
_KINDS: dict[str, tuple[str, dict[str, Callable[[str], bool]]]] = {
    "isbn": (LABELS["isbn"], {"isbn": _is_isbn}),
    "end_date": (
        "End Date or Interval",
        {
            "end_date": lambda text: bool(_DATE.fullmatch(text)) and not _is_isbn(text),
            "interval": lambda text: bool(_YEAR_WEEK.fullmatch(text)),
        },
    ),
    "volume": (LABELS["volume"], {"volume": _is_volume}),
}
_EXAMPLES = {"isbn": "Article No", "volume": "Sold", "end_date": "Week"}
