"""Groups of nodes, barriers and counted shards on a real ZenML, with the data of `kedro run`."""

import shutil

import pytest

from runner_testing.projects import Runner, write_project

pytestmark = pytest.mark.slow

FILES = {
    "src/tiny/pipeline_registry.py": '''
import os
from pathlib import Path
from kedro.pipeline import Pipeline, node


def make(count): return list(range(count))
def square(numbers, shard):
    return {part(shard): [n * n for n in mine(numbers, shard)]}
def compare(numbers, squares, shard):
    """Every shard sees what all shards before the barrier have written."""
    if "BROKEN" in os.environ and shard["index"] == 3:
        raise RuntimeError("the third comparison is broken")
    total = sum(n for load in squares.values() for n in load())
    return {part(shard): [total - n for n in mine(numbers, shard)]}
def gather(compared): return sorted(n for load in compared.values() for n in load())
def report(gathered): return {"sum": sum(gathered)}


def part(shard): return f"{shard['index']}-of-{shard['count']}"
def mine(numbers, shard): return numbers[shard["index"] - 1 :: shard["count"]]


def register_pipelines():
    data = Pipeline([node(make, "params:count", "numbers", name="make")])
    work = Pipeline([
        node(square, ["numbers", "params:shard"], "squares", name="square", tags="heavy"),
        node(
            compare,
            ["numbers", "squares", "params:shard"],
            "compared",
            name="compare",
            tags="heavy",
        ),
        node(gather, "compared", "gathered", name="gather"),
        node(report, "gathered", "report", name="report"),
    ])
    return {"__default__": data + work, "data": data, "work": work}
''',
    "conf/base/catalog.yml": """
numbers: {type: json.JSONDataset, filepath: data/numbers.json}
squares: &parts
  type: partitions.PartitionedDataset
  path: data/squares
  dataset: json.JSONDataset
  filename_suffix: .json
compared: {<<: *parts, path: data/compared}
gathered: {type: json.JSONDataset, filepath: data/gathered.json}
report: {type: json.JSONDataset, filepath: data/report.json}
""",
    "conf/base/zenml.yml": """
stack: local
stacks:
  local: {type: local, mlflow: {tracking_uri: "sqlite:///mlflow.db"}}
grouping: {by: registered_pipeline}
fan_out: {tags: {heavy: shards}, shards: auto}
items: {count: params:count, per_shard: 2}
""",
}


@pytest.fixture
def runner(tmp_path):
    return Runner(write_project(tmp_path / "tiny", FILES), tmp_path / "home")


def test_counted_shards_with_a_barrier_give_the_data_of_kedro_run(runner):
    plain = runner.kedro("run")
    assert plain.returncode == 0, plain.stderr
    results = {name: runner.data()[name] for name in ("gathered.json", "report.json")}
    shutil.rmtree(runner.project / "data")

    few = runner.zenml("run", "--params", "count=2")
    assert few.returncode == 0, few.stdout + few.stderr
    assert "2 items (params:count), 1 shard\n" in few.stdout
    assert "All 2 steps done" in few.stdout
    shutil.rmtree(runner.project / "data")

    failed = runner.zenml("run", BROKEN="1")
    assert failed.returncode == 1
    assert "compare-3-of-3 failed" in failed.stderr
    name = failed.stdout.partition("ZenML run ")[2].split()[0]
    resumed = runner.zenml("run", "--resume", name)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    # make, three squares, a barrier and two comparisons were done.
    assert "All 2 steps done" in resumed.stdout
    assert "square-all-of-3" in failed.stdout
    assert "square-all-of-3" not in resumed.stdout
    assert {name: runner.data()[name] for name in results} == results
