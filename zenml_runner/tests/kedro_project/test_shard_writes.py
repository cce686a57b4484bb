"""Shards add up what they write, or are refused."""

import json

import pytest
import yaml
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node, pipeline
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset

from runner_testing.projects import Runner, write_files
from runner_testing.small import ZENML, small_files
from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.shard_writes import refuse_overwrites, refuse_unknown_shared

PARTS = {"type": "partitions.PartitionedDataset", "path": "parts", "dataset": "json.JSONDataset"}
INCREMENTAL = PARTS | {"type": "partitions.IncrementalDataset"}
PICKLE = {"type": "pickle.PickleDataset", "filepath": "part.pkl"}
CSV = {"type": "pandas.CSVDataset", "filepath": "part.csv"}
TABLE = {"type": "pandas.SQLTableDataset", "table_name": "part", "credentials": {"con": "x"}}


def work(shard, numbers=None):
    return shard, numbers


WORK = Pipeline([node(work, ["params:shard", "numbers"], "out", name="work")])


class Adding(JSONDataset):
    """A type of a project, whose shards add up."""


def check(entries, nodes=WORK, shared=(), in_memory=(), remote=False):
    catalog = entries if isinstance(entries, DataCatalog) else DataCatalog.from_config(entries)
    fanned = frozenset(n.name for n in nodes.nodes)
    refuse_overwrites(nodes, catalog, fanned, frozenset(in_memory), shared, remote=remote)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (PICKLE, "out is one PickleDataset"),
        (PICKLE | {"versioned": True}, "out is one PickleDataset"),
        (PARTS | {"overwrite": True}, "out has overwrite: true"),
        (INCREMENTAL | {"overwrite": True}, "out has overwrite: true"),
        (CSV, "out is one CSVDataset"),
        ({"type": "CachedDataset", "dataset": PICKLE}, "out is one PickleDataset"),
        ({"type": "CachedDataset", "dataset": PARTS | {"overwrite": True}}, "overwrite: true"),
        (TABLE | {"save_args": {"if_exists": "replace"}}, "out is one SQLTableDataset"),
        (PICKLE | {"filepath": "gs://nowhere/part.pkl"}, "out is one PickleDataset"),
    ],
    ids=str,
)
def test_a_dataset_that_each_shard_would_replace_is_refused_with_its_node(entry, reason):
    with pytest.raises(RunnerError, match=f"node work runs in shards, but its output .*{reason}"):
        check({"out": entry})


@pytest.mark.parametrize(
    "entry",
    [
        PARTS,
        INCREMENTAL,
        {"type": "CachedDataset", "dataset": PARTS},
        PARTS | {"path": "gs://nowhere/parts"},
        CSV | {"save_args": {"mode": "a"}},
        CSV | {"fs_args": {"open_args_save": {"mode": "a"}}},
        TABLE | {"save_args": {"if_exists": "append"}},
    ],
    ids=str,
)
def test_a_dataset_that_adds_up_what_shards_write_is_accepted(entry):
    check({"out": entry})


def test_files_are_not_appended_to_from_several_machines():
    with pytest.raises(RunnerError, match="out is one CSVDataset"):
        check({"out": CSV | {"save_args": {"mode": "a"}}}, remote=True)


def test_entries_of_factories_namespaces_and_transcoded_names_are_checked_too():
    spaced = pipeline(WORK, namespace="big", inputs={"numbers"}, parameters={"params:shard"})
    with pytest.raises(RunnerError, match=r"node big.work .* big.out is one PickleDataset"):
        check({"{space}.{name}": PICKLE}, spaced)
    check({"{space}.{name}": PARTS}, spaced)
    coded = Pipeline([node(work, "params:shard", "out@json", name="work")])
    with pytest.raises(RunnerError, match="out@json is one PickleDataset"):
        check({"out@json": PICKLE}, coded)
    check({}, coded, in_memory=["out"])


def test_a_dataset_that_code_has_put_into_the_catalog_is_the_one_that_counts():
    added = DataCatalog.from_config({"out": PICKLE})
    added["out"] = PartitionedDataset(path="parts", dataset="json.JSONDataset")
    check(added)
    added["out"] = PartitionedDataset(path="parts", dataset="json.JSONDataset", overwrite=True)
    with pytest.raises(RunnerError, match="overwrite: true"):
        check(added)


