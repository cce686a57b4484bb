"""Turns a plan into a ZenML pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml import Model
from zenml import pipeline as zenml_pipeline
from zenml.config.schedule import Schedule
from zenml.pipelines.pipeline_definition import Pipeline

from zenml_runner.plan import EXTRA, Plan, Task, packed, project_tag
from zenml_runner.processes import PROCESS, this_process
from zenml_runner.settings.zenml_yml import ZenmlSettings
from zenml_runner.stacks.step_options import pipeline_settings, step_options
from zenml_runner.stacks.target import Target
from zenml_runner.steps.records import alert_failure
from zenml_runner.steps.step import run_nodes


def to_zenml(
    plan: Plan,
    settings: ZenmlSettings,
    target: Target,
    *,
    run_name: str,
    key: str,
    schedule: Schedule | None = None,
    secrets: Mapping[str, str] | None = None,
    orchestrator: dict[str, Any] | None = None,
) -> Pipeline:
    """Build a static ZenML pipeline from a plan.

    Args:
        plan: The plan.
        settings: The project's zenml.yml.
        target: The stack of the run.
        run_name: Name of the ZenML run; a template for schedules.
        key: Key of the project, for its tag.
        schedule: Schedule of its runs.
        secrets: Ids of ZenML's secrets by their names in zenml.yml.
        orchestrator: More settings of the orchestrator.

    Returns:
        The pipeline, to be called where ZenML's active stack is that of `target`.

    Raises:
        RunnerError: If the stack cannot do what zenml.yml asks for.
    """

    # Lineage has the sizes; ZenML would load each artifact again to measure it.
    @zenml_pipeline(
        name=pipeline_name(plan, target), enable_cache=False, enable_artifact_metadata=False
    )
    def translated() -> None:
        for step in plan.steps:
            task = Task(run=plan.run, step=step).model_dump(mode="json", exclude_defaults=True)
            options = step_options(step, target, secrets or {})
            if plan.run.shows.alerts.on_failure:
                options["on_failure"] = alert_failure
            configured = run_nodes.with_options(**options)
            configured(task=task, id=step.name, after=list(step.after))

    process = {PROCESS: this_process()} if target.is_driven_here else {}
    options: dict[str, Any] = {
        "run_name": run_name,
        "extra": {EXTRA: packed(plan), **process},
        "tags": [project_tag(plan.run.package, key), *_tags(settings.labels)],
        "settings": pipeline_settings(settings, target, orchestrator),
    }
    if schedule is not None:
        options["schedule"] = schedule
    if plan.run.shows.model is not None:
        options["model"] = Model(name=plan.run.shows.model.name)
    result = translated.with_options(**options)
    result.prepare()
    return result


def pipeline_name(plan: Plan, target: Target) -> str:
    """Return the name of the pipeline in ZenML, which is that in Kedro.

    Schedulers take names that begin with a letter; our own orchestrators see to it themselves.
    """
    name = plan.run.pipeline
    return name if target.orchestrator is None else name.strip("_") or name


def _tags(labels: dict[str, str]) -> list[str]:
    """Return labels as ZenML's tags, which every stack has."""
    return [f"{name}:{value}" if value else name for name, value in labels.items()]
