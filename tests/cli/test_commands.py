import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project
from kedro.io import DatasetError

from book_forecast import cli
from book_forecast.cli import run_command as run_command_module
from book_forecast.cli.run_command import run as run_command
from book_forecast.cli.run_command import split_params
from book_forecast.hooks.environment import environment_hooks
from book_forecast.releases.gates import PromotionRefusedError
from book_forecast.storage.errors import UserError

Kedro = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def kedro(project_path: Path) -> Kedro:
    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).parent / "kedro", *arguments],
            cwd=project_path,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call


@pytest.fixture
def run(project_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`kedro run` in this process, up to where the parameters are checked."""
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)
    return lambda *arguments: CliRunner().invoke(run_command, arguments)


def split(text: str) -> dict[str, Any]:
    return split_params(click.Context(run_command), run_command.params[0], text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("horizon=8, seed=1", {"horizon": 8, "seed": 1}),
        ("titles=9780722532935 9780241003008", {"titles": "9780722532935 9780241003008"}),
        ("titles=978A,978B,horizon=8", {"titles": "978A,978B", "horizon": 8}),
        ("levels=[80,95.5]", {"levels": [80, 95.5]}),
        ("titles=0722532312", {"titles": "0722532312"}),
        ("titles=[0722532312,0722532938]", {"titles": "0722532312,0722532938"}),
        ("start_date=2015-01-03", {"start_date": "2015-01-03"}),
        ("start_date=null", {"start_date": None}),
        ("shard.index=2,shard.count=4", {"shard": {"index": 2, "count": 4}}),
        ("data_root=gs://bucket/a=b", {"data_root": "gs://bucket/a=b"}),
        ("data_root=/a [b] #1,c,titles=all", {"data_root": "/a [b] #1,c", "titles": "all"}),
        ("data_root=007", {"data_root": "007"}),
        ("titles=,9780722532935", {"titles": 9780722532935}),
        ("titles=,978A,978B,", {"titles": "978A,978B"}),
    ],
)
def test_params_may_be_lists(text, expected):
    assert split(text) == expected


def test_params_from_a_config_file_pass_as_they_are():
    assert split_params(click.Context(run_command), run_command.params[0], {"a": 1}) == {"a": 1}


def test_params_without_a_name_are_refused():
    with pytest.raises(click.BadParameter, match="'horizon' has no name"):
        split("horizon")


@pytest.mark.parametrize("text", ["titles=", "titles=,", "horizon=8,titles= ", "data_root="])
def test_a_parameter_without_a_value_is_refused(text):
    with pytest.raises(click.BadParameter, match="has no value"):
        split(text)


@pytest.mark.parametrize("text", ["titles=[a", "horizon={", "titles='a"])
def test_a_value_that_cannot_be_read_is_refused_by_name(text):
    with pytest.raises(click.BadParameter, match=f"is no value for {text.partition('=')[0]}"):
        split(text)


@pytest.fixture
def asked(run, monkeypatch):
    """What a `kedro run` in a folder of the project asks Kedro for."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(run_command_module, "_kedro_run", lambda **asked: found.update(asked))
    monkeypatch.chdir("notebooks")

    def call(*arguments: str) -> dict[str, Any]:
        done = run(*arguments)
        assert done.exit_code == 0, done.output
        return found

    return call


def test_data_root_is_an_option_and_a_parameter_and_relative_to_the_current_folder(
    asked, project_path
):
    expected = {"data_root": str(project_path / "sales")}
    assert asked("--data-root", "../sales/")["params"] == expected
    assert asked("--params", "data_root=../sales/")["params"] == expected
    both = asked("--data-root", "../sales", "--params", "data_root=/other,titles=all")
    assert both["params"] == {**expected, "titles": "all"}
    assert asked()["params"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data-root", ""], "data_root '' is empty"),
        (["--data-root", "a*"], "data_root 'a*' has '*' in it"),
        (["--params", "data_root=a*"], "data_root 'a*' has '*' in it"),
        (["--runner", "ParallelRunner"], "--runner=ParallelRunner is not for this project"),
        (["--runner", "kedro.runner.ThreadRunner"], "ThreadRunner is not for this project"),
        (["--runner", "Foo"], "--runner=Foo is not for this project"),
        (["--async"], "--async is not for this project"),
        (["--runner-params", "is_async=True"], "--async is not for this project"),
        (["--pipeline", "ingst"], "There is no pipeline 'ingst': did you mean ingest?"),
        (
            ["--pipelines", "ingest,xyzzy"],
            "There is no pipeline 'xyzzy': there are decide, evaluate, ",
        ),
        (["--nodes", "fou"], "Pipeline does not contain nodes named ['fou']"),
    ],
)
def test_what_no_run_can_do_is_said_in_one_paragraph(run, arguments, message):
    ended = run(*arguments)
    assert ended.exit_code == 1
    (paragraph,) = [line for line in ended.output.splitlines() if line.startswith("Error: ")]
    assert message in paragraph
    assert "Traceback" not in ended.output


