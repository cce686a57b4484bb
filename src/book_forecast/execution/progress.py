"""Progress of long work, for people."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

SECONDS_BETWEEN_LINES = 15.0


def with_progress(
    results: Iterable[Result], total: int, label: str, unit: str = "titles"
) -> Iterator[Result]:
    """Pass results on and report progress: a live line on a terminal, log lines elsewhere.

    Args:
        results: Of the work, which takes place as they are asked for.
        total: Their number.
        label: Name of the work.
        unit: What there is a result of, in the plural.
    """
    began = last_line = time.monotonic()
    done = 0
    if sys.stderr.isatty():
        with _live_line(unit) as progress:
            task = progress.add_task(label, total=total)
            for done, result in enumerate(results, start=1):
                progress.update(task, completed=done)
                yield result
    else:
        for done, result in enumerate(results, start=1):
            now = time.monotonic()
            if now - last_line > SECONDS_BETWEEN_LINES and done < total:
                last_line = now
                left = (now - began) / done * (total - done)
                logger.info("%s: %d of %d %s, about %.0f s left", label, done, total, unit, left)
            yield result
    logger.info("%s: %d %s in %.1f s", label, done, unit, time.monotonic() - began)


def _live_line(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
