"""The catalog's entry for overrides by people."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.io.core import AbstractDataset, DatasetError

from book_forecast.releases.overrides import OverrideLog

TYPES = {
    "number": "int64",
    "isbn": "str",
    "who": "str",
    "why": "str",
    "made": "datetime64[us]",
    "withdrawn": "bool",
    "release": "str",
    "week": "datetime64[us]",
    "copies": "float64",
    "replaced": "float64",
}
"""Columns of the table: a row for each override and week."""


class OverridesDataset(AbstractDataset[None, pd.DataFrame]):
    """The overrides in the log beside the releases, as a table; it cannot be saved.

    Example:
        ```yaml
        overrides:
          type: book_forecast.datasets.OverridesDataset
          filepath: "${_root}/06_models/releases"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Name the folder of all releases.

        Args:
            filepath: Root of the store of releases.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath = filepath
        self.log = OverrideLog(filepath)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the log; a log that does not exist yet is an empty table."""
        rows = [
            {
                "number": one.number,
                "isbn": one.override.isbn,
                "who": one.override.who,
                "why": one.override.why,
                "made": one.override.when.replace(tzinfo=None),
                "withdrawn": one.withdrawal is not None,
                "release": one.override.release,
                "week": week,
                "copies": copies,
                "replaced": replaced,
            }
            for one in self.log.overrides()
            for week, copies, replaced in zip(
                one.override.weeks, one.override.copies, one.override.replaced, strict=True
            )
        ]
        return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)

    def save(self, data: None) -> None:  # noqa: ARG002 - part of the contract
        """Refuse: overrides are written one by one.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("Overrides cannot be saved as a table; people make them one by one.")

    def _exists(self) -> bool:
        # Loading always succeeds.
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
