"""The latest texts about each title: title, author, product class and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.bookscan.cells import tidy_texts
from book_forecast.bookscan.column import TextColumn
from book_forecast.bookscan.columns import ATTRIBUTES

# Names that spreadsheets give to new sheets; they are no product class.
_UNNAMED_SHEET = re.compile(r"^(?:sheet|table|data|export|tabelle)?\s*\d*$", re.IGNORECASE)


def class_of_sheet(sheet: str) -> str:
    """Return the product class that the name of a sheet gives; empty for a name such as Sheet1."""
    return "" if _UNNAMED_SHEET.match(sheet.strip()) else sheet.strip()


def latest_texts(
    columns: Mapping[str, TextColumn],
    sales: pd.DataFrame,
    isbn_codes: np.ndarray,
    kept: np.ndarray,
    sheet: str,
) -> pd.DataFrame:
    """Return the latest text of each attribute of each title in some rows.

    Args:
        columns: All columns of the rows.
        sales: The usable rows: isbn, week.
        isbn_codes: A number of each usable row's title.
        kept: Whether each row is usable.
        sheet: Name of the sheet, which stands for an absent product class.

    Returns:
        isbn, week (of the row), attribute, text.
    """
    of_sheet = class_of_sheet(sheet)
    weeks = sales["week"].to_numpy()
    order = np.argsort(weeks, kind="stable")
    frames = []
    for attribute in ATTRIBUTES:
        texts, codes = _attribute(columns, attribute, kept, of_sheet)
        given = order[np.asarray(pc.not_equal(texts, ""))[codes[order]]]
        # Among several rows of a title numpy assigns the last one last, which is the latest.
        latest = np.full(isbn_codes.max(initial=-1) + 1, -1)
        latest[isbn_codes[given]] = given
        rows = latest[latest >= 0]
        frame = sales.loc[rows, ["isbn", "week"]].assign(attribute=attribute)
        frame["text"] = texts.take(pa.array(codes[rows])).to_pandas().array
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).astype({"attribute": "str", "text": "str"})


def _attribute(
    columns: Mapping[str, TextColumn], attribute: str, kept: np.ndarray, of_sheet: str
) -> tuple[pa.StringArray, np.ndarray]:
    """Return an attribute's distinct texts, and each kept row's code among them."""
    column = columns[attribute]
    texts, codes = tidy_texts(column.texts), column.codes[kept]
    if attribute != "product_class":
        return texts, codes
    # A row has the first of its class, source and sheet that is given.
    source = columns["source"]
    fallbacks = tidy_texts(source.texts)
    together = pa.concat_arrays([texts, fallbacks, pa.array([of_sheet])])
    given = np.asarray(pc.not_equal(together, ""))
    from_source = source.codes[kept] + len(texts)
    last = len(together) - 1
    return together, np.where(given[codes], codes, np.where(given[from_source], from_source, last))
