import math
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.isbn import are_plain_isbns, normalise_isbn
from book_forecast.bookscan.isbn_text import check_digit_10, check_digit_13

ALCHEMIST = "9780722532935"
CATERPILLAR = "9780241003008"

isbns = st.builds(
    lambda prefix, rest: f"{prefix}{rest:09d}" + check_digit_13(f"{prefix}{rest:09d}"),
    st.sampled_from(["978", "979"]),
    st.integers(0, 999_999_999),
)


@pytest.mark.parametrize(
    "value",
    [
        ALCHEMIST,
        "978-0-7225-3293-5",
        "978 0 7225 3293 5",
        "978\u20110\u20117225\u20113293\u20115",
        "\u00a09780722532935\t",
        "9780722532935.0",
        "9.780722532935E+12",
        "9.780722532935e12",
        '="9780722532935"',
        "'9780722532935",
        "ISBN 9780722532935",
        "ISBN-13: 978-0722532935",
        9780722532935,
        np.int64(9780722532935),
        9780722532935.0,
        np.float64(9780722532935),
        Decimal(9780722532935),
        "0722532938",
        "0-7225-3293-8",
        "ISBN-10 0722532938",
        722532938,
        722532938.0,
    ],
)
def test_every_spelling_of_an_isbn_becomes_the_same_thirteen_digits(value):
    assert normalise_isbn(value) == ALCHEMIST


@pytest.mark.parametrize("value", ["080442957X", "0-8044-2957-x"])
def test_an_isbn10_may_end_in_x(value):
    assert normalise_isbn(value) == "9780804429573"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no ISBN"),
        ("", "no ISBN"),
        ("  ", "no ISBN"),
        (math.nan, "no ISBN"),
        (pd.NA, "no ISBN"),
        ("9780722532936", "check digit"),
        ("0722532939", "check digit"),
        ("978072253293", "12 digits"),
        ("97807225329355", "14 digits"),
        ("12345", "5 digits"),
        ("5012345678900", "978 or 979"),
        ("9.78072E+12", "lost digits"),
        ("Total", "characters other than digits"),
        ("978072253293X", "characters other than digits"),
        ("\uff19780722532935", "characters other than digits"),
        (12.5, "not a whole number"),
        (math.inf, "not a whole number"),
        (True, "not an ISBN"),
        (["9780722532935"], "not an ISBN: a list"),
    ],
)
def test_what_is_no_isbn_is_refused_with_its_reason(value, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        normalise_isbn(value)


@given(isbns)
def test_an_isbn_is_its_own_normal_form_however_it_is_stored(isbn):
    assert normalise_isbn(isbn) == isbn
    assert normalise_isbn(int(isbn)) == isbn
    assert normalise_isbn(float(isbn)) == isbn
    assert normalise_isbn(f"{isbn}.0") == isbn
    assert normalise_isbn(f"{int(isbn):.12E}") == isbn


@given(st.integers(0, 999_999_999))
def test_an_isbn10_becomes_the_isbn13_with_the_same_nine_digits(number):
    nine = f"{number:09d}"
    assert normalise_isbn(nine + check_digit_10(nine))[:12] == f"978{nine}"


@given(isbns, st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_never_passes(isbn, place, off_by):
    wrong = isbn[:place] + str((int(isbn[place]) + off_by) % 10) + isbn[place + 1 :]
    with pytest.raises(ValueError, match="ISBN"):
        normalise_isbn(wrong)


@given(st.integers(0, 999_999_999), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_in_an_isbn10_never_passes(number, place, off_by):
    nine = f"{number:09d}"
    isbn = nine + check_digit_10(nine)
    wrong = isbn[:place] + str((int(isbn[place]) + off_by) % 10) + isbn[place + 1 :]
    with pytest.raises(ValueError, match="check digit"):
        normalise_isbn(wrong)


def test_texts_that_are_isbns_already_are_found_all_at_once():
    good = [f"978{n:09d}{check_digit_13(f'978{n:09d}')}" for n in range(0, 10**9, 37_000_003)]
    bad = [
        "9780722532936",
        "0722532938",
        "978-0-7225-3293-5",
        "",
        "9770722532935",
        "９780722532935",
    ]
    found = are_plain_isbns(pa.array([*good, *bad, *good]))
    assert found.tolist() == [True] * len(good) + [False] * len(bad) + [True] * len(good)
    assert are_plain_isbns(pa.array([], pa.string())).tolist() == []
