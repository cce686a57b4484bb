"""One column of raw rows: its distinct texts, which are read once each, and each row's code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.cells import are_empty, parse_cells
from book_forecast.bookscan.columns import ALL_LABELS
from book_forecast.bookscan.rows import RawRows, texts_and_codes
from book_forecast.bookscan.rules.rejections import Rejections


class TextColumn:
    """A column of texts.

    Attributes:
        name: Its internal name.
        texts: The distinct texts.
        codes: Position of each row's text among them.
        empty: Whether each distinct text is an empty cell.
    """

    def __init__(self, raw: RawRows, name: str) -> None:
        if name in raw.table.column_names:
            self.texts, self.codes = texts_and_codes(raw.table[name])
        else:
            self.texts = pa.array([""])
            self.codes = np.zeros(raw.table.num_rows, np.int32)
        self.name = name
        self.empty = are_empty(self.texts)

    def parse(self, parse: Callable[[str], Any]) -> tuple[np.ndarray, np.ndarray]:
        """Parse the distinct texts, empty cells as the empty text; see `parse_cells`."""
        texts = np.where(self.empty, "", self.texts.to_numpy(zero_copy_only=False))
        return parse_cells(parse, texts.tolist())

    def spread(self, of_texts: np.ndarray) -> np.ndarray:
        """Give every row the value of its text."""
        spread: np.ndarray = of_texts[self.codes]
        return spread

    def reject(self, rejections: Rejections, bad: np.ndarray, reasons: np.ndarray | str) -> None:
        """Reject rows because of this column."""
        rejections.reject(bad, ALL_LABELS[self.name], self._cells, reasons)

    def _cells(self, positions: np.ndarray) -> list[str]:
        cells: list[str] = self.texts.take(pa.array(self.codes[positions])).to_pylist()
        return cells
