"""One place that spreads work on titles over processes, with progress that a person can read."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from threadpoolctl import threadpool_limits

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_LOOKS = 1.0

# Worker processes of an earlier call wait for the next one: then even a few items pay.
_have_started = False


def workers_for(n_jobs: int, n_items: int) -> int:
    """Processes to use: as many as cores where `n_jobs` is 0, never more than items."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(n_jobs or cores, n_items))


def map_titles(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    n_jobs: int,
    label: str,
    on_death: Callable[[Item], Result],
    prepare: Callable[[], None] | None = None,
    fewest: int = 8,
) -> list[Result]:
    """Applies a function to every title, in several processes where that pays.

    Args:
        function: Must be importable; it answers for its own errors.
        items: One a title.
        n_jobs: Processes; 0 for one a core.
        label: What is done, for the progress line.
        on_death: Gives the result of a title whose process died twice (killed, out of memory).
        prepare: Called here before other processes are started, for what they would each do first.
        fewest: Fewer items are done in this process, where starting others would take longer;
            those that an earlier call has started are used anyway.

    Returns:
        Results in the order of the items, whatever the number of processes.
    """
    workers = workers_for(n_jobs, len(items))
    if workers == 1 or (len(items) < fewest and not _have_started):
        # Matrices of one title are small: threads of the linear algebra would wait for each other.
        with threadpool_limits(1):
            return list(_reported((function(item) for item in items), len(items), label))
    if prepare is not None:
        prepare()
    results: list[Result] = []
    try:
        results.extend(_reported(_in_processes(function, items, workers), len(items), label))
    except TerminatedWorkerError:
        logger.warning(
            "%s: a worker process died after %d of %d titles; the rest goes on one at a time",
            label,
            len(results),
            len(items),
        )
    for item in items[len(results) :]:
        try:
            results.extend(_in_processes(function, [item], 2))
        except TerminatedWorkerError:
            results.append(on_death(item))
    return results


def _in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    global _have_started  # noqa: PLW0603 - loky keeps one pool for the whole process
    _have_started = True
    with parallel_config("loky", inner_max_num_threads=1):
        pool = Parallel(
            n_jobs=workers,
            return_as="generator",
            batch_size=1,
            pre_dispatch="4*n_jobs",
            initializer=_end_with,
            initargs=(os.getpid(),),
        )
    return iter(pool(delayed(function)(item) for item in items))


def _end_with(parent: int) -> None:
    """Ends this process soon after its parent: a kill of the run alone would leave it at work."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _reported(results: Iterator[Result], total: int, label: str) -> Iterator[Result]:
    """Passes results on and tells how far they are: a live line, or plain ones in a log."""
    began = time.monotonic()
    done = 0
    if sys.stderr.isatty():
        with _live_line() as progress:
            task = progress.add_task(label, total=total)
            for done, result in enumerate(results, start=1):
                progress.update(task, completed=done)
                yield result
    else:
        spoken = began
        for done, result in enumerate(results, start=1):
            now = time.monotonic()
            if now - spoken > SECONDS_BETWEEN_LINES and done < total:
                spoken = now
                left = (now - began) / done * (total - done)
                logger.info("%s: %d of %d titles, about %.0f s left", label, done, total, left)
            yield result
    logger.info("%s: %d titles in %.1f s", label, done, time.monotonic() - began)


def _live_line() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("titles"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
