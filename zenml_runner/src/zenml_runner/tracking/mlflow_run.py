"""One MLflow run for one ZenML run, however many processes its steps run in.

The id of the ZenML run is a tag of the MLflow run. Each process searches for the tag, and creates
the run under a lock where there is none. A completed step is a tag too; the process that finds the
tags of all steps closes the run. Each process writes before it reads, so the last writer sees all.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from zenml_runner.client import zenml_lock
from zenml_runner.failures import MLFLOW_RETRIES
from zenml_runner.plan import RunSpec
from zenml_runner.redaction import HIDDEN, without_secrets, without_user

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

RUN_ID = "zenml.run_id"
STEP = "zenml.step."
# In the metadata of the ZenML run.
MLFLOW_RUN_ID = "mlflow.run_id"
MLFLOW_URL = "mlflow.url"
# Without these a server that is down would block each step for many minutes.
REQUEST_LIMITS = {MLFLOW_RETRIES: "4", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
# ZenML stores 64 KB under a key.
MAX_METRICS = 500
VERTEX_JOB_VARIABLE = "ZENML_VERTEX_RUN_ID"


@contextmanager
def tracked_step(zenml_run: Any, run: RunSpec, step: str, steps: Sequence[str]) -> Iterator[None]:
    """Run a step in its own process within the MLflow run of its ZenML run.

    A stack without a tracker tracks nothing. A tracker that does not answer is a warning: a
    missing record must not cost a forecast.

    Args:
        zenml_run: The ZenML run.
        run: Its specification; the experiment has the name of the package.
        step: Name of this step.
        steps: Names of all steps of the run.
    """
    joined = _join(zenml_run, run)
    if joined is None:
        yield
        return
    client, run_id = joined
    completed = False
    try:
        with changed_params_as_tags():
            yield
        completed = True
    finally:
        _detach()
        _record_step_end(client, run_id, step, steps, completed=completed)


def active_run_id() -> str | None:
    """Return the id of this process's active MLflow run; None if there is none."""
    if "mlflow" not in sys.modules:
        return None
    import mlflow

    active = mlflow.active_run()
    return None if active is None else str(active.info.run_id)


def metrics_of(run_id: str) -> dict[str, float]:
    """Return the last values of a run's metrics, of the first `MAX_METRICS` by name.

    Raises:
        MlflowException: If MLflow does not answer.
    """
    from mlflow import MlflowClient

    return dict(sorted(MlflowClient().get_run(run_id).data.metrics.items())[:MAX_METRICS])


def start_run(uri: str, run: RunSpec, name: str) -> str | None:
    """Start an MLflow run.

    Args:
        uri: MLflow's address.
        run: The run; its package names the experiment.
        name: Of the MLflow run.

    Returns:
        Its id; None if MLflow does not answer.
    """
    import mlflow

    try:
        mlflow.set_tracking_uri(uri)
        # MLflow does not make it active where another process has just created it.
        experiment = mlflow.set_experiment(run.package).experiment_id
        tags = {"pipeline": run.pipeline}
        started = mlflow.start_run(run_name=name, experiment_id=experiment, tags=tags)
        params = without_secrets(run.params)
        mlflow.log_params({key: str(value)[:500] for key, value in params.items()})
    except Exception as error:  # noqa: BLE001 - a missing record must not fail the run
        _warn("start a run", error)
        return None
    return str(started.info.run_id)


def link(run_id: str, zenml_run: Any) -> None:
    """Link an MLflow run, a ZenML run and the Vertex job by tags and metadata."""
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
    url = without_user(get_tracking_uri())
    if url.startswith(("http://", "https://")):
        url = f"{url.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
    log_metadata(
        metadata={MLFLOW_RUN_ID: run_id, MLFLOW_URL: url}, run_id_name_or_prefix=zenml_run.id
    )


