"""Prints what an orchestrator logs while it takes a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from zenml_runner.errors import RunnerError

_LOGGER = "zenml.integrations"
# Where Kubeflow, Tekton or Airflow's folder does not answer, ZenML logs this and goes on.
_NOT_TAKEN = "Failed to upload"


class _Collector(logging.Handler):
    """Collects each message once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.messages[" ".join(record.getMessage().split())] = None


@contextmanager
def submission(stack: str) -> Iterator[None]:
    """Print an orchestrator's warnings once it has a run.

    Args:
        stack: Name of the stack.

    Raises:
        RunnerError: If the orchestrator has not got the run.
    """
    logger, collector = logging.getLogger(_LOGGER), _Collector()
    before = (logger.level, logger.propagate)
    logger.addHandler(collector)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before[0])
        logger.propagate = before[1]
    for message in collector.messages:
        if message.startswith(_NOT_TAKEN):
            raise RunnerError(
                f"The orchestrator of the stack {stack} has not got the run: {message}"
            )
        click.echo(f"Warning: {message}", err=True)
