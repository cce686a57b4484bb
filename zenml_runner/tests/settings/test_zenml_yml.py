"""The schema of zenml.yml."""

from importlib.resources import files

import pytest
import yaml

from zenml_runner.errors import RunnerError
from zenml_runner.settings.steps import Retry, StepSettings
from zenml_runner.settings.zenml_yml import ZenmlSettings, read_settings
from zenml_runner.stacks.target import choose_stack


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
        (
            {"stacks": {"local": {"type": "local", 1: 2}}},
            "no key 1 here; known are alerter, mlflow, type.",
        ),
        ({"steps": {"default": {"memory": "lots"}}}, "steps.default.memory"),
        ({"fan_out": {"shards": 0}}, "fan_out.shards"),
        ({"schedules": {"train": {"cron": "weekly"}}}, "schedules.train.cron"),
        ({"fan_out": {"shards": "many"}}, "fan_out.shards"),
        ({"items": {"per_shard": 0}}, "items.per_shard"),
        ({"steps": {"default": {"sizes": [{"cpu": 2}, {"up_to": 5}]}}}, "up_to must grow"),
        ({"grouping": {"pipelines": {"a": ["b"]}}}, "with by: registered_pipeline only"),
    ],
)
def test_mistakes_are_named_by_their_key(content, message):
    assert message in refusal(content)


def test_mistakes_in_several_sections_are_listed_at_once():
    message = refusal({"fan_out": {"shards": 0}, "grouping": {"by": "mood"}})
    assert "fan_out.shards" in message
    assert "grouping.by" in message


def test_settings_of_a_node_win_over_those_before():
    default = StepSettings(
        cpu=1,
        retry=Retry(max_retries=3),
        environment={"A": "1", "B": "1"},
        secrets=["mlflow", "database"],
        settings={"orchestrator.kubernetes": {"privileged": True, "pod_settings": {"env": []}}},
    )
    more = {"orchestrator.kubernetes": {"privileged": False}, "docker": {"dockerfile": "x"}}
    node = StepSettings(cpu=4, environment={"B": "2"}, secrets=["database", "shop"], settings=more)
    both = default.overridden_by(node)
    assert both.secrets == ["mlflow", "database", "shop"]
    assert both.settings == {
        "orchestrator.kubernetes": {"privileged": False, "pod_settings": {"env": []}},
        "docker": {"dockerfile": "x"},
    }
    assert both.cpu == 4
    assert both.retry == Retry(max_retries=3)
    assert both.environment == {"A": "1", "B": "2"}


SIZES = StepSettings.model_validate(
    {
        "cpu": 1,
        "memory": "2GB",
        "sizes": [
            {"up_to": 10, "cpu": 2},
            {"up_to": 100, "cpu": 4},
            {"machine_type": "n2-highmem-8"},
        ],
    }
)


@pytest.mark.parametrize(
    ("items", "cpu", "machine_type"),
    [
        (1, 2, None),
        (10, 2, None),
        (11, 4, None),
        (101, 1, "n2-highmem-8"),
        (None, 1, "n2-highmem-8"),
    ],
)
def test_the_first_size_that_is_large_enough_is_the_machine(items, cpu, machine_type):
    sized = SIZES.sized(items)
    assert (sized.cpu, sized.memory, sized.machine_type) == (cpu, "2GB", machine_type)
    assert sized.sizes == []


def test_more_items_than_every_size_take_the_largest():
    limited = StepSettings.model_validate(
        {"sizes": [{"up_to": 1, "cpu": 1}, {"up_to": 5, "cpu": 2}]}
    )
    assert limited.sized(6).cpu == 2
