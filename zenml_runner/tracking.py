"""One MLflow run for one ZenML run, however many processes its steps run in.

Each process finds the run by the id of its ZenML run, which is a tag, or makes it, one process at a
time. A step notes that it has completed as a tag too; whoever finds that all have closes the run.
As each writes before it reads, the last one to write sees all the others.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from zenml_runner.health import MLFLOW_RETRIES
from zenml_runner.locks import only_one
from zenml_runner.plan import RunSpec
from zenml_runner.redaction import HIDDEN, without_secrets, without_user

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

RUN_ID = "zenml.run_id"
STEP = "zenml.step."
# In the metadata of the ZenML run.
MLFLOW_RUN = "mlflow.run_id"
MLFLOW_PLACE = "mlflow.url"
# Without these a server that is down would hold each step for many minutes.
PATIENCE = {MLFLOW_RETRIES: "4", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
VERTEX_JOB_VARIABLE = "ZENML_VERTEX_RUN_ID"


@contextmanager
def tracked_step(zenml_run: Any, run: RunSpec, step: str, steps: Sequence[str]) -> Iterator[None]:
    """Run a step of a process of its own within the MLflow run of its ZenML run.

    Where the stack has no tracker, nothing is tracked. A tracker that does not answer is a warning:
    a forecast is worth more than its record.

    Args:
        zenml_run: The ZenML run.
        run: Whose pipeline names the experiment's runs.
        step: This step.
        steps: All steps of the run.
    """
    opened = _open(zenml_run, run)
    if opened is None:
        yield
        return
    client, run_id = opened
    import mlflow

    completed = False
    try:
        with forgiving_parameters():
            yield
        completed = True
    finally:
        _leave(mlflow)
        _conclude(client, run_id, step, steps, completed=completed)


def opened_run(
    uri: str | None = None, run: RunSpec | None = None, name: str | None = None
) -> str | None:
    """The id of the MLflow run that is open in this process.

    Args:
        uri: Where to open one if there is none; without it none is opened.
        run: For which project it is opened.
        name: What it is called.

    Returns:
        The id; None where there is none, or MLflow is not in use.
    """
    import sys

    if uri is None and "mlflow" not in sys.modules:
        return None
    import mlflow

    if (active := mlflow.active_run()) is not None:
        return str(active.info.run_id)
    if uri is None or run is None:
        return None
    try:
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(run.package)
        opened = mlflow.start_run(run_name=name, tags={"pipeline": run.pipeline})
        mlflow.log_params(_short(without_secrets(run.params)))
    except Exception as error:  # noqa: BLE001 - the run is worth more than its record
        _warn("open a run", error)
        return None
    return str(opened.info.run_id)


def link(run_id: str, zenml_run: Any) -> None:
    """Let an MLflow run and a ZenML run tell of each other, and of the Vertex job."""
    from mlflow import MlflowClient, get_tracking_uri
    from zenml import log_metadata
    from zenml.utils.dashboard_utils import get_run_url

    tags = {
        RUN_ID: str(zenml_run.id),
        "zenml.run_name": zenml_run.name,
        "zenml.url": get_run_url(zenml_run),
        "vertex.job": os.environ.get(VERTEX_JOB_VARIABLE),
    }
    try:
        client = MlflowClient()
        for name, value in tags.items():
            if value:
                client.set_tag(run_id, name, value)
        experiment = client.get_run(run_id).info.experiment_id
    except Exception as error:  # noqa: BLE001
        _warn("link a run", error)
        return
    place = without_user(get_tracking_uri())
    if place.startswith(("http://", "https://")):
        place = f"{place.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
    log_metadata(
        metadata={MLFLOW_RUN: run_id, MLFLOW_PLACE: place}, run_id_name_or_prefix=zenml_run.id
    )


def close_after(zenml_run: Any) -> None:
    """Give the MLflow run of a ZenML run that has ended the status that is true.

    A container that is ended from outside cannot say so itself.

    Args:
        zenml_run: A finished one.
    """
    metadata = zenml_run.run_metadata or {}
    run_id = metadata.get(MLFLOW_RUN)
    tracker = _tracker(zenml_run.stack)
    if run_id is None or tracker is None:
        return
    tracker.configure_mlflow()
    # A plugin may track elsewhere than the stack does.
    place = str(metadata.get(MLFLOW_PLACE, "")).partition("/#/")[0]
    close(
        run_id,
        completed=zenml_run.status.value == "completed",
        uri=place if place and HIDDEN not in place else None,
    )


def close(run_id: str, *, completed: bool, uri: str | None = None) -> None:
    """Give an MLflow run that has ended the status that is true.

    Args:
        run_id: Of the run.
        completed: Whether all of it has.
        uri: Where it is tracked; where this process tracks if None.
    """
    wanted = "FINISHED" if completed else "FAILED"
    try:
        import mlflow

        # It is open several times where a plugin has opened it within itself.
        while (active := mlflow.active_run()) is not None and active.info.run_id == run_id:
            mlflow.end_run(wanted)
        client = mlflow.MlflowClient(uri)
        if client.get_run(run_id).info.status != wanted:
            client.set_terminated(run_id, wanted)
    except Exception as error:  # noqa: BLE001
        _warn("close a run", error)


@contextmanager
def forgiving_parameters() -> Iterator[None]:
    """Let a parameter that changes within a run become a tag.

    MLflow refuses such a change with an error. But shards log their own shard, and a retry may see
    another configuration: in one run for all steps these are no mistakes.
    """
    import importlib.util

    if importlib.util.find_spec("mlflow") is None:
        yield
        return
    import mlflow

    strict = mlflow.log_param

    def log_param(key: str, value: Any, *args: Any, **options: Any) -> Any:
        try:
            return strict(key, value, *args, **options)
        except mlflow.MlflowException as error:
            if "Changing param values is not allowed" not in str(error):
                raise
            mlflow.set_tag(f"changed.{key}", str(value))
            return value

    mlflow.log_param = log_param
    try:
        yield
    finally:
        mlflow.log_param = strict


def _open(zenml_run: Any, run: RunSpec) -> tuple[MlflowClient, str] | None:
    """Find or make the run and make it this process's active one."""
    tracker = _tracker()
    if tracker is None:
        return None
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow

        tracker.configure_mlflow()
        client = mlflow.MlflowClient()
        experiment = mlflow.set_experiment(run.package).experiment_id
        run_id, mine = _find_or_make(client, experiment, zenml_run, only_one(str(zenml_run.id)))
        client.update_run(run_id, status="RUNNING")
        mlflow.start_run(run_id=run_id)
    except Exception as error:  # noqa: BLE001
        _warn("open a run", error)
        return None
    if mine:
        link(run_id, zenml_run)
    return client, run_id


