"""A small Kedro project with everything that a pipeline may hold, and commands that run it."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kedro

from runner_testing import prepared, warm

FILES = {
    "pyproject.toml": f"""
[tool.kedro]
package_name = "tiny"
project_name = "tiny"
kedro_init_version = "{kedro.__version__}"
source_dir = "src"
""",
    "src/tiny/__init__.py": "",
    "src/tiny/settings.py": """
from tiny.hooks import Recorder
HOOKS = (Recorder(),)
from kedro.config import OmegaConfigLoader
from omegaconf.resolvers import oc
CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base", "default_run_env": "local", "custom_resolvers": {"oc.env": oc.env}
}
""",
    "src/tiny/hooks.py": """
import json, os
from kedro.framework.hooks import hook_impl


def note(hook, name=None):
    if os.environ.get("RAISE_IN") == hook:
        raise RuntimeError(f"{hook} is broken")
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps([hook, name, os.environ.get("KEDRO_RUN_GROUP")]) + "\\n")


class Recorder:
    @hook_impl
    def after_context_created(self, context): note("after_context_created")
    @hook_impl
    def after_catalog_created(self, save_version): note("after_catalog_created")
    @hook_impl
    def before_pipeline_run(self, run_params, pipeline):
        note("before_pipeline_run", len(pipeline.nodes))
    @hook_impl
    def after_pipeline_run(self, run_result): note("after_pipeline_run")
    @hook_impl
    def on_pipeline_error(self, error): note("on_pipeline_error", str(error))
    @hook_impl
    def before_node_run(self, node): note("before_node_run", node.name)
    @hook_impl
    def after_node_run(self, node): note("after_node_run", node.name)
    @hook_impl
    def on_node_error(self, node): note("on_node_error", node.name)
    @hook_impl
    def before_dataset_loaded(self, dataset_name): note("before_dataset_loaded", dataset_name)
    @hook_impl
    def after_dataset_loaded(self, dataset_name): note("after_dataset_loaded", dataset_name)
    @hook_impl
    def before_dataset_saved(self, dataset_name): note("before_dataset_saved", dataset_name)
    @hook_impl
    def after_dataset_saved(self, dataset_name): note("after_dataset_saved", dataset_name)
""",
    "src/tiny/pipeline_registry.py": """
import os
from pathlib import Path
import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline


def make(count): return {"numbers": list(range(count))}
def double(numbers): return [2 * n for n in numbers["numbers"]]
def add_up(doubled):
    if "KILLED" in os.environ:
        os.kill(os.getpid(), 9)
    return {"sum": sum(doubled)}
def table(numbers): return pd.DataFrame({"n": numbers["numbers"]})
def mean(frame): return {"mean": float(frame["n"].mean())}
def text(content): return {"letters": len(content)}
def split(numbers): return {f"part_{n:02d}": {"n": n} for n in numbers["numbers"]}
def join(parts): return {"joined": sorted(load()["n"] for load in parts.values())}
def version(total, mean): return {**total, **mean}
def read_version(model):
    if Path(os.environ.get("FAIL_TO_READ", "nowhere")).exists():
        raise RuntimeError("the version cannot be read")
    return {"read": model["sum"] + model["mean"]}
def pieces(numbers):
    for n in numbers["numbers"]:
        yield pd.DataFrame({"n": [n]})
def scale(total, factor): return {"scaled": total["sum"] * factor}


def work(numbers, shard):
    fail = Path(os.environ.get("FAIL_WHILE", "nowhere"))
    if fail.exists() and shard["index"] == 2:
        if fail.read_text() == "once":
            fail.unlink()
        raise RuntimeError("the second shard is broken")
    mine = numbers["numbers"][shard["index"] - 1 :: shard["count"]]
    return {f"{shard['index']}-of-{shard['count']}": {str(n): n * n for n in mine}}


def gather(squares):
    loaded = {k: v for load in squares.values() for k, v in load().items()}
    return dict(sorted(loaded.items()))


def register_pipelines():
    numbers = Pipeline([node(make, "params:count", "numbers", name="make", tags="first")])
    memory = Pipeline([
        node(double, "numbers", "doubled", name="double"),
        node(add_up, "doubled", "total", name="add_up"),
    ])
    files = Pipeline([
        node(table, "numbers", "frame@pandas", name="table", tags="frames"),
        node(mean, "frame@pandas", "mean", name="mean", tags="frames"),
        node(text, "frame@text", "letters", name="text"),
        node(split, "numbers", "parts", name="split"),
        node(join, "parts", "joined", name="join"),
        node(version, ["total", "mean"], "model", name="version"),
        node(read_version, "model", "read", name="read_version"),
        node(pieces, "numbers", "pieces", name="pieces"),
    ])
    scaling = Pipeline([node(scale, ["total", "params:factor"], "scaled_data", name="scale")])
    spaced = pipeline(scaling, namespace="big", inputs={"total"}, parameters={"params:factor"})
    return {
        "__default__": numbers + memory + files + spaced,
        "memory": memory,
        "shards": numbers + Pipeline([
            node(work, ["numbers", "params:shard"], "squares", name="work"),
            node(gather, "squares", "gathered", name="gather"),
        ]),
    }
