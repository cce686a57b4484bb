"""The error of a step everywhere, each log message once, YAML alone on standard output."""

import re

import pytest
import yaml

from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files

REGISTRY = """
import logging
print("the registry is imported")
logging.getLogger("loud").warning("the registry warns")


def boom():
    # Longer than a line of any terminal.
    logging.getLogger("loud").warning("once " + "word " * 30 + "end")
    print("printed")
    raise ValueError("the first line\\nand the second: 3 of 4")


def register_pipelines():
    return {"__default__": Pipeline([node(boom, None, "out", name="boom")])}
"""
LOGGING = """
version: 1
disable_existing_loggers: false
handlers:
  console: {class: logging.StreamHandler, stream: "ext://sys.stdout"}
  rich: {class: kedro.logging.RichHandler}
loggers:
  kedro: {level: INFO}
  loud: {level: INFO, handlers: [console], propagate: true}
root: {handlers: [rich]}
"""


@pytest.fixture
def runner(tmp_path, home):
    files = small_files(
        REGISTRY,
        "out: {type: json.JSONDataset, filepath: data/out.json}\n",
        package="loud",
        more={"conf/logging.yml": LOGGING},
    )
    made = Runner(write_files(tmp_path / "loud", files), home)
    made.environment["COLUMNS"] = "80"
    return made


@pytest.mark.slow
def test_the_error_of_a_step_and_each_message_once(runner):
    # What is printed is stored by what wraps the streams of a process that starts anew.
    runner.anew = True
    done = runner.zenml("run")
    runner.anew = False
    assert done.returncode == 1
    resume = re.search(r"--resume (\S+)", done.stderr)
    assert resume
    name = resume[1]
    shown = runner.zenml("status", name).stdout
    for text in (done.stderr, shown):
        assert "ValueError (in node boom): the first line\n" in text
        assert "and the second: 3 of 4" in text
    logs = runner.zenml("logs", name).stdout
    message = "once " + "word " * 30 + "end"
    assert logs.splitlines().count(message) == 1
    assert logs.count("word word") * 2 == message.count("word word") * 2
    assert logs.count("Running node: boom") == 1
    assert logs.splitlines().count("printed") == 1


@pytest.mark.slow
def test_standard_output_of_compile_is_yaml_whatever_the_project_prints(runner):
    done = runner.zenml("compile")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["steps"] == [{"name": "boom", "nodes": ["boom"]}]
    assert "the registry is imported" in done.stderr
    assert "the registry warns" in done.stderr


@pytest.mark.slow
def test_it_is_yaml_too_where_kedro_logs_before_it_loads_plugins(runner):
    runner.anew = True
    done = runner.kedro("zenml", "compile")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["steps"] == [{"name": "boom", "nodes": ["boom"]}]
    assert "as logging" in " ".join(done.stderr.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import kedro.pipeline.nothing", "No module named 'kedro.pipeline.nothing'"),
        ("import loud.nothing", "No module named 'loud.nothing'"),
        ("from kedro.pipeline import nothing", "cannot import name 'nothing'"),
    ],
)
def test_an_import_that_the_project_gets_wrong_is_its_own_error(runner, line, message):
    registry = runner.project / "src/loud/pipeline_registry.py"
    registry.write_text(f"{line}\n{registry.read_text()}")
    done = runner.zenml("run", "--dry-run")
    assert done.returncode == 1
    assert message in done.stderr
    assert "not installed" not in done.stderr
