"""Releases as versions of one model in MLflow's registry, and its alias for the champion."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from book_forecast import payload
from book_forecast.storage.errors import UserError
from book_forecast.storage.mlflow_store import (
    StoreError,
    experiment_id,
    make_ready,
    without_secrets,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models.model import ModelInfo

MODEL = "book_forecast"
EXPERIMENT = "book_forecast"
CHAMPION = "champion"
RELEASE = "release"
"""Tag of a version that names its release."""
# The payload's own readers travel with it, under a name that says which format they read.
_READERS_PACKAGE = "book_forecast_release_1"
_REQUIREMENTS = ("numpy", "pandas", "pyarrow")
_QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


class RegistryError(UserError):
    """MLflow's registry does not answer or refuses; says where it is and why."""


class Registry:
    """The registered model whose versions are releases."""

    def __init__(self, uri: str, model: str = MODEL, experiment: str = EXPERIMENT) -> None:
        """Name the registry; nothing is asked yet.

        Args:
            uri: Of MLflow's store or server.
            model: Name of the registered model.
            experiment: Where a release that belongs to no run gets one of its own.
        """
        self.uri, self.model, self.experiment = uri, model, experiment

    def register(
        self,
        release: str,
        folder: Path,
        files: Iterable[str],
        tags: Mapping[str, Any],
        run_id: str | None = None,
    ) -> int:
        """Make a version of a release, unless there is one.

        Args:
            release: Its id.
            folder: Where its payload is.
            files: Names of the payload's files there.
            tags: What the version tells beside it.
            run_id: The MLflow run that it belongs to; a new one if not given.

        Returns:
            The version.

        Raises:
            RegistryError: If MLflow does not answer or refuses.
        """
        with self._answering() as client:
            known = self._versions(client)
            if release in known:
                return known[release]
            told = {name: str(value) for name, value in {RELEASE: release, **tags}.items()}
            logged = self._log([folder / name for name in files], run_id, release)
            return self._make_version(client, logged, told)

    def versions(self) -> dict[str, int]:
        """Versions by release.

        Raises:
            RegistryError: If MLflow does not answer.
        """
        with self._answering() as client:
            return self._versions(client)

    def tag(self, release: str, tags: Mapping[str, Any]) -> None:
        """Let the version of a release tell more.

        Raises:
            RegistryError: If MLflow does not answer, or has no such version.
        """
        with self._answering() as client:
            version = self._version(client, release)
            for name, value in tags.items():
                client.set_model_version_tag(self.model, version, name, str(value))

    def run_tags(self, run_id: str) -> dict[str, str]:
        """What is told of a run.

        Raises:
            RegistryError: If MLflow does not answer, or has no such run.
        """
        with self._answering() as client:
            return dict(client.get_run(run_id).data.tags)

    def champion(self) -> str | None:
        """The release that the alias names; None if there is no alias.

        Raises:
            RegistryError: If MLflow does not answer.
        """
        from mlflow.exceptions import MlflowException

        with self._answering() as client:
            try:
                version = client.get_model_version_by_alias(self.model, CHAMPION)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise
            return version.tags.get(RELEASE)

    def crown(self, release: str) -> None:
        """Let the alias name a release.

        Raises:
            RegistryError: If MLflow does not answer, or has no such version.
        """
        with self._answering() as client:
            client.set_registered_model_alias(self.model, CHAMPION, self._version(client, release))

    def _version(self, client: MlflowClient, release: str) -> str:
        known = self._versions(client)
        if release not in known:
            raise RegistryError(
                f"{without_secrets(self.uri)} does not know {release} yet: `kedro release sync`."
            )
        return str(known[release])

    def _versions(self, client: MlflowClient) -> dict[str, int]:
        found: dict[str, int] = {}
        token = None
        while True:
            page = client.search_model_versions(
                f"name = '{self.model}'", max_results=1000, page_token=token
            )
            for version in page:
                if release := version.tags.get(RELEASE):
                    found[release] = min(int(version.version), found.get(release, 10**9))
            token = page.token
            if not token:
                return found

    def _make_version(self, client: MlflowClient, logged: ModelInfo, tags: dict[str, str]) -> int:
        """A version that has its tags from the start; MLflow's own way sets them afterwards."""
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
        # MLflow's pages link a run's model to its version by this.
        link = json.dumps([{"name": self.model, "version": int(made.version)}])
        client.set_logged_model_tags(logged.model_id, {MLFLOW_MODEL_VERSIONS: link})
        return int(made.version)

    def _log(self, files: Iterable[Path], run_id: str | None, release: str) -> ModelInfo:
        import mlflow

        mlflow.set_tracking_uri(self.uri)
        with tempfile.TemporaryDirectory() as place, self._run(run_id, release):
            readers = Path(place, _READERS_PACKAGE)
            unused = shutil.ignore_patterns("__pycache__")
            shutil.copytree(Path(payload.__file__).parent, readers, ignore=unused)
            content = Path(place, "payload")
            content.mkdir()
            for path in files:
                shutil.copy(path, content)
            with _importable(place):
                return mlflow.pyfunc.log_model(
                    name=RELEASE,
                    python_model=str(Path(__file__).with_name("pyfunc_model.py")),
                    artifacts={"payload": str(content)},
                    code_paths=[str(readers)],
                    pip_requirements=list(_REQUIREMENTS),
                    signature=_signature(),
                )

    @contextmanager
    def _run(self, run_id: str | None, release: str) -> Iterator[None]:
        """Be in the run of a training, or in one of the release's own."""
        import mlflow

        if mlflow.active_run() is not None:
            yield
            return
        if run_id is not None:
            try:
                mlflow.get_run(run_id)
            except mlflow.MlflowException:
                run_id = None  # that of another store, where MLflow did not answer at the time
        with mlflow.start_run(
            run_id=run_id,
            run_name=None if run_id else f"release {release}",
            experiment_id=None if run_id else experiment_id(self.uri, self.experiment),
        ):
            yield

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
            reason = str(error).partition("\n")[0]
            raise RegistryError(f"MLflow at {without_secrets(self.uri)}: {reason}") from error


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    """MLflow runs the model's code when it is logged, before it knows the packages beside it."""
    sys.path.insert(0, folder)
    try:
        with warnings.catch_warnings():
            # MLflow asks for type hints and examples, which one model for all titles has no use of.
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.path.remove(folder)


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    options = [ParamSpec("horizon", "long", 32), ParamSpec("levels", "double", [80.0, 95.0], (-1,))]
    return ModelSignature(Schema([ColSpec("string", "isbn")]), params=ParamSchema(options))