def close_finished(zenml_run: Any) -> None:
    """Set the status of the MLflow run of a finished ZenML run.

    A container that is killed cannot do so itself.
    """
    metadata = zenml_run.run_metadata or {}
    run_id = metadata.get(MLFLOW_RUN_ID)
    tracker = _tracker(zenml_run.stack)
    if run_id is None or tracker is None:
        return
    tracker.configure_mlflow()
    # A plugin may use another server than the stack.
    uri = str(metadata.get(MLFLOW_URL, "")).partition("/#/")[0]
    close(
        run_id,
        completed=zenml_run.status.value == "completed",
        uri=uri if uri and HIDDEN not in uri else None,
    )


def close(run_id: str, *, completed: bool, uri: str | None = None) -> None:
    """Set the status of an MLflow run that has ended.

    Args:
        run_id: Of the MLflow run.
        completed: Whether all steps have completed.
        uri: MLflow's address; the one of this process if None.
    """
    wanted = "FINISHED" if completed else "FAILED"
    try:
        import mlflow

        # It is active several times where a plugin has opened it within itself.
        while (active := mlflow.active_run()) is not None and active.info.run_id == run_id:
            mlflow.end_run(wanted)
        client = mlflow.MlflowClient(uri)
        if client.get_run(run_id).info.status != wanted:
            client.set_terminated(run_id, wanted)
    except Exception as error:  # noqa: BLE001
        _warn("close a run", error)


@contextmanager
def changed_params_as_tags() -> Iterator[None]:
    """Log a parameter that changes within a run as a tag.

    MLflow refuses such a change with an error. In one run for all steps it is no mistake: each
    shard logs its own shard, and a retry may see another configuration.
    """
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


def _join(zenml_run: Any, run: RunSpec) -> tuple[MlflowClient, str] | None:
    """Find or create the MLflow run and make it this process's active one."""
    tracker = _tracker()
    if tracker is None:
        return None
    for name, value in REQUEST_LIMITS.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow

        tracker.configure_mlflow()
        client = mlflow.MlflowClient()
        experiment = mlflow.set_experiment(run.package).experiment_id
        lock = zenml_lock(str(zenml_run.id))
        run_id, created = _find_or_create(client, experiment, zenml_run, lock)
        client.update_run(run_id, status="RUNNING")
        mlflow.start_run(run_id=run_id)
    except Exception as error:  # noqa: BLE001
        _warn("start a run", error)
        return None
    if created:
        link(run_id, zenml_run)
    return client, run_id


def _find_or_create(
    client: MlflowClient, experiment: str, zenml_run: Any, lock: AbstractContextManager[Any]
) -> tuple[str, bool]:
    """Return the MLflow run of a ZenML run, and whether this process has created it."""
    if found := _search(client, experiment, zenml_run):
        return found, False
    with lock:
        if found := _search(client, experiment, zenml_run):
            return found, False
        tags = {RUN_ID: str(zenml_run.id)}
        created = client.create_run(experiment, tags=tags, run_name=zenml_run.name)
        return created.info.run_id, True


def _search(client: MlflowClient, experiment: str, zenml_run: Any) -> str | None:
    runs = client.search_runs(
        [experiment],
        filter_string=f"tags.`{RUN_ID}` = '{zenml_run.id}'",
        order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
    )
    top = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return next((run.info.run_id for run in top), None)


def _detach() -> None:
    """Make the run inactive in this process; other steps may still run in it."""
    import mlflow

    while mlflow.active_run() is not None:
        mlflow.end_run()


def _record_step_end(
    client: MlflowClient, run_id: str, step: str, steps: Sequence[str], *, completed: bool
) -> None:
    """Record how a step has ended, and set the run's status accordingly."""
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
        _warn("record the end of a step", error)


def _tracker(stack: Any = None) -> Any:
    """Return the MLflow tracker of a stack, by default the active one; None if it has none."""
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
    logger.warning("MLflow could not %s (%s); the run continues", what, reason)