def test_zenml_yml_may_name_datasets_or_types_that_add_up():
    kind = f"{Adding.__module__}.{Adding.__qualname__}"
    entry = {"type": Adding, "filepath": "part.json"}
    check({"out": entry}, shared=[kind])
    check({"out": entry | {"type": kind}}, shared=[kind])
    check({"out": PICKLE}, shared=["out"])
    refuse_unknown_shared([kind, "out"], ["out"])
    with pytest.raises(RunnerError, match=r"'outt' \(fan_out.shared\): did you mean 'out'"):
        refuse_unknown_shared(["outt"], ["out"])


REGISTRY = """
def make(): return list(range(10))
def work(numbers, shard, names):
    mine = numbers[shard["index"] - 1 :: shard["count"]]
    return {names.format(**shard): mine}
def gather(parts):
    return sorted(n for load in parts.values() for n in load())
def register_pipelines():
    return {"__default__": Pipeline([
        node(make, None, "numbers", name="make"),
        node(work, ["numbers", "params:shard", "params:names"], "parts", name="work"),
        node(gather, "parts", "gathered", name="gather"),
    ])}
"""
CATALOG = {
    "numbers": {"type": "json.JSONDataset", "filepath": "data/numbers.json"},
    "parts": PARTS | {"path": "data/parts", "filename_suffix": ".json"},
    "gathered": {"type": "json.JSONDataset", "filepath": "data/gathered.json"},
}
PARAMETERS = 'shard: {index: 1, count: 1}\nnames: "{index}-of-{count}"\n'
FAN_OUT = ZENML + "fan_out: {pipelines: {__default__: shards}}\n"


@pytest.fixture
def runner(tmp_path, home):
    files = small_files(
        REGISTRY, yaml.safe_dump(CATALOG), parameters=PARAMETERS, zenml=FAN_OUT, package="sharded"
    )
    return Runner(write_files(tmp_path / "sharded", files), home)


@pytest.mark.slow
def test_a_part_that_two_shards_write_fails_the_run_and_the_first_keeps_its_data(runner):
    done = runner.zenml("run", "--shards", "3", "--params", "names=same")
    assert done.returncode == 1
    assert "work-2-of-3 failed" in done.stderr
    assert "parts: the shards work-1-of-3 and work-2-of-3 both write" in done.stderr
    assert "parts/same.json" in done.stderr
    assert json.loads((runner.project / "data/parts/same.json").read_text()) == [0, 3, 6, 9]
    assert not (runner.project / "data/gathered.json").exists()
    # A resumed run has the notes of the run before.
    name = done.stderr.split("--resume ")[1].split()[0]
    resumed = runner.zenml("run", "--resume", name)
    assert "parts: the shards work-1-of-3 and work-2-of-3 both write" in resumed.stderr


@pytest.mark.slow
def test_parts_of_a_run_with_more_shards_are_told(runner):
    done = runner.zenml("run", "--shards", "3")
    assert done.returncode == 0, done.stderr
    assert "of earlier runs" not in done.stdout + done.stderr
    fewer = runner.zenml("run", "--shards", "2")
    assert fewer.returncode == 0, fewer.stderr
    printed = " ".join((fewer.stdout + fewer.stderr).split())
    assert "parts: 3 of 5 parts are of earlier runs, and are read too:" in printed


@pytest.mark.slow
def test_a_run_with_shards_that_would_overwrite_is_refused_before_anything_runs(runner):
    entries = CATALOG | {"parts": {"type": "pickle.PickleDataset", "filepath": "data/parts.pkl"}}
    (runner.project / "conf/base/catalog.yml").write_text(yaml.safe_dump(entries))
    for command in ("run", "compile"):
        done = runner.zenml(command, "--shards", "4")
        assert done.returncode == 1
        assert "The node work runs in shards, but its output parts is one Pickle" in done.stderr
    assert not (runner.project / "data").exists()
    assert runner.zenml("run", "--shards", "1", "--nodes", "make,work").returncode == 0
