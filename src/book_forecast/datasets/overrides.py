"""The catalog's entry for overrides by people."""

from __future__ import annotations

import pandas as pd
from kedro.io.core import DatasetError

from book_forecast.datasets.releases import BesideReleasesDataset
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


class OverridesDataset(BesideReleasesDataset[None, pd.DataFrame]):
    """The overrides in the log beside the releases, as a table; it cannot be saved.

    Example:
        ```yaml
        overrides:
          type: book_forecast.datasets.OverridesDataset
          filepath: "${_root}/06_models/releases"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

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
            for one in OverrideLog(self._filepath).overrides()
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
