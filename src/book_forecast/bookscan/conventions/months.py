"""Names of months in the languages of the book trade."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Literal

from babel.dates import get_month_names

LANGUAGES = (
    *("en", "de", "fr", "es", "it", "nl", "pt", "da", "sv", "nb", "fi"),
    *("pl", "cs", "hu", "ro", "tr", "el", "ru", "uk"),
)
"""The earlier ones win where a name has two meanings."""

_WIDTHS: tuple[Literal["wide", "abbreviated"], ...] = ("wide", "abbreviated")
_SHORTEST = 3


@cache
def month_number(name: str) -> int:
    """Return the number, 1 to 12, of a month.

    Args:
        name: A full or abbreviated name, or the first three or more letters of an English one;
            case, accents and a point at its end make no difference.

    Raises:
        ValueError: It is no month.
    """
    plain = _plain(name)
    found = _names().get(plain)
    if found is None and len(plain) >= _SHORTEST:
        english = [_plain(month) for month in get_month_names("wide", locale="en").values()]
        found = next((n for n, month in enumerate(english, 1) if month.startswith(plain)), None)
    if found is None:
        raise ValueError("not a month")
    return found


@cache
def _names() -> dict[str, int]:
    names: dict[str, int] = {}
    for language in LANGUAGES:
        for context in ("format", "stand-alone"):
            for width in _WIDTHS:
                for number, name in get_month_names(width, context, language).items():
                    names.setdefault(_plain(name), number)
    return {name: number for name, number in names.items() if not name.isdigit()}


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalpha())
