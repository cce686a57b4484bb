"""Names that titles share, such as their imprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_forecast.payload.contents import Payload
from book_forecast.serving.titles.words import folded

Field = Literal["product_class", "publisher_group", "imprint", "author"]
FIELDS: tuple[Field, ...] = get_args(Field)
UNNAMED = ""
"""Stands for the titles whose name is not known."""
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Groups:
    """The titles of a release by one of their names.

    Attributes:
        names: Of the groups, by the alphabet; `UNNAMED` comes first if there are such titles.
        codes: Position in `names` of each title's, shape (titles,).
    """

    def __init__(self, column: pa.ChunkedArray) -> None:
        """Group the titles of a column of texts."""
        values = [(value or UNNAMED) for value in column.to_pylist()]
        self.names = sorted(set(values), key=lambda name: (name.casefold(), name))
        self._codes_of = {name: code for code, name in enumerate(self.names)}
        self.codes = np.array([self._codes_of[value] for value in values], dtype=np.int64)

    @cached_property
    def plain_names(self) -> list[str]:
        """The names without case, accents and punctuation, for searches."""
        return [folded(name) for name in self.names]

    def mask(self, names: Sequence[str]) -> Mask:
        """Return whether each title belongs to one of some groups, shape (titles,)."""
        wanted = [self._codes_of[name] for name in names if name in self._codes_of]
        return np.isin(self.codes, wanted)

    def counts(self, among: Mask) -> npt.NDArray[np.int64]:
        """Return how many of some titles each group has, shape (groups,)."""
        return np.bincount(self.codes[among], minlength=len(self.names))

    def sums(self, rows: Rows, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the sum of the values of some titles by group, shape (groups,)."""
        summed = np.bincount(self.codes[rows], weights=values, minlength=len(self.names))
        return summed.astype(np.float64)


def groups_of(payload: Payload) -> Mapping[Field, Groups]:
    """Return the groups by each name that a release has of its titles."""
    details = payload.planning.get("details")
    found: dict[Field, Groups] = {}
    for field in FIELDS:
        for table in (payload.titles, details):
            if table is not None and field in table.column_names:
                found[field] = Groups(table[field])
                break
    return found
