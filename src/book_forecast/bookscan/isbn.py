"""ISBNs as exports write them, as thirteen verified digits."""

import math
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.bookscan.isbn_text import normalise_text

_LARGEST_EXACT_FLOAT = 2**53
# One in ten thousand genuine ISBNs ends so; spreadsheets show six digits, and seven zeros are left.
_ROUNDED_ZEROS = 4
_WEIGHTS = np.array([1, 3] * 6 + [1])
_normalise_text = lru_cache(maxsize=1 << 18)(normalise_text)


def normalise_isbn(value: object) -> str:
    """Return the ISBN-13 in a cell.

    A cell is text or a whole number. Text may have hyphens of any kind, blanks, a leading
    ``ISBN``, the ``="…"`` and apostrophe that protect text in a spreadsheet, a trailing ``.0``, and
    scientific notation with all digits (``9.780722532935E+12``). An ISBN-10 becomes its ISBN-13;
    nine digits are an ISBN-10 without its leading zero (or an SBN, which is the same).

    Args:
        value: The cell.

    Returns:
        Thirteen digits that start with 978 or 979 and end with the right check digit.

    Raises:
        ValueError: The value is no ISBN; the message is the reason.
    """
    return _normalise_text(_as_text(value))


def is_isbn(value: object) -> bool:
    """Return whether `normalise_isbn` finds an ISBN in a cell."""
    try:
        normalise_isbn(value)
    except ValueError:
        return False
    return True


def are_plain_isbns(texts: pa.StringArray) -> np.ndarray:
    """Return whether each text is an ISBN-13 as `normalise_isbn` returns it, all texts at once."""
    plain = np.asarray(pc.match_substring_regex(texts, "^97[89][0-9]{10}$"))
    joined = "".join(texts.filter(pa.array(plain)).to_pylist()).encode()
    digits = np.frombuffer(joined, np.uint8).reshape(-1, 13) - ord("0")
    plain[plain] = (digits @ _WEIGHTS) % 10 == 0
    return plain


def is_rounded(isbn: str) -> bool:
    """Return whether an ISBN-13 ends as one that a spreadsheet has rounded to some digits."""
    return isbn.endswith("0" * _ROUNDED_ZEROS)


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
