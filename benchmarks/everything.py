"""All benchmarks of docs/benchmarks.md, one after the other.

make benchmark          # or: python -m benchmarks.everything [--quick] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks.runs import PROJECT

LIBRARIES = ("statsmodels", "statsforecast", "pmdarima", "optuna", "numba", "numpy", "scipy")

SLOW = 10.0


class Part(NamedTuple):
    """A benchmark: its heading, its module, and arguments of a full run and of a quick one."""

    title: str
    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ("--quick",)


PARTS = (
    Part("One fit", "sarima_fit"),
    Part("Search, fit and forecast of a title", "contest", ("--limit", "45")),
    Part("The search beside the whole space", "tuning"),
    Part(
        "The whole job, SARIMA alone",
        "whole_job",
        ("--sizes", "100", "1000"),
        ("--sizes", "30", "--rest", "--exports"),
    ),
    Part("Serving", "serving_load", ("--seconds", "30"), ("--titles", "500", "--seconds", "5")),
)


def main() -> None:
    """Run all parts, and write their output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all runs")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs")
    options = parser.parse_args()
    # First, because a missing library should end the run at once.
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    began = time.monotonic()
    texts = [section(part, quick=options.quick) for part in PARTS]
    minutes = (time.monotonic() - began) / 60
    document = "\n\n".join([head(minutes, versions, quick=options.quick), *texts]) + "\n"
    (options.output / "images").mkdir(parents=True, exist_ok=True)
    draw(document, options.output / "images/benchmarks.png")
    target = options.output / "benchmarks.md"
    target.write_text(document, encoding="utf-8")
    print(f"Wrote {target} after {minutes:.1f} min")


def section(part: Part, *, quick: bool) -> str:
    """Return a part's heading, command and output."""
    command = ["-m", f"benchmarks.{part.module}", *(part.quick if quick else part.arguments)]
    print(f"python {' '.join(command)}", flush=True)
    done = subprocess.run(
        [sys.executable, *command], cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True
    )
    print(done.stdout, flush=True)
    body = done.stdout.strip()
    if "|---" not in body:
        body = f"```\n{body}\n```"
    return f"## {part.title}\n\n`python {' '.join(command)}`\n\n{body}"


def head(minutes: float, versions: str, *, quick: bool) -> str:
    """Return the machine, versions and notes on the figures."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kind = "a quick run, a test that everything works," if quick else "a full run"
    return (
        "# Benchmarks\n\n"
        f"`make benchmark` writes this page, last in {kind} on {dt.date.today().isoformat()} "
        f"({minutes:.0f} min), on {os.cpu_count()} cores ({_processor()}) with {memory:.0f} GiB, "
        f"Python {platform.python_version()}. {versions}.\n\n"
        "Series and searches are seeded. Seconds are process time of one core unless a table says "
        "otherwise. Compared methods run one after the other, on the same series.\n\n"
        "![Error and seconds of each method](images/benchmarks.png)"
    )


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if sys.platform == "linux" else ""
    match = re.search(r"model name\s*: (.+)", text)
    return match[1] if match else platform.processor()


def draw(document: str, target: Path) -> None:
    """Draw seconds and error of the contest's methods."""
    mpl.use("Agg")
    table = document.partition("| WAPE on the test weeks |")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \| \d+ \| ([\d.]+) \|", table, re.MULTILINE)
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, seconds, wape in rows:
        at = (max(float(seconds), 0.01), float(wape))
        ours = name == "book_forecast"
        axes.scatter(*at, s=60, color="#b4451f" if ours else "#4a5a6a")
        # Names of the slow ones end at their points, and ours stands above those beside it.
        side = -8 if at[0] > SLOW else 8
        axes.annotate(
            name,
            at,
            xytext=(side, 6 if ours else -13),
            textcoords="offset points",
            ha="right" if side < 0 else "left",
            fontsize=9,
        )
    axes.set(xscale="log", xlabel="seconds a title", ylabel="WAPE on the test weeks")
    axes.margins(x=0.2, y=0.15)
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main()
