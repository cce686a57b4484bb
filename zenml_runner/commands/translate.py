"""From a prepared run to a pipeline that ZenML can take: what `run` and `schedule` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from zenml_runner.commands.prepare import Prepared

if TYPE_CHECKING:
    from zenml.config.schedule import Schedule
    from zenml.pipelines.pipeline_definition import Pipeline


def translate(
    prepared: Prepared, run_name: str, schedule: Schedule | None = None
) -> tuple[Pipeline, str]:
    """Make the ZenML pipeline, with its stack asked, registered and active in this process.

    Args:
        prepared: The run.
        run_name: Of the ZenML run; a template for schedules.
        schedule: When it runs by itself.

    Returns:
        The pipeline, to be called, and the name of the ZenML stack.

    Raises:
        RunnerError: If a part of the stack does not answer, or cannot be registered.
    """
    from zenml_runner import stacks
    from zenml_runner.client import quiet_client
    from zenml_runner.preflight import check
    from zenml_runner.translation import to_zenml

    quiet_client()
    check(prepared.project, prepared.stack)
    name, changes = stacks.register(prepared.project, prepared.stack_name, prepared.stack)
    for line in changes:
        click.echo(f"  {line}")
    stacks.activate(name)
    pipeline = to_zenml(
        prepared.plan, prepared.settings, prepared.stack, run_name=run_name, schedule=schedule
    )
    return pipeline, name
