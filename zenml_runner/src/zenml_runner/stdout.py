"""Reserves standard output for a document: whatever else is printed goes to standard error.

Kedro logs to standard output while it is imported, and the command `kedro` looks for plugins after
that. `zenml_runner_stdout.pth` calls this module when Python starts, which is before both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

_kept: list[int] = []


def keep_for_document(command: Sequence[str]) -> None:
    """Keep standard output if a command will write a document to it.

    Args:
        command: The words of the process: `python …/kedro zenml compile …`, or with `-m kedro`.
    """
    words = [*command[1:]]
    if words[:1] == ["-m"]:
        words = words[1:]
    if not words or Path(words[0]).stem != "kedro" or {"-h", "--help"} & set(words):
        return
    if words[1:3] == ["zenml", "compile"]:
        _keep()


@contextmanager
def only_for_document() -> Iterator[None]:
    """Send to standard error what Kedro, plugins and the project print or log."""
    with redirect_stdout(sys.stderr):
        # Handlers of loggers hold the original stream, and libraries write to the descriptor.
        _flush()
        _keep()
        try:
            yield
        finally:
            _flush()
            stdout = _kept.pop()
            os.dup2(stdout, 1)
            os.close(stdout)


def _keep() -> None:
    # In a virtual environment Python reads .pth files twice.
    if not _kept:
        _kept.append(os.dup(1))
        os.dup2(2, 1)


def _flush() -> None:
    if sys.__stdout__ is not None:
        sys.__stdout__.flush()
