"""Detects local runs whose process has ended.

A killed process cannot update ZenML and MLflow: its run would stay "running" for ever.
"""

from __future__ import annotations

import platform
from contextlib import suppress
from typing import Any

import psutil
from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.models import PipelineRunUpdate
from zenml.utils.run_utils import refresh_run_status

from zenml_runner.tracking.mlflow_run import close_finished

PROCESS = "process"
"""The key of the process in the configuration of a ZenML run."""

_CLOCK_TOLERANCE_SECONDS = 1.0


def this_process() -> dict[str, Any]:
    """Return what identifies this process, also among later ones with the same number."""
    own = psutil.Process()
    return {"host": platform.node(), "pid": own.pid, "started": own.create_time()}


def refreshed(zenml_run: Any) -> Any:
    """Return a run with its current state, after an update of ZenML and MLflow."""
    if not zenml_run.status.is_finished:
        process = _process_of(zenml_run)
        if process is None:
            # The orchestrator also detects killed containers; the local one has no status.
            with suppress(NotImplementedError):
                zenml_run = refresh_run_status(zenml_run)
        elif runs_on_this_machine(zenml_run) and not _is_alive(process):
            ended = PipelineRunUpdate(
                status=ExecutionStatus.FAILED, status_reason="Its process was killed."
            )
            Client().zen_store.update_run(zenml_run.id, ended)
            zenml_run = Client().get_pipeline_run(zenml_run.id)
    if zenml_run.status.is_finished:
        close_finished(zenml_run)
    return zenml_run


def runs_on_this_machine(zenml_run: Any) -> bool:
    """Return whether the run's process is one of this machine."""
    process = _process_of(zenml_run)
    return process is not None and process["host"] == platform.node()


def is_running(zenml_run: Any) -> bool:
    """Return whether a refreshed run goes on; a local run of another machine counts as ended."""
    return not zenml_run.status.is_finished and (
        _process_of(zenml_run) is None or runs_on_this_machine(zenml_run)
    )


def _process_of(zenml_run: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = zenml_run.config.extra.get(PROCESS)
    return found


def _is_alive(process: dict[str, Any]) -> bool:
    try:
        found = psutil.Process(process["pid"])
        same = abs(found.create_time() - process["started"]) < _CLOCK_TOLERANCE_SECONDS
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
