"""The location of the MLflow store, and a check that it works before MLflow opens it.

MLflow retries for minutes to open a store that it cannot open. A store with an interrupted
creation can never be opened again.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from book_forecast.storage.cache import cache_folder
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

_SQLITE = "sqlite:///"
_CONNECT_SECONDS = 5.0
# A server that starts on demand takes some seconds to respond.
_RESPONSE_SECONDS = 30
_RETRY_AFTER_SECONDS = 300.0
# MLflow's own limits delay a run for many minutes if a server is down.
_REQUEST_LIMITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
_LOCAL_PAGE = "http://127.0.0.1:5000"
_KIND, _NOTE, _INFERRED = "mlflow.experimentKind", "mlflow.note.content", "_inferred"
_EXPERIMENT_NOTE = "Weekly book forecasts: a run per Kedro run, a child run per title."
_timed_out: dict[str, float] = {}


class StoreError(UserError):
    """The store cannot be used."""


def locate(configured: str, project: Path, variables: Mapping[str, str] = os.environ) -> str:
    """Choose the store.

    Args:
        configured: URI in mlflow.yml; a relative SQLite path is relative to the project.
        project: The project's folder.
        variables: Environment variables; ``MLFLOW_TRACKING_URI`` wins over ``configured``.

    Returns:
        The URI; the path of a SQLite file is absolute, and in the user's cache if the configured
        file cannot be written.
    """
    uri = variables.get("MLFLOW_TRACKING_URI")
    path = _file(uri, Path.cwd()) if uri else _file(configured, project)
    if path is None:
        return uri or configured
    if not _writable(path):
        instead = cache_folder("mlruns", str(project)) / path.name
        logger.warning("%s cannot be written; MLflow stores this run in %s", path, instead)
        path = instead
    return f"{_SQLITE}{path}"


def artifact_location(uri: str) -> str | None:
    """Return the artifact location of new experiments: beside a local store; None for a server."""
    path = _file(uri, Path.cwd())
    return None if path is None else (path.parent / "artifacts").as_uri()


def describe_experiment(client: MlflowClient, experiment: str) -> None:
    """Set the experiment's kind and description, unless it has a kind of its own."""
    tags = client.get_experiment(experiment).tags
    if tags.get(_KIND, _INFERRED).endswith(_INFERRED):
        client.set_experiment_tag(experiment, _KIND, "custom_model_development")
        if _NOTE not in tags:
            client.set_experiment_tag(experiment, _NOTE, _EXPERIMENT_NOTE)


def page_of_run(uri: str, experiment: str, run: str) -> str:
    """Return the address of a run in MLflow's page, in its model-training view.

    Without the query MLflow 3 opens its view of language models, whatever the experiment's kind.

    Args:
        uri: The store; a file's page is the one that `make mlflow` opens.
        experiment: Id of the experiment.
        run: Id of the run.
    """
    root = without_secrets(uri).rstrip("/") if uri.startswith("http") else _LOCAL_PAGE
    return f"{root}/#/experiments/{experiment}/runs/{run}?workflowType=machine_learning"


def experiment_id(uri: str, name: str) -> str:
    """Return the id of an experiment, which is created if it does not exist."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(uri)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        made = str(client.create_experiment(name, artifact_location(uri)))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process was faster
    describe_experiment(client, made)
    return made


def make_ready(uri: str) -> None:
    """Create the store if it is a missing file, and check that it responds.

    This sets short limits for MLflow's requests, unless the user has set them. A server that has
    timed out is not tried again for some minutes.

    Raises:
        StoreError: The store does not respond.
    """
    for name, value in _REQUEST_LIMITS.items():
        os.environ.setdefault(name, value)
    path = _file(uri, Path.cwd())
    try:
        if path is not None:
            if not path.exists():
                _create(path)
            _try_to_write(path)
        elif uri.startswith(("http://", "https://")):
            _try_to_reach(uri)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the MLflow store {without_secrets(uri)} does not answer: {error}"
        ) from error


def without_secrets(uri: str) -> str:
    """Return a URI without its user and password."""
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else uri


def _file(uri: str, relative_to: Path) -> Path | None:
    """Return the file of a SQLite URI, None for any other URI."""
    return relative_to / uri.removeprefix(_SQLITE) if uri.startswith(_SQLITE) else None


def _writable(path: Path) -> bool:
    """Try to write; permissions are no proof for a superuser or a read-only disk."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    try:
        if existing.is_dir():
            with tempfile.TemporaryFile(dir=existing):
                return True
        with existing.open("r+b"):
            return True
    except OSError:
        return False


def _create(path: Path) -> None:
    """Create the tables in a temporary file and rename it, so that a kill leaves no partial one."""
    import sqlalchemy
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    engine = create_sqlalchemy_engine(f"{_SQLITE}{temporary}")  # type: ignore[no-untyped-call]

    @sqlalchemy.event.listens_for(engine, "connect")
    def _in_a_hurry(connection: Any, _record: Any) -> None:
        # There are dozens of migrations; a temporary file needs no safe writes.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")

    logger.info("Creating the MLflow store %s", path)
    try:
        _initialize_tables(engine)  # type: ignore[no-untyped-call]
        engine.dispose()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        # A hard link does not replace a file that another run has created meanwhile.
        if not path.exists():
            path.hardlink_to(temporary)
    except FileExistsError:
        logger.debug("%s was created by another run too", path)
    finally:
        temporary.unlink(missing_ok=True)


def _try_to_write(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        # WAL takes two disk writes for each of MLflow's many small transactions instead of six.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _try_to_reach(uri: str) -> None:
    """Check that a server responds; it may accept connections and not respond."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    if time.monotonic() - _timed_out.get(uri, -_RETRY_AFTER_SECONDS) < (_RETRY_AFTER_SECONDS):
        raise TimeoutError("no answer a moment ago")
    parts = urlsplit(uri)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS):
        pass
    start = time.monotonic()
    try:
        response = http_request(  # type: ignore[no-untyped-call]
            get_default_host_creds(uri),  # type: ignore[no-untyped-call]
            "/health",
            "GET",
            max_retries=0,
            timeout=_RESPONSE_SECONDS,
            raise_on_status=False,
        )
    except MlflowException as error:
        if time.monotonic() - start >= _RESPONSE_SECONDS:
            _timed_out[uri] = time.monotonic()
            raise TimeoutError(f"no answer in {_RESPONSE_SECONDS} seconds") from error
        raise ConnectionError("it accepts connections but does not respond") from error
    if response.status_code >= 500:
        raise ConnectionError(f"its status is {response.status_code}")
