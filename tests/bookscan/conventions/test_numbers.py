import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.numbers import NumberForms, are_unclear, parse_numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        (" 7.5 ", 7.5),
        (".5", 0.5),
        ("+5", 5),
        ("1,234", 1234),
        ("1,234,567.25", 1234567.25),
        ("12,34,567.50", 1234567.5),
        ("1 234", 1234),
        ("1\u00a0234", 1234),
        ("1\u202f234", 1234),
        ("1'234", 1234),
        ("1\u2019234.50", 1234.5),
        ("1e3", 1000),
    ],
)
def test_a_number_is_read_as_people_write_it(text, number):
    assert parse_numbers(pa.array([text])).tolist() == [number]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12,5", 12.5),
        ("1.234", 1234),
        ("1.234,50", 1234.5),
        ("1 234,50", 1234.5),
        ("1\u202f234\u202f567,8", 1234567.8),
        ("1'234,5", 1234.5),
        ("12,34 €", 12.34),
    ],
)
def test_a_decimal_comma_turns_points_into_thousands_separators(text, number):
    assert parse_numbers(pa.array([text]), "comma").tolist() == [number]


@pytest.mark.parametrize(
    "text", ["-20", "\u221220", "(20)", "( 20 )", "20-", "20 -", "-20.0", "-£20", "£-20", "(£20)"]
)
def test_a_negative_number_is_read_as_bookkeepers_write_it(text):
    assert parse_numbers(pa.array([text])).tolist() == [-20]


@pytest.mark.parametrize(
    "text",
    [
        *("£12.50", "£ 12.50", "$12.50", "US$12.50", "A$12.50", "₹12.50", "Rs. 12.50", "¥12.50"),
        *("12.50 €", "12.50€", "12.50 EUR", "EUR 12.50", "CHF 12.50", "GBP12.50", "kr 12.50"),
        *("12.50 kr", "12.50 kr."),
    ],
)
def test_a_currency_on_either_side_is_ignored(text):
    assert parse_numbers(pa.array([text])).tolist() == [12.5]


@pytest.mark.parametrize(
    "text",
    [
        *("", "many", "12,5", "1,23", "1,2345", "1.234.567", "1_000", "0x10", "１２", "3 4"),
        *("--3", "(5", "5)", "-5-", "1,234,56", "£", "12 pcs", "1 2345", "1,,234"),
    ],
)
def test_what_is_no_number_is_nan_and_never_a_guess(text):
    assert math.isnan(parse_numbers(pa.array([text]))[0])


@pytest.mark.parametrize("text", ["1.5", "1,234.5", "1.2345.678", "12.34"])
def test_a_decimal_point_is_no_number_where_commas_are_decimal(text):
    assert math.isnan(parse_numbers(pa.array([text]), "comma")[0])


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999"])
def test_what_is_not_finite_is_infinite(text):
    assert math.isinf(parse_numbers(pa.array([text]))[0])


def test_one_group_of_three_digits_is_unclear_where_its_mark_is_decimal():
    texts = pa.array(["1.234", "1,234", "1.23", "0.123", "1234.5", "12.345", "-1.234"])
    assert are_unclear(texts, "point").tolist() == [True, False, False, False, False, True, True]
    assert are_unclear(texts, "comma").tolist() == [False, True, *([False] * 5)]


def test_the_forms_of_numbers_show_the_convention_or_none():
    point = pa.array(["7.37", "1,234.50", "1,234,567", "£1.5"])
    assert NumberForms.of(point) == NumberForms(point=4)
    comma = pa.array(["7,37", "1.234,50", "1.234.567", "1 234,5"])
    assert NumberForms.of(comma) == NumberForms(comma=4)
    assert NumberForms.of(pa.array(["1.234", "1,234"])) == NumberForms(0, 0, 1, 1)
    assert NumberForms.of(pa.array(["7", "", "many", "-3"])) == NumberForms()


cents = st.integers(-(10**13), 10**13)


@given(cents, st.sampled_from([",", " ", "\u00a0", "\u202f", "'", ""]))
def test_every_number_written_with_a_decimal_point_is_read_back(number, group):
    text = f"{number / 100:,.2f}".replace(",", group)
    assert parse_numbers(pa.array([text]), "point").tolist() == [float(f"{number / 100:.2f}")]


@given(cents, st.sampled_from([".", " ", "\u00a0", "\u202f", "'", ""]))
def test_every_number_written_with_a_decimal_comma_is_read_back(number, group):
    text = f"{number / 100:,.2f}".replace(",", "_").replace(".", ",").replace("_", group)
    assert parse_numbers(pa.array([text]), "comma").tolist() == [float(f"{number / 100:.2f}")]


@given(st.text(alphabet="0123456789.,-+() '", max_size=12))
def test_a_text_that_both_conventions_read_as_different_numbers_is_unclear_or_a_decimal(text):
    texts = pa.array([text])
    point, comma = parse_numbers(texts, "point")[0], parse_numbers(texts, "comma")[0]
    if not math.isnan(point) and not math.isnan(comma) and point != comma:
        assert are_unclear(texts, "point")[0] or are_unclear(texts, "comma")[0]
