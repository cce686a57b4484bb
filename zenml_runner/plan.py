"""What is to run, as plain data that travels to every step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from zenml_runner.settings import Section, StepSettings

EXTRA = "kedro"
"""Where the plan stands in the configuration of a ZenML run."""


class Shard(Section):
    """One of several equal parts of the work.

    Attributes:
        index: From 1 to the count.
        count: How many parts there are.
    """

    index: int
    count: int


class Slice(Section):
    """Which part of a pipeline runs; everything where nothing is given."""

    tags: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    from_nodes: tuple[str, ...] = ()
    to_nodes: tuple[str, ...] = ()
    from_inputs: tuple[str, ...] = ()
    to_outputs: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    def filters(self) -> dict[str, Any]:
        """The arguments of Kedro's `Pipeline.filter`."""
        given = {name: list(value) or None for name, value in self}
        given["node_names"] = given.pop("nodes")
        given["node_namespaces"] = given.pop("namespaces")
        return given


class RunSpec(Section):
    """What all steps of a run share.

    Attributes:
        package: Of the Kedro project.
        pipeline: Registered name.
        env: Configuration environment; the project's own default if None.
        params: Run-time parameters.
        version: Under which versioned datasets are saved; None takes the start of the ZenML run,
            which a schedule cannot know beforehand.
        load_versions: By dataset.
        slice: Part of the pipeline.
    """

    package: str
    pipeline: str = "__default__"
    env: str | None = None
    params: dict[str, Any] = {}
    version: str | None = None
    load_versions: dict[str, str] = {}
    slice: Slice = Slice()


class StepPlan(Section):
    """One ZenML step.

    Attributes:
        name: Unique in the run.
        nodes: Which it runs, in their order.
        after: Steps that it waits for.
        shard: Its part of the work, with the parameter that takes it.
        shard_parameter: Name of that parameter.
        settings: What it gets.
    """

    name: str
    nodes: tuple[str, ...]
    after: tuple[str, ...] = ()
    shard: Shard | None = None
    shard_parameter: str = "shard"
    settings: StepSettings = StepSettings()

    @property
    def params(self) -> dict[str, Any]:
        """The run-time parameters of this step alone."""
        return {self.shard_parameter: self.shard.model_dump()} if self.shard else {}


class Plan(Section):
    """A run, step by step.

    Attributes:
        run: What all steps share.
        steps: In an order in which they can run.
        resumes: Name of the run that this one goes on with.
    """

    run: RunSpec
    steps: tuple[StepPlan, ...]
    resumes: str | None = None

    def without(self, done: set[str]) -> tuple[StepPlan, ...]:
        """The steps that are left when some are done."""
        return tuple(
            step.model_copy(update={"after": tuple(a for a in step.after if a not in done)})
            for step in self.steps
            if step.name not in done
        )


class Task(Section):
    """What one step is given.

    Attributes:
        run: What all steps share.
        step: What this one does.
        steps: Names of all steps of the run.
    """

    run: RunSpec
    step: StepPlan
    steps: tuple[str, ...]


def plan_of(zenml_run: Any) -> Plan | None:
    """The plan that a ZenML run was made from; None for runs of other origin."""
    extra: Mapping[str, Any] = zenml_run.config.extra
    return Plan.model_validate(extra[EXTRA]) if EXTRA in extra else None


def project_tag(package: str) -> str:
    """What marks the ZenML runs of a project."""
    return f"kedro:{package}"


def version_at(moment: datetime) -> str:
    """The version under which a run that starts at a moment saves, as Kedro writes it."""
    return moment.strftime("%Y-%m-%dT%H.%M.%S.%f")[:-3] + "Z"


def version_of(zenml_run: Any) -> str:
    """The version of a run that had none when it was submitted, such as a scheduled one.

    All its processes come to the same: stores differ in what they keep of a second.
    """
    return version_at((zenml_run.start_time or zenml_run.created).replace(microsecond=0))
