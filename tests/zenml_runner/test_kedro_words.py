"""Words of kedro run that choose configuration, pipelines and nodes mean what they mean there."""

import json
import os
import shutil
import tarfile
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run
from kedro.runner import SequentialRunner

from tests.zenml_runner.projects import Runner, write_files
from tests.zenml_runner.small import SETTINGS, small_files
from zenml_runner import caching
from zenml_runner.commands import zenml
from zenml_runner.commands.prepare import Prepared, prepare
from zenml_runner.conf_source import carried, refuse_local, resolved
from zenml_runner.errors import RunnerError
from zenml_runner.execution import Execution
from zenml_runner.plan import Task
from zenml_runner.project import Project, open_project

REGISTRY = """
import threading
from pathlib import Path


def make(number):
    return {"n": number, "thread": threading.current_thread() is threading.main_thread()}
def pass_on(data):
    if Path("broken").exists():
        raise RuntimeError("broken")
    return data
def pieces(data):
    yield data
def report(data): print(data)
def register_pipelines():
    first = Pipeline([
        node(make, "params:number", "made", name="make", tags="early"),
        node(pass_on, "made", "between", name="pass_on"),
        node(pass_on, "between", "stored", name="store"),
    ])
    second = Pipeline([
        node(pass_on, "stored", "versioned", name="version"),
        node(pass_on, "versioned", "last", name="end", tags="late"),
    ])
    third = Pipeline([node(report, "last", None, name="report")])
    yields = Pipeline([node(pieces, "stored", "other", name="pieces")])
    return {
        "__default__": first + second + third,
        "first": first, "second": second, "third": third, "yields": yields,
    }
"""
CATALOG = """
made: {type: json.JSONDataset, filepath: data/made.json}
stored: {type: json.JSONDataset, filepath: data/stored.json}
versioned: {type: json.JSONDataset, filepath: data/versioned.json, versioned: true}
last: {type: json.JSONDataset, filepath: data/last.json}
other: {type: json.JSONDataset, filepath: data/other.json}
"""
CONTAINERS = """
stack: cloud
stacks:
  local: {type: local}
  cloud:
    type: vertex
    project: some-project
    location: europe-west1
    artifact_store: gs://some-bucket
    container_registry: europe-west1-docker.pkg.dev/some-project/images
keep_in_container: [made, stored, versioned, last]
image: europe-west1-docker.pkg.dev/some-project/images/words:1
"""
HOOKS = """
import json
from kedro.framework.hooks import hook_impl


class Notes:
    @hook_impl
    def before_pipeline_run(self, run_params, pipeline): note("before", run_params, pipeline)
    @hook_impl
    def after_pipeline_run(self, run_params, pipeline): note("after", run_params, pipeline)
    @hook_impl
    def before_node_run(self, node, is_async):
        with open("notes.jsonl", "a") as file:
            file.write(json.dumps([node.name, is_async]) + "\\n")


def note(hook, params, pipeline):
    chosen = {
        name: sorted(params[name]) if isinstance(params[name], list) else params[name]
        for name in ("only_missing_outputs", "pipeline_names")
    }
    chosen["runner"] = params["runner"].split()[0]
    with open("notes.jsonl", "a") as file:
        file.write(json.dumps([hook, chosen, sorted(n.name for n in pipeline.nodes)]) + "\\n")
"""


def files(number: int = 1, zenml_yml: str = "stacks: {local: {type: local}}\n") -> dict[str, str]:
    return small_files(
        REGISTRY,
        CATALOG,
        parameters=f"number: {number}\n",
        zenml=zenml_yml,
        settings=SETTINGS + "from words.hooks import Notes\nHOOKS = (Notes(),)\n",
        package="words",
        more={"src/words/hooks.py": HOOKS},
    )


def planned(*arguments: str, command: str = "run") -> Prepared:
    """The plan of a command line, without what the command does with it."""
    given = zenml.commands[command].make_context(command, list(arguments)).params
    others = ("output", "traceback", "dry_run", "wait", "resume", "cron", "delete", "list_")
    return prepare(**{name: value for name, value in given.items() if name not in others})


def nodes(prepared: Prepared) -> list[str]:
    return sorted(node for step in prepared.plan.steps for node in step.nodes)


