"""Runs of Kedro's command line on generated titles, watched from outside; options as configured."""

from __future__ import annotations

import os
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

from book_forecast.options.models import ModelOptions

PROJECT = Path(__file__).resolve().parents[1]


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
        log: Everything that it has printed.
        samples: Bytes of the log, seconds and process time so far.
    """

    wall: float = 0.0
    memory: int = 0
    log: bytes = b""
    samples: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def core_seconds(self) -> float:
        """Process time of all processes together."""
        return self.samples[-1][2]

    def between(self, first: bytes, last: bytes) -> tuple[float, float]:
        """Return the seconds between two texts of the log, and the mean number of busy cores."""
        begin = self.log.index(first)
        (_, start, before), (_, stop, after) = (
            next(sample for sample in self.samples if sample[0] > position)
            for position in (begin, self.log.index(last, begin))
        )
        return stop - start, (after - before) / max(stop - start, 1e-9)


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
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        command = [sys.executable, "-m", "kedro", *arguments]
        process = psutil.Popen(command, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT)
        while not seen.wall:
            seen.memory = max(seen.memory, _look(process, used))
            with suppress(psutil.TimeoutExpired):
                process.wait(0.5)
                seen.wall = time.monotonic() - began
            size = os.fstat(log.fileno()).st_size
            seen.samples.append((size, time.monotonic() - began, sum(used.values())))
        log.seek(0)
        seen.log = log.read()
    if process.returncode:
        raise SystemExit(f"kedro {' '.join(arguments)} failed:\n{seen.log[-4000:].decode()}")
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