def test_the_usual_runner_may_be_named(asked):
    assert asked("--runner", "SequentialRunner")["runner"] == "SequentialRunner"


def test_an_unknown_parameter_ends_the_command_without_a_stack_trace(kedro: Kedro):
    ended = kedro("run", "--params", "horizn=3")
    assert ended.returncode == 1
    assert "Error: There is no parameter horizn: did you mean forecast.horizon?" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_an_unknown_environment_ends_the_command_without_a_stack_trace(kedro: Kedro):
    ended = kedro("run", DEPLOYMENT_ENV="../base")
    assert ended.returncode == 1
    assert "DEPLOYMENT_ENV is '../base'" in ended.stderr
    assert "development, testing, production" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pipeline", "forecast", "--params", "levels=80,120"], "forecast.levels is '80,120'"),
        (["--params", "shard.indx=1"], "did you mean execution.shard.index?"),
        (["--env", "prod"], "--env or KEDRO_ENV is 'prod'"),
    ],
)
def test_refusals_come_before_anything_runs(run, arguments, message):
    ended = run(*arguments)
    assert ended.exit_code == 1
    assert message in ended.output


def test_kedro_env_is_refused_when_it_is_empty(run, monkeypatch):
    monkeypatch.setenv("KEDRO_ENV", "")
    ended = run()
    assert ended.exit_code == 1
    assert "KEDRO_ENV is ''" in ended.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--env", ""],
        ["run", "--env="],
        ["run", "--pipeline", "ingest", "-e", "../base"],
        ["jupyter", "lab", "--env", "base"],
        ["viz", "run", "--env=prod"],
    ],
)
def test_a_refused_environment_stops_every_command_that_needs_one(project_path, arguments):
    metadata = bootstrap_project(project_path)
    with pytest.raises(SystemExit, match=r"Error: --env .* development, testing, production"):
        environment_hooks.before_command_run(metadata, arguments)


@pytest.mark.parametrize("arguments", [["run"], ["run", "--env", "testing"], ["sample"], []])
def test_other_commands_pass(project_path, arguments, monkeypatch):
    metadata = bootstrap_project(project_path)
    environment_hooks.before_command_run(metadata, arguments)
    monkeypatch.setenv("DEPLOYMENT_ENV", "prod")
    environment_hooks.before_command_run(None, arguments)


def test_a_user_error_behind_kedros_own_is_what_is_shown(run, monkeypatch):
    def fail(**arguments: Any) -> None:
        try:
            raise UserError("sales.xlsx has no sheet with sales; add one.")
        except UserError as error:
            raise DatasetError("Failed while loading data from dataset") from error

    monkeypatch.setattr(run_command_module, "_kedro_run", fail)
    ended = run()
    assert ended.exit_code == 1
    assert ended.output == "Error: sales.xlsx has no sheet with sales; add one.\n"
    assert isinstance(run("--traceback").exception, DatasetError)


def test_a_run_whose_candidate_is_refused_where_promotion_is_required_ends_with_3(run, monkeypatch):
    def fail(**arguments: Any) -> None:
        raise PromotionRefusedError("It is not promoted.")

    monkeypatch.setattr(run_command_module, "_kedro_run", fail)
    ended = run()
    assert ended.exit_code == 3
    assert ended.output == "Error: It is not promoted.\n"


def test_other_errors_keep_their_stack_trace(run, monkeypatch):
    def fail(**arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_command_module, "_kedro_run", fail)
    assert isinstance(run().exception, ZeroDivisionError)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_sample_writes_an_export_of_the_size_asked_for(tmp_path, file_format):
    path = tmp_path / f"sales.{file_format}"
    arguments = ["sample", "--titles", "3", "--format", file_format, "--output", str(path)]
    ended = CliRunner().invoke(cli.cli, arguments)
    assert ended.exit_code == 0, ended.output
    assert str(path) in ended.output
    assert path.stat().st_size > 0


def test_sample_says_in_one_line_what_to_put_right(tmp_path):
    arguments = ["sample", "--format", "csv", "--output", str(tmp_path / "sales.xlsx")]
    ended = CliRunner().invoke(cli.cli, arguments)
    assert ended.exit_code == 1
    assert ended.output.startswith("Error: ")
    assert "sales.xlsx" in ended.output