def kedro_call(*arguments: str) -> mock.Mock:
    """The call of Kedro's runner for a command line of kedro run."""
    with mock.patch.object(SequentialRunner, "_run", autospec=True) as run:
        done = CliRunner().invoke(kedro_run, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return run.call_args


def kedro_nodes(*arguments: str) -> list[str]:
    return sorted(node.name for node in kedro_call(*arguments).args[1].nodes)


def refusal(*arguments: str, command: str = "run") -> str:
    done = CliRunner().invoke(zenml, [command, *arguments])
    assert done.exit_code != 0
    return " ".join(done.output.split())


@pytest.fixture
def project(opened):
    return opened(files())


def write_outputs(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / f"data/{name}.json"
        if name == "versioned":
            path = path / "2026-01-01T00.00.00.000Z" / "versioned.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"n": 0}')


# --pipelines


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
    assert execution._run_params()["pipeline_names"] == ["second", "first"]


def task_of(prepared: Prepared, node: str) -> Task:
    """What the process of a step gets, as ZenML stores it."""
    (step,) = (step for step in prepared.plan.steps if node in step.nodes)
    text = Task(run=prepared.plan.run, step=step).model_dump_json(exclude_defaults=True)
    return Task.model_validate_json(text)


# --only-missing-outputs


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


# --conf-source


@pytest.fixture
def sources(project, tmp_path):
    """The same configuration with another number: in the project, outside, and as archives."""
    write_files(tmp_path / "other", files(number=5))
    inside, outside = project / "second_conf", tmp_path / "other" / "conf"
    shutil.copytree(outside, inside)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "other", "conf")
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as tar:
        tar.add(outside, "conf")
    return {
        "inside": inside,
        "outside": outside,
        "zip": Path(archive),
        "tar": tmp_path / "packed.tar.gz",
    }


@pytest.mark.parametrize("kind", ["inside", "outside", "tar", "zip"])
def test_each_process_reads_the_configuration_of_the_source(sources, kind):
    prepared = planned("--conf-source", str(sources[kind]))
    assert prepared.execution.parameters == {"number": 5}
    task = task_of(prepared, "make")
    execution = Execution(prepared.project, task.run)
    execution.load(alone=True)
    assert execution.catalog.load("params:number") == 5
    expected = kedro_call("--conf-source", str(sources[kind])).args[2]
    assert expected.load("params:number") == 5


def test_a_folder_in_the_project_is_found_where_the_project_lies_elsewhere(sources, tmp_path):
    prepared = planned("--conf-source", str(sources["inside"]))
    assert prepared.plan.run.conf_source == "second_conf"
    moved = Project(tmp_path / "image", "words", tmp_path / "image" / "src")
    shutil.copytree(prepared.project.path, moved.path)
    assert resolved(moved, "second_conf") == str(tmp_path / "image" / "second_conf")
    shutil.rmtree(moved.path / "second_conf")
    with pytest.raises(RunnerError, match="add the configuration to the image"):
        resolved(moved, "second_conf")


def test_a_relative_source_is_one_of_the_current_folder(sources, tmp_path):
    os.chdir(tmp_path / "other")
    project = str(sources["inside"].parent)
    prepared = planned("--project", project, "--conf-source", "conf")
    assert prepared.plan.run.conf_source == str(sources["outside"])


def test_containers_take_only_a_folder_of_the_project_or_an_address(opened, tmp_path):
    folder = opened(files(zenml_yml=CONTAINERS))
    shutil.copytree(folder / "conf", tmp_path / "outside")
    shutil.copytree(folder / "conf", folder / "inside")
    archive = shutil.make_archive(str(folder / "packed"), "gztar", folder, "conf")
    assert planned("--conf-source", str(folder / "inside")).plan.run.conf_source == "inside"
    outside = refusal("--conf-source", str(tmp_path / "outside"), "--dry-run")
    assert "is outside of the project's folder, so the containers of the stack cloud" in outside
    packed = refusal("--conf-source", archive, "--dry-run")
    assert "is an archive on this machine, so the containers of the stack cloud" in packed
    assert planned("--conf-source", archive, "--stack", "local").plan.steps


def test_an_address_is_the_same_in_each_process_and_on_each_stack(project):
    address = "gs://some-bucket/conf"
    given = zenml.commands["run"].make_context("run", ["--conf-source", address]).params
    here = open_project()
    assert given["conf_source"] == carried(here, address) == resolved(here, address) == address
    refuse_local(here, address, "cloud")


def test_a_source_that_does_not_exist_is_refused(project):
    assert "there is no folder or archive" in refusal("--conf-source", "nowhere")


def test_the_cache_key_depends_on_what_the_source_says(sources):
    def key(*options: str) -> str | None:
        prepared = planned("--nodes", "make", *options)
        (step,) = prepared.plan.steps
        return caching._key(prepared.execution, step)

    own = key()
    assert key("--conf-source", str(sources["inside"])) != own
    assert key("--conf-source", str(sources["outside"])) == key(
        "--conf-source", str(sources["inside"])
    )
    parameters = sources["inside"] / "base" / "parameters.yml"
    parameters.write_text("number: 1\n")
    assert key("--conf-source", str(sources["inside"])) == own


# --async


def test_a_node_that_yields_is_refused_with_async(project):
    text = refusal("--pipelines", "yields", "--async", "--dry-run")
    assert "the node pieces yields its outputs" in text


# --config


def config(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "run.yml"
    path.write_text(text)
    return ["--config", str(path)]


@pytest.mark.parametrize(
    "text",
    [
        "run: {pipelines: 'first, second', tags: 'early,late', env: local}",
        "run: {pipeline: second, params: 'number=7', is_async: true}",
        "run: {params: {number: 8, other: {deep: x}}, from_nodes: version, to_outputs: last}",
        "run: {node_names: 'make, end', runner: SequentialRunner}",
        "run: {load_versions: 'versioned:2026-01-01T00.00.00.000Z', from_inputs: versioned}",
        "run: {only_missing_outputs: true, conf_source: conf}",
        "run: {runner_params: 'is_async=True'}",
    ],
)
@pytest.mark.parametrize("more", [[], ["--params", "number=9"]], ids=["file", "both"])
def test_a_file_means_what_it_means_for_kedro_run(project, tmp_path, text, more):
    write_outputs(project, "made", "stored", "versioned", "last")
    given = [*config(tmp_path, text), *more]
    call, prepared = kedro_call(*given), planned(*given)
    runner, pipeline, catalog = call.args[:3]
    assert nodes(prepared) == sorted(node.name for node in pipeline.nodes)
    assert prepared.plan.run.is_async == runner._is_async
    assert prepared.execution.catalog.load("params:number") == catalog.load("params:number")
    load_version = prepared.execution.catalog.get("versioned")._version.load
    assert load_version == catalog.get("versioned")._version.load


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: {pipelnes: first}", "did you mean 'pipelines'"),
        ("run: {runner: ThreadRunner}", "sets the runner ThreadRunner, but ZenML runs the nodes"),
        ("run: {runner_params: {max_workers: 4}}", "sets 'max_workers' under 'runner_params'"),
        ("pipelines: first", "has no section 'run'"),
        ("run: [", "cannot be read as YAML"),
    ],
)
def test_a_file_without_a_meaning_is_refused(project, tmp_path, text, message):
    assert message in refusal(*config(tmp_path, text), "--dry-run")


def test_lists_and_own_options_may_stand_in_a_file(project, tmp_path):
    given = config(tmp_path, "run: {pipelines: [first, second], stack: local, tags: null}")
    prepared = planned(*given, command="compile")
    assert nodes(prepared) == ["end", "make", "pass_on", "store", "version"]
    text = refusal(*config(tmp_path, "run: {tags: early}"), command="schedule")
    assert "sets 'tags', which schedule does not have" in text


# Whole runs


@pytest.mark.slow
def test_data_and_hooks_are_those_of_kedro_run_and_a_resumed_run_has_the_same_words(tmp_path, home):
    project = write_files(tmp_path / "words", files())
    write_files(tmp_path / "other", files(number=5))
    runner = Runner(project, home)
    words = ["--pipelines", "first,second", "--async", "--only-missing-outputs"]
    words += ["--conf-source", str(tmp_path / "other" / "conf")]

    def outcome() -> tuple[dict[str, str], list[object]]:
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
