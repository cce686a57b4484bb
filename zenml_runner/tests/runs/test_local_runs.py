"""A project that knows nothing of ZenML runs on the local stack as it does with `kedro run`."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml

from runner_testing import grouped
from runner_testing.alone import ALONE
from runner_testing.projects import Runner, write_files, write_project

pytestmark = pytest.mark.slow


@pytest.fixture
def runner(tmp_path, home):
    """A fresh project; ZenML's own store is kept from one test to the next."""
    return Runner(write_project(tmp_path / "tiny"), home)


def extract(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def mlflow_runs(project: Path) -> list[tuple[str, str]]:
    """Id and status of each run, oldest first."""
    with sqlite3.connect(project / "mlflow.db") as database:
        query = "SELECT run_uuid, status FROM runs ORDER BY start_time"
        return database.execute(query).fetchall()


def mlflow_tags(project: Path, run_id: str) -> dict[str, str]:
    with sqlite3.connect(project / "mlflow.db") as database:
        query = "SELECT key, value FROM tags WHERE run_uuid = ?"
        return dict(database.execute(query, (run_id,)).fetchall())


def test_data_and_hooks_are_those_of_kedro_run(runner):
    plain = runner.kedro("run")
    assert plain.returncode == 0, plain.stderr
    assert runner.run_groups() == {None}
    data, hooks = runner.data(), runner.hooks()
    shutil.rmtree(runner.project / "data")

    done = runner.zenml("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert runner.run_groups() == {extract(r"ZenML run (\S+) \(completed\)", done.stdout)}
    assert runner.data() == data
    assert runner.hooks() == hooks
    # Ties in memory make one step of two nodes; each of the others is a step.
    assert "double--add_up: double, add_up  after make" in done.stdout
    assert "All 11 steps done" in done.stdout
    # One version serves all of them.
    folders = [runner.project / "data" / name for name in ("model.json", "read.json")]
    [version], [read] = ([path.name for path in folder.iterdir()] for folder in folders)
    assert version == read
    assert [status for _, status in mlflow_runs(runner.project)] == ["FINISHED", "FINISHED"]


def test_a_step_without_the_run_around_it_is_a_kedro_run_of_its_nodes(runner):
    """As in a container: pipeline hooks once a step, one MLflow run over all of them."""
    done = runner.python(ALONE)
    assert done.returncode == 0, done.stderr
    assert runner.run_groups() == {"alone"}
    hooks = runner.hooks()
    assert hooks["before_node_run", "double"] == hooks["before_node_run", "add_up"] == 1
    assert hooks["before_pipeline_run", "1"] == 10
    assert hooks["before_pipeline_run", "2"] == 1
    assert hooks["after_pipeline_run", "None"] == hooks["after_catalog_created", "None"] == 11
    assert [status for _, status in mlflow_runs(runner.project)] == ["FINISHED"]
    model, read = (
        list((runner.project / "data" / f).iterdir()) for f in ("model.json", "read.json")
    )
    assert [path.name for path in model] == [path.name for path in read]


LOCKED = """
import threading, time
from zenml.client import Client
from zenml_runner.client import zenml_lock

Client().zen_store  # three threads at once would each create its tables
inside, most, order = 0, 0, []

def work(name):
    global inside, most
    with zenml_lock("numbers"):
        inside += 1
        most = max(most, inside)
        time.sleep(0.2)
        inside -= 1
        order.append(name)

threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert (most, sorted(order)) == (1, [0, 1, 2]), (most, order)

Client().create_tag("lock:numbers")  # a process that was killed
with zenml_lock("numbers", timeout=1.0):
    print("went on")
"""


def test_a_lock_lets_in_one_at_a_time_and_does_not_wait_for_the_dead(runner):
    done = runner.python(LOCKED)
    assert done.returncode == 0, done.stderr
    assert "went on" in done.stdout


def test_a_resumed_run_reads_its_own_version_though_a_later_run_has_written_another(
    runner, tmp_path
):
    fail = tmp_path / "fail"
    fail.touch()
    first = runner.zenml("run", "--to-nodes", "read_version", FAIL_TO_READ=str(fail))
    assert "the version cannot be read" in first.stderr
    later = runner.zenml("run", "--to-nodes", "read_version", "--params", "count=3")
    assert later.returncode == 0, later.stderr
    resumed = runner.zenml("run", "--resume", extract(r"--resume (\S+)", first.stderr))
    assert resumed.returncode == 0, resumed.stderr
    reads = sorted((runner.project / "data/read.json").glob("*/read.json"))
    models = sorted((runner.project / "data/model.json").glob("*/model.json"))
    assert [path.parent.name for path in reads] == [path.parent.name for path in models]
    # Twice the sum of 0 to 5 and their mean; of 0 to 2.
    assert [json.loads(path.read_text())["read"] for path in reads] == [30 + 2.5, 6 + 1.0]


def test_zenml_knows_what_was_read_and_written_and_mlflow_is_linked(runner):
    assert runner.zenml("run", "--nodes", "make").returncode == 0
    done = runner.zenml("run", "--pipeline", "memory")
    assert done.returncode == 0, done.stderr
    name = extract(r"ZenML run (\S+) \(completed\)", done.stdout)
    run_id = extract(r"MLflow run (\w{32})", done.stdout)
    assert mlflow_tags(runner.project, run_id)["zenml.run_name"] == name

    shown = runner.python(
        "import json; from zenml.client import Client;"
        f"run = Client().get_pipeline_run({name!r});"
        "step = run.steps['double--add_up'];"
        "print(json.dumps([step.outputs['total'][0].uri, step.run_metadata,"
        " run.run_metadata, run.model_version.model.name,"
        " sorted(run.model_version.data_artifacts)], default=str))"
    )
    assert shown.returncode == 0, shown.stderr
    address, metadata, of_run, model, linked = json.loads(shown.stdout.splitlines()[-1])
    uri = str(runner.project / "data/total.json")
    assert address == metadata["written"]["total"]["uri"] == uri
    assert metadata["written"]["total"]["bytes"] > 0
    assert len(metadata["read"]["numbers"]["fingerprint"]) == 32
    assert of_run["mlflow.run_id"] == run_id
    assert model == "sums"
    assert linked == ["total"]


def test_shards_joined_are_the_whole_and_each_knows_its_part(runner):
    assert runner.zenml("run", "--pipeline", "shards").returncode == 0
    whole = (runner.project / "data/gathered.json").read_text()
    shutil.rmtree(runner.project / "data")
    done = runner.zenml("run", "--pipeline", "shards", "--shards", "3")
    assert done.returncode == 0, done.stderr
    assert (runner.project / "data/gathered.json").read_text() == whole
    parts = sorted(path.name for path in (runner.project / "data/squares").iterdir())
    assert parts == ["1-of-3.json", "2-of-3.json", "3-of-3.json"]


def test_a_failed_shard_is_named_and_resumed_alone(runner, tmp_path):
    fail = tmp_path / "fail"
    fail.write_text("always")
    done = runner.zenml("run", "-p", "shards", "--shards", "3", FAIL_WHILE=str(fail))
    assert done.returncode == 1
    assert "work-2-of-3 failed: RuntimeError (in node work)" in done.stderr
    assert "the second shard is broken" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert mlflow_runs(runner.project)[-1][1] == "FAILED"
    hooks = runner.hooks()
    assert hooks["on_node_error", "work"] == 1
    assert hooks["on_pipeline_error", "the second shard is broken"] == 1
    assert hooks["after_pipeline_run", "None"] == 0

    resumed = runner.zenml("run", "--resume", extract(r"--resume (\S+)", done.stderr))
    assert resumed.returncode == 0, resumed.stderr
    assert "2 steps, resuming" in resumed.stdout
    assert runner.hooks()["before_node_run", "work"] == 1
    assert len(json.loads((runner.project / "data/gathered.json").read_text())) == 6


def test_shards_in_a_group_of_parameters_are_resumed_with_their_part(tmp_path, home):
    runner = Runner(write_files(tmp_path / "grouped", grouped.FILES), home)
    arguments = ("-p", "work", "--shards", "2", "--params", "titles=all,execution.n_jobs=3")
    failed = runner.zenml("run", *arguments, FAILS="2")
    assert "part-2-of-2 failed: RuntimeError (in node part)" in failed.stderr
    resumed = runner.zenml("run", "--resume", extract(r"--resume (\S+)", failed.stderr))
    assert resumed.returncode == 0, resumed.stderr
    assert "part-1-of-2" not in resumed.stdout
    assert grouped.written(runner.project) == grouped.expected("all", n_jobs=3)


def test_a_run_whose_process_was_killed_has_failed_and_is_resumed(runner):
    (runner.project / "data").mkdir()
    (runner.project / "data/numbers.json").write_text('{"numbers": [1, 2]}')
    assert runner.zenml("run", "-p", "memory", KILLED="yes").returncode == -9
    assert mlflow_runs(runner.project)[-1][1] == "RUNNING"
    name = extract(r"failed +(memory-\S+)", runner.zenml("status").stdout)
    assert mlflow_runs(runner.project)[-1][1] == "FAILED"
    resumed = runner.zenml("run", "--resume", name)
    assert resumed.returncode == 0, resumed.stderr
    assert mlflow_runs(runner.project)[-1][1] == "FINISHED"


def test_nothing_runs_where_a_hook_before_the_pipeline_is_broken(runner):
    done = runner.zenml("run", RAISE_IN="before_pipeline_run")
    assert done.returncode == 1
    assert "before_pipeline_run is broken" in done.stderr
    assert not any(hook == "before_node_run" for hook, _ in runner.hooks())
    assert {status for _, status in mlflow_runs(runner.project)} <= {"FAILED"}


def test_a_shard_that_fails_once_is_tried_again_and_the_run_goes_on(runner, tmp_path):
    settings = yaml.safe_load((runner.project / "conf/base/zenml.yml").read_text())
    settings["steps"] = {"nodes": {"work": {"retry": {"max_retries": 1}}}}
    (runner.project / "conf/base/zenml.yml").write_text(yaml.safe_dump(settings))
    fail = tmp_path / "fail"
    fail.write_text("once")
    done = runner.zenml("run", "-p", "shards", "--shards", "3", FAIL_WHILE=str(fail))
    assert done.returncode == 0, done.stderr
    hooks = runner.hooks()
    assert hooks["before_node_run", "work"] == 4
    assert hooks["on_pipeline_error", "the second shard is broken"] == 0
    assert [status for _, status in mlflow_runs(runner.project)] == ["FINISHED"]


def test_a_cached_step_runs_again_when_its_data_code_or_parameters_change(runner):
    settings = yaml.safe_load((runner.project / "conf/base/zenml.yml").read_text())
    settings["steps"] = {"default": {"caching": True}}
    (runner.project / "conf/base/zenml.yml").write_text(yaml.safe_dump(settings))

    def ran(*arguments: str) -> int:
        done = runner.zenml("run", "--nodes", "make,table", *arguments)
        assert done.returncode == 0, done.stderr
        hooks = runner.hooks()
        return hooks["before_node_run", "make"] + hooks["before_node_run", "table"]

    assert ran() == 2
    assert ran() == 0
    assert ran("--params", "count=7") == 2
    (runner.project / "data/frame.csv").write_text("touched")
    assert ran("--params", "count=7") == 1
    with (runner.project / "src/tiny/pipeline_registry.py").open("a") as file:
        file.write("# changed\n")
    assert ran("--params", "count=7") == 2


def test_status_and_logs_tell_of_a_run(runner):
    # ZenML hangs its storing of logs into what Kedro has set up for them when it is imported.
    runner.anew = True
    done = runner.zenml("run", "--nodes", "make")
    runner.anew = False
    name = extract(r"ZenML run (\S+) \(completed\)", done.stdout)
    assert name in runner.zenml("status").stdout
    shown = runner.zenml("status", name).stdout
    assert re.search(r"make +completed +\d", shown)
    assert "Running node: make" in runner.zenml("logs", name).stdout


def test_stacks_are_registered_once_though_two_begin_on_a_fresh_machine(runner, tmp_path):
    runner.environment["ZENML_CONFIG_PATH"] = str(tmp_path / "fresh")
    del runner.environment["DISABLE_DATABASE_MIGRATION"]
    done = runner.zenml_at_once("stacks")
    assert [d.returncode for d in done] == [0, 0], done[0].stderr + done[1].stderr
    created = sorted(d.stdout.count(": created") for d in done)
    assert created == [0, 4]
    assert "nothing to change" in runner.zenml("stacks").stdout


def test_what_would_be_submitted_is_written_without_secrets(runner, tmp_path):
    arguments = ("-p", "shards", "--shards", "2", "-o", str(tmp_path / "out.yml"))
    (runner.project / "conf/base/parameters.yml").write_text("count: 6\nshard: {}\ntoken: x\n")
    done = runner.zenml("compile", *arguments, "--params", "count=7,token=hidden")
    assert done.returncode == 0, done.stderr
    document = yaml.safe_load((tmp_path / "out.yml").read_text())
    assert document["run"]["params"] == {"count": 7, "token": "***"}
    assert [step["name"] for step in document["steps"]] == [
        "make",
        "work-1-of-2",
        "work-2-of-2",
        "gather",
    ]
    assert "hidden" not in (tmp_path / "out.yml").read_text()


REFUSED = {
    ("-p", "shrads"): "no pipeline 'shrads' in tiny: did you mean 'shards'?",
    ("--nodes", "mak"): "no node 'mak' in the pipeline __default__: did you mean 'make'?",
    ("--tags", "frist"): "no tag 'frist'",
    ("--from-inputs", "numbrs"): "no dataset 'numbrs'",
    ("--stack", "locl"): "no stack 'locl' in zenml.yml: did you mean 'local'?",
    ("--env", "prodution"): "prodution",
    ("--shards", "3"): "nothing in __default__ fans out",
    ("-p", "memory", "--nodes", "add_up"): "reads 'doubled', which no node",
    ("--resume", "nothing"): "ZenML has no run 'nothing'",
    ("--resume", "nothing", "--nodes", "make", "--params", "count=3"): "out --nodes, --params",
}
ONE_AFTER_THE_OTHER = """
import json, sys
from pathlib import Path
from click.testing import CliRunner
from zenml_runner.commands import zenml

results = []
for arguments in json.loads(Path("arguments.json").read_text()):
    done = CliRunner().invoke(zenml, ["run", *arguments])
    results.append([done.exit_code, done.output])
Path("results.json").write_text(json.dumps(results))
"""


@pytest.fixture(scope="module")
def refusals(home, tmp_path_factory):
    """Exit code and output of each of the commands, typed in one process to save its start-up."""
    runner = Runner(write_project(tmp_path_factory.mktemp("refused") / "tiny"), home)
    (runner.project / "arguments.json").write_text(json.dumps(list(REFUSED)))
    done = runner.python(ONE_AFTER_THE_OTHER)
    assert done.returncode == 0, done.stderr
    assert not (runner.project / "data").exists()
    return dict(
        zip(REFUSED, json.loads((runner.project / "results.json").read_text()), strict=True)
    )


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_what_does_not_exist_is_refused_before_anything_runs(refusals, arguments):
    exit_code, output = refusals[arguments]
    assert exit_code == 1
    assert REFUSED[arguments] in output
    assert "Traceback" not in output


def test_a_schedule_needs_a_stack_with_a_scheduler(runner):
    done = runner.zenml("schedule", "-p", "memory", "--cron", "0 5 * * 1")
    assert done.returncode == 1
    assert "stack local has no scheduler" in done.stderr


def test_init_writes_a_file_that_works_and_overwrites_none(runner):
    path = runner.project / "conf/base/zenml.yml"
    path.unlink()
    assert runner.zenml("init").returncode == 0
    assert runner.zenml("run", "--dry-run").returncode == 0
    again = runner.zenml("init")
    assert again.returncode == 1
    assert "is not overwritten" in again.stderr


def test_the_project_may_be_named_before_the_command(runner):
    done = runner.python(
        "import sys, runpy;"
        f"sys.argv = ['x', '--project', {str(runner.project)!r}, 'run', '--dry-run'];"
        "runpy.run_module('zenml_runner', run_name='__main__')"
    )
    assert done.returncode == 0, done.stderr
    assert "tiny: pipeline __default__" in done.stdout


def test_the_commands_are_kedros_too(runner):
    done = runner.kedro("zenml", "run", "--dry-run", "--pipeline", "memory")
    assert done.returncode == 0, done.stderr
    assert "double--add_up" in done.stdout
