"""What `conf/<env>/zenml.yml` may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zenml_runner.errors import RunnerError, did_you_mean, refuse_unknown

Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]*(KB|KiB|MB|MiB|GB|GiB|TB|TiB)$")]


class Section(BaseModel):
    """A part of the file; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_all_keys(cls, content: Any) -> Any:
        for key in content if isinstance(content, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"no key {key!r} here; {did_you_mean(key, cls.model_fields)}")
        return content


class Retry(Section):
    """How often a step that fails is tried again.

    Attributes:
        max_retries: Attempts after the first one.
        delay: Seconds before the first of them.
        backoff: By what the delay is multiplied each time; 0 and 1 keep it.
    """

    max_retries: int = Field(default=1, ge=0, le=100)
    delay: int = Field(default=0, ge=0)
    backoff: int = Field(default=1, ge=0, le=60)


class StepSettings(Section):
    """What a step gets.

    Attributes:
        cpu: Cores.
        memory: Such as ``4GB``.
        gpu: How many accelerators.
        accelerator: Which, in Vertex's words, such as ``NVIDIA_TESLA_T4``.
        machine_type: Of Vertex, such as ``n2-highmem-8``: the step runs as a custom job on it,
            with all of its cores and memory.
        retry: What happens when it fails.
        caching: Whether the step is left out where its code, parameters and data are those of the
            last time that it completed, and what it wrote is still there.
        environment: Environment variables of its process, empty ones left out. No place for
            secrets.
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
        """These settings with those that the other one has in their place."""
        given = {name: getattr(other, name) for name in other.model_fields_set}
        if "environment" in given:
            given["environment"] = self.environment | other.environment
        return self.model_copy(update=given)


class Steps(Section):
    """Settings of steps; those of tags win over the default, those of nodes over both.

    Attributes:
        default: For every step.
        tags: By a tag of the step's nodes; of several, later lines win.
        nodes: By the name of a node in the step.
    """

    default: StepSettings = StepSettings()
    tags: dict[str, StepSettings] = {}
    nodes: dict[str, StepSettings] = {}


class Grouping(Section):
    """Which nodes become one step, beside those that hand on data in memory.

    Attributes:
        by: ``node`` keeps nodes apart, ``namespace`` joins those of a namespace, ``pipeline`` all.
        tags: Nodes with one of these tags become one step, named after the tag.
        steps: Nodes by the name of the step that they become.
    """

    by: Literal["node", "namespace", "pipeline"] = "node"
    tags: list[str] = []
    steps: dict[str, list[str]] = {}


class FanOut(Section):
    """What runs in shards, at the same time.

    Attributes:
        pipelines: Pipelines whose nodes with the shard parameter run once for each shard.
        tags: The same for nodes with a tag.
        shards: How many; ``--shards`` wins.
        parameter: The parameter that tells a node its shard: ``{index: 1 to n, count: n}``.
    """

    pipelines: dict[str, Literal["shards"]] = {}
    tags: dict[str, Literal["shards"]] = {}
    shards: int = Field(default=1, ge=1, le=1000)
    parameter: str = "shard"


class MlflowTracker(Section):
    """Where runs are tracked.

    Attributes:
        tracking_uri: Of an MLflow server; for local stacks also a database of the project's, whose
            path counts from its folder. Nothing is tracked by the stack where it is None.
        secret: Name of a ZenML secret with ``tracking_token``, or ``tracking_username`` and
            ``tracking_password``. Without it these come from MLflow's environment variables.
    """

    tracking_uri: str | None = None
    secret: str | None = None


LOCAL_TRACKER = MlflowTracker(tracking_uri="sqlite:///mlruns/mlflow.db")


class LocalStack(Section):
    """ZenML's local orchestrator and artifact store, in the process that types the command."""

    type: Literal["local"]
    mlflow: MlflowTracker | None = None


class VertexStack(Section):
    """Vertex AI Pipelines, with everything else it needs on Google Cloud.

    Attributes:
        project: Google Cloud project.
        location: Region, such as ``europe-west1``.
        artifact_store: ``gs://…`` for what ZenML keeps.
        container_registry: Artifact Registry repository, such as
            ``europe-west1-docker.pkg.dev/my-project/books``.
        service_account: Which the steps run as.
        network: Full name of a network to peer with.
        pipeline_root: ``gs://…``; below the artifact store if not given.
        connector: Name of a ZenML service connector; without it Google's default credentials.
        mlflow: Where runs are tracked.
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


class Schedule(Section):
    """When a pipeline runs by itself.

    Attributes:
        cron: Five fields, in UTC.
        params: Run-time parameters of its runs.
        shards: For pipelines that fan out.
    """

    cron: str = Field(pattern=r"^\S+( \S+){4}$")
    params: dict[str, Any] = {}
    shards: int | None = Field(default=None, ge=1, le=1000)


class Settings(Section):
    """The whole of `zenml.yml`.

    Attributes:
        stack: Which of the stacks a run uses without ``--stack``.
        stacks: By name.
        image: Container image with the project in it, for stacks that are not local.
        labels: Of runs, on Vertex too.
        grouping: Which nodes become one step.
        steps: What steps get.
        fan_out: What runs in shards.
        schedules: By pipeline.
        models: By pipeline, the ZenML model of which each run makes a version with its artifacts.
        keep_in_container: Datasets that may be written to a container's own disk and lost with it.

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
    schedules: dict[str, Schedule] = {}
    models: dict[str, str] = {}
    keep_in_container: list[str] = []


def choose_stack(settings: Settings, name: str | None) -> tuple[str, Stack]:
    """The stack that was asked for, or the one of the environment.

    Raises:
        RunnerError: If zenml.yml has no such stack.
    """
    chosen = name or settings.stack
    refuse_unknown("stack", [chosen], settings.stacks, where="in zenml.yml")
    return chosen, settings.stacks[chosen]


def read_settings(content: dict[str, Any], origin: str) -> Settings:
    """Check the content of zenml.yml.

    Args:
        content: As YAML gives it.
        origin: The file, for messages.

    Returns:
        The settings.

    Raises:
        RunnerError: Names each key that is unknown, with the nearest one, or has a wrong value.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise RunnerError("\n".join([f"{origin} has mistakes:", *lines])) from None


def _explain(problem: Any) -> str:
    where = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "value_error":
        return f"  {where}: {problem['ctx']['error']}"
    return f"  {where}: {problem['msg']}, not {problem['input']!r}"
