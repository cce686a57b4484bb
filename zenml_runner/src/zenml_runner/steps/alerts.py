"""Messages to the alerter of ZenML's stack: steps that fail for good, and runs that end well."""

from __future__ import annotations

import logging
from typing import Any

from zenml_runner.redaction import without_secret_values

logger = logging.getLogger(__name__)

MAX_MESSAGE = 500


def alert_failure(exception: BaseException) -> None:
    """Report a step that has failed for good; ZenML calls it in the step.

    Args:
        exception: The error of its last attempt.
    """
    from zenml import get_step_context

    context = get_step_context()
    notes = [f" ({note})" for note in getattr(exception, "__notes__", [])[-1:]]
    what = f"step {context.step_run.name} has failed{''.join(notes)}"
    post(context.pipeline_run.name, f"{what}: {describe(exception)}")


def describe(error: BaseException) -> str:
    """Return an error's type and the first line of its message, without secrets."""
    first_line = next(iter(str(error).strip().splitlines()), "")
    return without_secret_values(f"{type(error).__name__}: {first_line}")


def post(run: str, what: str) -> None:
    """Send a message to the active stack's alerter; a failure is a warning.

    Args:
        run: Name of the ZenML run.
        what: What has happened to it.
    """
    message = f"{run}: {what}"[:MAX_MESSAGE]
    try:
        alerter = _alerter()
        if alerter is None:
            logger.warning("The stack has no alerter for this message: %s", message)
        elif not alerter.post(message):
            logger.warning("The stack's alerter has not sent this message: %s", message)
    except Exception as error:  # noqa: BLE001 - a message must not change the outcome of a run
        reason = without_secret_values(str(error).partition("\n")[0])[:100]
        logger.warning("The stack's alerter fails (%s); it was to send: %s", reason, message)


def _alerter() -> Any:
    from zenml.client import Client

    return Client().active_stack.alerter
