"""Asks servers whether they are there, and waits no longer for them than it must."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from zenml_runner.redaction import without_user

ANSWERS_WITHIN = 10  # seconds
MLFLOW_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


def trouble(url: str) -> OSError | None:
    """Why a server does not answer at `/health`, as ZenML's and MLflow's do; None if it does.

    Args:
        url: Its address, with http or https.
    """
    address = without_user(url, "").rstrip("/")  # urllib would take name and password for the host
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=ANSWERS_WITHIN):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None  # It answers; whether it lets us in is told when it is used.
    except OSError as error:
        return error


@contextmanager
def impatient() -> Iterator[None]:
    """Give up soon on an MLflow server that does not answer, unless the user says how soon."""
    if MLFLOW_RETRIES in os.environ:
        yield
        return
    os.environ[MLFLOW_RETRIES] = "2"
    try:
        yield
    finally:
        del os.environ[MLFLOW_RETRIES]
