"""Where the nodes of a step run: in the session of the whole run, or in one of their own.

On ZenML's local orchestrator all steps run in the process that typed the command. It has one Kedro
session: pipeline hooks are called once, at the first step and after the last.

Elsewhere each step is a process of its own, and a Kedro run of its nodes: pipeline hooks are called
in each, with the step's nodes as the pipeline. An MLflow run is open before the session starts, so
that plugins find it and open none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from zenml_runner import caching
from zenml_runner.execution import Execution
from zenml_runner.lineage import Lineage
from zenml_runner.plan import StepPlan
from zenml_runner.project import open_project
from zenml_runner.steps import Task
from zenml_runner.tracking import forgiving_parameters, link, opened_run, tracked_step

_of_whole_run: WholeRun | None = None


def run(task: Task, context: Any) -> Lineage:
    """Run a step where it belongs.

    Args:
        task: The step's parameter.
        context: ZenML's step context.

    Returns:
        What was read and written.
    """
    if _of_whole_run is not None:
        return _of_whole_run.run_step(task.step, context)
    return run_alone(task, context)


def run_alone(task: Task, context: Any) -> Lineage:
    """Run a step in a Kedro session of its own."""
    project = open_project()
    zenml_run = context.pipeline_run
    started = zenml_run.start_time or zenml_run.created
    version = task.run.version or started.strftime("%Y-%m-%dT%H.%M.%S.000Z")
    run = task.run.model_copy(update={"version": version})
    with tracked_step(zenml_run, run, task.step.name, task.steps):
        execution = Execution(project, run, task.step.params)
        execution.load(alone=True)
        lineage = caching.previous(execution, task.step)
        if lineage is not None:
            return lineage
        execution.begin(task.step.nodes)
        try:
            lineage = execution.run_step(task.step)
        except Exception as error:
            execution.fail(error)
            raise
        execution.finish()
        return lineage


class WholeRun:
    """A run of which all steps run in this process.

    Attributes:
        errors: Of the steps whose last attempt has failed, by name.
        zenml_run: Id of the run in ZenML, once it has begun.
        mlflow_run: Id of the run in MLflow, if there is one.
    """

    def __init__(
        self,
        execution: Execution,
        on_step: Callable[[StepPlan, float, str], None],
        tracking_uri: str | None,
    ) -> None:
        """Make a host.

        Args:
            execution: A loaded one.
            on_step: Called after each step with its seconds and "done", "cached" or "failed".
            tracking_uri: Where the run is tracked if no plugin of the project tracks it.
        """
        self._execution = execution
        self._on_step = on_step
        self._tracking_uri = tracking_uri
        self._own_mlflow_run = False
        self._forgiving: Any = None
        self._begun = False
        self.errors: dict[str, Exception] = {}
        self.zenml_run: Any = None
        self.mlflow_run: str | None = None

    def __enter__(self) -> Self:
        """Take all steps of this process from now on."""
        global _of_whole_run  # noqa: PLW0603 - ZenML hands a step its parameters alone
        _of_whole_run = self
        self._forgiving = forgiving_parameters()
        self._forgiving.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell the hooks how the run has ended."""
        global _of_whole_run  # noqa: PLW0603
        _of_whole_run = None
        try:
            if self._begun:
                self._end(error)
        finally:
            self._forgiving.__exit__(None, None, None)

    def run_step(self, step: StepPlan, context: Any) -> Lineage:
        """Run a step in the session of the whole run."""
        started = time.perf_counter()
        try:
            if not self._begun:
                self._begin(context)
            lineage = caching.previous(self._execution, step)
            outcome = "done" if lineage is None else "cached"
            if lineage is None:
                lineage = self._execution.run_step(step)
        except Exception as error:
            self.errors[step.name] = error
            self._on_step(step, time.perf_counter() - started, _told(step, error))
            raise
        self.errors.pop(step.name, None)
        self._on_step(step, time.perf_counter() - started, outcome)
        return lineage

    def _begin(self, context: Any) -> None:
        self._begun = True
        self._execution.begin()
        zenml_run = context.pipeline_run
        self.zenml_run = zenml_run.id
        self.mlflow_run = opened_run()
        if self.mlflow_run is None and self._tracking_uri is not None:
            self._own_mlflow_run = True
            self.mlflow_run = opened_run(self._tracking_uri, self._execution.run, zenml_run.name)
        if self.mlflow_run is not None:
            link(self.mlflow_run, zenml_run)

    def _end(self, error: BaseException | None) -> None:
        if error is None:
            self._execution.finish()
        else:
            self._execution.fail(next(iter(self.errors.values()), error))
        if self._own_mlflow_run:
            import mlflow

            mlflow.end_run("FINISHED" if error is None else "FAILED")


def _told(step: StepPlan, error: Exception) -> str:
    """How a failed attempt is told; whether another one follows is ZenML's to count."""
    retry = step.settings.retry
    more = f", {retry.max_retries} retries at most" if retry and retry.max_retries else ""
    return f"failed ({type(error).__name__}: {str(error).partition(chr(10))[0][:200]}{more})"
