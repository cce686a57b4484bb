"""Map a function over titles in several processes, with progress for people and checkpoints."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import QueueHandler
from multiprocessing import resource_tracker
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from book_forecast.execution.checkpoints import Checkpoint
from book_forecast.execution.progress import with_progress

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

_SIGNALS_TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_BETWEEN_CHECKS = 1.0
# Chunks that wait for each process: a dead process costs few titles, and no process runs idle.
CHUNKS_AHEAD = 3
# Chunks are small enough that all processes finish at about the same time.
CHUNKS_PER_WORKER = 8
FEWEST_QUICK = 100
"""Titles of a tenth of a second each from which on further processes are worth their start."""

# The worker processes of an earlier call stay alive; then processes pay even for a few items.
_have_started = False


def workers_for(n_jobs: int, n_items: int) -> int:
    """Return the number of processes: one per core if `n_jobs` is 0, never more than items."""
    return max(1, min(n_jobs or cpu_count(), n_items))


def map_titles(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    n_jobs: int,
    label: str,
    on_death: Callable[[Item], Result],
    prepare: Callable[[], None] | None = None,
    fewest: int = 8,
    n_slow: int | None = None,
    chunk: int = 1,
    checkpoint: Checkpoint | None = None,
) -> list[Result]:
    """Apply a function to every title, in several processes where that pays.

    If a worker process dies, the titles that were handed out but are not finished run again, each
    in a process of its own.

    Args:
        function: Importable; it handles the errors of its title itself.
        items: One per title.
        n_jobs: Processes; 0 for one per core.
        label: Name of the work, for the progress line.
        on_death: Returns the result of a title whose process died twice (killed, out of memory).
        prepare: Called before processes start, for work that each would otherwise repeat.
        fewest: Fewer items run in this process, because starting processes would take longer;
            processes that an earlier call has started are used anyway.
        n_slow: Items that count for this, as the others take next to no time; None for all.
        chunk: Titles handed out at a time, if there are many.
        checkpoint: Finished results, from which a killed run resumes; the items then have an
            `isbn`. Results of `on_death` are not saved.

    Returns:
        Results in the order of the items, whatever the number of processes.
    """
    work = _Work(function, items, checkpoint)
    found = work.resume(range(len(items)))
    if found:
        logger.info("%s: %d of %d titles come from the checkpoint", label, len(found), len(items))
    left = [number for number in range(len(items)) if number not in found]
    workers = workers_for(n_jobs, len(left))
    counting = len(left) if n_slow is None else min(n_slow, len(left))
    if prepare is not None and left:
        prepare()
    if workers == 1 or (counting < fewest and not _have_started):
        # The matrices of one title are small: more threads of linear algebra would slow it down.
        with threadpool_limits(1):
            found.update(with_progress(map(work.do, left), len(left), label))
    else:
        chunk = max(1, min(chunk, len(left) // (CHUNKS_PER_WORKER * workers)))
        results = _despite_deaths(work, left, workers, chunk, label, on_death)
        found.update(with_progress(results, len(left), label))
    if checkpoint is not None:
        checkpoint.prune()
    return [found[number] for number in range(len(items))]


@dataclass(frozen=True)
class _Work(Generic[Item, Result]):
    """A function and its items, which are identified by their numbers."""

    function: Callable[[Item], Result]
    items: Sequence[Item]
    checkpoint: Checkpoint | None

    def do(self, number: int) -> tuple[int, Result]:
        return number, _do(self.function, self.items[number], self.checkpoint)

    def resume(self, numbers: Iterable[int]) -> dict[int, Result]:
        """Return the results in the checkpoint."""
        if self.checkpoint is None:
            return {}
        by_isbn = {_isbn(self.items[number]): number for number in numbers}
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
        results = [(number, _do(function, item, checkpoint)) for number, item in chunk]
    return results, records


@contextmanager
def _recorded() -> Iterator[list[logging.LogRecord]]:
    """Collect the log records of this process, for the log of the run."""
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


def _despite_deaths(
    work: _Work[Item, Result],
    numbers: Sequence[int],
    workers: int,
    chunk: int,
    label: str,
    on_death: Callable[[Item], Result],
) -> Iterator[tuple[int, Result]]:
    """Yield results as they come; after a death, titles in progress run one at a time."""
    left = dict.fromkeys(numbers)

    def finished(results: Iterable[tuple[int, Result]]) -> Iterator[tuple[int, Result]]:
        for number, result in results:
            del left[number]
            yield number, result

    while left:
        handed_out: list[int] = []
        try:
            yield from finished(_in_processes(work, list(left), workers, chunk, handed_out))
        except TerminatedWorkerError:
            yield from finished(work.resume(left).items())
            suspects = [number for number in handed_out if number in left]
            logger.warning(
                "%s: a worker process died with %d of %d titles left; %d run one at a time",
                *(label, len(left), len(numbers), len(suspects)),
            )
            for number in suspects:
                try:
                    yield from finished(_in_processes(work, [number], 2, 1, []))
                except TerminatedWorkerError:
                    yield from finished([(number, on_death(work.items[number]))])


def _in_processes(
    work: _Work[Item, Result],
    numbers: Sequence[int],
    workers: int,
    chunk: int,
    handed_out: list[int],
) -> Iterator[tuple[int, Result]]:
    """Yield results in the order of completion; `handed_out` grows by the items that are sent."""
    global _have_started  # noqa: PLW0603 - loky has one pool for the whole process
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
        for start in range(0, len(numbers), chunk):
            these = numbers[start : start + chunk]
            handed_out.extend(these)
            items = [(number, work.items[number]) for number in these]
            yield delayed(_do_chunk)(work.function, items, work.checkpoint)

    with _signals_for_this_process_alone():
        chunks = pool(tasks())
    for results, records in chunks:
        for record in records:
            logging.getLogger(record.name).handle(record)
        yield from results


@contextmanager
def _signals_for_this_process_alone() -> Iterator[None]:
    """Start processes that a signal to the whole group, such as Ctrl-C, leaves alone.

    Each would end with a traceback. This process ends in order, and they end with it.
    """
    _start_trackers()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS_TO_END)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_trackers() -> None:
    """Start the processes that clean up after this one, unless they run.

    They would unblock the signals as they start. After an interruption they find work and do it;
    their warning about it is for the authors of libraries.
    """
    variable, before = "PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS")
    os.environ[variable] = ",".join(filter(None, (before, "ignore:resource_tracker")))
    try:
        resource_tracker.ensure_running()
        loky_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _end_with(parent: int) -> None:
    """End this process soon after its parent, so that a killed run leaves no process behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_CHECKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
