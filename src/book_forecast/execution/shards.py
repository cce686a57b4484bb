"""Shards of titles, and the parts that they write."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import pandas as pd

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Shard:
    """The k-th of n slices of the work.

    Attributes:
        index: Which slice, from 1 to ``count``.
        count: How many slices there are.

    Raises:
        ValueError: If ``index`` is not within 1 and ``count``.
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"shard {self.index} of {self.count}: index must be 1 to count")

    @property
    def name(self) -> str:
        """The shard as a file name without suffix, such as ``0003-of-0016``."""
        return f"{self.index:04d}-of-{self.count:04d}"

    def take(self, items: Sequence[T]) -> list[T]:
        """Return this shard's items: contiguous, in order, sizes at most one apart.

        Slices are contiguous so that the parts of all shards, one after the other, have the
        order of the whole: the result does not depend on the number of shards.
        """
        start = (self.index - 1) * len(items) // self.count
        stop = self.index * len(items) // self.count
        return list(items[start:stop])


@dataclasses.dataclass(frozen=True)
class Part:
    """What one shard has made.

    Attributes:
        frame: The rows of the shard's titles; the index is not kept.
        fingerprint: The generation it belongs to, from :func:`fingerprint`.
        shard: Which part it is.
    """

    frame: pd.DataFrame
    fingerprint: str
    shard: Shard = Shard()
