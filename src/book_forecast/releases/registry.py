"""MLflow's registry as a mirror: releases as versions of a model, with aliases.

Nothing reads the aliases: the promotion log decides who is champion, the store who is candidate.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from book_forecast.releases.logged_model import log_model
from book_forecast.storage.errors import UserError
from book_forecast.storage.mlflow_artifacts import remove_artifacts
from book_forecast.storage.mlflow_store import (
    StoreError,
    make_ready,
    without_secrets,
)
from book_forecast.storage.redaction import without_secrets as redacted

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models.model import ModelInfo

EXPERIMENT = "book_forecast"
CHAMPION, CANDIDATE = "champion", "candidate"
RELEASE = "release"
"""Tag of a version that names its release."""
_MODEL_ID = re.compile(r"\bm-[0-9a-f]{32}\b")
_LONGEST_REASON = 300
_QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


class RegistryError(UserError):
    """MLflow's registry does not answer or refuses; the message names its URI and the reason."""


def model_name(data_root: str, project: Path) -> str:
    """Return the default name of a data root's registered model, which no other root has.

    Args:
        data_root: A folder, relative to the project if not absolute, or a URL.
        project: Folder of the project.
    """
    root = data_root.rstrip("/")
    if "://" not in root:
        root = os.path.realpath(project / root)
    slug = re.sub(r"[^a-z0-9]+", "-", root.rpartition("/")[2].lower()).strip("-") or "data"
    return f"book_forecast-{slug}-{hashlib.sha256(root.encode()).hexdigest()[:8]}"


