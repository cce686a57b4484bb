"""The schema of `conf/<env>/zenml.yml`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zenml_runner.errors import RunnerError, did_you_mean, refuse_unknown

Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]*(KB|KiB|MB|MiB|GB|GiB|TB|TiB)$")]


class Section(BaseModel):
    """A section of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, content: Any) -> Any:
        for key in content if isinstance(content, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"no key {key!r} here; {did_you_mean(key, cls.model_fields)}")
        return content


class Retry(Section):
    """Retries of a failed step.

    Attributes:
        max_retries: Attempts after the first one.
        delay: Seconds before the first retry.
        backoff: Factor of the delay from one retry to the next; 0 and 1 leave it as it is.
    """

    max_retries: int = Field(default=1, ge=0, le=100)
    delay: int = Field(default=0, ge=0)
    backoff: int = Field(default=1, ge=0, le=60)


class StepSettings(Section):
    """Resources, retries, caching and environment of a step.

    Attributes:
        cpu: Number of cores.
        memory: Such as ``4GB``.
        gpu: Number of accelerators.
        accelerator: Vertex's name of the accelerator, such as ``NVIDIA_TESLA_T4``.
        machine_type: Vertex's machine type, such as ``n2-highmem-8``: the step runs as a custom
            job with all of its cores and memory.
        retry: Retries after a failure.
        caching: Whether the step is skipped when its code, parameters, inputs and outputs are
            unchanged since its last completed run.
        environment: Environment variables, without the empty ones. Not for secrets.
    """

    cpu: float | None = Field(default=None, gt=0)
    memory: Memory | None = None
    gpu: int | None = Field(default=None, ge=0)
    accelerator: str | None = None
    machine_type: str | None = None
    retry: Retry | None = None
    caching: bool | None = None
    environment: dict[str, str] = {}

    def overridden_by(self, other: StepSettings) -> StepSettings:
        """Return these settings with those of `other` in their place."""
        given = {name: getattr(other, name) for name in other.model_fields_set}
        if "environment" in given:
            given["environment"] = self.environment | other.environment
        return self.model_copy(update=given)


class Steps(Section):
    """ZenmlSettings of steps; those of tags win over the default, those of nodes over both.

    Attributes:
        default: For every step.
        tags: By tag of the step's nodes; later lines win.
        nodes: By name of a node in the step.
    """

    default: StepSettings = StepSettings()
    tags: dict[str, StepSettings] = {}
    nodes: dict[str, StepSettings] = {}


class Grouping(Section):
    """The nodes that become one step, beside those that share data in memory.

    Attributes:
        by: ``node`` makes one step of each, ``namespace`` of those in a namespace, ``pipeline`` of
            all.
        tags: Nodes with one of these tags become one step, named after the tag.
        steps: Nodes by the name of their step.
    """

    by: Literal["node", "namespace", "pipeline"] = "node"
    tags: list[str] = []
    steps: dict[str, list[str]] = {}


class FanOut(Section):
    """The nodes that run in shards, at the same time.

    Attributes:
        pipelines: Pipelines whose nodes with the shard parameter run once for each shard.
        tags: Tags whose nodes do the same.
        shards: Number of shards; ``--shards`` wins.
        parameter: The parameter that holds a node's shard, ``{index: 1 to n, count: n}``; with
            dots where it stands in a group, such as ``execution.shard``.
        shared: Datasets, by name or type, that add up what shards write. Partitioned datasets
            without ``overwrite``, and those that append, do so anyway.
    """

    pipelines: dict[str, Literal["shards"]] = {}
    tags: dict[str, Literal["shards"]] = {}
    shards: int = Field(default=1, ge=1, le=1000)
    parameter: str = Field(default="shard", pattern=r"^[^.\s]+(\.[^.\s]+)*$")
    shared: list[str] = []


class MlflowTracker(Section):
    """The MLflow server of a stack.

    Attributes:
        tracking_uri: Address of the server, or of a database below the project's folder for local
            stacks. The stack tracks nothing if it is None.
        secret: Name of a ZenML secret with ``tracking_token``, or ``tracking_username`` and
            ``tracking_password``. Without it these come from MLflow's environment variables.
    """

    tracking_uri: str | None = None
    secret: str | None = None


