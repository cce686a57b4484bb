"""Where runs are tracked, and making sure before MLflow tries that this works.

MLflow itself tries for minutes to open a store that it cannot open, and a store whose first
creation was killed can never be opened again.
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
from typing import Any
from urllib.parse import urlsplit

from book_forecast.storage.cache import cache_folder
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_SQLITE = "sqlite:///"
_CONNECT_SECONDS = 5.0
# A server that was asleep takes some seconds to answer.
_ANSWER_SECONDS = 30
_SILENCE_REMEMBERED_SECONDS = 300.0
# Without these MLflow would hold a run for many minutes for a server that is down.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
_silent_since: dict[str, float] = {}


class StoreError(UserError):
    """The store cannot be used; the message says why."""


def locate(configured: str, project: Path, variables: Mapping[str, str] = os.environ) -> str:
    """Choose the store.

    Args:
        configured: URI in mlflow.yml; a relative SQLite path is taken from the project's folder.
        project: The project's folder.
        variables: ``MLFLOW_TRACKING_URI`` among them wins over ``configured``.

    Returns:
        A URI with an absolute path if it is a SQLite file; one in the user's cache if the file
        cannot be written where it should be.
    """
    uri = variables.get("MLFLOW_TRACKING_URI")
    path = _file(uri, Path.cwd()) if uri else _file(configured, project)
    if path is None:
        return uri or configured
    if not _writable(path):
        instead = cache_folder("mlruns", str(project)) / path.name
        logger.warning("%s cannot be written; MLflow keeps this run in %s", path, instead)
        path = instead
    return f"{_SQLITE}{path}"


def artifact_location(uri: str) -> str | None:
    """Return where a new experiment's artifacts go: beside a local store, else as a server says."""
    path = _file(uri, Path.cwd())
    return None if path is None else (path.parent / "artifacts").as_uri()


def experiment_id(uri: str, name: str) -> str:
    """The id of an experiment, which is made where there is none of this name.

    Args:
        uri: Of a store that is ready.
        name: The experiment's.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(uri)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location(uri)))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process was faster


def make_ready(uri: str) -> None:
    """Create the store if it is a file that does not exist, and see whether it answers.

    MLflow's patience with servers is made short, unless the user has set it. A server that has not
    answered in time is not waited for again for some minutes.

    Raises:
        StoreError: If it does not.
    """
    for name, value in _PATIENCE.items():
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
    """Find out by trying, as permissions do not tell for a superuser or a read-only disk."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    try:
        if existing.is_dir():
            with tempfile.TemporaryFile(dir=existing):
                return True
        with existing.open("r+b"):
            return True
    except OSError:
        return False


def _create(path: Path) -> None:
    """Make the tables beside the place and move them, so that a kill leaves none half made."""
    import sqlalchemy
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    engine = create_sqlalchemy_engine(f"{_SQLITE}{temporary}")  # type: ignore[no-untyped-call]

    @sqlalchemy.event.listens_for(engine, "connect")
    def _in_a_hurry(connection: Any, _record: Any) -> None:
        # Dozens of migrations; nothing is lost with a file that is not in its place yet.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")

    logger.info("Creating the MLflow store %s", path)
    try:
        _initialize_tables(engine)  # type: ignore[no-untyped-call]
        engine.dispose()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        # A hard link does not replace what another run may have created meanwhile.
        if not path.exists():
            path.hardlink_to(temporary)
    except FileExistsError:
        logger.debug("%s was created by another run too", path)
    finally:
        temporary.unlink(missing_ok=True)


def _try_to_write(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        # Two writes to the disk for each of MLflow's many small transactions in place of six.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _try_to_reach(uri: str) -> None:
    """See whether a server answers; one that accepts a connection need not."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    if time.monotonic() - _silent_since.get(uri, -_SILENCE_REMEMBERED_SECONDS) < (
        _SILENCE_REMEMBERED_SECONDS
    ):
        raise TimeoutError("no answer a moment ago")
    parts = urlsplit(uri)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS):
        pass
    began = time.monotonic()
    try:
        answer = http_request(  # type: ignore[no-untyped-call]
            get_default_host_creds(uri),  # type: ignore[no-untyped-call]
            "/health",
            "GET",
            max_retries=0,
            timeout=_ANSWER_SECONDS,
            raise_on_status=False,
        )
    except MlflowException as error:
        if time.monotonic() - began >= _ANSWER_SECONDS:
            _silent_since[uri] = time.monotonic()
            raise TimeoutError(f"no answer in {_ANSWER_SECONDS} seconds") from error
        raise ConnectionError("it takes the connection and gives no answer") from error
    if answer.status_code >= 500:
        raise ConnectionError(f"it says {answer.status_code}")
