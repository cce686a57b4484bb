"""What ZenML gets to know of steps: metadata, artifacts, versions of its model, and messages.

Metadata are the datasets, the parameters, and the commit of the code. Messages go to the alerter of
the stack: steps that fail for good, and runs that end well.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from zenml_runner.artifacts.models import add_to_model, follow_aliases
from zenml_runner.artifacts.registry import Registry
from zenml_runner.kedro_project.lineage import SavedData, StepLineage
from zenml_runner.kedro_project.project import ask_git
from zenml_runner.plan import StepPlan
from zenml_runner.redaction import without_secret_values, without_secrets, without_user
from zenml_runner.settings.sections import Shows
from zenml_runner.tracking.mlflow_run import metrics_of

logger = logging.getLogger(__name__)

# Beyond that the metadata of a step say little about each of its artifacts.
MAX_SHARING = 20
# ZenML stores 64 KB under a key.
MAX_BYTES = 60_000
PARAMETERS = "parameters"
"""The key of the parameters in a step's metadata."""
REVISION_VARIABLES = ("ZENML_RUNNER_REVISION", "GIT_COMMIT", "COMMIT_SHA", "GITHUB_SHA")
"""Environment variables with the commit of an image's code; the project's own comes first."""
_REVISION = "_REVISION"
MAX_MESSAGE = 500


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


def shown_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a step's nodes have read as metadata, without secrets.

    Args:
        values: By name; a value that is too long is left out.
    """
    found = {
        name: without_secrets(_plain(values[name]), name, public_name=None)
        for name in sorted(values)
    }
    for name in sorted(found, key=lambda name: -len(_text(found[name]))):
        if len(_text(found)) <= MAX_BYTES:
            break
        found[name] = f"… {len(_text(found[name])):,} characters"
    return {PARAMETERS: found} if found else {}


def _plain(value: Any) -> Any:
    return json.loads(_text(value))


def _text(value: Any) -> str:
    return json.dumps(value, default=str)


def code_of(project: Path, package: str) -> dict[str, Any]:
    """Return the commit of the code as metadata, with uncommitted changes; nothing if unknown.

    Args:
        project: The project's folder.
        package: Its package; `<PACKAGE>_REVISION` is the variable of its image.
    """
    variables = (package.upper() + _REVISION, *REVISION_VARIABLES)
    for variable in variables:
        if commit := os.environ.get(variable):
            return {"code": {"commit": commit, "from": variable}}
    commit = ask_git(project, "rev-parse", "HEAD")
    if not commit:
        return {}
    code: dict[str, Any] = {"commit": commit}
    if branch := ask_git(project, "symbolic-ref", "--short", "HEAD"):
        code["branch"] = branch
    changed = ask_git(project, "status", "--porcelain", "--untracked-files=no", ".")
    if changed is not None:
        code["uncommitted_changes"] = bool(changed)
    return {"code": code}


def alert_failure(exception: BaseException) -> None:
    """Report a step that has failed for good; ZenML calls it in the step.

    Args:
        exception: The error of its last attempt.
    """
    from zenml import get_step_context

    context = get_step_context()
    notes = [f" ({note})" for note in getattr(exception, "__notes__", [])[-1:]]
    what = f"step {context.step_run.name} has failed{''.join(notes)}"
    post(context.pipeline_run.name, f"{what}: {describe(exception)}")


def describe(error: BaseException) -> str:
    """Return an error's type and the first line of its message, without secrets."""
    first_line = next(iter(str(error).strip().splitlines()), "")
    return without_secret_values(f"{type(error).__name__}: {first_line}")


def post(run: str, what: str) -> None:
    """Send a message to the active stack's alerter; a failure is a warning.

    Args:
        run: Name of the ZenML run.
        what: What has happened to it.
    """
    message = f"{run}: {what}"[:MAX_MESSAGE]
    try:
        alerter = _alerter()
        if alerter is None:
            logger.warning("The stack has no alerter for this message: %s", message)
        elif not alerter.post(message):
            logger.warning("The stack's alerter has not sent this message: %s", message)
    except Exception as error:  # noqa: BLE001 - a message must not change the outcome of a run
        reason = without_secret_values(str(error).partition("\n")[0])[:100]
        logger.warning("The stack's alerter fails (%s); it was to send: %s", reason, message)


def _alerter() -> Any:
    from zenml.client import Client

    return Client().active_stack.alerter
