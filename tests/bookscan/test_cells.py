import numpy as np
import pyarrow as pa

from book_forecast.bookscan.cells import are_empty, parse_cells, tidy_texts


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
