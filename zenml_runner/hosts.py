"""Where the nodes of a step run: in the session of the whole run, or in one of their own.

On ZenML's local orchestrator all steps run in the process that typed the command. It has one Kedro
session: pipeline hooks are called once, at the first step and after the last.

Elsewhere each step is a process of its own, and a Kedro run of its nodes: pipeline hooks are called
in each, with the step's nodes as the pipeline. An MLflow run is open before the session starts, so
that plugins find it and open none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from zenml_runner import caching
from zenml_runner.execution import Execution
from zenml_runner.lineage import Lineage
from zenml_runner.plan import StepPlan, Task, version_of
from zenml_runner.project import open_project
from zenml_runner.tracking import (
    close,
    forgiving_parameters,
    link,
    opened_run,
    tracked_step,
)

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
    run = task.run.model_copy(update={"version": task.run.version or version_of(zenml_run)})
    with tracked_step(zenml_run, run, task.step.name, task.steps):
        execution = Execution(project, run, task.step.params)
        execution.load(alone=True)
        execution.narrow(task.step.nodes)
        lineage = caching.previous(execution, task.step)
        if lineage is not None:
            return lineage
        execution.begin()
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
    """

    def __init__(
        self,
        execution: Execution,
        on_step: Callable[[str, float, str], None],
        tracking_uri: str | None,
    ) -> None:
        """Make a host.

        Args:
            execution: A loaded one.
            on_step: Called after each attempt of a step with the step's name, seconds, and "done",
                "cached", or "failed" and why.
            tracking_uri: Where the run is tracked if no plugin of the project tracks it.
        """
        self._execution = execution
        self._on_step = on_step
        self._tracking_uri = tracking_uri
        self._own_mlflow_run = False
        self._mlflow_run: str | None = None
        self.errors: dict[str, Exception] = {}
        self.zenml_run: Any = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Take all steps of this process, and tell the hooks at last how the run has ended."""
        global _of_whole_run  # noqa: PLW0603 - ZenML hands a step its parameters alone
        _of_whole_run = self
        with forgiving_parameters():
            try:
                self._execution.begin()
                yield
            except BaseException as error:
                self._end(error)
                raise
            else:
                self._end(None)
            finally:
                _of_whole_run = None

    def run_step(self, step: StepPlan, context: Any) -> Lineage:
        """Run a step in the session of the whole run."""
        started = time.perf_counter()
        try:
            if self.zenml_run is None:
                self._link(context.pipeline_run)
            lineage = caching.previous(self._execution, step)
            outcome = "done" if lineage is None else "cached"
            if lineage is None:
                lineage = self._execution.run_step(step)
        except Exception as error:
            self.errors[step.name] = error
            self._on_step(step.name, time.perf_counter() - started, _told(step, error))
            raise
        self.errors.pop(step.name, None)
        self._on_step(step.name, time.perf_counter() - started, outcome)
        return lineage

    def _link(self, zenml_run: Any) -> None:
        self.zenml_run = zenml_run.id
        self._mlflow_run = opened_run()
        if self._mlflow_run is None and self._tracking_uri is not None:
            self._own_mlflow_run = True
            self._mlflow_run = opened_run(self._tracking_uri, self._execution.run, zenml_run.name)
        if self._mlflow_run is not None:
            link(self._mlflow_run, zenml_run)

    def _end(self, error: BaseException | None) -> None:
        """Tell the hooks, whose own errors count too, and close the MLflow run."""
        completed = False
        try:
            if error is None:
                self._execution.finish()
                completed = True
            else:
                self._execution.fail(next(iter(self.errors.values()), error))
        finally:
            mlflow_run = self._mlflow_run or opened_run()
            if mlflow_run is not None and (self._own_mlflow_run or not completed):
                close(mlflow_run, completed=completed)


def _told(step: StepPlan, error: Exception) -> str:
    """How a failed attempt is told; whether another one follows is ZenML's to count."""
    retry = step.settings.retry
    more = f", {retry.max_retries} retries at most" if retry and retry.max_retries else ""
    first_line = next(iter(str(error).splitlines()), "")[:200]
    return f"failed ({type(error).__name__}: {first_line}{more})"
