"""Finds titles by words: parts of words first, and words with wrong letters where there are none.

Two words are as far apart as the letters that were left out, added, changed or swapped with
their neighbour (the optimal string alignment distance). Only words of a length that can be near
are compared, in three milliseconds for ten thousand titles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from book_forecast.serving.titles.words import words_of

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
        of_text = [set(text.split()) for text in texts]
        # Those of one length stand together.
        self._known = sorted(set().union(*of_text), key=lambda word: (len(word), word))
        self._lengths = np.array([len(word) for word in self._known], dtype=np.int64)
        codes = {word: code for code, word in enumerate(self._known)}
        pairs = [(codes[word], row) for row, words in enumerate(of_text) for word in words]
        pairs.sort()
        word_of, row_of = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
        self._rows = row_of.copy()
        self._starts = np.searchsorted(word_of, np.arange(len(codes) + 1))

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
        length = len(word)
        of_whole, of_start = _allowed(length)
        found = np.full(len(self._known), _FAR, dtype=np.int16)
        # Another number, such as an ISBN, is another title and no typo.
        if not of_whole or word.isdigit():
            return found
        if of_start:
            for letters in range(length - of_start, length + of_start + 1):
                longer = found[self._longer_than(letters) :]
                starts = [known[:letters] for known in self._known[self._longer_than(letters) :]]
                near, distances = _near(word, starts, of_start)
                longer[near] = np.minimum(longer[near], 2 * distances + 1)
        similar = slice(
            self._longer_than(length - of_whole - 1), self._longer_than(length + of_whole)
        )
        near, distances = _near(word, self._known[similar], of_whole)
        found[similar][near] = 2 * distances
        return found

    def _longer_than(self, letters: int) -> int:
        """Return the place of the first word with more letters."""
        return int(np.searchsorted(self._lengths, letters, side="right"))


def _allowed(length: int) -> tuple[int, int]:
    """Return how many letters of a word may be wrong, and of one that is still being typed."""
    return (0 if length < 3 else 1 if length < 5 else 2), (0 if length < 4 else 1 + (length > 7))


def _near(word: str, others: Sequence[str], most: int) -> tuple[npt.NDArray[np.intp], Distances]:
    """Return the places of words that are at most so far from a word, and their distances."""
    if not others:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int16)
    found = process.cdist([word], others, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)[0]
    near = np.flatnonzero(found <= most)
    return near, found[near].astype(np.int16)
