"""ISBNs as they occur in exports, brought to thirteen verified digits."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pandas as pd

# A mantissa this long was written by a program; Excel's own display keeps six digits and the
# ISBN is lost.
_MIN_SCIENTIFIC_DIGITS = 11
_LARGEST_EXACT_FLOAT = 2**53
_SEPARATORS = re.compile(r"[\s\u00ad\u200b\u2010-\u2015\u2212\ufeff_-]+")
_LABEL = re.compile(r"^isbn(?:-?1[03](?=[\s:]))?[\s:]*", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"^(\d(?:\.\d+)?)e\+?(\d{1,2})$", re.IGNORECASE)
_DECIMAL_ZEROS = re.compile(r"\.0*$")
_ISBN10 = re.compile(r"^[0-9]{9}[0-9X]$")


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


def check_digit_13(first_twelve: str) -> str:
    """Return the check digit that completes twelve digits to an ISBN-13."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-total % 10)


def check_digit_10(first_nine: str) -> str:
    """Return the check digit (0 to 9 or X) that completes nine digits to an ISBN-10."""
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(first_nine))
    return "0123456789X"[-total % 11]


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


@lru_cache(maxsize=1 << 18)
def _normalise_text(text: str) -> str:
    compact = _compact(text)
    if not compact:
        raise ValueError("no ISBN")
    if len(compact) == 9 and _is_digits(compact):
        compact = f"0{compact}"
    if _ISBN10.match(compact):
        return _from_isbn10(compact)
    if not _is_digits(compact):
        raise ValueError("not an ISBN: it has characters other than digits")
    if len(compact) != 13:
        raise ValueError(f"not an ISBN: it has {len(compact)} digits, not 10 or 13")
    if not compact.startswith(("978", "979")):
        raise ValueError("not an ISBN: it does not start with 978 or 979")
    if check_digit_13(compact[:12]) != compact[12]:
        raise ValueError("wrong ISBN check digit")
    return compact


def _compact(text: str) -> str:
    cell = text.strip().removeprefix("=").strip().strip("'\"")
    bare = _SEPARATORS.sub("", _LABEL.sub("", cell.strip())).upper()
    scientific = _SCIENTIFIC.match(bare)
    if scientific:
        return _from_scientific(*scientific.groups())
    return _DECIMAL_ZEROS.sub("", bare)


def _from_scientific(mantissa: str, exponent: str) -> str:
    digits = mantissa.replace(".", "")
    places = int(exponent)
    if len(digits) < min(_MIN_SCIENTIFIC_DIGITS, places + 1) or len(digits) > places + 1:
        raise ValueError("not an ISBN: scientific notation that has lost digits")
    return digits.ljust(places + 1, "0")


def _from_isbn10(compact: str) -> str:
    if check_digit_10(compact[:9]) != compact[9]:
        raise ValueError("wrong ISBN check digit")
    first_twelve = f"978{compact[:9]}"
    return first_twelve + check_digit_13(first_twelve)


def _is_digits(text: str) -> bool:
    # str.isdigit alone takes superscripts and other scripts' digits.
    return text.isascii() and text.isdigit()
