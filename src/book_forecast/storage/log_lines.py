"""Log lines of a bounded width, and the messages of Kedro's that repeat what others say."""

from __future__ import annotations

import copy
import logging
import os
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from book_forecast.storage.errors import describe_storage_error, find_user_error

WIDTH = 160
"""The most characters of a line."""
_INDENT = " " * 17
_NODE = re.compile(r"(?P<name>[^:]+): .* -> \[?(?P<outputs>[^\]]*)\]?", re.DOTALL)
_CONFIGURATION = "conf/logging.yml"


class LineFormatter(logging.Formatter):
    """Breaks the lines of another formatter, so that none is longer than `WIDTH`.

    A traceback stays as it is.
    """

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        bare = copy.copy(record)
        bare.exc_info = bare.exc_text = bare.stack_info = None
        message = self._inner.format(bare)
        traceback = self._inner.format(record)[len(message) :]
        return "\n".join(broken(line) for line in message.splitlines()) + traceback


def broken(line: str) -> str:
    """Break a line at spaces, and shorten a word in its middle that is too long for a line."""
    if len(line) <= WIDTH:
        return line
    most = WIDTH - len(_INDENT)
    words = " ".join(_shortened(word, most) for word in line.split(" "))
    return "\n".join(
        textwrap.wrap(
            words,
            WIDTH,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _shortened(word: str, most: int) -> str:
    if len(word) <= most:
        return word
    head = most // 3
    return f"{word[:head]}…{word[head + 1 - most :]}"


def short_node_lines(record: logging.LogRecord) -> bool:
    """Shorten what Kedro says of a node: its name and outputs, without every input.

    The message of a user error follows at the end of the run. Here it would be the first of two.
    """
    if record.msg == "Running node: %s":
        record.args = (_node(record.args),)
    elif str(record.msg).startswith("Node %s failed"):
        error = sys.exc_info()[1]
        if error is not None and (find_user_error(error) or describe_storage_error(error)):
            return False
        record.msg, record.args = "Node %s failed", (_node(record.args),)
    return True


def _node(arguments: Any) -> str:
    text = str(arguments[0]) if isinstance(arguments, tuple) and arguments else ""
    found = _NODE.fullmatch(text)
    if found is None:
        return text
    outputs = found["outputs"].replace(";", ", ")
    return f"{found['name']} -> {outputs}" if outputs != "None" else found["name"]


def bound_log_lines(project: Path) -> None:
    """Bound the lines of the console, also of a command that runs in a folder of the project.

    Kedro looks for the project's logging configuration in the current folder alone, and takes no
    formatter but Python's own.

    Args:
        project: The project's folder.
    """
    configuration = project / _CONFIGURATION
    elsewhere = not Path(_CONFIGURATION).exists() and "KEDRO_LOGGING_CONFIG" not in os.environ
    if elsewhere and configuration.exists():
        _configure(configuration)
    for handler in logging.getLogger().handlers:
        # Subclasses, as those of a test runner or of a notebook, are somebody else's.
        if type(handler) is logging.StreamHandler and not isinstance(
            handler.formatter, LineFormatter
        ):
            handler.setFormatter(LineFormatter(handler.formatter))
    nodes = logging.getLogger("kedro.pipeline.node")
    if short_node_lines not in nodes.filters:
        nodes.addFilter(short_node_lines)


def _configure(path: Path) -> None:
    import yaml
    from kedro.framework.project import LOGGING

    wanted = yaml.safe_load(path.read_text(encoding="utf-8"))
    if LOGGING.data.get("handlers") != wanted["handlers"]:
        LOGGING.configure(wanted)
