"""Asks whether a server answers, and limits how long a library asks."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from zenml_runner.kedro_project.project import environment_variable
from zenml_runner.redaction import without_user

TIMEOUT_SECONDS = 30
MLFLOW_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


def server_error(url: str) -> OSError | None:
    """Return why a server does not answer at `/health`, as ZenML's and MLflow's do.

    Args:
        url: Its address, with http or https.

    Returns:
        The error; None if the server answers.
    """
    address = without_user(url, "").rstrip("/")  # urllib would take name and password for the host
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=TIMEOUT_SECONDS):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None  # It answers; the first request with credentials shows whether it allows us in.
    except OSError as error:
        return error


@contextmanager
def few_mlflow_retries() -> Iterator[None]:
    """Retry few requests to MLflow, unless the user has set how many."""
    with environment_variable(MLFLOW_RETRIES, os.environ.get(MLFLOW_RETRIES, "2")):
        yield
