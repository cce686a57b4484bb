"""The one ZenML step, at module level so that ZenML's entrypoint in a container finds it."""

from __future__ import annotations

from typing import Any

from zenml import get_step_context, step

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
    from zenml_runner.steps.log_capture import messages_once

    checked = Task.model_validate(task)
    with messages_once():
        runtime.run(checked, get_step_context())
