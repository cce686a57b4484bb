"""Artifacts of old MLflow runs: tables, pages and reports. Metrics and parameters stay."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from book_forecast.storage.data_root import is_address
from book_forecast.storage.disused import Disused
from book_forecast.storage.mlflow_artifacts import artifact_bytes, remove_artifacts
from book_forecast.storage.mlflow_store import StoreError, make_ready, without_secrets
from book_forecast.tracking.killed import HOST

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

REMOVED = "artifacts_removed"
"""Tag of a run whose artifacts were removed: the day."""
_RUNS_A_PAGE = 500


@dataclass(frozen=True)
class OldRuns:
    """The runs of one data root in an experiment.

    Attributes:
        uri: Of MLflow's store.
        experiment: Name of the experiment.
        data_root: A folder with its whole path, or an address.
        project: Folder of the project, which the runs' data roots are relative to.
    """

    uri: str
    experiment: str
    data_root: str
    project: Path

    def disused(self, before: dt.datetime, in_use: Collection[str]) -> list[Disused]:
        """Return the runs with artifacts that may go, by age.

        Args:
            before: They ended before this time, in UTC.
            in_use: Ids of runs whose artifacts stay.

        Raises:
            StoreError: If MLflow does not answer.
        """
        with self._answering() as client:
            return sorted(self._disused(client, before, in_use), key=lambda run: run.since)

    def remove(self, disused: Disused) -> None:
        """Remove the artifacts of a run.

        Raises:
            StoreError: If MLflow does not answer or refuses.
        """
        with self._answering() as client:
            run = client.get_run(disused.name)
            remove_artifacts(run.info.artifact_uri, self.uri)
            client.set_tag(disused.name, REMOVED, f"{dt.datetime.now(dt.UTC):%Y-%m-%d}")

    def _disused(
        self, client: MlflowClient, before: dt.datetime, in_use: Collection[str]
    ) -> Iterator[Disused]:
        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            return
        query, token = f"attributes.start_time < {int(before.timestamp() * 1000)}", None
        while True:
            page = client.search_runs(
                [found.experiment_id], query, max_results=_RUNS_A_PAGE, page_token=token
            )
            for run in page:
                if self._is_ours(run) and run.info.run_id not in in_use:
                    yield from self._with_artifacts(run, before)
            token = page.token
            if not token:
                return

    def _is_ours(self, run: Any) -> bool:
        """Whether a run worked on this data root; a folder may have the same name elsewhere."""
        root, tags = run.data.params.get("data_root"), run.data.tags
        if root is None or REMOVED in tags:
            return False
        if is_address(self.data_root):
            return bool(root == self.data_root)
        is_here = tags.get(HOST) in (None, platform.node())
        return is_here and not is_address(root) and self._whole(root) == self.data_root

    def _whole(self, folder: str) -> str:
        return str(Path(self.project, folder).resolve())

    def _with_artifacts(self, run: Any, before: dt.datetime) -> Iterator[Disused]:
        if run.info.end_time is None:
            return  # at work, or nobody knows
        end = dt.datetime.fromtimestamp(run.info.end_time / 1000, dt.UTC)
        if end < before and (n_bytes := artifact_bytes(run.info.artifact_uri, self.uri)):
            yield Disused(run.info.run_id, n_bytes, end, run.info.run_name or "")

    @contextmanager
    def _answering(self) -> Iterator[MlflowClient]:
        make_ready(self.uri)
        from mlflow.tracking import MlflowClient

        try:
            yield MlflowClient(self.uri)
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise StoreError(
                f"MLflow at {without_secrets(self.uri)}: {reason}. Run the command again later."
            ) from error