class ReleaseRegistry:
    """The registered model whose versions are releases."""

    def __init__(self, uri: str, model: str, experiment: str = EXPERIMENT) -> None:
        """Name the registry; no request is made yet.

        Args:
            uri: URI of MLflow's store or server.
            model: Name of the registered model.
            experiment: Experiment for the releases that belong to no run.
        """
        self.uri, self.model, self.experiment = uri, model, experiment

    @classmethod
    def of(cls, context: Any) -> Self:
        """Return the registry of a Kedro context: that of its data root."""
        given = context.config_loader["parameters"]
        name = given["registered_model"] or model_name(given["data_root"], context.project_path)
        settings = getattr(context, "mlflow", None)
        if settings is None:  # mlflow.yml cannot be used; a warning names the reason
            import mlflow

            return cls(mlflow.get_tracking_uri(), name)
        experiment = settings.tracking.experiment.name or EXPERIMENT
        return cls(settings.server.mlflow_tracking_uri, name, experiment)

    def register(
        self,
        release: str,
        folder: Path,
        files: Iterable[str],
        tags: Mapping[str, Any],
        run_id: str | None = None,
    ) -> int:
        """Return the version of a release, which is made if there is none.

        Args:
            release: Its id.
            folder: Folder of its payload.
            files: Names of the payload's files.
            tags: More tags of the version.
            run_id: The MLflow run that it belongs to; a new one if not given.

        Raises:
            RegistryError: If MLflow does not answer or refuses.
        """
        with self._answering() as client:
            known = self._versions(client)
            if release in known:
                return known[release]
            texts = {name: str(value) for name, value in {RELEASE: release, **tags}.items()}
            paths = [folder / name for name in files]
            logged = log_model(release, paths, run_id, self.uri, self.experiment)
            return self._make_version(client, logged, texts)

    def versions(self) -> dict[str, int]:
        """Return versions by release.

        Raises:
            RegistryError: If MLflow does not answer.
        """
        with self._answering() as client:
            return self._versions(client)

    def tag(self, release: str, tags: Mapping[str, Any], description: str = "") -> None:
        """Add tags to the version of a release, and describe it.

        Raises:
            RegistryError: If MLflow does not answer, or has no such version.
        """
        with self._answering() as client:
            version = self._version(client, release)
            for name, value in tags.items():
                client.set_model_version_tag(self.model, version, name, str(value))
            if description:
                client.update_model_version(self.model, version, description)

    def remove(self, release: str) -> None:
        """Remove the versions of a release with their artifacts; the run that made it stays.

        Raises:
            RegistryError: If MLflow does not answer or refuses.
        """
        with self._answering() as client:
            # The version goes last: what an interruption leaves is found by it.
            for version in self._all_versions(client):
                if version.tags.get(RELEASE) != release:
                    continue
                # Databases have the model of a version in its source alone.
                if model := _MODEL_ID.search(f"{version.source}"):
                    _remove_model(client, model.group(), self.uri)
                client.delete_model_version(self.model, version.version)

    def active_run(self) -> dict[str, str]:
        """Return the open MLflow run, and the ZenML run that it belongs to, as manifest entries."""
        import mlflow

        active = mlflow.active_run()
        if active is None:
            return {}
        try:
            with self._answering() as client:
                tags = client.get_run(active.info.run_id).data.tags
        except RegistryError:
            tags = active.data.tags
        found = {"mlflow_run": active.info.run_id, "zenml_run": tags.get("zenml.run_name")}
        return {name: value for name, value in found.items() if value}

    def set_alias(self, release: str, alias: str = CHAMPION) -> None:
        """Set an alias to a release.

        Raises:
            RegistryError: If MLflow does not answer, or has no such version.
        """
        with self._answering() as client:
            client.set_registered_model_alias(self.model, alias, self._version(client, release))

    def _version(self, client: MlflowClient, release: str) -> str:
        known = self._versions(client)
        if release not in known:
            raise RegistryError(
                f"{without_secrets(self.uri)} has no version of {release}: run "
                "`kedro release sync`."
            )
        return str(known[release])

    def _versions(self, client: MlflowClient) -> dict[str, int]:
        found: dict[str, int] = {}
        for version in self._all_versions(client):
            if release := version.tags.get(RELEASE):
                found[release] = min(int(version.version), found.get(release, 10**9))
        return found

    def _all_versions(self, client: MlflowClient) -> list[ModelVersion]:
        found: list[ModelVersion] = []
        token = None
        while True:
            page = client.search_model_versions(
                f"name = '{self.model}'", max_results=1000, page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    def _make_version(self, client: MlflowClient, logged: ModelInfo, tags: dict[str, str]) -> int:
        """Make a version with its tags; `mlflow.register_model` sets them afterwards."""
        from mlflow.exceptions import MlflowException
        from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

        try:
            client.create_registered_model(self.model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = client.create_model_version(
            self.model,
            logged.model_uri,
            logged.run_id,
            tags,
            await_creation_for=60,
            model_id=logged.model_id,
        )
        # MLflow's pages link the model of a run to its version by this tag.
        link = json.dumps([{"name": self.model, "version": int(made.version)}])
        client.set_logged_model_tags(logged.model_id, {MLFLOW_MODEL_VERSIONS: link})
        return int(made.version)

    @contextmanager
    def _answering(self) -> Iterator[MlflowClient]:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        try:
            make_ready(self.uri)
            from mlflow import MlflowClient

            yield MlflowClient(self.uri, self.uri)
        except RegistryError:
            raise
        except StoreError as error:
            raise RegistryError(str(error)) from error
        except Exception as error:
            # MLflow's errors name addresses with their passwords.
            reason = redacted(str(error).partition("\n")[0])[:_LONGEST_REASON]
            raise RegistryError(f"MLflow at {without_secrets(self.uri)}: {reason}") from error


def _remove_model(client: MlflowClient, model_id: str, uri: str) -> None:
    """Remove a model that a run has logged, unless somebody has removed it before."""
    from mlflow.exceptions import MlflowException

    try:
        location = client.get_logged_model(model_id).artifact_location
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return
    remove_artifacts(location, uri)
    client.delete_logged_model(model_id)
