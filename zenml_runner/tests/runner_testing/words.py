"""A project for the words of kedro run, and what kedro run and our commands make of them."""

from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run
from kedro.runner import SequentialRunner

from runner_testing.small import SETTINGS, small_files
from zenml_runner.commands import zenml
from zenml_runner.commands.prepare import Prepared, prepare
from zenml_runner.plan import Task

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


def kedro_call(*arguments: str) -> Any:
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


def task_of(prepared: Prepared, node: str) -> Task:
    """What the process of a step gets, as ZenML stores it."""
    (step,) = (step for step in prepared.plan.steps if node in step.nodes)
    text = Task(run=prepared.plan.run, step=step).model_dump_json(exclude_defaults=True)
    return Task.model_validate_json(text)


def write_outputs(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / f"data/{name}.json"
        if name == "versioned":
            path = path / "2026-01-01T00.00.00.000Z" / "versioned.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"n": 0}')
