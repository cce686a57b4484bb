import numpy as np
import pyarrow as pa
import pytest

from book_forecast.bookscan import cell_hashes
from book_forecast.bookscan.cell_hashes import hash_rows
from book_forecast.bookscan.rows import TEXT


def column(texts):
    return pa.chunked_array([pa.array(texts, pa.string()).dictionary_encode().cast(TEXT)])


def hashed(*columns):
    hashes = hash_rows(columns)
    assert hashes is not None
    return hashes


def test_rows_have_the_same_hash_exactly_if_their_cells_are_the_same():
    rng = np.random.default_rng(1)
    first = ["".join(rng.choice(list("abÄ "), rng.integers(0, 4))) for _ in range(3000)]
    second = ["".join(rng.choice(list("xy"), rng.integers(0, 3))) for _ in range(3000)]
    hashes = hashed(column(first), column(second))
    rows = list(zip(first, second, strict=True))
    assert len(set(hashes.tolist())) == len(set(rows))
    assert len(set(zip(rows, hashes.tolist(), strict=True))) == len(set(rows))


def test_cells_that_moved_to_another_column_are_another_row():
    hashes = hashed(column(["a", "b", ""]), column(["b", "a", "ab"]))
    assert len(set(hashes.tolist())) == 3


@pytest.mark.parametrize("size", [1, 5, 64])
def test_the_size_of_a_batch_makes_no_difference(monkeypatch, size):
    texts = ["", "long text " * 20, "x", "", "yz"]
    whole = hashed(column(texts))
    monkeypatch.setattr(cell_hashes, "_BATCH_BYTES", size)
    assert hashed(column(texts)).tolist() == whole.tolist()


def test_rows_without_such_columns_have_no_hash():
    assert hash_rows([]) is None
    assert len(hashed(column([]))) == 0
