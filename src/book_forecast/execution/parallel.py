"""One place that spreads work on titles over processes, with progress that a person can read."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

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

from book_forecast.execution.checkpoints import Checkpoint

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_LOOKS = 1.0
# Few enough chunks wait that a death is looked into soon, enough that no process waits for one.
CHUNKS_AHEAD = 3
# At the end, all processes should finish at about the same time.
CHUNKS_PER_WORKER = 8

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
    chunk: int = 1,
    checkpoint: Checkpoint | None = None,
) -> list[Result]:
    """Applies a function to every title, in several processes where that pays.

    A title whose process dies is done again in a process of its own, and so are the few others
    that were handed over but not finished by then.

    Args:
        function: Must be importable; it answers for its own errors.
        items: One a title.
        n_jobs: Processes; 0 for one a core.
        label: What is done, for the progress line.
        on_death: Gives the result of a title whose process died twice (killed, out of memory).
        prepare: Called here before other processes are started, for what they would each do first.
        fewest: Fewer items are done in this process, where starting others would take longer;
            those that an earlier call has started are used anyway.
        chunk: How many titles are handed over at a time, where there are many.
        checkpoint: Finished results, from which a run that was killed resumes; the items then
            have an `isbn`. Results of `on_death` are not saved.

    Returns:
        Results in the order of the items, whatever the number of processes.
    """
    work = _Work(function, items, checkpoint)
    found = work.recall(range(len(items)))
    if found:
        logger.info("%s: %d of %d titles come from the checkpoint", label, len(found), len(items))
    left = [place for place in range(len(items)) if place not in found]
    workers = workers_for(n_jobs, len(left))
    if workers == 1 or (len(left) < fewest and not _have_started):
        # Matrices of one title are small: threads of the linear algebra would wait for each other.
        with threadpool_limits(1):
            found.update(_reported(map(work.do, left), len(left), label))
    else:
        if prepare is not None:
            prepare()
        chunk = max(1, min(chunk, len(left) // (CHUNKS_PER_WORKER * workers)))
        results = _with_deaths(work, left, workers, chunk, label, on_death)
        found.update(_reported(results, len(left), label))
    if checkpoint is not None:
        checkpoint.prune()
    return [found[place] for place in range(len(items))]


@dataclass(frozen=True)
class _Work(Generic[Item, Result]):
    """What is done with items, which are told by their places."""

    function: Callable[[Item], Result]
    items: Sequence[Item]
    checkpoint: Checkpoint | None

    def do(self, place: int) -> tuple[int, Result]:
        """Do one item."""
        return place, _do(self.function, self.items[place], self.checkpoint)

    def recall(self, places: Iterable[int]) -> dict[int, Result]:
        """Results of the checkpoint."""
        if self.checkpoint is None:
            return {}
        by_isbn = {_isbn(self.items[place]): place for place in places}
        return {by_isbn[isbn]: result for isbn, result in self.checkpoint.load(by_isbn).items()}


def _do(function: Callable[[Item], Result], item: Item, checkpoint: Checkpoint | None) -> Result:
    result = function(item)
    if checkpoint is not None:
        checkpoint.save(_isbn(item), result)
    return result


def _do_chunk(
    function: Callable[[Item], Result],
    chunk: Sequence[tuple[int, Item]],
    checkpoint: Checkpoint | None,
) -> tuple[list[tuple[int, Result]], list[logging.LogRecord]]:
    with _recorded() as records:
        results = [(place, _do(function, item, checkpoint)) for place, item in chunk]
    return results, records


@contextmanager
def _recorded() -> Iterator[list[logging.LogRecord]]:
    """What is logged here, for the process that knows how its user wants to see it."""
    records: list[logging.LogRecord] = []
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(queue)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield records
    finally:
        root.removeHandler(handler)
        while not queue.empty():
            records.append(queue.get())


def _isbn(item: Any) -> str:
    return str(item.isbn)


def _with_deaths(
    work: _Work[Item, Result],
    places: Sequence[int],
    workers: int,
    chunk: int,
    label: str,
    on_death: Callable[[Item], Result],
) -> Iterator[tuple[int, Result]]:
    """Results as they come; after a death, what was in hand is done one at a time."""
    left = dict.fromkeys(places)
    while left:
        handed: list[int] = []
        try:
            yield from _taken(left, _in_processes(work, list(left), workers, chunk, handed))
        except TerminatedWorkerError:
            yield from _taken(left, work.recall(left).items())
            suspects = [place for place in handed if place in left]
            logger.warning(
                "%s: a worker process died with %d of %d titles left; %d are done one at a time",
                label,
                len(left),
                len(places),
                len(suspects),
            )
            for place in suspects:
                try:
                    yield from _taken(left, _in_processes(work, [place], 2, 1, []))
                except TerminatedWorkerError:
                    yield from _taken(left, [(place, on_death(work.items[place]))])


def _taken(
    left: dict[int, None], results: Iterable[tuple[int, Result]]
) -> Iterator[tuple[int, Result]]:
    """Passes results on, and takes their places from those that are left."""
    for place, result in results:
        del left[place]
        yield place, result


def _in_processes(
    work: _Work[Item, Result],
    places: Sequence[int],
    workers: int,
    chunk: int,
    handed: list[int],
) -> Iterator[tuple[int, Result]]:
    """Results of places in the order in which they are finished; `handed` tells what was begun."""
    global _have_started  # noqa: PLW0603 - loky keeps one pool for the whole process
    _have_started = True
    with parallel_config("loky", inner_max_num_threads=1):
        pool = Parallel(
            n_jobs=workers,
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch=CHUNKS_AHEAD * workers,
            initializer=_end_with,
            initargs=(os.getpid(),),
        )

    def tasks() -> Iterator[Any]:
        for start in range(0, len(places), chunk):
            here = places[start : start + chunk]
            handed.extend(here)
            items = [(place, work.items[place]) for place in here]
            yield delayed(_do_chunk)(work.function, items, work.checkpoint)

    for results, records in pool(tasks()):
        for record in records:
            logging.getLogger(record.name).handle(record)
        yield from results


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