LOCAL_TRACKER = MlflowTracker(tracking_uri="sqlite:///mlruns/mlflow.db")


class LocalStack(Section):
    """ZenML's local orchestrator and artifact store, in the process of the command."""

    type: Literal["local"]
    mlflow: MlflowTracker | None = None


class VertexStack(Section):
    """Vertex AI Pipelines and the Google Cloud resources it needs.

    Attributes:
        project: Google Cloud project.
        location: Region, such as ``europe-west1``.
        artifact_store: ``gs://…`` for ZenML's artifacts.
        container_registry: Artifact Registry repository, such as
            ``europe-west1-docker.pkg.dev/my-project/books``.
        service_account: Account of the steps.
        network: Full name of a network to peer with.
        pipeline_root: ``gs://…``; below the artifact store if not given.
        connector: Name of a ZenML service connector; without it Google's default credentials.
        mlflow: MLflow server of its runs.
    """

    type: Literal["vertex"]
    project: str | None = None
    location: str | None = None
    artifact_store: str | None = None
    container_registry: str | None = None
    service_account: str | None = None
    network: str | None = None
    pipeline_root: str | None = None
    connector: str | None = None
    mlflow: MlflowTracker | None = None


Stack = Annotated[LocalStack | VertexStack, Field(discriminator="type")]


class ScheduleSettings(Section):
    """The schedule of a pipeline.

    Attributes:
        cron: Five fields, in UTC.
        params: Runtime parameters of its runs.
        shards: Number of shards.
    """

    cron: str = Field(pattern=r"^\S+( \S+){4}$")
    params: dict[str, Any] = {}
    shards: int | None = Field(default=None, ge=1, le=1000)


class ZenmlSettings(Section):
    """The whole of `zenml.yml`.

    Attributes:
        stack: Name of the stack of runs without ``--stack``.
        stacks: By name.
        image: Container image with the project in it, for stacks that are not local.
        labels: Labels of Vertex jobs, and tags of all runs in ZenML.
        grouping: Nodes that become one step.
        steps: Resources, retries and the like.
        fan_out: Nodes that run in shards.
        schedules: By pipeline.
        models: ZenML model by pipeline; each run creates a version linked to its artifacts.
        keep_in_container: Datasets that may be lost with a container's own disk.

    Example:
        ```yaml
        stack: local
        stacks:
          local:
            type: local
            mlflow: {tracking_uri: "sqlite:///mlruns/mlflow.db"}
        steps:
          default: {retry: {max_retries: 2, delay: 30, backoff: 2}}
          tags:
            heavy: {cpu: 8, memory: 32GB}
        fan_out:
          pipelines: {tune: shards}
        schedules:
          forecast: {cron: "0 5 * * 1"}
        ```
    """

    stack: str = "local"
    stacks: dict[str, Stack] = {"local": LocalStack(type="local", mlflow=LOCAL_TRACKER)}
    image: str | None = None
    labels: dict[str, str] = {}
    grouping: Grouping = Grouping()
    steps: Steps = Steps()
    fan_out: FanOut = FanOut()
    schedules: dict[str, ScheduleSettings] = {}
    models: dict[str, str] = {}
    keep_in_container: list[str] = []


def choose_stack(settings: ZenmlSettings, name: str | None) -> tuple[str, Stack]:
    """Return name and stack as requested, by default the environment's own.

    Raises:
        RunnerError: If zenml.yml has no such stack.
    """
    chosen = name or settings.stack
    refuse_unknown("stack", [chosen], settings.stacks, where="in zenml.yml")
    return chosen, settings.stacks[chosen]


def read_settings(content: dict[str, Any], origin: str) -> ZenmlSettings:
    """Validate the content of zenml.yml.

    Args:
        content: The parsed YAML.
        origin: Name of the file, for messages.

    Raises:
        RunnerError: With each unknown key and the nearest known one, and each wrong value.
    """
    try:
        return ZenmlSettings.model_validate(content)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise RunnerError("\n".join([f"{origin} has mistakes:", *lines])) from None


def _explain(problem: Any) -> str:
    where = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "value_error":
        return f"  {where}: {problem['ctx']['error']}"
    return f"  {where}: {problem['msg']}, not {problem['input']!r}"
