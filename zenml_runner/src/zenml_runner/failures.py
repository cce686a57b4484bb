"""What does not answer or is not installed: asks servers, and explains errors of libraries."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from zenml_runner.kedro_project.project import environment_variable
from zenml_runner.redaction import without_user

_MLFLOW_REQUEST = re.compile(r"API request to (https?://\S+?)/api/\S+ failed")
TIMEOUT_SECONDS = 30
MLFLOW_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


def explain(error: BaseException) -> str:
    """Return a message with the failed component, its address and what to do.

    An error whose cause is unknown is its own message.
    """
    if message := _not_installed(error):
        return message
    for cause in _chain(error):
        for look in (_zenml_server, _mlflow_server, _kedro_config, _bucket):
            message = look(cause)
            if message is not None:
                return message
    if _is_of_project(error):
        return str(error)
    return without_user(f"{type(error).__name__}: {error} (--traceback shows where)")


def _is_of_project(error: BaseException) -> bool:
    """Return whether the project itself has raised the error, so its message stands alone."""
    from kedro.framework.project import PACKAGE_NAME

    return bool(PACKAGE_NAME) and type(error).__module__.split(".")[0] == PACKAGE_NAME


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _not_installed(error: BaseException) -> str | None:
    """Explain a package that is missing altogether; a missing module of it is another error."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.partition(".")[0]
    if package in sys.modules or _is_found(package):
        return None
    if package != "zenml":
        return f"The package {package} is not installed in this environment ({error})."
    return (
        "ZenML is not installed in this environment: install zenml_runner with its requirements, "
        "and with its extra vertex for Vertex AI."
    )


def _is_found(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _zenml_server(error: BaseException) -> str | None:
    url = store_url()
    if url is None or url.startswith("sqlite"):
        return None
    # Errors of `requests` name the server; MLflow and buckets use `requests` too.
    request = getattr(error, "request", None)
    if request is not None and str(getattr(request, "url", "")).startswith(url.rstrip("/")):
        return no_server(url)
    if type(error).__name__ in ("AuthorizationException", "CredentialsNotValid"):
        return (
            f"The ZenML server {url} refuses these credentials: log in with `zenml login`, or set "
            "ZENML_STORE_API_KEY to the key of a service account."
        )
    return None


def no_server(url: str) -> str:
    """Return the message that ZenML's server does not answer."""
    return (
        f"The ZenML server {url} does not answer: start it, or choose another one with "
        "`zenml login` or the environment variable ZENML_STORE_URL."
    )


def store_url() -> str | None:
    """Return the address of ZenML's server or database; None before ZenML is set up."""
    if url := os.environ.get("ZENML_STORE_URL"):
        return url
    if "zenml.config.global_config" not in sys.modules:
        return None
    from zenml.config.global_config import GlobalConfiguration

    try:
        return str(GlobalConfiguration().store_configuration.url)
    except Exception:  # noqa: BLE001 - without a store there is no address
        return None


def _mlflow_server(error: BaseException) -> str | None:
    request = _MLFLOW_REQUEST.match(str(error))
    if type(error).__name__ != "MlflowException" or request is None:
        return None
    return (
        f"The MLflow server {without_user(request[1])} does not answer: start it, or name another "
        "one in mlflow.yml, in zenml.yml or in the environment variable MLFLOW_TRACKING_URI."
    )


def _kedro_config(error: BaseException) -> str | None:
    name = type(error).__name__
    if name in ("MissingConfigException", "ParserError", "InterpolationResolutionError"):
        return f"The project's configuration cannot be read: {error}"
    if name in ("DatasetError", "DatasetNotFoundError", "ParameterValidationError"):
        return str(error)
    return None


def _bucket(error: BaseException) -> str | None:
    if type(error).__module__.startswith(("gcsfs", "google.auth", "aiohttp")):
        return (
            f"Google Cloud Storage refuses or does not answer ({error}): check the name of the "
            "bucket, and log in with `gcloud auth application-default login` as somebody who may "
            "read and write its objects."
        )
    return None


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
