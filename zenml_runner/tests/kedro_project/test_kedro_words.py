"""Options of kedro run that choose pipelines and nodes mean what they mean there."""

import json
import shutil
from typing import Any

import pytest

from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files
from runner_testing.words import (
    files,
    kedro_nodes,
    nodes,
    planned,
    refusal,
    task_of,
    write_outputs,
)
from zenml_runner.kedro_project.execution import Execution


@pytest.fixture
def project(opened):
    return opened(files())


@pytest.mark.parametrize(
    "options",
    [
        ["--pipelines", "first"],
        ["--pipelines", "first, third"],
        ["--pipelines", "third,first,third"],
        ["--pipelines", "__default__,yields"],
        ["--pipelines", "first,second", "--from-inputs", "stored", "--to-outputs", "versioned"],
        ["--pipelines", "first,second", "--tags", "early,late"],
    ],
    ids=" ".join,
)
def test_pipelines_are_joined_before_the_slice(project, options):
    write_outputs(project, "made", "stored", "versioned", "last")
    assert nodes(planned(*options)) == kedro_nodes(*options)


def test_a_pipeline_beside_others_and_one_that_does_not_exist_are_refused(project):
    both = refusal("--pipeline", "first", "--pipelines", "second", "--dry-run")
    assert "--pipeline and --pipelines cannot be used together" in both
    assert "did you mean 'third'" in refusal("--pipelines", "first,thrid", "--dry-run")


def test_steps_of_joined_pipelines_find_their_nodes_in_their_own_process(project):
    prepared = planned("--pipelines", "second,first")
    assert prepared.plan.run.pipeline == "second-first"
    task = task_of(prepared, "version")
    execution = Execution(prepared.project, task.run)
    execution.load(alone=True)
    execution.narrow(task.step.nodes)
    assert [node.name for node in execution.pipeline.nodes] == ["version"]
    assert execution.hooks.run_params("local")["pipeline_names"] == ["second", "first"]


@pytest.mark.parametrize(
    "existing",
    [
        [],
        ["made"],
        ["stored"],
        ["made", "stored"],
        ["made", "stored", "versioned"],
        ["stored", "last"],
        ["made", "versioned", "last"],
        ["made", "stored", "versioned", "last"],
    ],
    ids=lambda names: "+".join(names) or "none",
)
@pytest.mark.parametrize("pipelines", ["__default__", "first,second"])
def test_nodes_with_missing_outputs_are_those_of_kedro_run(project, existing, pipelines):
    write_outputs(project, *existing)
    options = ["--pipelines", pipelines, "--only-missing-outputs"]
    assert nodes(planned(*options)) == kedro_nodes(*options)


def test_shards_are_taken_though_what_fans_out_exists(opened):
    registry = """
def work(shard): return {str(shard["index"]): shard}
def gather(parts): return len(parts)
def register_pipelines():
    return {"__default__": Pipeline([
        node(work, "params:shard", "parts", name="work", tags="fan"),
        node(gather, "parts", "gathered", name="gather"),
    ])}
"""
    catalog = """
parts: {type: partitions.PartitionedDataset, path: data/parts, dataset: json.JSONDataset}
gathered: {type: json.JSONDataset, filepath: data/gathered.json}
"""
    zenml_yml = "stacks: {local: {type: local}}\nfan_out: {tags: {fan: shards}}\n"
    shard = "shard: {index: 1, count: 1}\n"
    folder = opened(small_files(registry, catalog, parameters=shard, zenml=zenml_yml))
    options = ["--only-missing-outputs", "--shards", "2"]
    assert nodes(planned(*options)) == ["gather", "work", "work"]
    write_files(folder, {"data/parts/1": "{}"})
    assert nodes(planned(*options)) == ["gather"]
    write_files(folder, {"data/gathered.json": "1"})
    assert nodes(planned(*options)) == []


def test_a_schedule_has_no_missing_outputs(project, tmp_path):
    file = tmp_path / "run.yml"
    file.write_text("run: {only_missing_outputs: true}\n")
    for given in (["--only-missing-outputs"], ["--config", str(file)]):
        text = refusal(*given, "--cron", "0 5 * * 1", command="schedule")
        assert "the steps of a schedule are fixed when it is created" in text


def test_a_node_that_yields_is_refused_with_async(project):
    text = refusal("--pipelines", "yields", "--async", "--dry-run")
    assert "the node pieces yields its outputs" in text


@pytest.mark.slow
def test_data_and_hooks_are_those_of_kedro_run_and_a_resumed_run_has_the_same_words(tmp_path, home):
    project = write_files(tmp_path / "words", files())
    write_files(tmp_path / "other", files(number=5))
    runner = Runner(project, home)
    words = ["--pipelines", "first,second", "--async", "--only-missing-outputs"]
    words += ["--conf-source", str(tmp_path / "other" / "conf")]

    def outcome() -> tuple[dict[str, str], list[Any]]:
        notes = project / "notes.jsonl"
        lines = [json.loads(line) for line in notes.read_text().splitlines()]
        notes.unlink()
        data = runner.data()
        shutil.rmtree(project / "data")
        return data, sorted(lines, key=str)

    write_outputs(project, "made")
    plain = runner.kedro("run", *words)
    assert plain.returncode == 0, plain.stderr
    expected, calls = outcome()
    write_outputs(project, "made")
    ours = runner.zenml("run", *words)
    assert ours.returncode == 0, ours.stdout + ours.stderr
    assert outcome() == (expected, calls)
    assert ["store", True] in calls
    assert not any(call[0] == "make" for call in calls)

    (project / "broken").touch()
    failed = runner.zenml("run", *words)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    (project / "broken").unlink()
    name = failed.stderr.split("--resume ")[1].split()[0]
    assert name.startswith("first-second-")
    refused = runner.zenml("run", "--resume", name, "--async")
    assert "leave out --async" in " ".join(refused.stderr.split())
    (project / "notes.jsonl").unlink()
    resumed = runner.zenml("run", "--resume", name)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    data, calls = outcome()
    assert json.loads(data["last.json"])["n"] == 5
    assert ["store", True] in calls
    assert not any(call[0] == "make" for call in calls)

    write_outputs(project, "made", "stored", "versioned", "last")
    nothing = runner.zenml("run", *words)
    assert nothing.returncode == 0, nothing.stdout + nothing.stderr
    assert "there is nothing to run" in nothing.stdout
    ours_then = outcome()
    write_outputs(project, "made", "stored", "versioned", "last")
    assert runner.kedro("run", *words).returncode == 0
    assert outcome() == ours_then
