"""A plan as a ZenML pipeline."""

from __future__ import annotations

from typing import Any

from zenml import Model
from zenml import pipeline as zenml_pipeline
from zenml.config import DockerSettings, ResourceSettings
from zenml.config.retry_config import StepRetryConfig
from zenml.config.schedule import Schedule
from zenml.pipelines.pipeline_definition import Pipeline

from zenml_runner.errors import RunnerError
from zenml_runner.plan import EXTRA, Plan, StepPlan, Task, project_tag
from zenml_runner.processes import PROCESS, this_process
from zenml_runner.settings import LocalStack, Settings, Stack
from zenml_runner.steps import run_nodes

ACCELERATOR_LABEL = "cloud.google.com/gke-accelerator"
"""Where ZenML's Vertex orchestrator looks for the kind of accelerator."""


def to_zenml(
    plan: Plan, settings: Settings, stack: Stack, *, run_name: str, schedule: Schedule | None = None
) -> Pipeline:
    """Make a static ZenML pipeline of a plan.

    Args:
        plan: The plan.
        settings: For image and labels.
        stack: What it will run on.
        run_name: Of the ZenML run; a template for schedules.
        schedule: When it runs by itself.

    Returns:
        The pipeline, to be called where ZenML's active stack is the one of `stack`.

    Raises:
        RunnerError: If containers are needed and there is no image.
    """
    remote = not isinstance(stack, LocalStack)

    # Metadata come from the catalog; ZenML would load each artifact again to tell its size.
    @zenml_pipeline(name=plan.run.pipeline, enable_cache=False, enable_artifact_metadata=False)
    def translated() -> None:
        for step in plan.steps:
            task = Task(run=plan.run, step=step, steps=tuple(s.name for s in plan.steps))
            configured = run_nodes.with_options(**_options(step, remote=remote))
            configured(task=task.model_dump(mode="json"), id=step.name, after=list(step.after))

    options: dict[str, Any] = {
        "run_name": run_name,
        "extra": {EXTRA: plan.model_dump(mode="json"), **_process(remote=remote)},
        "tags": [project_tag(plan.run.package)],
        "settings": _pipeline_settings(settings, remote=remote),
    }
    if schedule is not None:
        options["schedule"] = schedule
    if model := settings.models.get(plan.run.pipeline):
        options["model"] = Model(name=model)
    result = translated.with_options(**options)
    result.prepare()
    return result


def _process(*, remote: bool) -> dict[str, Any]:
    """Which process runs all steps, if one does."""
    return {} if remote else {PROCESS: this_process()}


def _options(step: StepPlan, *, remote: bool) -> dict[str, Any]:
    own = step.settings
    options: dict[str, Any] = {"settings": {}}
    if own.retry is not None and own.retry.max_retries:
        options["retry"] = StepRetryConfig(**own.retry.model_dump())
    # Vertex's jobs have no place for an empty value.
    if environment := {name: value for name, value in own.environment.items() if value}:
        options["environment"] = environment
    if remote:
        options["settings"] = _machine(step)
    return options


def _machine(step: StepPlan) -> dict[str, Any]:
    """Settings of what a container runs on."""
    own = step.settings
    if own.gpu and own.accelerator is None:
        raise RunnerError(
            f"zenml.yml gives {step.name} {own.gpu} accelerators but does not say which: name them "
            "under accelerator, such as NVIDIA_TESLA_T4. Vertex gives none otherwise."
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


def _pipeline_settings(settings: Settings, *, remote: bool) -> dict[str, Any]:
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
    # The command itself waits if it is told to; see `--wait`.
    orchestrator = {"labels": settings.labels, "synchronous": False}
    return {"docker": docker, "orchestrator": orchestrator}
