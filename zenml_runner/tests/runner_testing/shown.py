"""A project whose work ZenML shows: tables, figures, metrics, a model, shards and messages."""

import json
from pathlib import Path
from typing import Any

from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files

REGISTRY = """
import os
import pandas as pd


class Figure:
    def _repr_html_(self): return "<b>drawn</b>"


class Broken:
    def _repr_html_(self): raise RuntimeError("cannot be drawn")


def clean(raw, options): return raw.dropna()
def count(text): return {"letters": len(text), "api_key": "hidden-one"}
def double(table): return table
def fit(table, connection):
    if os.environ.get("BREAK"):
        raise RuntimeError(f"cannot reach db://me:pass@host?token=abcdef: {connection}")
    return {"slope": 2.0}, {"error": 0.25, "of": {"test": [1, 2]}, "note": "x"}
def draw(model): return Figure(), Broken()
def work(table, shard): return {f"part-{shard['index']}": {"n": shard["index"]}}
def gather(parts): return sorted(load()["n"] for load in parts.values())


def register_pipelines():
    both = Pipeline([
        node(clean, ["raw", "params:options"], "table@pandas", name="clean"),
        node(count, "table@text", "letters", name="count"),
        node(double, "table@pandas", "kept", name="double"),
        node(fit, ["kept", "params:connection"], ["one.model", "train_metrics"], name="fit"),
        node(draw, "one.model", ["figure", "broken"], name="draw"),
    ])
    return {"__default__": both, "shards": Pipeline([
        node(work, ["raw", "params:shard"], "parts", name="work"),
        node(gather, "parts", "gathered", name="gather"),
    ])}
"""
CATALOG = """
raw: {type: pandas.CSVDataset, filepath: data/raw.csv}
"table@pandas": {type: pandas.CSVDataset, filepath: data/table.csv, save_args: {index: false}}
"table@text": {type: text.TextDataset, filepath: data/table.csv}
letters: {type: json.JSONDataset, filepath: data/letters.json}
kept: {type: MemoryDataset}
"one.{name}": {type: json.JSONDataset, filepath: "data/{name}.json", versioned: true}
train_metrics: {type: json.JSONDataset, filepath: data/metrics.json}
figure: {type: pickle.PickleDataset, filepath: data/figure.pickle}
broken: {type: pickle.PickleDataset, filepath: data/broken.pickle}
parts:
  type: partitions.PartitionedDataset
  path: data/parts
  dataset: json.JSONDataset
  filename_suffix: .json
gathered: {type: json.JSONDataset, filepath: data/gathered.json}
"""
PARAMETERS = """
options: {drop: true, password: of-parameters}
connection: {user: me, token: secret-token}
shard: {index: 1, count: 1}
"""
ZENML = """
stacks: {local: {type: local, mlflow: {tracking_uri: "sqlite:///mlflow.db"}}}
fan_out: {pipelines: {shards: shards}}
models: {__default__: {name: lines, artifacts: ["one.*"]}}
steps: {nodes: {clean: {caching: true}}}
"""
RAW = "x,y\n1,<b>\n2,\n3,c\n"
ALERTS = '''
"""An alerter that appends to a file."""
import os
from zenml.alerter.base_alerter import BaseAlerter, BaseAlerterFlavor


class FileAlerter(BaseAlerter):
    def post(self, message, params=None):
        with open(os.environ["ALERTS"], "a") as file:
            file.write(message + "\\n")
        return True


class FileAlerterFlavor(BaseAlerterFlavor):
    @property
    def name(self): return "file"
    @property
    def implementation_class(self): return FileAlerter
'''
SHOW = """
import json
from zenml.client import Client

client = Client()


def versions(found):
    return {
        name: [
            {
                "name": v.name, "version": v.version, "uri": v.uri, "type": v.type.value,
                "data_type": v.data_type.import_path, "id": str(v.id),
                "views": [
                    [view.type.value, open(view.uri).read()] for view in v.visualizations or []
                ],
                "metadata": v.run_metadata,
            }
            for v in of_name
        ]
        for name, of_name in found.items()
    }


run = client.list_pipeline_runs(sort_by="desc:created", size=1, hydrate=True).items[0]
model = run.model_version
print(json.dumps({
    "run": run.run_metadata,
    "steps": {
        name: {
            "inputs": versions(step.inputs), "outputs": versions(step.outputs),
            "metadata": step.run_metadata,
        }
        for name, step in client.get_pipeline_run(run.id).steps.items()
    },
    "model": model and {
        "number": model.number, "stage": model.stage, "metadata": model.run_metadata,
        "artifacts": sorted(model.data_artifacts), "models": sorted(model.model_artifacts),
    },
    "edges": [
        [str(edge.source), str(edge.target)]
        for edge in client.zen_store.get_pipeline_run_dag(run.id).edges
    ],
}, default=str))
"""


def shown_project(folder: Path, *, zenml: str = ZENML) -> Path:
    """Write the project."""
    more = {"data/raw.csv": RAW, "src/small/alerts.py": ALERTS}
    files = small_files(REGISTRY, CATALOG, parameters=PARAMETERS, zenml=zenml, more=more)
    return write_files(folder, files)


def shown(runner: Runner) -> dict[str, Any]:
    """What ZenML shows of the last run."""
    done = runner.python(SHOW)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
