"""Finds titles by words: parts of words first, and words with wrong letters where there are none.

Two words are as far apart as the letters that were left out, added, changed or swapped with
their neighbour (the optimal string alignment distance). It is computed for all words of a release
at once, in a few milliseconds for ten thousand titles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from book_forecast.serving.titles.words import words_of

_LONGEST = 24
"""Letters of a word that are compared."""
_MOST_WORDS = 8
"""Words of a search that may have wrong letters; others are parts of words."""
_FAR = 99
Distances = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Matches:
    """What a search has found.

    Attributes:
        distance: How far each title is from the search, shape (titles,); 0 is a match.
        found: Whether it counts as found, shape (titles,).
        is_similar: Whether words had to be taken for others, because no title has all of them.
    """

    distance: Distances
    found: npt.NDArray[np.bool_]
    is_similar: bool


class WordIndex:
    """The words of texts, such as titles with their authors."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index texts, which are folded already."""
        self._texts = texts
        codes: dict[str, int] = {}
        pairs = [
            (codes.setdefault(word, len(codes)), row)
            for row, text in enumerate(texts)
            for word in set(text.split())
        ]
        pairs.sort()
        word_of, row_of = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
        self._rows = row_of.copy()
        self._starts = np.searchsorted(word_of, np.arange(len(codes) + 1))
        self._lengths = np.array([min(len(word), _LONGEST) for word in codes], dtype=np.int64)
        padded = "".join(word[:_LONGEST].ljust(_LONGEST, "\0") for word in codes)
        letters = np.frombuffer(padded.encode("utf-32-le"), dtype=np.uint32)
        self._letters = np.ascontiguousarray(letters.reshape(-1, _LONGEST).T)

    def find(self, text: str) -> Matches:
        """Find the texts that have all words, or else those whose words are similar.

        Args:
            text: Words that are parts of the texts; case and accents do not matter.

        Returns:
            The matches; all texts if there is no word.
        """
        words = words_of(text)
        parts = [self._with_part(word) for word in words]
        found = np.all(parts, axis=0) if parts else np.ones(len(self._texts), dtype=bool)
        distance = np.zeros(len(self._texts), dtype=np.int16)
        if found.any() or not len(self._texts) or len(words) > _MOST_WORDS:
            return Matches(distance, found, is_similar=False)
        for word, has_part in zip(words, parts, strict=True):
            distance += np.where(has_part, 0, self._distances(word)).astype(np.int16)
        found = distance < _FAR
        return Matches(distance, found, is_similar=bool(found.any()))

    def _with_part(self, word: str) -> npt.NDArray[np.bool_]:
        return np.fromiter((word in text for text in self._texts), bool, len(self._texts))

    def _distances(self, word: str) -> Distances:
        """Return how far the closest word of each text is from a word; `_FAR` if it is too far."""
        of_word = self._distances_of_words(word)
        found = np.full(len(self._texts), _FAR, dtype=np.int16)
        near = np.flatnonzero(of_word < _FAR)
        # The closest words last, so that theirs is the distance that stays.
        for code in near[np.argsort(-of_word[near], kind="stable")]:
            found[self._rows[self._starts[code] : self._starts[code + 1]]] = of_word[code]
        return found

    def _distances_of_words(self, word: str) -> Distances:
        """Return twice the wrong letters of each word, and one more for the start of a word."""
        of_whole, of_start = _allowed(len(word))
        found = np.full(len(self._lengths), _FAR, dtype=np.int16)
        # Another number, such as an ISBN, is another title and no typo.
        if not of_whole or len(word) > _LONGEST or word.isdigit():
            return found
        last = _alignment(self._letters, word, of_whole)
        start = last.min(axis=0)
        found[start <= of_start] = 2 * start[start <= of_start] + 1
        whole = last[np.minimum(self._lengths, len(last) - 1), np.arange(len(self._lengths))]
        is_near = (whole <= of_whole) & (self._lengths < len(last))
        found[is_near] = 2 * whole[is_near]
        return found


def _allowed(length: int) -> tuple[int, int]:
    """Return how many letters of a word may be wrong, and of one that is still being typed."""
    return (0 if length < 3 else 1 if length < 5 else 2), (0 if length < 4 else 1 + (length > 7))


def _alignment(letters: npt.NDArray[np.uint32], word: str, most: int) -> npt.NDArray[np.int8]:
    """Return the distance of a word to the starts of all words, shape (letters + 1, words).

    Args:
        letters: Of all words, shape (letters, words); 0 after their ends.
        word: The word.
        most: Distances above it need not be exact.
    """
    n_words = letters.shape[1]
    longest = min(len(letters), len(word) + most)
    far = np.full(n_words, _FAR, dtype=np.int8)

    before: list[npt.NDArray[np.int8]] = []
    above = [np.full(n_words, n, dtype=np.int8) for n in range(longest + 1)]
    for place, letter in enumerate(word, 1):
        current = [np.full(n_words, place, dtype=np.int8), *[far] * longest]
        for column in range(max(1, place - most), min(longest, place + most) + 1):
            is_other = letters[column - 1] != ord(letter)
            best = np.minimum(above[column], current[column - 1]) + np.int8(1)
            best = np.minimum(best, above[column - 1] + is_other)
            if place > 1 and column > 1:
                swapped = (letters[column - 2] == ord(letter)) & (
                    letters[column - 1] == ord(word[place - 2])
                )
                best = np.where(swapped, np.minimum(best, before[column - 2] + 1), best)
            current[column] = best.astype(np.int8)
        before, above = above, current
    return np.stack(above)
