"""What ZenML stores of the steps of a run: metadata, artifacts and versions of its model."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from zenml_runner.artifacts.models import add_to_model
from zenml_runner.artifacts.registry import Registry
from zenml_runner.artifacts.stages import follow_aliases
from zenml_runner.kedro_project.lineage import StepLineage
from zenml_runner.kedro_project.saved_data import SavedData
from zenml_runner.plan import StepPlan
from zenml_runner.redaction import without_user
from zenml_runner.settings.shows import Shows
from zenml_runner.steps.alerts import describe, post
from zenml_runner.steps.facts import PARAMETERS, code_of, shown_parameters
from zenml_runner.tracking.mlflow_run import metrics_of

logger = logging.getLogger(__name__)

# Beyond that the metadata of a step say little about each of its artifacts.
MAX_SHARING = 20


class StepRecords:
    """Records the steps of a run; what cannot be recorded is a warning."""

    def __init__(self, package: str, shows: Shows, *, whole: bool) -> None:
        """Record nothing yet.

        Args:
            package: Package of the Kedro project.
            shows: What ZenML shows.
            whole: Whether all steps of the run are recorded here.
        """
        self._package, self._shows = package, shows
        self._registry = Registry(package, shows, whole=whole)

    def begin(self, project: Path, context: Any) -> None:
        """Record the commit of the code with the run."""
        with _warnings("the commit"):
            if code := code_of(project, self._package):
                _log(code, context.pipeline_run.id, run=True)

    def done(self, step: StepPlan, context: Any, lineage: StepLineage, data: SavedData) -> None:
        """Record a step that has run."""
        made: list[UUID] = []
        with _warnings("the artifacts"):
            if self._shows.artifacts.enabled:
                made = self._registry.publish(step, context, lineage, data)
                self._add_to_model(context, made, data.numbers)
        with _warnings("the metadata"):
            if metadata := lineage.metadata() | shown_parameters(data.parameters):
                # Artifacts have the metadata of their step: sizes, sources and parameters.
                _log(metadata, context.step_run.id, made if len(made) <= MAX_SHARING else [])

    def cached(self, step: StepPlan, context: Any, former: Any) -> None:
        """Record a step that is skipped: it has the records of its former run."""
        with _warnings("the metadata"):
            names = ("read", "written", PARAMETERS)
            metadata = {k: v for k, v in former.run_metadata.items() if k.startswith(names)}
            if metadata:
                _log(metadata, context.step_run.id)
        with _warnings("the artifacts"):
            if self._shows.artifacts.enabled:
                made = self._registry.publish_again(step, context, former)
                self._add_to_model(context, made, {})

    def failed(self, context: Any, data: SavedData) -> None:
        """Record what a failed step was to work with."""
        with _warnings("the metadata"):
            if metadata := shown_parameters(data.parameters):
                _log(metadata, context.step_run.id)

    def end(self, name: str, model_version: Any, mlflow_run: str | None) -> None:
        """Record the end of a run whose steps have all completed.

        Args:
            name: Of the ZenML run.
            model_version: ZenML's version of its model; None without a model.
            mlflow_run: Id of the MLflow run; None where none is known.
        """
        if model_version is not None and mlflow_run is not None:
            with _warnings("the metrics"):
                metrics = metrics_of(mlflow_run)
                add_to_model(model_version.id, [], {"mlflow": metrics})
        if self._shows.followed and importlib.util.find_spec("mlflow") is not None:
            with _warnings("the stages of models"):
                for line in follow_aliases(self._shows.followed):
                    logger.info(line)
        if self._shows.alerts.on_success:
            post(name, "all steps are done")

    def failed_outside(self, name: str, error: Exception) -> None:
        """Report a run that a hook around its steps has failed; ZenML reports the others.

        Args:
            name: Of the ZenML run, if it has begun.
            error: The error.
        """
        if self._shows.alerts.on_failure:
            post(name or self._package, f"the run has failed: {describe(error)}")

    @property
    def has_end(self) -> bool:
        """Whether anything is recorded at the end of a run."""
        shows = self._shows
        return bool(shows.model or shows.followed or shows.alerts.on_success)

    def _add_to_model(
        self, context: Any, made: Sequence[UUID], numbers: dict[str, dict[str, float]]
    ) -> None:
        version = context.pipeline_run.model_version
        if self._shows.model is not None and version is not None:
            add_to_model(version.id, made, numbers)


def _log(
    metadata: dict[str, Any], id_: UUID, artifacts: Sequence[UUID] = (), *, run: bool = False
) -> None:
    """Write metadata of a step and its artifacts, or of a run."""
    from zenml.client import Client
    from zenml.enums import MetadataResourceTypes
    from zenml.models import RunMetadataResource

    kind = MetadataResourceTypes
    resources = [RunMetadataResource(id=id_, type=kind.PIPELINE_RUN if run else kind.STEP_RUN)]
    resources += [RunMetadataResource(id=one, type=kind.ARTIFACT_VERSION) for one in artifacts]
    Client().create_run_metadata(
        metadata=metadata,
        resources=resources,
        publisher_step_id=None if run else id_,
    )


@contextmanager
def _warnings(what: str) -> Iterator[None]:
    """Turn an error of ZenML into a warning: nodes that have run must not run again for it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001
        reason = without_user(str(error).partition("\n")[0])[:100]
        logger.warning("ZenML cannot record %s (%s)", what, reason)
