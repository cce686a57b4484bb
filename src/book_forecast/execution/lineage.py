"""Lineage: which run made a table, and from which inputs.

A frame carries its lineage in ``attrs``, which pandas writes into Parquet files and reads back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import pandas as pd

_KEY = "lineage"


@dataclass(frozen=True)
class Lineage:
    """The origin of a table.

    Attributes:
        digest: Fingerprint of its content, or of the generation that it is.
        run: Id of the run that made it.
        inputs: Digests of the tables that it was made from, by dataset.
        files: Files of the folders that it was made from, by dataset and name: what identifies the
            content of each without reading it.
    """

    digest: str
    run: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, attrs: Mapping[Any, Any]) -> Self | None:
        """Return the lineage in the attributes of a frame or a file; None if there is none."""
        found = attrs.get(_KEY)
        return cls(**found) if found else None

    def attach(self, frame: pd.DataFrame) -> None:
        """Let a frame carry this lineage."""
        frame.attrs = {**frame.attrs, _KEY: self.plain()}

    def plain(self) -> dict[str, Any]:
        """Return the lineage as JSON holds it."""
        return asdict(self)


class PresentDigests:
    """The digests that tables have now, each looked up once."""

    def __init__(self, dataset: Callable[[str], Any]) -> None:
        """Look nothing up yet.

        Args:
            dataset: Returns the dataset of a name; None if there is none.
        """
        self._dataset = dataset
        self._known: dict[str, str | None] = {}

    def __call__(self, name: str) -> str | None:
        """Return the digest that a dataset has now; None where it has none."""
        if name not in self._known:
            self._known[name] = None  # ends a circle of tables that were made from each other
            dataset = self._dataset(name)
            if hasattr(dataset, "read_with"):
                dataset.read_with(self)
            lineage = dataset.lineage() if hasattr(dataset, "lineage") else None
            self._known[name] = lineage.digest if lineage else None
        return self._known[name]

    def note(self, name: str, digest: str) -> None:
        """Take the digest of a table that was read or made."""
        self._known[name] = digest

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
