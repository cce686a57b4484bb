"""A Kedro project with one sharded node, which fails or hangs on demand, on a bucket."""

from pathlib import Path

import kedro

from runner_testing.projects import write_files

FILES = {
    "pyproject.toml": f"""
[tool.kedro]
package_name = "troubled"
project_name = "troubled"
kedro_init_version = "{kedro.__version__}"
source_dir = "src"
""",
    "src/troubled/__init__.py": "",
    "src/troubled/settings.py": "",
    "src/troubled/pipeline_registry.py": '''
import os
import time
from pathlib import Path

from kedro.pipeline import Pipeline, node


def work(count, shard):
    """Square numbers, unless a file says `fails` (once) or `hangs` (so many times)."""
    name = f"work-{shard['index']}-of-{shard['count']}"
    trouble = Path(os.environ["TROUBLE"])
    if (fails := trouble / f"{name}.fails").exists():
        fails.unlink()
        raise RuntimeError("the disk is full")
    if (hangs := trouble / f"{name}.hangs").exists() and (left := int(hangs.read_text())):
        hangs.write_text(str(left - 1))
        (trouble / f"{name}.kill").touch()
        time.sleep(600)
    mine = range(shard["index"], count + 1, shard["count"])
    return {f"{shard['index']}-of-{shard['count']}": {str(n): n * n for n in mine}}


def gather(squares):
    return {n: square for load in squares.values() for n, square in load().items()}


def report(total):
    return {"sum": sum(total.values())}


def register_pipelines():
    squares = Pipeline([
        node(work, ["params:count", "params:shard"], "squares", name="work"),
        node(gather, "squares", "total", name="gather"),
        node(report, "total", "report", name="report", tags="heavy"),
    ])
    return {"__default__": squares, "squares": squares}
''',
    "conf/base/parameters.yml": "count: 6\nnothing: null\nshard: {index: 1, count: 1}\n",
    "conf/base/mlflow.yml": "server: {mlflow_tracking_uri: sqlite:///mlflow.db}\n",
    "conf/local/credentials.yml": "",
}

CATALOG = """
squares:
  type: partitions.PartitionedDataset
  path: gs://BUCKET/squares
  dataset: json.JSONDataset
  filename_suffix: .json
total: {type: json.JSONDataset, filepath: "gs://BUCKET/total.json", versioned: true}
report: {type: json.JSONDataset, filepath: "gs://BUCKET/report.json", versioned: true}
"""

ZENML = """
stack: vertex
image: europe-west1-docker.pkg.dev/books/books/troubled:1
labels: {team: planning}
stacks:
  vertex:
    type: vertex
    project: books
    location: europe-west1
    artifact_store: gs://artifacts
    container_registry: europe-west1-docker.pkg.dev/books/books
    service_account: steps@books.iam.gserviceaccount.com
    mlflow: {tracking_uri: "MLFLOW"}
grouping: {by: registered_pipeline}
steps:
  nodes:
    work: {cpu: 2, memory: 4GB, retry: {max_retries: 1}}
    gather: {gpu: 1, accelerator: NVIDIA_TESLA_T4}
    report: {machine_type: n2-highmem-8, retry: {max_retries: 3}}
fan_out: {pipelines: {squares: shards}, shards: 2}
"""


def write_project(folder: Path, bucket: str, mlflow: str) -> Path:
    """Write the project, with its data on a bucket and its runs on an MLflow server."""
    more = {
        "conf/base/catalog.yml": CATALOG.replace("BUCKET", bucket),
        "conf/base/zenml.yml": ZENML.replace("MLFLOW", mlflow),
    }
    return write_files(folder, FILES | more)
