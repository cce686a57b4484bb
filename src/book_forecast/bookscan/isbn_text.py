"""ISBNs in text, with the standard library alone: the service has no pandas."""

import re

# Programs write mantissas of this length; Excel displays six digits, and the ISBN is lost.
_MIN_SCIENTIFIC_DIGITS = 11
_SEPARATORS = re.compile(r"[\s\u00ad\u200b\u2010-\u2015\u2212\ufeff_-]+")
_LABEL = re.compile(r"^isbn(?:-?1[03](?=[\s:]))?[\s:]*", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"^(\d(?:\.\d+)?)e\+?(\d{1,2})$", re.IGNORECASE)
_DECIMAL_ZEROS = re.compile(r"\.0*$")
_ISBN10 = re.compile(r"^[0-9]{9}[0-9X]$")


def normalise_text(text: str) -> str:
    """Return the ISBN-13 in a text, like `bookscan.isbn.normalise_isbn`.

    Raises:
        ValueError: The text is no ISBN; the message is the reason.
    """
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
    length = int(exponent) + 1
    if len(digits) < min(_MIN_SCIENTIFIC_DIGITS, length) or len(digits) > length:
        raise ValueError("not an ISBN: scientific notation that has lost digits")
    return digits.ljust(length, "0")


def _from_isbn10(compact: str) -> str:
    if check_digit_10(compact[:9]) != compact[9]:
        raise ValueError("wrong ISBN check digit")
    first_twelve = f"978{compact[:9]}"
    return first_twelve + check_digit_13(first_twelve)


def _is_digits(text: str) -> bool:
    # str.isdigit alone accepts superscripts and digits of other scripts.
    return text.isascii() and text.isdigit()


def check_digit_13(first_twelve: str) -> str:
    """Return the check digit that completes twelve digits to an ISBN-13."""
    total = sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(first_twelve))
    return str(-total % 10)


def check_digit_10(first_nine: str) -> str:
    """Return the check digit (0 to 9 or X) that completes nine digits to an ISBN-10."""
    total = sum(int(digit) * (10 - i) for i, digit in enumerate(first_nine))
    return "0123456789X"[-total % 11]
