"""The catalog's entries for releases: publishing one, reading one, judging one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import mlflow
import pyarrow as pa
from kedro.io.core import AbstractDataset, DatasetError

from book_forecast.datasets.atomic import AtomicJSONDataset
from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.draft import Draft
from book_forecast.releases.gates import Verdict
from book_forecast.releases.promotion import champion_of, crown
from book_forecast.releases.promotion_log import ChampionChangedError, PinnedError
from book_forecast.releases.publishing import add_scores, publish
from book_forecast.releases.refresh import Refresh
from book_forecast.releases.registry import Registry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CANDIDATE, CHAMPION = "candidate", "champion"


class ReleaseDataset(AbstractDataset[Draft, Payload | None]):
    """A release in the store; what is saved becomes a new one, the candidate.

    Loading gives None where there is no champion yet.

    Example:
        ```yaml
        candidate:
          type: book_forecast.datasets.ReleaseDataset
          filepath: "${_root}/06_models/releases"
          release: candidate
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(
        self, *, filepath: str, release: str = CHAMPION, metadata: dict[str, Any] | None = None
    ) -> None:
        """Name the store and the release.

        Args:
            filepath: Root of the store.
            release: `candidate`, `champion`, or the id of a release.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath = filepath
        self._store = ReleaseStore(filepath)
        self._wanted = release
        self.metadata = metadata

    @property
    def root(self) -> str:
        """Root of the store."""
        return self._store.root

    def load(self) -> Payload | None:
        """Read and check the release.

        Raises:
            UserError: If there is no such release, or it cannot be trusted.
        """
        release = self._chosen()
        if release is None:
            return None
        try:
            return self._store.read(release)
        except PayloadError as error:
            raise UserError(f"{error} `kedro release list` shows all releases.") from error

    def save(self, data: Draft) -> None:
        """Publish a draft.

        Raises:
            DatasetError: If the entry is not that of the candidate.
        """
        if self._wanted != CANDIDATE:
            raise DatasetError(f"Only a candidate is published, not {self._wanted}.")
        publish(self._store, registry(), data, Path.cwd())

    def _chosen(self) -> str | None:
        if self._wanted == CANDIDATE:
            return self._store.candidate()
        if self._wanted == CHAMPION:
            return champion_of(self._store, registry())
        return self._wanted

    def _exists(self) -> bool:
        # There is an answer at any time, if only that there is none yet.
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "release": self._wanted}


class CurrentReleaseDataset(AbstractDataset[Refresh, Payload]):
    """The release that forecasts, after newer weeks were rolled in.

    What is saved becomes a new payload of the release, if it changes anything; what is loaded is
    the release that was saved last.

    Example:
        ```yaml
        current_release:
          type: book_forecast.datasets.CurrentReleaseDataset
          filepath: "${_root}/06_models/releases"
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Name the store.

        Args:
            filepath: Root of the store.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath = filepath
        self._store = ReleaseStore(filepath)
        self._pointer = AtomicJSONDataset(filepath=f"{filepath}/current.json")
        self.metadata = metadata

    def load(self) -> Payload:
        """Read and check the release."""
        return self._store.read(self._pointer.load()["release"])

    def save(self, data: Refresh) -> None:
        """Write a new payload of the release, if anything changes."""
        if data.tables:
            place = self._store.revise(data.release, data.tables, {})
            logger.info("Refreshed %s", place)
        self._pointer.save({"release": data.release})

    def _exists(self) -> bool:
        return bool(self._pointer.exists())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class ReleaseScoresDataset(AbstractDataset[dict[str, Any], dict[str, float]]):
    """Where evaluate adds scores to a release: release, table (a row a title), summary.

    Example:
        ```yaml
        release_scores:
          type: book_forecast.datasets.ReleaseScoresDataset
          filepath: "${_root}/06_models/releases"
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Name the store.

        Args:
            filepath: Root of the store.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath = filepath
        self._store = ReleaseStore(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, float]:
        """The candidate's scores over all titles; those of titles are read with the release."""
        candidate = self._store.candidate()
        found = {} if candidate is None else self._store.manifest(candidate).get("scores", {})
        return dict(found)

    def save(self, data: dict[str, Any]) -> None:
        """Write a payload of the release that has the scores."""
        table = pa.Table.from_pandas(data["table"], preserve_index=False)
        add_scores(self._store, registry(), data["release"], table, data["summary"])

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class PromotionDataset(AbstractDataset[dict[str, Any], dict[str, Any]]):
    """A verdict on a candidate; saving it makes the candidate champion if that is the verdict.

    What is loaded is the last verdict, nothing at all before the first.

    Example:
        ```yaml
        promotion:
          type: book_forecast.datasets.PromotionDataset
          filepath: "${_root}/06_models/promotion.json"
          releases: "${_root}/06_models/releases"
        ```
    """

    def __init__(
        self, *, filepath: str, releases: str, metadata: dict[str, Any] | None = None
    ) -> None:
        """Name file and store.

        Args:
            filepath: Of the last verdict.
            releases: Root of the store.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath, self._releases = filepath, releases
        self._file = AtomicJSONDataset(filepath=filepath, save_args={"indent": 2})
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """The last verdict."""
        found: dict[str, Any] = self._file.load() if self._file.exists() else {}
        return found

    def save(self, data: dict[str, Any]) -> None:
        """Act on a verdict.

        Raises:
            UserError: If somebody else has changed the champion since it was compared with.
        """
        verdict = Verdict.model_validate(data)
        if verdict.release == verdict.champion:
            logger.info("%s is champion already; it %s", verdict.release, verdict.why)
            promoted = True
        elif verdict.promote:
            promoted = self._promote(ReleaseStore(self._releases), verdict)
        else:
            logger.warning("%s is not promoted: it %s", verdict.release, verdict.why)
            promoted = False
        self._file.save(data | {"promoted": promoted})

    def _promote(self, store: ReleaseStore, verdict: Verdict) -> bool:
        """Make the candidate champion; whether it is."""
        if not all(gate.passed for gate in verdict.gates):
            logger.warning("%s is promoted, %s", verdict.release, verdict.why)
        try:
            crown(
                store,
                registry(),
                verdict.release,
                action="promote",
                why=verdict.why,
                before=verdict.champion,
                heed_pin=True,
            )
        except PinnedError as error:
            logger.warning("%s: %s is not promoted", error, verdict.release)
            return False
        except ChampionChangedError as error:
            # Another run, or this one before it was stopped, has judged the same candidate.
            if champion_of(store, registry()) != verdict.release:
                raise UserError(str(error)) from error
            logger.info("%s is champion by now", verdict.release)
        return True

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "releases": self._releases}


def registry() -> Registry:
    """MLflow's registry where the run is tracked."""
    return Registry(mlflow.get_tracking_uri())
