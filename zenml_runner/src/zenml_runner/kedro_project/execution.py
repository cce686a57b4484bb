"""A Kedro session that runs a pipeline node by node, or some of its nodes.

It does the work of `KedroSession.run` in pieces: ZenML decides when each group of nodes runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from kedro.framework.project import settings as project_settings
from kedro.pipeline import Pipeline

from zenml_runner.errors import refuse_unknown
from zenml_runner.kedro_project.hooks import PipelineHooks
from zenml_runner.kedro_project.lineage import LineageRecorder, SavedData, StepLineage
from zenml_runner.kedro_project.parameters import give_to_nodes, parameters_of
from zenml_runner.kedro_project.pipelines import (
    chosen_pipeline,
    dataset_names,
    is_special,
    refuse_missing_inputs,
    registered_pipelines,
    request_pipelines,
)
from zenml_runner.kedro_project.private import (
    StepRunner,
    create_catalog,
    missing_outputs,
    pin_version,
    unwrap,
    validate_only,
    without_transcoding,
)
from zenml_runner.kedro_project.project import Project
from zenml_runner.kedro_project.sessions import Session
from zenml_runner.kedro_project.settings import resolved, settings_of
from zenml_runner.kedro_project.shard_writes import ShardWrites
from zenml_runner.plan import RunSpec, StepPlan
from zenml_runner.settings.sections import deep_merge
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
        data: What the data of the last step look like.
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
        self.data = SavedData()
        self.session.hook_manager.register(self.data)
        self.hooks = PipelineHooks(self.session, project.path, run)

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
        names = self.run.registered
        if alone:
            request_pipelines(names)
        self.context: Any = self.session.load_context()
        self.registered = registered_pipelines()
        self.pipeline = chosen_pipeline(self.run, self.registered, self.project.package)
        self._whole = self._announced = self.pipeline
        self._nodes = {node.name: node for node in self.pipeline.nodes}
        if "__default__" not in names:
            validate_only(self.context, names)
        refuse_unknown("dataset", self.run.load_versions, dataset_names(self.registered.values()))
        self.catalog: Any = create_catalog(
            self.context,
            project_settings.DATA_CATALOG_CLASS,
            self.run.version,
            self.run.load_versions,
        )
        self.parameters = parameters_of(self.context.config_loader)
        self._outputs = {without_transcoding(name) for name in self.pipeline.all_outputs()}

    def narrow(self, names: Iterable[str]) -> None:
        """Restrict the pipeline to some nodes; the others run elsewhere or have run before.

        Versioned data that the others write are read in the version of this run: another run may
        have written a later one.
        """
        self.pipeline = self._announced = self.part(names)
        for name in self.pipeline.inputs():
            if without_transcoding(name) in self._outputs and self.run.version is not None:
                pin_version(unwrap(self.catalog.get(name)), self.run.version)

    def leave_out_existing(self) -> None:
        """Leave out nodes whose outputs exist, as `kedro run --only-missing-outputs` does.

        Hooks around the pipeline get all of it, as there.
        """
        self.pipeline = missing_outputs(self.pipeline, self.catalog)

    def keep(self, names: Iterable[str]) -> None:
        """Keep the nodes that a former run with `--only-missing-outputs` did not leave out."""
        self.pipeline = self.part(names)

    def part(self, names: Iterable[str]) -> Pipeline:
        """Return the pipeline of some nodes; a name may be there more than once."""
        return Pipeline([self._nodes[name] for name in dict.fromkeys(names)])

    def begin(self) -> None:
        """Call `before_pipeline_run`."""
        self.hooks.before(self._announced, self.catalog, self.context.env)
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
        self.data.clear(self.run.shows)
        if step.params:
            self._give_parameters(step, step.params)
        part = self.part(step.nodes)
        if writes is not None:
            self.session.hook_manager.register(writes)
        try:
            StepRunner(is_async=self.run.is_async).run(
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
                self._give_parameters(step, {})
        if writes is not None:
            writes.end()
        return self._recorder.lineage(self.catalog)

    @property
    def is_special(self) -> bool:
        """Whether a plugin wants the whole pipeline after the run."""
        return is_special(self._whole)

    def finish(self, *, last: bool = True) -> None:
        """Call `after_pipeline_run`.

        Args:
            last: Whether all nodes of the run have run, here or elsewhere. A special pipeline is
                then passed as a whole.
        """
        pipeline = self._whole if last and self.is_special else self._announced
        outputs = {name: self.catalog[name] for name in self.pipeline.outputs()}
        self.hooks.after(pipeline, self.catalog, outputs)

    def fail(self, error: BaseException) -> None:
        """Call `on_pipeline_error`, unless the pipeline has not started."""
        self.hooks.failed(error, self._announced, self.catalog)

    def _give_parameters(self, step: StepPlan, own: dict[str, Any]) -> None:
        give_to_nodes(self.context, self.catalog, self.parameters, own, step.shard_parameter)
