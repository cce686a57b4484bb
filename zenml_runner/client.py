"""ZenML's client for the commands, which tell themselves what happens."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml.client import Client

# A failed step would be told with its stack; the command tells node and error.
_SILENCED = ("zenml.orchestrators", "zenml.steps", "zenml.pipelines")


def quiet_client() -> Client:
    """Import ZenML, and keep its own lines off the terminal.

    What steps log is still stored, for `kedro zenml logs`.

    Returns:
        The client.
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
    return Client()
