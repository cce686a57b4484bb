"""The one ZenML step, at module level so that ZenML's entrypoint in a container finds it.

ZenML stores each log message of a step once, as it was logged. It stores what is logged and what is
written to the terminal; a handler of the project writes each logged message to the terminal, often
wrapped and in columns, so it would be there twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from zenml import get_step_context, step
from zenml.logger import ZenMLConsoleHandler, ZenMLLoggingHandler
from zenml.utils.logging_utils import LoggingContext

from zenml_runner.client import name_own_modules_in_full
from zenml_runner.plan import Task

# ZenML names the step's module when the step is declared.
name_own_modules_in_full()


@step(enable_cache=False)
def run_nodes(task: dict[str, Any]) -> None:
    """Run the nodes of one step of a plan.

    Its data are in Kedro's catalog, and registered as artifacts while it runs.

    Args:
        task: A `Task` as plain data.
    """
    from zenml_runner.steps import runtime

    checked = Task.model_validate(task)
    with messages_once():
        runtime.run(checked, get_step_context())


@contextmanager
def messages_once() -> Iterator[None]:
    """Keep what handlers write to the terminal out of ZenML's store while a step runs."""
    root = logging.getLogger()
    if not any(isinstance(handler, ZenMLLoggingHandler) for handler in root.handlers):
        # The project's own logging configuration replaces all handlers.
        root.addHandler(ZenMLLoggingHandler())
    handlers = {handler: handler.emit for handler in _terminal_handlers()}
    for handler, emit in handlers.items():
        vars(handler)["emit"] = _unstored(emit)
    try:
        yield
    finally:
        for handler in handlers:
            del vars(handler)["emit"]


def _terminal_handlers() -> set[logging.Handler]:
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    found = {h for one in loggers if isinstance(one, logging.Logger) for h in one.handlers}
    return {h for h in found if not isinstance(h, ZenMLConsoleHandler | ZenMLLoggingHandler)}


def _unstored(emit: Callable[[logging.LogRecord], Any]) -> Callable[[logging.LogRecord], Any]:
    """Return a handler's function that writes without ZenML, for messages that ZenML also gets."""

    def emit_unstored(record: logging.LogRecord) -> None:
        context = LoggingContext.get()
        if context is None or not _reaches_root(record.name):
            emit(record)
            return
        with context.disabled():
            emit(record)

    return emit_unstored


def _reaches_root(name: str) -> bool:
    """Return whether messages of a logger get to the handlers of the root logger."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.parent is not None:
        if not logger.propagate:
            return False
        logger = logger.parent
    return True