""",
    "conf/base/parameters.yml": """
count: 6
factor: 10
shard: {index: 1, count: 1}
nothing: null
""",
    "conf/base/catalog.yml": """
numbers: &json {type: json.JSONDataset, filepath: data/numbers.json}
total: {type: json.JSONDataset, filepath: data/total.json}
frame@pandas: {type: pandas.CSVDataset, filepath: data/frame.csv, save_args: {index: false}}
frame@text: {type: text.TextDataset, filepath: data/frame.csv}
mean: {type: json.JSONDataset, filepath: data/mean.json}
letters: {type: json.JSONDataset, filepath: data/letters.json}
parts: &parts
  type: partitions.PartitionedDataset
  path: data/parts
  dataset: json.JSONDataset
  filename_suffix: .json
joined: {type: json.JSONDataset, filepath: data/joined.json}
model: {type: json.JSONDataset, filepath: data/model.json, versioned: true}
read: {type: json.JSONDataset, filepath: data/read.json, versioned: true}
pieces:
  type: pandas.CSVDataset
  filepath: data/pieces.csv
  save_args: {index: false, header: false, mode: a}
"{space}.{name}_data": {type: json.JSONDataset, filepath: "data/{space}_{name}.json"}
squares: {<<: *parts, path: data/squares, overwrite: false}
gathered: {type: json.JSONDataset, filepath: data/gathered.json}
""",
    "conf/base/zenml.yml": """
stack: local
stacks:
  local: {type: local, mlflow: {tracking_uri: "sqlite:///mlflow.db"}}
fan_out: {pipelines: {shards: shards}}
models: {memory: sums}
""",
    "conf/base/mlflow.yml": "server: {mlflow_tracking_uri: sqlite:///mlflow.db}\n",
    "conf/local/credentials.yml": "",
}


def write_project(folder: Path, more: dict[str, str] | None = None) -> Path:
    """Write the project; `more` are files in place of those above or beside them."""
    return write_files(folder, FILES | (more or {}))


def write_files(folder: Path, files: dict[str, str]) -> Path:
    """Write files by their path below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


class Runner:
    """Types commands in a project, with a ZenML of its own.

    Attributes:
        anew: Whether Python starts anew for each command instead of with ZenML imported.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self.project = project
        self.anew = False
        self.record = project / "record.jsonl"
        self.environment = os.environ | {
            "ZENML_CONFIG_PATH": str(home / "zenml"),
            "RECORD": str(self.record),
            "COLUMNS": "200",
            # The store is a copy of one in its newest form.
            "DISABLE_DATABASE_MIGRATION": "true",
        }
        for name in ("MLFLOW_TRACKING_URI", "KEDRO_ENV", "DEPLOYMENT_ENV", "ZENML_STORE_URL"):
            self.environment.pop(name, None)
        prepared.copy_store(home / "zenml")
        if "sqlite:///mlflow.db" in (project / "conf/base/zenml.yml").read_text():
            prepared.copy_database(project / "mlflow.db")

    def zenml(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`python -m zenml_runner …` from outside the project."""
        return self._run(self._zenml(*arguments), variables)

    def kedro(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`kedro …` in the project."""
        return self._run(["-m", "kedro", *arguments], variables)

    def zenml_at_once(self, *arguments: str) -> list[subprocess.CompletedProcess[str]]:
        """The same command twice at the same time."""
        with ThreadPoolExecutor(2) as both:
            return list(both.map(lambda _: self._run(self._zenml(*arguments), {}), range(2)))

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Python with the same ZenML, which asks for a file to run."""
        script = self.project / "script.py"
        script.write_text(code)
        return self._run([str(script)], {})

    def run_groups(self) -> set[str | None]:
        """The values of KEDRO_RUN_GROUP in all calls of hooks."""
        return {json.loads(line)[2] for line in self.record.read_text().splitlines()}

    def hooks(self) -> Counter[tuple[str, str]]:
        """How often each hook was called for what; the next call counts anew."""
        calls = [json.loads(line) for line in self.record.read_text().splitlines()]
        self.record.unlink()
        return Counter((hook, str(name)) for hook, name, _ in calls)

    def data(self) -> dict[str, str]:
        """What the run has written, by path; versions stand for any."""
        root = self.project / "data"
        found = {}
        for path in sorted(root.rglob("*")):
            if path.is_file():
                parts = ["*" if part[:2] == "20" else part for part in path.parts]
                found["/".join(parts[len(root.parts) :])] = path.read_text()
        return found

    def _zenml(self, command: str, *arguments: str) -> list[str]:
        return ["-m", "zenml_runner", command, "--project", str(self.project), *arguments]

    def _run(self, words: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        environment = self.environment | variables
        if self.anew:
            return self._run_anew(words, environment)
        return warm.zenml.run(words, self.project, environment)

    def _run_anew(
        self, words: list[str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
