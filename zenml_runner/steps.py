"""The one ZenML step; which nodes it runs is a parameter.

It stands at module level so that ZenML's entrypoint in a container finds it.
"""

from __future__ import annotations

from typing import Annotated, Any

from zenml import get_step_context, log_metadata, step

from zenml_runner.plan import Task


@step(enable_cache=False, enable_artifact_visualization=False)
def run_nodes(task: dict[str, Any]) -> Annotated[dict[str, Any], "lineage"]:
    """Run the nodes of one step of a plan.

    Args:
        task: A `Task` as plain data.

    Returns:
        The step's `Lineage` as plain data; the data themselves are in Kedro's catalog.
    """
    from zenml_runner import hosts

    checked = Task.model_validate(task)
    lineage = hosts.run(checked, get_step_context())
    if told := lineage.told():
        log_metadata(told)
    return lineage.model_dump(exclude_none=True)
