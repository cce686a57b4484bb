"""A Kedro session that runs a pipeline node by node, or some of its nodes.

It does what `KedroSession.run` does, in pieces: ZenML decides when each group of nodes runs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.io import AbstractVersionedDataset
from kedro.io.core import Version
from kedro.pipeline import Pipeline
from kedro.pipeline.transcoding import _strip_transcoding
from kedro.runner import SequentialRunner

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.known import (
    datasets_of,
    parameters_of,
    refuse_unknown_env,
    refuse_unknown_params,
    refuse_unknown_parts,
)
from zenml_runner.lineage import Lineage, Recorder
from zenml_runner.places import inner
from zenml_runner.plan import RunSpec, StepPlan
from zenml_runner.project import Project, settings_of
from zenml_runner.settings import Settings


class Execution:
    """A pipeline of a project, its catalog and hooks, in this process.

    Attributes:
        run: What it was made for.
        registered: All pipelines of the project.
        pipeline: The nodes of the run.
        catalog: The project's catalog.
        context: The project's context.
    """

    def __init__(
        self, project: Project, run: RunSpec, params: dict[str, Any] | None = None
    ) -> None:
        """Open a session.

        Args:
            project: The project, which this process is set up for.
            run: Pipeline, environment and parameters.
            params: More run-time parameters, of one step alone.

        Raises:
            RunnerError: If there is no such pipeline, or its slice holds no nodes.
        """
        self.project, self.run = project, run
        self._session = KedroSession.create(
            project_path=project.path,
            save_on_close=False,
            env=run.env,
            runtime_params={**run.params, **(params or {})} or None,
        )
        self._recorder = Recorder()
        self._session._hook_manager.register(self._recorder)
        self._began = False

    @cached_property
    def settings(self) -> Settings:
        """The project's `zenml.yml`, which may need variables that only the submitter has."""
        return settings_of(self.config_loader)

    @property
    def config_loader(self) -> Any:
        """What reads the project's configuration."""
        return self._session._get_config_loader()

    def refuse_unknown(self) -> None:
        """Refuse an environment that does not exist, and run-time parameters that nothing reads.

        Raises:
            RunnerError: With the nearest name.
        """
        plain = KedroSession.create(
            project_path=self.project.path, save_on_close=False, env=self.run.env
        )._get_config_loader()
        refuse_unknown_env(plain, self.run.env)
        refuse_unknown_params(self.run.params, plain)

    def load(self, *, alone: bool = False) -> None:
        """Load context, pipeline and catalog, for which the project's hooks are called.

        Args:
            alone: Whether other pipelines than that of the run need not be imported.

        Raises:
            RunnerError: If there is no such pipeline, or nothing is left of it.
        """
        if alone:
            _import_only(self.run.pipeline)
        self.context: Any = self._session.load_context()
        self.registered: dict[str, Pipeline] = dict(pipelines)
        self.pipeline: Pipeline = self._slice(self._asked())
        if self.run.pipeline != "__default__":
            self.context._pipelines_to_validate = [self.run.pipeline]
        refuse_unknown("dataset", self.run.load_versions, datasets_of(self.registered.values()))
        self.catalog: Any = self.context._get_catalog(
            save_version=self.run.version, load_versions=self.run.load_versions
        )
        self._parameters = parameters_of(self.context.config_loader)
        self._made_by_run = {_strip_transcoding(name) for name in self.pipeline.all_outputs()}

    @property
    def hooks(self) -> Any:
        """The project's hooks and those of its plugins, to be called."""
        return self._session._hook_manager.hook

    def narrow(self, names: Iterable[str]) -> None:
        """Leave only some nodes, the others having run elsewhere or before.

        Versioned data that those have written in this run are read in its version: another run may
        have written a later one since.

        Args:
            names: Of the nodes that are left.
        """
        self.pipeline = self.pipeline.filter(node_names=list(names))
        for name in self.pipeline.inputs():
            if _strip_transcoding(name) in self._made_by_run and self.run.version is not None:
                _pin(inner(self.catalog.get(name)), self.run.version)

    def begin(self) -> None:
        """Tell the hooks that the pipeline starts."""
        self.hooks.before_pipeline_run(
            run_params=self._run_params(), pipeline=self.pipeline, catalog=self.catalog
        )
        self._began = True

    def run_step(self, step: StepPlan) -> Lineage:
        """Run the nodes of a step.

        Returns:
            What was read and written.

        Raises:
            Exception: Of a node, with a note that names the node.
        """
        self._recorder.clear()
        if step.params:
            self._set_parameters(step.shard_parameter, step.params)
        part = self.pipeline.filter(node_names=list(step.nodes))
        try:
            _StepRunner().run(
                part, self.catalog, self._session._hook_manager, run_id=self.run.version
            )
        except Exception as error:
            if self._recorder.failed:
                error.add_note(f"in node {self._recorder.failed}")
            raise
        finally:
            if step.params:
                self._set_parameters(step.shard_parameter, {})
        return self._recorder.lineage(self.catalog)

    def finish(self) -> None:
        """Tell the hooks that the pipeline has run."""
        outputs = {name: self.catalog[name] for name in self.pipeline.outputs()}
        self.hooks.after_pipeline_run(
            run_params=self._run_params(),
            run_result=outputs,
            pipeline=self.pipeline,
            catalog=self.catalog,
        )

    def fail(self, error: BaseException) -> None:
        """Tell the hooks that the pipeline has failed."""
        if self._began:
            self.hooks.on_pipeline_error(
                error=error,
                run_params=self._run_params(),
                pipeline=self.pipeline,
                catalog=self.catalog,
            )

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _asked(self) -> Pipeline:
        name = self.run.pipeline
        refuse_unknown("pipeline", [name], self.registered, where=f"in {self.project.package}")
        return self.registered[name]

    def _slice(self, pipeline: Pipeline) -> Pipeline:
        refuse_unknown_parts(self.run, pipeline)
        try:
            return pipeline.filter(**self.run.slice.filters())
        except ValueError as error:
            raise RunnerError(f"Nothing of {self.run.pipeline} is left: {error}") from None

    def _set_parameters(self, name: str, params: dict[str, Any]) -> None:
        """Give the catalog one step's own parameter, validated as the project's always are."""
        loader = self.context.config_loader
        loader["parameters"] = {**self._parameters, **params}
        self.context._validated_params_cache = None
        changed = f"params:{name}"
        for key, value in self.context._get_parameters().items():
            if key in ("parameters", changed) or key.startswith(f"{changed}."):
                self.catalog[key].save(value)

    def _chosen(self) -> dict[str, Any]:
        """The slice in the names and types of `kedro run`, which plugins know."""
        chosen = {name: list(value) for name, value in self.run.slice}
        return chosen | {
            "tags": self.run.slice.tags,
            "node_names": tuple(chosen.pop("nodes")),
        }

    def _run_params(self) -> dict[str, Any]:
        from kedro import __version__

        name = None if self.run.pipeline == "__default__" else self.run.pipeline
        return {
            "run_id": self.run.version,
            "project_path": self.project.path.as_posix(),
            "env": self.context.env,
            "kedro_version": __version__,
            **self._chosen(),
            "load_versions": self.run.load_versions,
            "runtime_params": self._session.store.get("runtime_params") or {},
            "pipeline_names": [name] if name else [],
            # Plugins read the class from it, as `kedro run` writes it.
            "runner": str(SequentialRunner()),
            "only_missing_outputs": False,
        }


def _import_only(name: str) -> None:
    """Have Kedro import one pipeline, as `kedro run` does, if the project's registry lets it."""
    pipelines.set_requested([name])
    try:
        found = name in pipelines
    except Exception:  # noqa: BLE001 - a registry that joins pipelines needs the others
        found = False
    if not found:
        pipelines.set_requested(None)


def _pin(dataset: Any, version: str) -> None:
    """Let a versioned dataset load one version, if it has it and none was asked for."""
    if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:
        return
    path = str(dataset._get_versioned_path(version))
    if dataset._version.load is None and dataset._exists_function(path):
        dataset._version = Version(version, dataset._version.save)


class _StepRunner(SequentialRunner):
    """Kedro's own; how to go on after an error is told by the command."""

    @property
    def _logger(self) -> logging.Logger:
        return logging.getLogger("kedro.runner.sequential_runner")

    def _suggest_resume_scenario(self, *args: Any, **options: Any) -> None:
        pass
