"""The catalog's entries for the challenger of a champion."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kedro.io.core import DatasetError

from book_forecast.datasets.releases import BesideReleasesDataset
from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import PayloadError

logger = logging.getLogger(__name__)


class ChallengeDataset(BesideReleasesDataset[None, dict[str, Any] | None]):
    """The challenge that runs, as plain data; None without one. It cannot be saved.

    Example:
        ```yaml
        challenge:
          type: book_forecast.datasets.ChallengeDataset
          filepath: "${_root}/06_models/releases"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def load(self) -> dict[str, Any] | None:
        """Read the last entry of the log; what is wrong with it is a warning."""
        try:
            found = self.store.challenge()
        except PayloadError as error:
            logger.warning("The challenge cannot be looked up (%s): the run goes on without", error)
            return None
        return None if found is None else found.model_dump(mode="json")

    def save(self, data: None) -> None:  # noqa: ARG002 - part of the contract
        """Refuse: a challenge begins with `kedro release challenge`.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("A challenge cannot be saved: `kedro release challenge` begins one.")


class ChallengerDataset(BesideReleasesDataset[Mapping[str, Payload], Payload | None]):
    """The release that challenges the champion; None without one, or where it is damaged.

    Saved are releases by id: none, or the challenger after newer weeks.

    Example:
        ```yaml
        challenger:
          type: book_forecast.datasets.ChallengerDataset
          filepath: "${_root}/06_models/releases"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def load(self) -> Payload | None:
        """Read and check the challenger; what is wrong with it is a warning."""
        try:
            running = self.store.challenge()
            return None if running is None else self.store.read(running.release)
        except PayloadError as error:
            logger.warning("The run goes on without the challenger: %s", error)
            return None

    def save(self, data: Mapping[str, Payload]) -> None:
        """Write what the store does not have of the releases."""
        for payload in data.values():
            self.store.save(payload)
