"""In MLflow, a run that was interrupted or killed is KILLED."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from book_forecast.storage.data_root import is_address
from book_forecast.storage.interruption import no_longer, when_interrupted

logger = logging.getLogger(__name__)

_SHARED = ("KEDRO_RUN_GROUP", "MLFLOW_RUN_ID")
"""Environment variables of processes that share one run."""


class KilledRunsHooks:
    """Sets this run to KILLED where a signal ends it, and earlier ones whose process is gone.

    MLflow itself would call an interrupted run finished, and a killed one running for ever. A run
    that several processes share is not theirs to end.
    """

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._run: str | None = None
        self._registered = self._joined = False

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note the context, whose parameters name the data root."""
        self._context = context

    @hook_impl
    def after_catalog_created(self) -> None:
        """Note whether there is an MLflow run already, which this one joins."""
        self._joined = _active_run() is not None

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Mark the MLflow run with its process, and look for runs whose process is gone."""
        self._run = None
        active = _active_run()
        if active is None or self._context is None or self._joined or _is_shared():
            return
        try:
            self._mark(self._context, active.info.run_id, active.info.experiment_id)
        except Exception as error:  # noqa: BLE001 - a forecast is worth more than its record
            _warn("look for runs that were killed", error)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """Leave the run to those who end it."""
        self._forget()

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: BaseException) -> None:
        """Leave the run to those who end it; other programs report an interruption as an error."""
        if isinstance(error, KeyboardInterrupt):
            self._kill()
        self._forget()

    def _mark(self, context: KedroContext, run_id: str, experiment_id: str) -> None:
        from mlflow.tracking import MlflowClient

        from book_forecast.tracking.killed import process_tags, set_lost_runs_killed

        client = MlflowClient()
        self._follow(run_id)
        for name, value in process_tags(_own_root(context)).items():
            client.set_tag(run_id, name, value)
        lost = set_lost_runs_killed(client, experiment_id, run_id)
        if lost:
            count = "one run" if len(lost) == 1 else f"{len(lost)} runs"
            logger.info("MLflow: %s whose process was killed, now KILLED", count)

    def _follow(self, run_id: str) -> None:
        self._run = run_id
        no_longer(self._kill)
        when_interrupted(self._kill)
        if not self._registered:
            # After MLflow's own, and so called before it: for notebooks and other programs.
            atexit.register(self._kill)
            self._registered = True

    def _forget(self) -> None:
        self._run = None
        no_longer(self._kill)

    def _kill(self) -> str:
        if self._run is None:
            return ""
        run_id, self._run = self._run, None
        try:
            _set_killed(run_id)
        except Exception as error:  # noqa: BLE001 - a forecast is worth more than its record
            _warn("record the interruption", error)
            return ""
        return f"Its MLflow run {run_id} is KILLED."


def _own_root(context: KedroContext) -> str | None:
    """The data root, if this run alone may write it."""
    options = context.config_loader["parameters"]
    root = str(options["data_root"])
    if options["execution"]["shard"]["count"] > 1:
        return None
    return root if is_address(root) else str(Path(context.project_path, root))


def _is_shared() -> bool:
    return any(os.environ.get(name) for name in _SHARED)


def _active_run() -> Any:
    mlflow = sys.modules.get("mlflow")
    return None if mlflow is None else mlflow.active_run()


def _set_killed(run_id: str) -> None:
    import mlflow
    from mlflow.tracking import MlflowClient

    from book_forecast.tracking.killed import KILLED, set_killed

    set_killed(MlflowClient(), run_id, "The run was interrupted.")
    while mlflow.active_run() is not None:
        mlflow.end_run(KILLED)


def _warn(what: str, error: Exception) -> None:
    logger.warning("MLflow could not %s (%s)", what, str(error).partition("\n")[0])
