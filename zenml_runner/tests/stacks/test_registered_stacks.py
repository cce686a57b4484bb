"""Stacks that are registered with ZenML by other means: its local one, and Docker's engine."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from runner_testing.fake_docker import FakeDocker, fake_docker
from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files

pytest.importorskip("docker")
pytestmark = pytest.mark.slow

REGISTRY = """
import os

def first(n):
    return {"n": n, "word": os.environ.get("WORD"), "other": os.environ.get("OTHER")}
def second(one):
    if "BROKEN" in os.environ:
        raise RuntimeError("the disk is full")
    return one["n"] + 1
def register_pipelines():
    both = Pipeline([
        node(first, "params:n", "one", name="first"),
        node(second, "one", "two", name="second"),
    ])
    return {"__default__": both, "both": both}
"""
CATALOG = """
one: {type: json.JSONDataset, filepath: data/one.json}
two: {type: json.JSONDataset, filepath: data/two.json}
"""
ZENML = """
stacks: {local: {type: local}}
keep_in_container: [one, two]
image: registry/registered:1
labels: {team: books}
settings:
  orchestrator.local_docker: {run_args: {network_mode: none}}
schedules: {both: {cron: "0 5 * * 1"}}
steps:
  default: {secrets: [words]}
  nodes:
    first: {cpu: 1.5, environment: {KIND: small}, secrets: [OTHER]}
    second: {image: "registry/second:1"}
"""
ENVIRONMENTS = {
    "operators": "steps: {nodes: {second: {step_operator: gpus}}}",
    "spot": "steps: {nodes: {second: {spot: true}}}",
    "typo": "settings: {orchestrator.local_dokcer: {}}",
    "unset": "steps: {default: {secrets: [wrods]}}",
}
ENV_FILES = {f"conf/{env}/zenml.yml": text for env, text in ENVIRONMENTS.items()}
REGISTER = """
from zenml.client import Client
from zenml.enums import StackComponentType as Kind

client = Client()
store = client.list_stack_components(type=Kind.ARTIFACT_STORE, name="default").items[0].id
builder = client.create_stack_component("builder", "local", Kind.IMAGE_BUILDER, {})
for flavor in ("local", "local_docker"):
    made = client.create_stack_component(f"own_{flavor}", flavor, Kind.ORCHESTRATOR, {})
    client.create_stack(f"company_{flavor}", {
        Kind.ORCHESTRATOR: made.id, Kind.ARTIFACT_STORE: store, Kind.IMAGE_BUILDER: builder.id
    })
client.create_secret("words", {"WORD": "open sesame"})
"""
STACKS = """
from zenml.client import Client
print(sorted((s.name, str(s.updated)) for s in Client().list_stacks().items))
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = tmp_path_factory.mktemp("registered")
    files = small_files(
        REGISTRY, CATALOG, parameters="n: 1\n", zenml=ZENML, package="registered", more=ENV_FILES
    )
    made = Runner(write_files(folder / "project", files), folder)
    made.environment["OTHER"] = "of the environment"
    done = made.python(REGISTER)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def docker(runner: Runner) -> Iterator[FakeDocker]:
    with fake_docker({"ZENML_RUNNER_PROJECT": str(runner.project)}) as made:
        runner.environment["DOCKER_HOST"] = made.url
        yield made


def test_a_local_stack_of_zenml_runs_in_the_process_and_is_left_as_it_is(runner):
    before = runner.python(STACKS).stdout
    done = runner.zenml("run", "--stack", "company_local", "--params", "n=4")
    assert done.returncode == 0, done.stderr
    assert "on the ZenML stack company_local." in done.stdout
    data = runner.data()
    assert json.loads(data["one.json"]) == {
        "n": 4,
        "word": "open sesame",
        "other": "of the environment",
    }
    assert json.loads(data["two.json"]) == 5
    assert runner.python(STACKS).stdout == before


