"""Tables of launches: titles that are not out yet, in the form of a list of titles.

A row needs an ISBN and a publication date; a row without one of them is rejected. A comparable ISBN
or a print run that cannot be read is rejected alone: the other cells of its row are used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.bookscan.column import TextColumn
from book_forecast.bookscan.columns import LIST_LABELS
from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.titles.lists import TitleList, merge_title_lists

# Columns that only tables of launches have; comparable ISBNs are separated by blanks.
_OWN_TYPES = {"comparable": "str", "print_run": "float64"}
_LARGEST_PRINT_RUN = 1e9
_BETWEEN = re.compile(r"\s*(?:[;,|/\n]|\band\b|&)\s*")
_GROUPED = re.compile(r"\d{1,3}(?:[.,'\u2019\s\u00a0]\d{3})+")
_WHOLE = re.compile(r"(\d+)(?:[.,]0+)?")
_UNITS = re.compile(r"\s*(copies|units|ex\.?|exemplare|st\.?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class LaunchTable:
    """The usable rows of a table of launches.

    Attributes:
        listed: The same table as a list of titles.
        launches: isbn, comparable, print_run of its rows, in order of the file.
        rejected: Rows and cells that are not used: file, sheet, row, column, value, reason.
    """

    listed: TitleList
    launches: pd.DataFrame
    rejected: pd.DataFrame


def clean_launch_table(listed: TitleList, parts: Sequence[RawRows]) -> LaunchTable:
    """Read what a table of launches has beyond a list of titles.

    Args:
        listed: The table as a list of titles.
        parts: All its rows, at least one part.
    """
    extra = pd.concat([_extra(raw) for raw in parts], ignore_index=True)
    found = listed.titles.merge(extra, on=["sheet", "row"], how="left", validate="many_to_one")
    is_dated = found["publication_date"].notna()
    undated = found[~is_dated]
    failed = listed.rejected
    already = failed.loc[failed["column"] == LIST_LABELS["publication_date"], ["sheet", "row"]]
    is_known = pd.MultiIndex.from_frame(undated[["sheet", "row"]]).isin(
        pd.MultiIndex.from_frame(already)
    )
    found = found[is_dated]
    rejected = [
        _rejected(undated[~is_known], "publication_date", "no publication date: a launch needs one")
    ]
    for name in _OWN_TYPES:
        bad = found[found[f"{name}_reason"].fillna("") != ""]
        rejected.append(_rejected(bad, name, bad[f"{name}_reason"], bad[f"{name}_cell"]))
    own = pd.concat(rejected, ignore_index=True).assign(file=listed.file)
    types = dict.fromkeys(failed.columns, "str") | {"row": "int64"}
    whole = pd.concat([failed, own[failed.columns]], ignore_index=True).astype(types)
    return LaunchTable(
        replace(listed, titles=found[listed.titles.columns]),
        found[["isbn", *_OWN_TYPES]].reset_index(drop=True),
        whole.sort_values(["sheet", "row"], kind="stable", ignore_index=True),
    )


def merge_launch_tables(tables: Sequence[LaunchTable]) -> pd.DataFrame:
    """Make one row per title; of several rows, the later one wins in each field that it has.

    Returns:
        isbn, the fields of lists of titles, comparable, print_run; sorted by isbn.
    """
    listed = merge_title_lists([table.listed for table in tables])
    types = {"isbn": "str"} | _OWN_TYPES
    none = pd.DataFrame(columns=list(types)).astype(types)
    extra = pd.concat([none, *(table.launches for table in tables)], ignore_index=True)
    last = extra.groupby("isbn", sort=True).last().reset_index()
    return listed.merge(last, on="isbn", how="left", validate="one_to_one").astype(types)


def _extra(raw: RawRows) -> pd.DataFrame:
    """Return comparable ISBNs and print runs of a part, with the reasons of bad cells."""
    found: dict[str, Any] = {"sheet": raw.sheet, "row": raw.rows}
    for name, parse in (("comparable", _parse_comparable), ("print_run", _parse_print_run)):
        column = TextColumn(raw, name)
        cells = np.where(column.empty, "", column.texts.to_numpy(zero_copy_only=False)).tolist()
        pairs: list[tuple[object, str]] = [parse(cell) for cell in cells]
        for at, label in enumerate((name, f"{name}_reason")):
            found[label] = column.spread(np.array([pair[at] for pair in pairs], dtype=object))
        found[f"{name}_cell"] = column.spread(np.array(cells, dtype=object))
    return pd.DataFrame(found).astype(_OWN_TYPES)


def _parse_comparable(cell: str) -> tuple[str | None, str]:
    """Return the ISBNs of a cell, and why others of it are not used."""
    isbns: list[str] = []
    reason = ""
    for piece in filter(None, _BETWEEN.split(cell.strip())):
        for text in [piece] if _reads(piece) else piece.split():
            try:
                isbns.append(normalise_isbn(text))
            except ValueError as error:
                reason = reason or f"{text}: {error}"
    return " ".join(dict.fromkeys(isbns)) or None, reason


def _reads(text: str) -> bool:
    try:
        normalise_isbn(text)
    except ValueError:
        return False
    return True


def _parse_print_run(cell: str) -> tuple[float | None, str]:
    """Return the copies in a cell, and why they are not used."""
    text = _UNITS.sub("", cell.strip())
    if not text:
        return None, ""
    if _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    match = _WHOLE.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= _LARGEST_PRINT_RUN:
        return None, "not a number of copies: write it as 12000"
    return float(match[1]), ""


def _rejected(
    rows: pd.DataFrame, name: str, reason: pd.Series | str, cells: pd.Series | str = ""
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sheet": rows["sheet"],
            "row": rows["row"],
            "column": LIST_LABELS[name],
            "value": cells,
            "reason": reason,
        }
    )
