"""Calls the hooks around a pipeline, with what `kedro run` gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kedro
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from zenml_runner.kedro_project.sessions import Session
from zenml_runner.plan import RunSpec


class PipelineHooks:
    """The hooks of a project and its plugins around the pipeline of one run."""

    def __init__(self, session: Session, project: Path, run: RunSpec) -> None:
        """Prepare the calls.

        Args:
            session: The session, whose context is loaded before the first call.
            project: Folder of the project.
            run: Pipeline, environment and parameters.
        """
        self._session, self._project, self._run = session, project, run
        self._began = False

    @property
    def add_datasets(self) -> bool:
        """Whether one runs before the pipeline, which may add datasets to the catalog."""
        return bool(self._hooks.before_pipeline_run.get_hookimpls())

    def before(self, pipeline: Pipeline, catalog: Any, env: str) -> None:
        """Call `before_pipeline_run`."""
        self._env = env
        self._hooks.before_pipeline_run(
            run_params=self.run_params(env), pipeline=pipeline, catalog=catalog
        )
        self._began = True

    def after(self, pipeline: Pipeline, catalog: Any, result: dict[str, Any]) -> None:
        """Call `after_pipeline_run`.

        Args:
            pipeline: The pipeline that has run.
            catalog: Its catalog.
            result: The datasets that no node of it reads, by name.
        """
        self._hooks.after_pipeline_run(
            run_params=self.run_params(self._env),
            run_result=result,
            pipeline=pipeline,
            catalog=catalog,
        )

    def failed(self, error: BaseException, pipeline: Pipeline, catalog: Any) -> None:
        """Call `on_pipeline_error`, unless the pipeline has not started."""
        if self._began:
            self._hooks.on_pipeline_error(
                error=error,
                run_params=self.run_params(self._env),
                pipeline=pipeline,
                catalog=catalog,
            )

    def run_params(self, env: str) -> dict[str, Any]:
        """Return the run in the names and types of `kedro run`, which plugins read."""
        run = self._run
        part = {name: list(value) for name, value in run.slice if name != "nodes"}
        return {
            "run_id": run.version,
            "project_path": self._project.as_posix(),
            "env": env,
            "kedro_version": kedro.__version__,
            **part,
            "tags": run.slice.tags,
            "node_names": run.slice.nodes,
            "load_versions": run.load_versions,
            "runtime_params": self._session.params,
            "pipeline_names": [] if run.registered == ("__default__",) else list(run.registered),
            # Plugins parse the class out of this text.
            "runner": str(SequentialRunner(is_async=run.is_async)),
            "only_missing_outputs": run.only_missing_outputs,
        }

    @property
    def _hooks(self) -> Any:
        return self._session.hook_manager.hook
