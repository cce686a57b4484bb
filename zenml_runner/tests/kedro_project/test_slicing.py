"""Options that choose nodes choose those that they choose for `kedro run`."""

import os
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run
from kedro.runner import SequentialRunner

from runner_testing.projects import write_project
from zenml_runner.commands import zenml
from zenml_runner.commands.prepare import prepare
from zenml_runner.kedro_project.project import open_project

# No hooks: they would note what happens, and open a run of MLflow for each case.
PLUGINS = ("kedro-mlflow", "kedro_mlflow", "kedro-viz")
QUIET = {"src/tiny/settings.py": f"DISABLE_HOOKS_FOR_PLUGINS = {PLUGINS}\n"}


@pytest.fixture(scope="module", autouse=True)
def _in_project(tmp_path_factory):
    before = Path.cwd()
    with mock.patch.dict(os.environ), mock.patch.object(sys, "path", list(sys.path)):
        open_project(write_project(tmp_path_factory.mktemp("sliced") / "tiny", QUIET))
        yield
    os.chdir(before)


def nodes_of_kedro_run(*arguments: str) -> list[str]:
    with mock.patch.object(SequentialRunner, "run", return_value={}) as run:
        done = CliRunner().invoke(kedro_run, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return sorted(node.name for node in run.call_args.args[0].nodes)


def nodes_of_plan(*arguments: str) -> list[str]:
    given = zenml.commands["compile"].make_context("compile", list(arguments)).params
    prepared = prepare(**{k: v for k, v in given.items() if k not in ("output", "traceback")})
    return sorted(node for step in prepared.plan.steps for node in step.nodes)


@pytest.mark.parametrize(
    "options",
    [
        ["--tags", "first"],
        ["--tags", "first, frames"],
        ["--nodes", "double,add_up"],
        ["--nodes", "make, double , add_up,big.scale"],
        ["--from-nodes", "version"],
        ["--from-nodes", "double,split"],
        ["--to-nodes", "add_up"],
        ["--to-nodes", "join,mean"],
        ["--from-inputs", "parts"],
        ["--from-inputs", "frame@text"],
        ["--from-inputs", "frame"],
        ["--from-inputs", "params:factor,mean"],
        ["--to-outputs", "total"],
        ["--to-outputs", "frame@pandas"],
        ["--to-outputs", "frame"],
        ["--to-outputs", "big.scaled_data,joined"],
        ["--namespaces", "big"],
        ["--from-nodes", "make", "--to-nodes", "mean"],
        ["--from-nodes", "table", "--tags", "frames"],
        ["--from-inputs", "numbers", "--to-outputs", "model", "--nodes", "mean,version"],
    ],
    ids=" ".join,
)
def test_nodes_are_those_of_kedro_run(options):
    expected = nodes_of_kedro_run(*options)
    assert nodes_of_plan(*options) == expected
    assert 0 < len(expected) < 12
