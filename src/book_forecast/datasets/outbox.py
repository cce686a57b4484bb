"""The catalog's entry for alerts that wait to be sent."""

from __future__ import annotations

from typing import Any, Never

from kedro.io.core import AbstractDataset, DatasetError

from book_forecast.alerts.outbox import Outbox

OUTBOX = "alert_outbox"
"""The catalog's entry of the outbox."""


class OutboxDataset(AbstractDataset[Never, Outbox]):
    """A folder of alerts, local or on a bucket.

    Example:
        ```yaml
        alert_outbox:
          type: book_forecast.datasets.OutboxDataset
          filepath: "${_root}/08_reporting/alerts"
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Name the folder.

        Args:
            filepath: The folder, which need not exist.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Outbox:
        """Return the outbox; nothing is read or created yet."""
        return Outbox(self._filepath)

    def save(self, data: Never) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: alerts are added through the outbox.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("OutboxDataset is an input only")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
