"""A Kedro session that runs a pipeline node by node, or some of its nodes.

It does the work of `KedroSession.run` in pieces: ZenML decides when each group of nodes runs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from kedro.framework.project import pipelines
from kedro.framework.project import settings as project_settings
from kedro.io import AbstractVersionedDataset
from kedro.io.core import Version
from kedro.pipeline import Pipeline
from kedro.pipeline.transcoding import _strip_transcoding
from kedro.runner import SequentialRunner

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.catalog import unwrap
from zenml_runner.kedro_project.conf_source import resolved
from zenml_runner.kedro_project.lineage import LineageRecorder, StepLineage
from zenml_runner.kedro_project.project import Project, settings_of
from zenml_runner.kedro_project.sessions import Session
from zenml_runner.kedro_project.shard_writes import ShardWrites
from zenml_runner.kedro_project.validation import (
    dataset_names,
    parameters_of,
    refuse_missing_inputs,
    refuse_unknown_parts,
)
from zenml_runner.plan import RunSpec, StepPlan, deep_merge, inputs_with
from zenml_runner.settings.zenml_yml import ZenmlSettings

NODE_NOTE = "in node "
"""How the note of an error begins that names its node."""


class Execution:
    """A pipeline of a project, its catalog and hooks, in this process.

    Attributes:
        run: Pipeline, environment and parameters.
        registered: All pipelines of the project.
        pipeline: The nodes of the run.
        catalog: The project's catalog.
        context: The project's context.
        parameters: The parameters as the project's hooks leave them.
    """

    def __init__(
        self, project: Project, run: RunSpec, params: dict[str, Any] | None = None
    ) -> None:
        """Open a session.

        Args:
            project: The opened project.
            run: Pipeline, environment and parameters.
            params: More runtime parameters, of one step alone.
        """
        self.project, self.run = project, run
        self.session = Session(
            run.env, deep_merge(run.params, params or {}), resolved(project, run.conf_source)
        )
        self._recorder = LineageRecorder()
        self.session.hook_manager.register(self._recorder)
        self._began = False

    @cached_property
    def settings(self) -> ZenmlSettings:
        """The project's `zenml.yml`; it may read variables that only the submitter has."""
        return settings_of(self.config_loader)

    @property
    def config_loader(self) -> Any:
        """The loader of the project's configuration."""
        return self.session.config_loader

    def load(self, *, alone: bool = False) -> None:
        """Load context, pipeline and catalog; this calls the project's hooks.

        Args:
            alone: Whether to import the run's pipelines alone.

        Raises:
            RunnerError: If there is no such pipeline, or its slice is empty.
        """
        if alone:
            _import_only(self.run.registered)
        self.context: Any = self.session.load_context()
        self.registered: dict[str, Pipeline] = dict(pipelines)
        self.pipeline: Pipeline = self._slice()
        self._whole = self._announced = self.pipeline
        self._nodes = {node.name: node for node in self.pipeline.nodes}
        if "__default__" not in self.run.registered:
            self.context._pipelines_to_validate = list(self.run.registered)
        refuse_unknown("dataset", self.run.load_versions, dataset_names(self.registered.values()))
        self.catalog: Any = self.context._get_catalog(
            catalog_class=project_settings.DATA_CATALOG_CLASS,
            save_version=self.run.version,
            load_versions=self.run.load_versions,
        )
        self.parameters = parameters_of(self.context.config_loader)
        self._outputs = {_strip_transcoding(name) for name in self.pipeline.all_outputs()}

    @property
    def hooks(self) -> Any:
        """The hooks of the project and its plugins."""
        return self.session.hook_manager.hook

    @property
    def adds_datasets(self) -> bool:
        """Whether a hook runs before the pipeline, which may add datasets to the catalog."""
        return bool(self.hooks.before_pipeline_run.get_hookimpls())

    def narrow(self, names: Iterable[str]) -> None:
        """Restrict the pipeline to some nodes; the others run elsewhere or have run before.

        Versioned data that the others write are read in the version of this run: another run may
        have written a later one.
        """
        self.pipeline = self._announced = self.part(names)
        for name in self.pipeline.inputs():
            if _strip_transcoding(name) in self._outputs and self.run.version is not None:
                _pin(unwrap(self.catalog.get(name)), self.run.version)

    def leave_out_existing(self) -> None:
        """Leave out nodes whose outputs exist, as `kedro run --only-missing-outputs` does.

        Hooks around the pipeline get all of it, as there.
        """
        runner = _StepRunner()
        self.pipeline = runner._filter_pipeline_for_missing_outputs(self.pipeline, self.catalog)

    def keep(self, names: Iterable[str]) -> None:
        """Keep the nodes that a former run with `--only-missing-outputs` did not leave out."""
        self.pipeline = self.part(names)

    def part(self, names: Iterable[str]) -> Pipeline:
        """Return the pipeline of some nodes; a name may be there more than once."""
        return Pipeline([self._nodes[name] for name in dict.fromkeys(names)])

    def begin(self) -> None:
        """Call `before_pipeline_run`."""
        self.hooks.before_pipeline_run(
            run_params=self._run_params(), pipeline=self._announced, catalog=self.catalog
        )
        self._began = True
        refuse_missing_inputs(self.pipeline, self.catalog)

    def run_step(self, step: StepPlan, writes: ShardWrites | None = None) -> StepLineage:
        """Run the nodes of a step.

        Args:
            step: The step.
            writes: The hook that compares what this shard writes with what others do.

        Raises:
            Exception: The error of a node, with a note that names the node.
        """
        if not step.nodes:
            return StepLineage()
        self._recorder.clear()
        if step.params:
            self._set_parameters(step.shard_parameter, step.params)
        part = self.part(step.nodes)
        if writes is not None:
            self.session.hook_manager.register(writes)
        try:
            _StepRunner(is_async=self.run.is_async).run(
                part, self.catalog, self.session.hook_manager, run_id=self.run.version
            )
        except Exception as error:
            if self._recorder.failed:
                error.add_note(f"{NODE_NOTE}{self._recorder.failed}")
            raise
        finally:
            if writes is not None:
                self.session.hook_manager.unregister(writes)
            if step.params:
                self._set_parameters(step.shard_parameter, {})
        if writes is not None:
            writes.end()
        return self._recorder.lineage(self.catalog)

    @property
    def is_special(self) -> bool:
        """Whether the pipeline is of a plugin's class, such as kedro-mlflow's `PipelineML`.

        The plugin recognises it after the run, for example to log a model.
        """
        return type(self._whole) is not Pipeline

    def finish(self, *, last: bool = True) -> None:
        """Call `after_pipeline_run`.

        Args:
            last: Whether all nodes of the run have run, here or elsewhere. A special pipeline is
                then passed as a whole.
        """
        pipeline = self._whole if last and self.is_special else self._announced
        outputs = {name: self.catalog[name] for name in self.pipeline.outputs()}
        self.hooks.after_pipeline_run(
            run_params=self._run_params(),
            run_result=outputs,
            pipeline=pipeline,
            catalog=self.catalog,
        )

    def fail(self, error: BaseException) -> None:
        """Call `on_pipeline_error`, unless the pipeline has not started."""
        if self._began:
            self.hooks.on_pipeline_error(
                error=error,
                run_params=self._run_params(),
                pipeline=self._announced,
                catalog=self.catalog,
            )

    def _slice(self) -> Pipeline:
        names = self.run.registered
        refuse_unknown("pipeline", names, self.registered, where=f"in {self.project.package}")
        # A plugin recognises a single pipeline by its class, which a sum does not have.
        chosen = self.registered[names[0]]
        for name in names[1:]:
            chosen += self.registered[name]
        refuse_unknown_parts(self.run, chosen)
        try:
            return chosen.filter(**self.run.slice.filters())
        except ValueError as error:
            raise RunnerError(f"The slice of {self.run.pipeline} is empty: {error}") from None

    def _set_parameters(self, name: str, params: dict[str, Any]) -> None:
        """Put one step's own parameters into the catalog, validated by Kedro."""
        loader = self.context.config_loader
        loader["parameters"] = deep_merge(self.parameters, params)
        self.context._validated_params_cache = None
        changed = inputs_with(name)
        for key, value in self.context._get_parameters().items():
            if key in changed or key.startswith(f"params:{name}."):
                self.catalog[key].save(value)

    def _run_params(self) -> dict[str, Any]:
        """Return the run in the names and types of `kedro run`, which plugins read."""
        from kedro import __version__

        part = {name: list(value) for name, value in self.run.slice if name != "nodes"}
        names = self.run.registered
        return {
            "run_id": self.run.version,
            "project_path": self.project.path.as_posix(),
            "env": self.context.env,
            "kedro_version": __version__,
            **part,
            "tags": self.run.slice.tags,
            "node_names": self.run.slice.nodes,
            "load_versions": self.run.load_versions,
            "runtime_params": self.session.params,
            "pipeline_names": [] if names == ("__default__",) else list(names),
            # Plugins parse the class out of this text.
            "runner": str(SequentialRunner(is_async=self.run.is_async)),
            "only_missing_outputs": self.run.only_missing_outputs,
        }


def _import_only(names: Sequence[str]) -> None:
    """Let Kedro import some pipelines, as `kedro run` does, if the project's registry allows it."""
    pipelines.set_requested(list(names))
    try:
        found = all(name in pipelines for name in names)
    except Exception:  # noqa: BLE001 - a registry that joins pipelines needs the others
        found = False
    if not found:
        pipelines.set_requested(None)


def _pin(dataset: Any, version: str) -> None:
    """Let a versioned dataset load a version, if that exists and none was requested."""
    if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:
        return
    path = str(dataset._get_versioned_path(version))
    if dataset._version.load is None and dataset._exists_function(path):
        dataset._version = Version(version, dataset._version.save)


class _StepRunner(SequentialRunner):
    """Kedro's own runner; the command itself says how to resume after an error."""

    @property
    def _logger(self) -> logging.Logger:
        return logging.getLogger("kedro.runner.sequential_runner")

    def _suggest_resume_scenario(self, *args: Any, **options: Any) -> None:
        pass
