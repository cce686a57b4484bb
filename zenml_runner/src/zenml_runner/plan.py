"""The plan of a run, as plain data that every step receives."""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from typing import Any

from zenml_runner.settings.sections import Section, Shows
from zenml_runner.settings.steps import StepSettings

EXTRA = "kedro"
"""The key of the plan in the configuration of a ZenML run."""


class ShardSpec(Section):
    """One of `count` equal parts of the work; the index starts at 1."""

    index: int
    count: int


class Slice(Section):
    """The part of a pipeline that runs; all of it by default."""

    tags: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    from_nodes: tuple[str, ...] = ()
    to_nodes: tuple[str, ...] = ()
    from_inputs: tuple[str, ...] = ()
    to_outputs: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    def filters(self) -> dict[str, Any]:
        """Return the arguments of Kedro's `Pipeline.filter`."""
        given = {name: list(value) or None for name, value in self}
        given["node_names"] = given.pop("nodes")
        given["node_namespaces"] = given.pop("namespaces")
        return given


class RunSpec(Section):
    """The settings that all steps of a run share.

    Attributes:
        package: Package name of the Kedro project.
        pipeline: Registered name, or the joined names of several.
        pipelines: The registered names of several pipelines that run as one; none for a single one.
        env: Configuration environment; the project's own default if None.
        conf_source: Folder, archive or address of the configuration, below the project's folder
            if it is relative; the project's own if None.
        params: Runtime parameters.
        version: Version of the datasets that the run saves; None takes the start of the ZenML run,
            which a schedule cannot know beforehand.
        load_versions: By dataset.
        slice: Part of the pipeline.
        only_missing_outputs: Whether the plan leaves out nodes whose outputs exist.
        is_async: Whether a node's data are loaded and saved in threads.
        shows: What ZenML shows of it.
    """

    package: str
    pipeline: str = "__default__"
    pipelines: tuple[str, ...] = ()
    env: str | None = None
    conf_source: str | None = None
    params: dict[str, Any] = {}
    version: str | None = None
    load_versions: dict[str, str] = {}
    slice: Slice = Slice()
    only_missing_outputs: bool = False
    is_async: bool = False
    shows: Shows = Shows()

    @property
    def registered(self) -> tuple[str, ...]:
        """The registered names of its pipelines."""
        return self.pipelines or (self.pipeline,)


class StepPlan(Section):
    """One ZenML step.

    Attributes:
        name: Unique in the run.
        nodes: Names of its nodes, in their order; none if it only joins the shards before it.
        after: Names of the steps that it waits for.
        shard: Its part of the work.
        shard_parameter: Dotted name of the parameter that takes the shard.
        settings: Resources, retries and the like.
    """

    name: str
    nodes: tuple[str, ...]
    after: tuple[str, ...] = ()
    shard: ShardSpec | None = None
    shard_parameter: str = "shard"
    settings: StepSettings = StepSettings()

    @property
    def params(self) -> dict[str, Any]:
        """The runtime parameters of this step alone, nested where the parameter's name has dots."""
        if self.shard is None:
            return {}
        nested: dict[str, Any] = self.shard.model_dump()
        for key in reversed(self.shard_parameter.split(".")):
            nested = {key: nested}
        return nested


class Counted(Section):
    """What a run works on, as counted when it was planned.

    Attributes:
        items: How many.
        source: The parameter or dataset that was counted, or the number itself.
    """

    items: int
    source: str


class Plan(Section):
    """A run, step by step.

    Attributes:
        run: The settings that all steps share.
        steps: In an order in which they can run.
        resumes: Name of the run that this one resumes.
        counted: What it works on, if shards or machines depend on it.
    """

    run: RunSpec
    steps: tuple[StepPlan, ...]
    resumes: str | None = None
    counted: Counted | None = None

    @property
    def shards(self) -> int:
        """The number of shards of its nodes that fan out."""
        return max((step.shard.count for step in self.steps if step.shard), default=1)

    def without(self, done: set[str]) -> tuple[StepPlan, ...]:
        """Return the steps that are left when some are done."""
        return tuple(
            step.model_copy(update={"after": tuple(a for a in step.after if a not in done)})
            for step in self.steps
            if step.name not in done
        )


class Task(Section):
    """The input of one ZenML step."""

    run: RunSpec
    step: StepPlan


def packed(plan: Plan) -> str:
    """Return a plan as one short text.

    ZenML copies the configuration of a run to each of its steps, and walks through all of it there.
    """
    content = plan.model_dump_json(exclude_defaults=True).encode()
    return base64.b64encode(zlib.compress(content)).decode()


def plan_of(zenml_run: Any) -> Plan | None:
    """Return the plan of a ZenML run; None for runs of other origin."""
    text = zenml_run.config.extra.get(EXTRA)
    if not isinstance(text, str):
        return None
    return Plan.model_validate_json(zlib.decompress(base64.b64decode(text)))


def project_tag(package: str, key: str) -> str:
    """Return the tag of the ZenML runs of a project.

    Args:
        package: Its package name.
        key: Distinguishes it from other projects of that name.
    """
    return f"kedro:{package}:{key}"


def version_at(moment: datetime) -> str:
    """Return the version of a run that starts at a moment, as Kedro writes it."""
    return moment.strftime("%Y-%m-%dT%H.%M.%S.%f")[:-3] + "Z"


def version_of(zenml_run: Any) -> str:
    """Return the version of a run that had none when it was submitted, such as a scheduled one.

    It has whole seconds, as stores differ in their precision: all processes get the same version.
    """
    return version_at((zenml_run.start_time or zenml_run.created).replace(microsecond=0))
