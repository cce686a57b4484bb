"""ZenML's client for the commands, which tell themselves what happens."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from functools import cache
from typing import TYPE_CHECKING

from zenml_runner.errors import RunnerError
from zenml_runner.failures import no_server, store_url

if TYPE_CHECKING:
    from zenml.client import Client

_ANSWERS_WITHIN = 10  # seconds
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
    return Client()


@cache
def _ask(url: str) -> None:
    """Ask a server whether it is there; ZenML itself would try for most of a minute."""
    if not url.startswith(("http://", "https://")):
        return
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=_ANSWERS_WITHIN):  # noqa: S310
            return
    except urllib.error.HTTPError:
        return  # It answers; what it lacks is told when it is used.
    except OSError:
        raise RunnerError(no_server(url)) from None
