"""The cost of ZenML for each step of a long run, and of a plan of many nodes.

    python -m benchmarks.zenml_scale --steps 200 --nodes 2000 --repeats 3

The project is a chain of nodes that copy one number from JSON to JSON, so all time is overhead.
Seconds are those of a clock and of the processor: the latter holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kedro

REGISTRY = """
from kedro.pipeline import Pipeline, node


def same(number): return number


def register_pipelines():
    nodes = [node(same, f"d{{i}}", f"d{{i + 1}}", name=f"n{{i}}") for i in range({count})]
    return {{"__default__": Pipeline(nodes)}}
"""
PLAN = """
import time
from pathlib import Path

from zenml_runner.commands import prepare

make_plan, started = prepare.make_plan, 0.0


def timed(*arguments, **options):
    global started
    started = time.process_time()
    plan = make_plan(*arguments, **options)
    print("PLAN", time.process_time() - started, len(plan.steps))
    return plan


prepare.make_plan = timed
prepare.prepare(Path.cwd(), "__default__", None, None, {}, None)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {
            "ZENML_CONFIG_PATH": str(home / "zenml"),
            "KEDRO_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
        }
        measure_steps(home, options.steps, options.repeats)
        measure_plan(home, options.nodes)


def measure_steps(home: Path, steps: int, repeats: int) -> None:
    """Run a chain with both commands in turn; the first runs of ZenML create its store."""
    long, short = (write_project(home / str(count), count) for count in (steps, 1))
    for project in (long, short):
        run(project, "-m", "zenml_runner", "run")
    plain, wrapped, start = [], [], []
    for _ in range(repeats):
        plain.append(run(long, "-m", "kedro", "run"))
        wrapped.append(run(long, "-m", "zenml_runner", "run"))
        start.append(run(short, "-m", "zenml_runner", "run"))
    for kind, unit in ((0, "clock"), (1, "processor")):
        own, all_, first = (
            statistics.median(taken[kind] for taken in found) for found in (plain, wrapped, start)
        )
        print(
            f"{unit}: kedro run {own:.1f} s, zenml_runner {all_:.1f} s for {steps} steps; "
            f"{(all_ - own) / steps:.3f} s a step more, {(all_ - first) / (steps - 1):.3f} s for "
            "each further step"
        )


def measure_plan(home: Path, nodes: int) -> None:
    """Plan a long chain."""
    project = write_project(home / "plan", nodes)
    done = subprocess.run(
        [sys.executable, "-c", PLAN], cwd=project, capture_output=True, text=True, check=True
    )
    seconds = next(line for line in done.stdout.splitlines() if line.startswith("PLAN")).split()
    print(f"a plan of {seconds[2]} steps: {float(seconds[1]):.2f} s of the processor")


def write_project(folder: Path, count: int) -> Path:
    """Write a chain of nodes as a project."""
    files = {
        "pyproject.toml": (
            f'[tool.kedro]\npackage_name = "chain"\nproject_name = "chain"\n'
            f'kedro_init_version = "{kedro.__version__}"\nsource_dir = "src"\n'
        ),
        "src/chain/__init__.py": "",
        "src/chain/settings.py": 'DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-viz")\n',
        "src/chain/pipeline_registry.py": REGISTRY.format(count=count),
        "conf/base/catalog.yml": '"d{i}": {type: json.JSONDataset, filepath: "data/d{i}.json"}\n',
        "conf/base/parameters.yml": "none: null\n",
        "conf/base/zenml.yml": "stacks: {local: {type: local}}\n",
        "conf/local/credentials.yml": "",
        "data/d0.json": "1",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def run(project: Path, *arguments: str) -> tuple[float, float]:
    """Return the seconds of a command, by the clock and of the processor."""
    started, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, check=True)
    after = os.times()
    used = after.children_user + after.children_system
    return time.perf_counter() - started, used - before.children_user - before.children_system


if __name__ == "__main__":
    main()
