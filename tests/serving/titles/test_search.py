"""Words with wrong letters."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.serving.titles.search import WordIndex

TITLES = [
    "the very hungry caterpillar carle eric",
    "cafe muller eine liebe orsted zoe",
    "the alchemist coelho paulo",
    "captain corellis mandolin bernieres louis de",
    "knitting for owls",
    "norwegian wood murakami haruki",
    "the alphabet of bones",
    "nineteen eighty four orwell george 1985",
]
LETTERS = st.text("abc", min_size=5, max_size=9)


def found(text):
    matches = WordIndex(TITLES).find(text)
    rows = np.flatnonzero(matches.found)
    return [int(row) for row in rows[np.argsort(matches.distance[rows], kind="stable")]]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("alchimist", 2),
        ("alchmist", 2),
        ("alchemmist", 2),
        ("alhcemist", 2),
        ("alchimsit", 2),
        ("catterpilar", 0),
        ("hungri caterpilar", 0),
        ("caterpiler", 0),
        ("corelis mandolyn", 3),
        ("murakmai", 5),
        ("murkami norwegain", 5),
        ("kniting owles", 4),
        ("wod norwegian", 5),
        # The word is not whole yet.
        ("alchim", 2),
        ("catterpil", 0),
    ],
)
def test_one_or_two_wrong_letters_of_a_word_are_forgiven(text, row):
    assert found(text)[0] == row
    assert WordIndex(TITLES).find(text).is_similar


@pytest.mark.parametrize(
    "text", ["xyzzy", "alchemist mandolin", "qqqqqqqq the", "ow1", "zz", "1984"]
)
def test_other_words_find_nothing(text):
    assert found(text) == []


def test_parts_of_words_win_over_similar_words():
    assert found("alch") == [2]
    assert not WordIndex(TITLES).find("alch").is_similar


def test_an_index_without_texts_finds_nothing():
    assert not WordIndex([]).find("anything").found.any()


@given(st.lists(LETTERS, min_size=1, max_size=8, unique=True), LETTERS)
def test_distances_are_those_of_the_definition(words, searched):
    matches = WordIndex(words).find(searched)
    near = {w for w in words if distance(searched, w) <= 2}
    if any(searched in word for word in words):
        assert not matches.is_similar
        return
    of_whole = {w for w, d in zip(words, matches.distance, strict=True) if d in (2, 4)}
    assert of_whole == near
    for word, twice in zip(words, matches.distance, strict=True):
        if word in near:
            assert twice == 2 * distance(searched, word)


@cache
def distance(a: str, b: str) -> int:
    """The optimal string alignment distance, by its recursion."""
    if not a or not b:
        return len(a) + len(b)
    ways = [
        distance(a[:-1], b) + 1,
        distance(a, b[:-1]) + 1,
        distance(a[:-1], b[:-1]) + (a[-1] != b[-1]),
    ]
    if len(a) > 1 and len(b) > 1 and a[-1] == b[-2] and a[-2] == b[-1]:
        ways.append(distance(a[:-2], b[:-2]) + 1)
    return min(ways)
