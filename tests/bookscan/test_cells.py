import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.cells import are_empty, parse_cells, parse_numbers, tidy_texts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        (" 7.5 ", 7.5),
        (".5", 0.5),
        ("+5", 5),
        ("1,234", 1234),
        ("1,234,567.25", 1234567.25),
        ("1 234", 1234),
        ("1\u00a0234", 1234),
        ("1'234", 1234),
        ("1e3", 1000),
        ("-3", -3),
        ("\u22123", -3),
        ("(12)", -12),
        ("£1,234.50", 1234.5),
        ("7.99 €", 7.99),
    ],
)
def test_a_number_is_read_as_people_write_it(text, number):
    assert parse_numbers(pa.array([text])).tolist() == [number]


@pytest.mark.parametrize(
    "text",
    ["", "many", "12,5", "1,23", "1,2345", "1.234.567", "1_000", "0x10", "１２", "3 4", "--3"],
)
def test_what_is_no_number_is_nan_and_never_a_guess(text):
    assert math.isnan(parse_numbers(pa.array([text]))[0])


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999"])
def test_what_is_not_finite_is_infinite(text):
    assert math.isinf(parse_numbers(pa.array([text]))[0])


@given(st.floats(0, 1e12))
def test_thousands_separators_change_no_number(number):
    plain, grouped = parse_numbers(pa.array([f"{number:.2f}", f"{number:,.2f}"]))
    assert plain == grouped == float(f"{number:.2f}")


def test_texts_that_stand_for_empty_cells_are_empty():
    texts = ["", "  ", "-", "n/a", "NaN", "NULL", "None", "#N/A", "0", "no", "x"]
    assert np.flatnonzero(~are_empty(pa.array(texts))).tolist() == [8, 9, 10]


def test_texts_lose_surplus_blanks_and_nothing_else():
    texts = pa.array(["  The \t Very\u00a0Hungry\nCaterpillar ", "Año", ""])
    assert tidy_texts(texts).to_pylist() == ["The Very Hungry Caterpillar", "Año", ""]


def test_each_cell_has_a_value_or_the_reason_why_it_has_none():
    values, reasons = parse_cells(int, ["7", "", "8"])
    assert values.tolist() == [7, None, 8]
    assert reasons.tolist() == ["", "invalid literal for int() with base 10: ''", ""]
    assert [len(found) for found in parse_cells(int, [])] == [0, 0]
