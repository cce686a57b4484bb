"""The one ZenML step, at module level so that ZenML's entrypoint in a container finds it."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import get_step_context, log_metadata, step

from zenml_runner.client import name_own_modules_in_full
from zenml_runner.plan import Task
from zenml_runner.steps.materializer import LineageMaterializer

# ZenML names the materializer when the step is declared.
name_own_modules_in_full()


@step(
    enable_cache=False,
    enable_artifact_visualization=False,
    output_materializers=LineageMaterializer,
)
def run_nodes(task: dict[str, Any]) -> Annotated[dict[str, Any], "lineage"]:
    """Run the nodes of one step of a plan.

    Args:
        task: A `Task` as plain data.

    Returns:
        The step's `StepLineage` as plain data; the data themselves are in Kedro's catalog.
    """
    from zenml_runner.steps import runtime
    from zenml_runner.steps.log_capture import messages_once

    checked = Task.model_validate(task)
    with messages_once():
        lineage = runtime.run(checked, get_step_context())
    if metadata := lineage.metadata():
        log_metadata(metadata)
    return lineage.model_dump(exclude_none=True)
