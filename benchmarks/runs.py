"""Runs of Kedro's command line on generated titles, watched from outside; options as configured."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

from book_forecast.options.groups import ModelOptions

PROJECT = Path(__file__).resolve().parents[1]
STAMP = re.compile(r"^(\d\d:\d\d:\d\d) ")
DAY = dt.timedelta(days=1)


def configured() -> ModelOptions:
    """Return the options of the models from the project's configuration."""
    text = (PROJECT / "conf/base/parameters_models.yml").read_text(encoding="utf-8")
    return ModelOptions.model_validate(yaml.safe_load(text)["models"])


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as Markdown."""
    head, *body = (f"| {' | '.join(map(str, row))} |\n" for row in (columns, *rows))
    return "".join([head, f"|{'---|' * len(columns)}\n", *body])


@dataclass
class Watch:
    """Measurements of a run.

    Attributes:
        wall: Seconds.
        memory: Most bytes of all processes together.
        lines: Lines of its log.
        samples: Wall clock and process time so far, in seconds.
    """

    wall: float = 0.0
    memory: int = 0
    lines: list[str] = field(default_factory=list)
    samples: list[tuple[dt.datetime, float]] = field(default_factory=list)

    def seconds_of(self, first: str, last: str) -> float:
        """Return the wall time between two lines of the log."""
        begin, end = self._between(first, last)
        return (end - begin).total_seconds()

    def busy(self, first: str, last: str) -> float:
        """Return the mean number of busy cores between two lines of the log."""
        begin, end = self._between(first, last)
        inside = [(at, used) for at, used in self.samples if begin <= at <= end]
        if len(inside) < 2:
            return float("nan")
        (start, before), (stop, after) = inside[0], inside[-1]
        return (after - before) / (stop - start).total_seconds()

    def _between(self, first: str, last: str) -> tuple[dt.datetime, dt.datetime]:
        stamps = []
        for text in (first, last):
            line = next(line for line in self.lines if text in line)
            match = STAMP.match(line)
            assert match, line
            day = self.samples[0][0]
            clock = dt.time.fromisoformat(match[1])
            found = dt.datetime.combine(day.date(), clock)
            stamps.append(found if clock >= day.time().replace(microsecond=0) else found + DAY)
        return stamps[0], stamps[1]


def export(data: Path, titles: int | None = None, seed: int = 42, kind: str = "csv") -> Path:
    """Write an export of generated titles to a data root, unless it has one.

    Args:
        data: The data root.
        titles: Number of titles; None for the sample's own.
        seed: Of the generator.
        kind: File format.
    """
    sales = data / f"01_raw/sales/sample.{kind}"
    if not sales.exists():
        sales.parent.mkdir(parents=True)
        many = ["--titles", str(titles)] if titles else []
        given = ["--seed", str(seed), "--format", kind, "--output", str(sales)]
        watch("sample", *many, *given)
    return data


def watch(*arguments: str) -> Watch:
    """Run a Kedro command and sample all its processes twice a second."""
    seen = Watch()
    used: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as log:
        began = time.monotonic()
        process = psutil.Popen(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        while process.poll() is None:
            seen.memory = max(seen.memory, _look(process, used))
            seen.samples.append((dt.datetime.now(), sum(used.values())))  # noqa: DTZ005
            with suppress(psutil.TimeoutExpired):
                process.wait(0.5)
        seen.wall = time.monotonic() - began
        log.seek(0)
        seen.lines = log.read().splitlines()
    if process.returncode:
        raise SystemExit("\n".join([f"kedro {' '.join(arguments)} failed:", *seen.lines[-20:]]))
    return seen


def _look(process: psutil.Process, used: dict[int, float]) -> int:
    """Return the bytes of all processes together, and update the process time of each."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += one.memory_full_info().pss
                times = one.cpu_times()
                used[one.pid] = times.user + times.system
    return total
