"""The Kedro session in which the nodes of a step run.

On ZenML's local orchestrator all steps run in the process that typed the command. It has one Kedro
session: pipeline hooks are called once, before the first step and after the last.

Elsewhere each step is a process of its own, and a Kedro run of its nodes: pipeline hooks are called
in each, with the step's nodes as the pipeline. The MLflow run is active before the session starts,
so plugins join it and open none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from zenml_runner.client import name_own_modules_in_full, wait_for_server
from zenml_runner.errors import NoServerError
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.project import open_project, run_group
from zenml_runner.kedro_project.shard_writes import ShardWrites
from zenml_runner.plan import StepPlan, Task, plan_of, version_of
from zenml_runner.steps import caching
from zenml_runner.steps.records import StepRecords, describe
from zenml_runner.tracking.mlflow_run import (
    active_run_id,
    changed_params_as_tags,
    close,
    link,
    start_run,
    tracked_step,
)

NODES_DONE = "nodes_done"
"""A step's metadata once its nodes have run; pipelines of a plugin's class have it."""

MAX_REASON = 200
"""Characters of an error in the line of its step."""

_local_run: LocalRun | None = None


def run(task: Task, context: Any) -> None:
    """Run a step in the session of the whole run, or in its own where there is none.

    Args:
        task: The step's parameter.
        context: ZenML's step context.
    """
    if _local_run is not None:
        _local_run.run_step(task.step, context)
    else:
        run_in_own_session(task, context)


def run_in_own_session(task: Task, context: Any) -> None:
    """Run a step as a Kedro run of its nodes; a step without nodes needs no session."""
    if not task.step.nodes:
        return
    project = open_project()
    zenml_run = context.pipeline_run
    run = task.run.model_copy(update={"version": task.run.version or version_of(zenml_run)})
    plan = plan_of(zenml_run)
    steps = [step.name for step in plan.steps] if plan else [task.step.name]
    with run_group(zenml_run.name), tracked_step(zenml_run, run, task.step.name, steps):
        mlflow_run = active_run_id()
        execution = Execution(project, run, task.step.params)
        execution.load(alone=True)
        execution.narrow(task.step.nodes)
        records = StepRecords(project.package, run.shows, whole=False)
        if not task.step.after:
            records.begin(project.path, context)
        former = caching.former_run(execution, task.step)
        if former is not None:
            records.cached(task.step, context, former)
            if records.has_end and _is_last(zenml_run, steps):
                records.end(zenml_run.name, zenml_run.model_version, mlflow_run)
            return
        with execution.session:
            execution.begin()
            try:
                lineage = execution.run_step(task.step, _writes(execution, task.step))
                wait_for_server()
            except Exception as error:
                _record_failure(records, context, execution, error)
                execution.fail(error)
                raise
            records.done(task.step, context, lineage, execution.data)
            watched = records.has_end or execution.is_special
            last = watched and _is_last(zenml_run, steps)
            execution.finish(last=last)
        if last and records.has_end:
            records.end(zenml_run.name, zenml_run.model_version, mlflow_run)


def _is_last(zenml_run: Any, steps: Sequence[str]) -> bool:
    """Return whether the nodes of all steps have run, now that those of this one have.

    Each step writes before it reads, so of steps that end at once at least one sees all.
    """
    from zenml import log_metadata
    from zenml.client import Client

    log_metadata({NODES_DONE: True})
    found = Client().get_pipeline_run(zenml_run.id).steps
    return all(
        name in found and (found[name].run_metadata.get(NODES_DONE) or _has_completed(found[name]))
        for name in steps
    )


def _has_completed(step: Any) -> bool:
    return step.status.value in ("completed", "cached")


@dataclass
class LocalRun:
    """A run whose steps all run in this process.

    Attributes:
        execution: A loaded execution.
        on_step: Called after each attempt of a step with the step's name, seconds, and "done",
            "cached", or "failed" and the reason.
        tracking_uri: MLflow's address for runs that no plugin of the project tracks.
        errors: By step, the error of the last attempt where it has failed.
        zenml_run: Id of the run in ZenML, once it has begun.
    """

    execution: Execution
    on_step: Callable[[str, float, str], None]
    tracking_uri: str | None
    errors: dict[str, Exception] = field(default_factory=dict)
    zenml_run: Any = None
    _name: str = ""
    _model_version: Any = None
    _own_mlflow_run: bool = False
    _mlflow_run: str | None = None
    _records: StepRecords = field(init=False)

    def __post_init__(self) -> None:
        """Record the steps of this run together."""
        run = self.execution.run
        self._records = StepRecords(run.package, run.shows, whole=True)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Run all steps of this process, and report the run's end to the hooks."""
        global _local_run  # noqa: PLW0603 - ZenML passes a step its parameters alone
        _local_run = self
        with changed_params_as_tags(), self.execution.session:
            try:
                self.execution.begin()
                yield
            except BaseException as error:
                self._end(error)
                raise
            else:
                self._end(None)
            finally:
                _local_run = None

    def run_step(self, step: StepPlan, context: Any) -> None:
        """Run a step in the session of the whole run."""
        started = time.perf_counter()
        try:
            if self.zenml_run is None:
                self._link(context.pipeline_run)
                self._records.begin(self.execution.project.path, context)
            former = caching.former_run(self.execution, step)
            if former is None:
                lineage = self.execution.run_step(step, _writes(self.execution, step))
                wait_for_server()
                self._records.done(step, context, lineage, self.execution.data)
            else:
                self._records.cached(step, context, former)
        except Exception as error:
            self.errors[step.name] = error
            _record_failure(self._records, context, self.execution, error)
            self.on_step(step.name, time.perf_counter() - started, _failure(step, error))
            raise
        self.errors.pop(step.name, None)
        self.on_step(
            step.name, time.perf_counter() - started, "done" if former is None else "cached"
        )

    @property
    def name(self) -> str:
        """Name of the ZenML run; empty until it has begun."""
        return self._name

    def _link(self, zenml_run: Any) -> None:
        self.zenml_run, self._name = zenml_run.id, zenml_run.name
        self._model_version = zenml_run.model_version
        self._mlflow_run = active_run_id()
        if self._mlflow_run is None and self.tracking_uri is not None:
            self._own_mlflow_run = True
            self._mlflow_run = start_run(self.tracking_uri, self.execution.run, zenml_run.name)
        if self._mlflow_run is not None:
            link(self._mlflow_run, zenml_run)

    def _end(self, error: BaseException | None) -> None:
        """Call the last hooks, whose own errors count too, and close the MLflow run."""
        failure = error
        try:
            if error is None:
                self.execution.finish()
            else:
                self.execution.fail(next(iter(self.errors.values()), error))
        except BaseException as own:
            failure = failure or own
            raise
        finally:
            self._record_end(failure)

    def _record_end(self, failure: BaseException | None) -> None:
        completed = failure is None
        mlflow_run = self._mlflow_run or active_run_id()
        if completed and self.zenml_run is not None:
            self._records.end(self._name, self._model_version, mlflow_run)
        elif isinstance(failure, Exception) and not self.errors:
            self._records.failed_outside(self._name, failure)
        if mlflow_run is not None and (self._own_mlflow_run or not completed):
            close(mlflow_run, completed=completed)


def _record_failure(
    records: StepRecords, context: Any, execution: Execution, error: Exception
) -> None:
    """Record a failed step as soon as ZenML's server answers."""
    if isinstance(error, NoServerError):
        return
    with suppress(NoServerError):
        wait_for_server()
        records.failed(context, execution.data)


def _writes(execution: Execution, step: StepPlan) -> ShardWrites | None:
    """Return what compares the writes of a shard with those of others; None for a whole."""
    if step.shard is None or step.shard.count < 2:
        return None
    from zenml.client import Client

    name_own_modules_in_full()
    store = Client().active_stack.artifact_store
    return ShardWrites(store, execution.run, step, execution.catalog)


def _failure(step: StepPlan, error: Exception) -> str:
    """Describe a failed attempt; ZenML decides whether another one follows."""
    retry = step.settings.retry
    more = f", {retry.max_retries} retries at most" if retry and retry.max_retries else ""
    return f"failed ({describe(error)[:MAX_REASON]}{more})"
