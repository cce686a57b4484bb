"""ISBNs as they occur in exports, brought to thirteen verified digits."""

import math
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pandas as pd

from book_forecast.bookscan.isbn_text import normalise_text

_LARGEST_EXACT_FLOAT = 2**53
_normalise_text = lru_cache(maxsize=1 << 18)(normalise_text)


def normalise_isbn(value: object) -> str:
    """Return the ISBN-13 that a cell holds, as 13 digits.

    Accepted are text and whole numbers; hyphens of any kind, blanks, a leading ``ISBN``, the
    ``="…"`` and apostrophe that protect text in a spreadsheet, a trailing ``.0``, and scientific
    notation that kept its digits (``9.780722532935E+12``). An ISBN-10 becomes its ISBN-13; nine
    digits are an ISBN-10 whose leading zero was lost (or an SBN, which is the same).

    Args:
        value: The cell.

    Returns:
        Thirteen digits that start with 978 or 979 and whose check digit is right.

    Raises:
        ValueError: The value is no ISBN; the message is the reason.
    """
    return _normalise_text(_as_text(value))


def is_isbn(value: object) -> bool:
    """Tell whether a cell holds an ISBN, as `normalise_isbn` takes it."""
    try:
        normalise_isbn(value)
    except ValueError:
        return False
    return True


def normalise_isbns(values: "pd.Series | np.ndarray | Iterable[object]") -> pd.DataFrame:
    """Bring many ISBNs to thirteen digits; each distinct value is looked at once.

    Args:
        values: The cells, as `normalise_isbn` takes them.

    Returns:
        One row per cell, in order and on the index of `values` where it is a Series: ``isbn``
        (missing where the cell holds none) and ``reason`` (missing where it does), both ``str``.
    """
    cells = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype=object)
    codes, uniques = pd.factorize(cells, use_na_sentinel=True)
    found: list[str | None] = []
    reasons: list[str | None] = []
    for value in [*uniques, None]:
        try:
            found.append(normalise_isbn(value))
            reasons.append(None)
        except ValueError as error:
            found.append(None)
            reasons.append(str(error))
    # A missing cell has code -1, which takes the last entry: the verdict on None.
    return pd.DataFrame(
        {
            "isbn": pd.array(found, dtype="str").take(codes % len(found)),
            "reason": pd.array(reasons, dtype="str").take(codes % len(found)),
        },
        index=cells.index,
    )


def _as_text(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, (str, bytes)):
        return value if isinstance(value, str) else value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating, Decimal)):
        number = float(value)
        if math.isnan(number):
            return ""
        if not number.is_integer() or abs(number) > _LARGEST_EXACT_FLOAT:
            raise ValueError("not an ISBN: not a whole number")
        return str(int(number))
    raise ValueError(f"not an ISBN: a {type(value).__name__}")
