"""ZenML's client for the commands, which tell themselves what happens."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml_runner.errors import RunnerError
from zenml_runner.failures import no_server, store_url
from zenml_runner.health import trouble
from zenml_runner.locks import only_one_here

if TYPE_CHECKING:
    from zenml.client import Client

# A failed step would be told with its stack; the command tells node and error.
_SILENCED = ("zenml.orchestrators", "zenml.steps", "zenml.pipelines")


def quiet_client() -> Client:
    """Import ZenML, and keep its own lines off the terminal.

    What steps log is still stored, for `kedro zenml logs`.

    Returns:
        The client.

    Raises:
        RunnerError: If ZenML's server does not answer.
    """
    from zenml import logger as zenml_logger
    from zenml.client import Client

    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, zenml_logger.ZenMLConsoleHandler):
            root.removeHandler(handler)
    logging.getLogger("zenml").setLevel(logging.ERROR)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if url := store_url():
        _ask(url)
    _make_store()
    return Client()


def find_run(name: str) -> Any:
    """A run of ZenML's.

    Args:
        name: Its name or id.

    Raises:
        RunnerError: If there is no such run.
    """
    try:
        return quiet_client().get_pipeline_run(name)
    except KeyError:
        raise RunnerError(
            f"ZenML knows no run {name!r}: `kedro zenml status` lists the last ones."
        ) from None


@cache
def _make_store() -> None:
    """Have ZenML make its store, one process at a time: two at once would leave half of one."""
    from zenml.client import Client
    from zenml.utils.io_utils import get_global_config_directory

    folder = Path(get_global_config_directory())
    try:
        with only_one_here(folder):
            _ = Client().zen_store
    except PermissionError as error:
        raise RunnerError(
            f"ZenML keeps its settings in {folder}, where you may not write ({error}): name "
            "another folder in the environment variable ZENML_CONFIG_PATH."
        ) from error


@cache
def _ask(url: str) -> None:
    """Ask a server whether it is there; ZenML itself would try for most of a minute."""
    if url.startswith(("http://", "https://")) and trouble(url) is not None:
        raise RunnerError(no_server(url))
