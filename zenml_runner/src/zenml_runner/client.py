"""ZenML's client for the commands, which print their own messages, and locks between processes."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_runner.errors import NoServerError, RunnerError, command
from zenml_runner.failures import no_server, server_error, store_url

if TYPE_CHECKING:
    from zenml.client import Client

# ZenML logs a failed step with its stack trace; the command prints node and error.
_SILENCED = ("zenml.orchestrators", "zenml.steps", "zenml.pipelines")
logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# A process that holds a lock for so long was killed.
TIMEOUT_SECONDS = 60.0
PATIENCE_VARIABLE = "ZENML_RUNNER_PATIENCE"
PATIENCE_SECONDS = 300.0


def quiet_client() -> Client:
    """Return ZenML's client, with ZenML's own log lines removed from the terminal.

    What steps log is still stored, for `kedro zenml logs`.

    Raises:
        RunnerError: If ZenML's server does not answer.
    """
    from zenml import logger as zenml_logger
    from zenml.client import Client

    name_own_modules_in_full()
    list_packages_here()
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, zenml_logger.ZenMLConsoleHandler):
            root.removeHandler(handler)
    logging.getLogger("zenml").setLevel(logging.ERROR)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if url := store_url():
        _require_server(url)
    _create_store()
    return Client()


def find_run(name: str) -> Any:
    """Return a ZenML run by its name or id.

    Raises:
        RunnerError: If there is no such run.
    """
    try:
        return quiet_client().get_pipeline_run(name)
    except KeyError:
        raise RunnerError(
            f"ZenML has no run {name!r}: `{command('status')}` lists the last ones."
        ) from None


@cache
def name_own_modules_in_full() -> None:
    """Let ZenML store `zenml_runner.steps.step`, not `steps`, which other processes do not find.

    ZenML names modules from the folder of the main module: with `python -m zenml_runner` this is
    the package itself. A notebook's main module has no folder.
    """
    from zenml.utils import source_utils

    package = Path(__file__).resolve().parent
    try:
        root = Path(source_utils.get_source_root()).resolve()
    except RuntimeError:
        root = package
    if root == package:
        source_utils.set_custom_source_root(str(package.parent))


@cache
def installed_packages() -> list[str]:
    """Return the packages of this environment with their versions, as `pip freeze` prints them."""
    return sorted(f"{package.name}=={package.version}" for package in distributions())


@cache
def list_packages_here() -> None:
    """Let ZenML list packages in this process: it would start pip twice a run, a second each."""
    from zenml.environment import Environment

    environment: Any = Environment
    environment.get_python_packages = staticmethod(installed_packages)


@cache
def _create_store() -> None:
    """Let ZenML create its store under a lock: two processes at once would leave half of one."""
    from zenml.client import Client
    from zenml.utils.io_utils import get_global_config_directory

    folder = Path(get_global_config_directory())
    try:
        with machine_lock(folder):
            _ = Client().zen_store
    except PermissionError as error:
        raise RunnerError(
            f"ZenML's settings are in {folder}, where you may not write ({error}): name "
            "another folder in the environment variable ZENML_CONFIG_PATH."
        ) from error


@cache
def _require_server(url: str) -> None:
    """Refuse a server that does not answer; ZenML itself would retry for most of a minute."""
    if silent_server() is not None:
        raise NoServerError(no_server(url))


def silent_server() -> tuple[str, OSError] | None:
    """Return the address of ZenML's server and its error; None if it answers or there is none."""
    url = store_url()
    if url is None or not url.startswith(("http://", "https://")):
        return None
    error = server_error(url)
    return None if error is None else (url, error)


def wait_for_server() -> None:
    """Wait until ZenML's server answers; the results of nodes that have run depend on it.

    ZenML's client repeats a request for half a minute. A server that is replaced, or whose machine
    starts again, is away for minutes.

    Raises:
        NoServerError: If it stays away for `ZENML_RUNNER_PATIENCE` seconds. ZenML's client repeats
            no request then: each one would take half a minute more.
    """
    silent = silent_server()
    if silent is None:
        return
    url, error = silent
    patience = float(os.environ.get(PATIENCE_VARIABLE, PATIENCE_SECONDS))
    logger.warning(
        "The ZenML server %s does not answer (%s): waiting for it, %.0f s at most",
        *(url, error, patience),
    )
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        if silent_server() is None:
            logger.warning("The ZenML server %s answers again", url)
            return
    _repeat_no_requests()
    raise NoServerError(no_server(url))


def _repeat_no_requests() -> None:
    from zenml.client import Client

    session = getattr(Client().zen_store, "session", None)
    for adapter in session.adapters.values() if session is not None else ():
        adapter.max_retries = type(adapter.max_retries)(0, read=False)


@contextmanager
def machine_lock(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder among the processes of this machine.

    Args:
        folder: Created if it does not exist; the lock is a file in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "zenml_runner.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def zenml_lock(name: str, timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """Hold a lock among all processes with the same ZenML server.

    The lock is a ZenML tag: tags have unique names, so one process alone can create it.

    Args:
        name: Of the lock.
        timeout: Seconds after which the holder counts as dead and its lock is removed.
    """
    from zenml.client import Client
    from zenml.exceptions import EntityExistsError

    client, tag = Client(), f"lock:{name}"
    deadline = time.monotonic() + timeout
    while True:
        try:
            client.create_tag(tag)
            break
        except EntityExistsError:
            if time.monotonic() > deadline:
                logger.warning("Removing the lock %s, held for %.0f s", name, timeout)
                deadline = time.monotonic() + timeout
                with suppress(KeyError):
                    client.delete_tag(tag)
            else:
                time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with suppress(KeyError):
            client.delete_tag(tag)
