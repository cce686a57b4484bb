"""The schema of zenml.yml."""

from importlib.resources import files

import pytest
import yaml

from zenml_runner.errors import RunnerError
from zenml_runner.settings import ZenmlSettings, choose_stack, read_settings
from zenml_runner.step_settings import Retry, StepSettings


def refusal(content: dict) -> str:
    with pytest.raises(RunnerError) as refused:
        read_settings(content, "zenml.yml")
    return str(refused.value)


def test_without_a_file_there_is_a_local_stack_with_a_tracker():
    name, stack = choose_stack(ZenmlSettings(), None)
    assert name == stack.type == "local"
    assert stack.mlflow is not None


def test_the_file_that_init_writes_is_valid():
    text = files("zenml_runner").joinpath("zenml.yml").read_text()
    assert read_settings(yaml.safe_load(text), "zenml.yml").stack == "local"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"stak": "local"}, "no key 'stak' here; did you mean 'stack'?"),
        ({"steps": {"default": {"cpus": 2}}}, "steps.default: no key 'cpus' here; did you mean"),
        (
            {"steps": {"nodes": {"fit": {"retry": {"max_retry": 2}}}}},
            "steps.nodes.fit.retry: no key 'max_retry' here; did you mean 'max_retries'?",
        ),
        ({"stacks": {"v": {"type": "vertex", "region": "x"}}}, "stacks.v.vertex: no key 'region'"),
        ({"stacks": {"local": {"type": "local", 1: 2}}}, "no key 1 here; known are mlflow, type."),
        ({"steps": {"default": {"memory": "lots"}}}, "steps.default.memory"),
        ({"fan_out": {"shards": 0}}, "fan_out.shards"),
        ({"schedules": {"train": {"cron": "weekly"}}}, "schedules.train.cron"),
    ],
)
def test_mistakes_are_named_by_their_key(content, message):
    assert message in refusal(content)


def test_mistakes_in_several_sections_are_listed_at_once():
    message = refusal({"fan_out": {"shards": 0}, "grouping": {"by": "mood"}})
    assert "fan_out.shards" in message
    assert "grouping.by" in message


def test_settings_of_a_node_win_over_those_before():
    default = StepSettings(cpu=1, retry=Retry(max_retries=3), environment={"A": "1", "B": "1"})
    node = StepSettings(cpu=4, environment={"B": "2"})
    both = default.overridden_by(node)
    assert both.cpu == 4
    assert both.retry == Retry(max_retries=3)
    assert both.environment == {"A": "1", "B": "2"}


def test_a_stack_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(RunnerError, match="did you mean 'local'"):
        choose_stack(ZenmlSettings(), "loca")
