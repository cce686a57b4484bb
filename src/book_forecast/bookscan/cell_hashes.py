"""Hashes of the cells in several columns, to tell rows apart."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.rows import texts_and_codes

MOST_COLUMNS = 100
"""Number of columns in a hash; a sheet with more has stray cells."""

# Odd numbers without a pattern: the multipliers of splitmix64.
_ROW = np.uint64(0xBF58476D1CE4E5B9)
_BYTE = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(29)
_BATCH_BYTES = 1 << 22
_MOST_POWERS = 1 << 16


def hash_rows(columns: Sequence[pa.ChunkedArray]) -> np.ndarray | None:
    """Return a hash of each row, the same in every process; None without columns.

    Args:
        columns: Of type `rows.TEXT` and equal length.
    """
    hashes: np.ndarray | None = None
    for column in columns[:MOST_COLUMNS]:
        texts, codes = texts_and_codes(column)
        of_texts = _hash_texts(texts)
        of_rows = of_texts[codes] if len(of_texts) else np.zeros(len(codes), np.uint64)
        hashes = of_rows if hashes is None else hashes * _ROW + of_rows
    return hashes


def _hash_texts(texts: pa.StringArray) -> np.ndarray:
    """Return the polynomial of each text's bytes, modulo 2^64; 0 for an empty one."""
    offsets = np.frombuffer(texts.buffers()[1] or b"", np.int32)
    offsets = offsets[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    characters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    hashes = np.zeros(len(texts), np.uint64)
    first = 0
    while first < len(texts):
        stop = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _BATCH_BYTES)) - 1)
        hashes[first:stop] = _hash_batch(characters, offsets[first : stop + 1])
        first = stop
    return hashes ^ (hashes >> _SHIFT)


def _hash_batch(characters: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    lengths = np.diff(offsets)
    of_batch = characters[offsets[0] : offsets[-1]].astype(np.uint64) + np.uint64(1)
    powers = np.cumprod(np.full(min(max(int(lengths.max()), 1), _MOST_POWERS), _BYTE))
    places = np.arange(len(of_batch)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    places %= len(powers)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(of_batch * powers[places])])
    hashes: np.ndarray = sums[offsets[1:] - offsets[0]] - sums[offsets[:-1] - offsets[0]]
    return hashes
