"""The schema of `conf/<env>/zenml.yml`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from zenml_runner.errors import RunnerError
from zenml_runner.settings.sections import (
    AlertSettings,
    ArtifactSettings,
    ModelSettings,
    ScheduleSettings,
    Section,
    Shards,
    Shows,
)
from zenml_runner.settings.steps import ComponentSettings, Steps


class Grouping(Section):
    """The nodes that become one step, beside those that share data in memory.

    Attributes:
        by: ``node`` makes one step of each, ``namespace`` of those in a namespace, ``pipeline`` of
            all. ``registered_pipeline`` makes one step of the light nodes of each registered
            pipeline, or several where other steps lie between. Heavy nodes stay apart: those that
            run in shards, and those with the tag ``heavy`` that take no shard. A node with the tag
            ``light`` never runs in shards.
        pipelines: Registered pipelines that share a step, by the name of the step; for
            ``registered_pipeline``.
        tags: Nodes with one of these tags become one step, named after the tag.
        steps: Nodes by the name of their step.
    """

    by: Literal["node", "namespace", "pipeline", "registered_pipeline"] = "node"
    pipelines: dict[str, list[str]] = {}
    tags: list[str] = []
    steps: dict[str, list[str]] = {}

    @model_validator(mode="after")
    def _refuse_pipelines_without_effect(self) -> Self:
        if self.pipelines and self.by != "registered_pipeline":
            raise ValueError("pipelines has an effect with by: registered_pipeline only")
        return self


class Items(Section):
    """What a run works on: the measure of ``--shards auto`` and of ``sizes`` of machines.

    Attributes:
        count: A number, a parameter (``params:titles``: a number or a list) or a dataset (the rows
            of a table, the parts of a partitioned dataset, the items of a list). Of several, the
            first that can be counted when the run is planned.
        per_shard: Items of a shard; ``--shards auto`` needs it.
        max_shards: Its largest number of shards.
    """

    count: list[int | str | None] = []
    per_shard: int | None = Field(default=None, ge=1)
    max_shards: int = Field(default=1000, ge=1, le=1000)

    @field_validator("count", mode="before")
    @classmethod
    def _as_list(cls, count: Any) -> Any:
        return count if isinstance(count, list) else [count]


class FanOut(Section):
    """The nodes that run in shards, at the same time.

    Attributes:
        pipelines: Pipelines whose nodes with the shard parameter run once for each shard.
        tags: Tags whose nodes do the same.
        shards: Number of shards, or ``auto`` from the number of items; ``--shards`` wins.
        parameter: The parameter that holds a node's shard, ``{index: 1 to n, count: n}``; with
            dots where it stands in a group, such as ``execution.shard``.
        shared: Datasets, by name or type, that add up what shards write. Partitioned datasets
            without ``overwrite``, and those that append, do so anyway.
    """

    pipelines: dict[str, Literal["shards"]] = {}
    tags: dict[str, Literal["shards"]] = {}
    shards: Shards = 1
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
    """ZenML's local orchestrator and artifact store, in the process of the command.

    Attributes:
        mlflow: MLflow server of its runs.
        alerter: Name of an alerter in ZenML.
    """

    type: Literal["local"]
    mlflow: MlflowTracker | None = None
    alerter: str | None = None


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
        alerter: Name of an alerter in ZenML.
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
    alerter: str | None = None


class RegisteredStack(Section):
    """A stack that ZenML knows and zenml.yml does not describe; it is used as it is.

    Attributes:
        type: Tells it from those of zenml.yml.
        id: In ZenML.
        orchestrator: Flavor of its orchestrator.
        in_process: Whether all of its steps run in the process of the command.
        needs_server: Whether a part of it works elsewhere, so it must reach ZenML's server.
        mlflow: Its experiment tracker, if that is an MLflow server.
    """

    type: Literal["registered"] = "registered"
    id: str
    orchestrator: str
    in_process: bool
    needs_server: bool
    mlflow: MlflowTracker | None = None


ConfiguredStack = LocalStack | VertexStack
Stack = ConfiguredStack | RegisteredStack


class ZenmlSettings(Section):
    """The whole of `zenml.yml`.

    Attributes:
        stack: Name of the stack of runs without ``--stack``; one of `stacks`, or one that is
            registered with ZenML.
        stacks: By name.
        image: Container image with the project in it, for stacks that are not local.
        labels: Labels of Vertex jobs, and tags of all runs in ZenML.
        grouping: Nodes that become one step.
        items: What a run works on.
        steps: Resources, retries and the like.
        settings: ZenML's settings of a whole pipeline, by ZenML's key, such as
            ``orchestrator.kubernetes``. Those of flavors that a stack lacks have no effect there.
        fan_out: Nodes that run in shards.
        schedules: By pipeline.
        artifacts: Datasets as artifacts of ZenML.
        models: ZenML model by pipeline, or its name alone; each run creates a version linked to
            its artifacts.
        alerts: Messages to the stack's alerter.
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
    stacks: dict[str, Annotated[ConfiguredStack, Field(discriminator="type")]] = {
        "local": LocalStack(type="local", mlflow=LOCAL_TRACKER)
    }
    image: str | None = None
    labels: dict[str, str] = {}
    grouping: Grouping = Grouping()
    items: Items = Items()
    steps: Steps = Steps()
    settings: ComponentSettings = {}
    fan_out: FanOut = FanOut()
    schedules: dict[str, ScheduleSettings] = {}
    artifacts: ArtifactSettings = ArtifactSettings()
    models: dict[str, ModelSettings] = {}
    alerts: AlertSettings = AlertSettings()
    keep_in_container: list[str] = []

    def shows(self, pipelines: Sequence[str]) -> Shows:
        """Return what ZenML shows of a run.

        Args:
            pipelines: Registered names of its pipelines; their runs make versions of one model.
        """
        found = [self.models[name] for name in pipelines if name in self.models]
        one = len({model.name for model in found}) == 1
        return Shows(
            artifacts=self.artifacts,
            model=found[0] if one else None,
            followed=self.followed,
            alerts=self.alerts,
        )

    @property
    def followed(self) -> tuple[ModelSettings, ...]:
        """The models whose stages follow MLflow's aliases."""
        return tuple({model.name: model for model in self.models.values() if model.stages}.values())


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
