"""Words of titles and searches, as people type them: without case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_SEPARATORS = re.compile(r"[^\w]+|_+")
_DROPPED = str.maketrans(dict.fromkeys("'\u2019`\u00b4.", ""))
# Letters without a decomposition, and how people type them whose keyboard lacks them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)


def folded(text: str) -> str:
    """Return a text without case, accents and punctuation."""
    if text.isascii():  # most titles are
        return _SEPARATORS.sub(" ", text.translate(_DROPPED).casefold()).strip()
    decomposed = unicodedata.normalize("NFKD", text.translate(_DROPPED)).casefold()
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", letters.translate(_PLAIN)).strip()


def words_of(text: str) -> Sequence[str]:
    """Return the words of a search; digits with blanks and hyphens between them are one ISBN."""
    plain = folded(text)
    digits = plain.replace(" ", "")
    if digits.isdigit() and len(digits) > 4:
        return [digits]
    return plain.split()
