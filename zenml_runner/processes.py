"""Which process runs a run on this machine, and whether it is still there.

A process that is killed cannot tell ZenML and MLflow: its run would go on for ever.
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

from zenml_runner.tracking import close_after

PROCESS = "process"
"""Where the process stands in the configuration of a ZenML run."""

_CLOCK_SECONDS = 1.0


def this_process() -> dict[str, Any]:
    """What tells this process from all others, those that get its number later included."""
    own = psutil.Process()
    return {"host": platform.node(), "pid": own.pid, "started": own.create_time()}


def settled(zenml_run: Any) -> Any:
    """A run in its true state, in ZenML and in MLflow.

    Args:
        zenml_run: Any run.

    Returns:
        The run as ZenML knows it now.
    """
    if not zenml_run.status.is_finished:
        process = _process_of(zenml_run)
        if process is None:
            # ZenML asks the orchestrator, which also sees killed containers; the local one is mute.
            with suppress(NotImplementedError):
                zenml_run = refresh_run_status(zenml_run)
        elif runs_here(zenml_run) and not _lives(process):
            ended = PipelineRunUpdate(
                status=ExecutionStatus.FAILED, status_reason="Its process was ended from outside."
            )
            Client().zen_store.update_run(zenml_run.id, ended)
            zenml_run = Client().get_pipeline_run(zenml_run.id)
    if zenml_run.status.is_finished:
        close_after(zenml_run)
    return zenml_run


def runs_here(zenml_run: Any) -> bool:
    """Whether a process of this machine runs it."""
    process = _process_of(zenml_run)
    return process is not None and process["host"] == platform.node()


def is_at_work(zenml_run: Any) -> bool:
    """Whether a settled run goes on; one whose process is on another machine is not known to."""
    return not zenml_run.status.is_finished and (
        _process_of(zenml_run) is None or runs_here(zenml_run)
    )


def _process_of(zenml_run: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = zenml_run.config.extra.get(PROCESS)
    return found


def _lives(process: dict[str, Any]) -> bool:
    try:
        found = psutil.Process(process["pid"])
        same = abs(found.create_time() - process["started"]) < _CLOCK_SECONDS
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