def _find_or_make(
    client: MlflowClient, experiment: str, zenml_run: Any, alone: AbstractContextManager[Any]
) -> tuple[str, bool]:
    """The run of a ZenML run, and whether this process has made it."""
    if found := _search(client, experiment, zenml_run):
        return found, False
    with alone:
        if found := _search(client, experiment, zenml_run):
            return found, False
        tags = {RUN_ID: str(zenml_run.id)}
        made = client.create_run(experiment, tags=tags, run_name=zenml_run.name)
        return made.info.run_id, True


def _search(client: MlflowClient, experiment: str, zenml_run: Any) -> str | None:
    runs = client.search_runs(
        [experiment],
        filter_string=f"tags.`{RUN_ID}` = '{zenml_run.id}'",
        order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
    )
    own = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return next((run.info.run_id for run in own), None)


def _leave(mlflow: Any) -> None:
    """Let go of the run without closing it: other steps may be at work in it."""
    while (active := mlflow.active_run()) is not None:
        mlflow.end_run()
        logger.debug("Left MLflow run %s", active.info.run_id)


def _conclude(
    client: MlflowClient, run_id: str, step: str, steps: Sequence[str], *, completed: bool
) -> None:
    """Note how a step has ended, and what that says of the run."""
    try:
        client.set_tag(run_id, STEP + step, "completed" if completed else "failed")
        tags = client.get_run(run_id).data.tags
        ends = [tags.get(STEP + name) for name in steps]
        if "failed" in ends:
            client.set_terminated(run_id, "FAILED")
        elif all(end == "completed" for end in ends):
            client.set_terminated(run_id, "FINISHED")
        else:
            client.update_run(run_id, status="RUNNING")
    except Exception as error:  # noqa: BLE001
        _warn("note the end of a step", error)


def _short(params: dict[str, Any]) -> dict[str, str]:
    return {name: str(value)[:500] for name, value in params.items()}


def _tracker(stack: Any = None) -> Any:
    """The MLflow tracker of a run's stack, or of the active one; None if it has none."""
    from zenml.client import Client
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent

    if stack is None:
        stack = Client().active_stack_model
    found = stack.components.get(StackComponentType.EXPERIMENT_TRACKER)
    if not found or found[0].flavor_name != "mlflow":
        return None
    return StackComponent.from_model(found[0])


def _warn(what: str, error: Exception) -> None:
    reason = str(error).partition("\n")[0]
    logger.warning("MLflow could not %s (%s); the run goes on", what, reason)
