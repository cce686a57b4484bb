"""The status of runs whose process was interrupted or killed."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from book_forecast.storage.data_root import is_address

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

logger = logging.getLogger(__name__)

KILLED = "KILLED"
_PREFIX = "process."
HOST, _SPACE, _NUMBER, _STARTED, _ROOT = (
    f"{_PREFIX}{name}" for name in ("host", "space", "number", "started", "data_root")
)
"""Tags of a run: `HOST` is the machine that it ran on."""
_RUNS_A_PAGE = 200
# The system counts the start of a process in hundredths of a second, the clock may be set.
_CLOCK_TOLERANCE_SECONDS = 2.0


def process_tags(root: str | None) -> dict[str, str]:
    """Return the tags by which another run can see that this process is gone.

    Args:
        root: The data root if no other run can write it at the same time, else None.
    """
    own = psutil.Process()
    tags = {
        HOST: platform.node(),
        _SPACE: _space(),
        _NUMBER: str(own.pid),
        _STARTED: f"{own.create_time():.2f}",
    }
    return tags if root is None else {**tags, _ROOT: root}


def set_killed(client: MlflowClient, run_id: str, why: str) -> None:
    """Set a run and its open child runs to KILLED.

    Args:
        client: Of the tracking store.
        run_id: The run.
        why: The reason, as a tag.
    """
    run = client.get_run(run_id)
    children = f"tags.`mlflow.parentRunId` = '{run_id}' and attributes.status = 'RUNNING'"
    for child in list(_search(client, run.info.experiment_id, children)):
        client.set_terminated(child.info.run_id, KILLED)
    client.set_tag(run_id, "error", why)
    client.set_terminated(run_id, KILLED)


def set_lost_runs_killed(client: MlflowClient, experiment_id: str, run_id: str) -> list[str]:
    """Set the runs to KILLED that are open though their process is gone.

    Runs of other machines stay as they are, unless they wrote this run's bucket: this run has the
    bucket to itself.

    Args:
        client: Of the tracking store.
        experiment_id: Where to look.
        run_id: This run; it has the tags of its process.

    Returns:
        Their ids.
    """
    own = client.get_run(run_id).data.tags
    started = client.get_run(run_id).info.start_time
    lost = []
    for run in list(_search(client, experiment_id, "attributes.status = 'RUNNING'")):
        tags = run.data.tags
        if run.info.run_id == run_id or HOST not in tags or run.info.start_time > started:
            continue
        if _is_gone(tags) or _wrote_the_same_bucket(tags, own):
            set_killed(client, run.info.run_id, "The process was killed.")
            lost.append(run.info.run_id)
    return lost


def _is_gone(tags: Mapping[str, str]) -> bool:
    """Whether the process ran on this machine and does so no longer."""
    if (tags[HOST], tags.get(_SPACE)) != (platform.node(), _space()):
        return False
    try:
        process = psutil.Process(int(tags[_NUMBER]))
        late = process.create_time() - float(tags[_STARTED])
        return process.status() == psutil.STATUS_ZOMBIE or abs(late) > _CLOCK_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, KeyError, ValueError):
        return False


def _wrote_the_same_bucket(tags: Mapping[str, str], own: Mapping[str, str]) -> bool:
    root = own.get(_ROOT, "")
    return is_address(root) and tags.get(_ROOT) == root


def _space() -> str:
    """What else tells process numbers apart: containers of one host have numbers of their own."""
    own = Path("/proc/self/ns/pid")
    return str(own.readlink()) if own.exists() else ""


def _search(client: MlflowClient, experiment_id: str, query: str) -> Iterator[Any]:
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment_id], query, max_results=_RUNS_A_PAGE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return
