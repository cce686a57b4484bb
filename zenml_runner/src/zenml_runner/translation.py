"""Turns a plan into a ZenML pipeline."""

from __future__ import annotations

from typing import Any

from zenml import Model
from zenml import pipeline as zenml_pipeline
from zenml.config import DockerSettings, ResourceSettings
from zenml.config.retry_config import StepRetryConfig
from zenml.config.schedule import Schedule
from zenml.pipelines.pipeline_definition import Pipeline

from zenml_runner.errors import RunnerError
from zenml_runner.plan import EXTRA, Plan, StepPlan, Task, packed, project_tag
from zenml_runner.processes import PROCESS, this_process
from zenml_runner.settings.zenml_yml import LocalStack, Stack, ZenmlSettings
from zenml_runner.steps.step import run_nodes

ACCELERATOR_LABEL = "cloud.google.com/gke-accelerator"
"""The node selector from which ZenML's Vertex orchestrator reads the accelerator."""


def to_zenml(
    plan: Plan,
    settings: ZenmlSettings,
    stack: Stack,
    *,
    run_name: str,
    key: str,
    schedule: Schedule | None = None,
) -> Pipeline:
    """Build a static ZenML pipeline from a plan.

    Args:
        plan: The plan.
        settings: The project's zenml.yml.
        stack: The stack of the run.
        run_name: Name of the ZenML run; a template for schedules.
        key: Key of the project, for its tag.
        schedule: Schedule of its runs.

    Returns:
        The pipeline, to be called where ZenML's active stack is the one of `stack`.

    Raises:
        RunnerError: If containers are needed and there is no image.
    """
    remote = not isinstance(stack, LocalStack)

    # Lineage has the sizes; ZenML would load each artifact again to measure it.
    @zenml_pipeline(name=plan.run.pipeline, enable_cache=False, enable_artifact_metadata=False)
    def translated() -> None:
        for step in plan.steps:
            task = Task(run=plan.run, step=step).model_dump(mode="json", exclude_defaults=True)
            configured = run_nodes.with_options(**_options(step, remote=remote))
            configured(task=task, id=step.name, after=list(step.after))

    process = {} if remote else {PROCESS: this_process()}
    options: dict[str, Any] = {
        "run_name": run_name,
        "extra": {EXTRA: packed(plan), **process},
        "tags": [project_tag(plan.run.package, key), *_tags(settings.labels)],
        "settings": _pipeline_settings(settings, remote=remote),
    }
    if schedule is not None:
        options["schedule"] = schedule
    models = {settings.models[name] for name in plan.run.registered if name in settings.models}
    # A ZenML run makes versions of one model.
    if len(models) == 1:
        options["model"] = Model(name=models.pop())
    result = translated.with_options(**options)
    result.prepare()
    return result


def _tags(labels: dict[str, str]) -> list[str]:
    """Return labels as ZenML's tags, which every stack has."""
    return [f"{name}:{value}" if value else name for name, value in labels.items()]


def _options(step: StepPlan, *, remote: bool) -> dict[str, Any]:
    own = step.settings
    options: dict[str, Any] = {"settings": {}}
    if own.retry is not None and own.retry.max_retries:
        options["retry"] = StepRetryConfig(**own.retry.model_dump())
    # A Vertex job cannot hold an empty value.
    if environment := {name: value for name, value in own.environment.items() if value}:
        options["environment"] = environment
    if remote:
        options["settings"] = _machine(step)
    return options


def _machine(step: StepPlan) -> dict[str, Any]:
    """Return the settings of a container's machine."""
    own = step.settings
    if own.gpu and own.accelerator is None:
        raise RunnerError(
            f"zenml.yml gives {step.name} {own.gpu} accelerators without their type: set "
            "accelerator, such as NVIDIA_TESLA_T4. Vertex would attach none."
        )
    if own.machine_type is not None:
        job: dict[str, Any] = {"machine_type": own.machine_type}
        if own.gpu:
            job |= {"accelerator_type": own.accelerator, "accelerator_count": own.gpu}
        return {"orchestrator": {"custom_job_parameters": job}}
    settings: dict[str, Any] = {}
    resources = ResourceSettings(cpu_count=own.cpu, memory=own.memory, gpu_count=own.gpu)
    if not resources.empty:
        settings["resources"] = resources
    if own.gpu:
        selector = {ACCELERATOR_LABEL: own.accelerator}
        settings["orchestrator"] = {"pod_settings": {"node_selectors": selector}}
    return settings


def _pipeline_settings(settings: ZenmlSettings, *, remote: bool) -> dict[str, Any]:
    if not remote:
        return {}
    if settings.image is None:
        raise RunnerError(
            "zenml.yml has no image for this environment: build the Dockerfile, push it to your "
            "registry and name it under image."
        )
    docker = DockerSettings(
        parent_image=settings.image,
        skip_build=True,
        allow_including_files_in_images=False,
        allow_download_from_code_repository=False,
        allow_download_from_artifact_store=False,
    )
    # With `--wait` the command itself waits.
    orchestrator = {"labels": settings.labels, "synchronous": False}
    return {"docker": docker, "orchestrator": orchestrator}
