"""Empty cells and values in the distinct texts of a column."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_EMPTY = pa.array(["", "-", "--", ".", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "<na>"])


def are_empty(texts: pa.StringArray) -> np.ndarray:
    """Return whether each text is an empty cell: blank, ``-``, ``n/a``, ``NaN``, ``null``."""
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return np.asarray(pc.is_in(lower, value_set=_EMPTY))


def parse_cells(parse: Callable[[str], Any], cells: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Parse cells one by one.

    Args:
        parse: Returns the value of a cell, or raises a `ValueError` with the reason.
        cells: Texts.

    Returns:
        Values, None without one; and reasons, empty for cells with a value. Both are of objects.
    """
    values = np.full(len(cells), None, dtype=object)
    reasons = np.full(len(cells), "", dtype=object)
    for position, cell in enumerate(cells):
        try:
            values[position] = parse(cell)
        except ValueError as error:
            reasons[position] = str(error)
    return values, reasons


def tidy_texts(texts: pa.StringArray) -> pa.StringArray:
    """Trim texts and replace every run of blanks by one space."""
    spaced = pc.replace_substring_regex(texts, r"[\s\x{a0}]+", " ")
    return pc.utf8_trim_whitespace(spaced)