def test_a_stack_that_is_nowhere_is_refused_with_the_nearest_of_both_kinds(runner):
    refused = runner.zenml("run", "--stack", "company_lokal")
    assert refused.returncode == 1
    message = " ".join(refused.stderr.split())
    assert "There is no stack 'company_lokal' in zenml.yml: known are local." in message
    assert "ZenML has none of this name either: did you mean 'company_local'?" in message


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("operators", "the stack company_local_docker has no step operators"),
        ("spot", "the step second spot, which the orchestrator local_docker of the stack company"),
        ("typo", "ZenML has no such flavor: did you mean 'local_docker'?"),
        ("unset", "the secret 'wrods', and neither ZenML nor the environment has it (did you mean"),
    ],
)
def test_what_a_stack_cannot_do_is_refused_before_anything_is_submitted(
    runner, docker, env, message
):
    refused = runner.zenml("run", "--stack", "company_local_docker", "--env", env)
    assert refused.returncode == 1
    assert message in " ".join(refused.stderr.split())
    assert not docker.containers


@pytest.mark.parametrize("stack", ["local", "company_local", "company_local_docker"])
def test_a_stack_without_a_scheduler_takes_no_schedule(runner, stack):
    refused = runner.zenml("schedule", "--pipeline", "both", "--stack", stack)
    assert refused.returncode == 1
    assert f"The stack {stack} has no scheduler" in refused.stderr


def test_docker_runs_a_container_for_each_step_and_a_resumed_run_those_that_are_left(
    runner, docker
):
    docker.base["BROKEN"] = "yes"
    failed = runner.zenml("run", "--stack", "company_local_docker", "--params", "n=6")
    del docker.base["BROKEN"]
    assert failed.returncode == 1, failed.stdout
    assert "RuntimeError (in node second): the disk is full" in failed.stderr
    first, second = docker.containers.values()
    assert (first.asked["Image"], second.asked["Image"]) == (
        "registry/registered:1",
        "registry/second:1",
    )
    assert first.asked["HostConfig"]["NanoCpus"] == 1_500_000_000
    assert {c.asked["HostConfig"]["NetworkMode"] for c in (first, second)} == {"none"}
    assert first.environment["KIND"] == "small"
    assert json.loads(runner.data()["one.json"]) == {
        "n": 6,
        "word": "open sesame",
        "other": "of the environment",
    }
    # No value of a secret is in what the engine gets.
    for container in (first, second):
        asked = json.dumps(container.asked)
        assert "open sesame" not in asked
        assert "of the environment" not in asked

    printed = re.search(r"run --resume (default-\S+) --stack company_local_docker", failed.stderr)
    assert printed is not None, failed.stderr
    docker.containers.clear()
    resumed = runner.zenml("run", "--resume", printed[1], "--stack", "company_local_docker")
    assert resumed.returncode == 0, resumed.stderr
    assert "The only step done" in resumed.stdout
    assert len(docker.containers) == 1
    assert json.loads(runner.data()["two.json"]) == 7


def test_an_engine_that_fails_between_two_steps_is_an_error_of_its_own(runner, docker):
    docker.containers.clear()
    docker.most = 1
    failed = runner.zenml("run", "--stack", "company_local_docker", "--params", "n=6")
    docker.most = None
    assert failed.returncode == 1, failed.stdout
    assert "no space left on device" in failed.stderr
    assert "Resume it with" not in failed.stderr


def test_the_compiled_pipeline_names_the_stack_and_hides_secrets(runner):
    compiled = runner.zenml("compile", "--stack", "company_local_docker")
    assert compiled.returncode == 0, compiled.stderr
    document = yaml.safe_load(compiled.stdout)
    assert document["stack"]["name"] == "company_local_docker"
    assert document["stack"]["orchestrator"] == "local_docker"
    assert document["steps"][1]["settings"]["image"] == "registry/second:1"
    assert "open sesame" not in compiled.stdout
