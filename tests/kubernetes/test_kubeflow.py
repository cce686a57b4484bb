"""Registered stacks of Kubeflow and Tekton: ZenML's own orchestrators compile and submit.

Real are ZenML's server, client and orchestrators, Kubeflow's compiler and client, and the
containers' own commands. Their API is an endpoint of ours on loopback that keeps what it is sent;
nothing proves what a real one checks, or that a recurring run starts.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from runner_testing.small import small_files
from tests.kubernetes.kfp import FakeKfp, fake_kfp
from tests.kubernetes.place import CONTEXT, Place, make_place, write_kubeconfig
from tests.vertex.executors import ROOT, Machines, tasks_of
from tests.vertex.servers import ZenmlServer

pytest_plugins = ("tests.gcs", "tests.vertex.shared")
# Where other work keeps the machine busy, all of this takes many times as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

REGISTRY = """
def plus_one(n): return n + 1
def register_pipelines():
    return {"__default__": Pipeline([
        node(plus_one, "params:n", "one", name="first"),
        node(plus_one, "one", "two", name="second"),
    ])}
"""
CATALOG = "\n".join(
    f'{name}: {{type: json.JSONDataset, filepath: "gs://flow/{name}.json"}}'
    for name in ("one", "two")
)
ZENML = """
stack: flow
image: registry.example.com/flow:1
steps:
  nodes: {first: {cpu: 0.5}}
schedules:
  __default__: {cron: "0 5 * * 1", start: 2026-07-01, end: 2026-12-31, catchup: true}
"""
REFUSED = {
    "conf/memory/zenml.yml": "steps: {nodes: {second: {memory: 2GB}}}",
    "conf/zone/zenml.yml": "schedules: {__default__: {timezone: Europe/London}}",
}


@pytest.fixture(scope="module")
def kfp() -> Iterator[FakeKfp]:
    with fake_kfp() as api:
        yield api


@pytest.fixture(scope="module")
def place(
    shared_zenml: ZenmlServer,
    gcs_server: str,
    kfp: FakeKfp,
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    files = small_files(
        REGISTRY, CATALOG, parameters="n: 1\n", zenml=ZENML, package="flow", more=REFUSED
    )
    home = tmp_path_factory.mktemp("flow")
    made = make_place(home, files, shared_zenml, gcs_server, "flow")
    write_kubeconfig(home / "kubeconfig", kfp.url)
    made.register("flow", ("ORCHESTRATOR", "flow", "kubeflow", {"kubeflow_hostname": kfp.url}))
    made.register("tekton", ("ORCHESTRATOR", "tekton", "tekton", {"kubernetes_context": CONTEXT}))
    return made


def jobs(kfp: FakeKfp) -> list[dict[str, Any]]:
    """The runs as Vertex would call them."""
    return [{"pipelineSpec": run["pipeline_spec"]} for run in kfp.sent["runs"]]


def test_the_tasks_of_a_kubeflow_run_are_the_steps_and_run(place: Place, kfp: FakeKfp) -> None:
    done = place.type("run", "--params", "n=6")
    assert done.returncode == 0, done.stdout
    (run,) = jobs(kfp)
    tasks = tasks_of(run)
    assert {name: task.after for name, task in tasks.items()} == {
        "first": frozenset(),
        "second": {"first"},
    }
    assert tasks["first"].container["resources"]["cpuLimit"] == 0.5
    assert "resources" not in tasks["second"].container
    assert tasks["second"].container["image"] == "registry.example.com/flow:1"

    source = f"{ROOT / 'tests/vertex/container'}:{ROOT / 'zenml_runner/src'}:{ROOT}"
    outcome = Machines(place.image | {"PYTHONPATH": source}).run("flow-1", run)
    assert outcome.succeeded, outcome.failures()
    assert json.loads(place.bucket.cat("flow/two.json")) == 8
    name = done.stdout.split("ZenML run ")[1].split()[0]
    shown = place.type("status", name).stdout
    assert "second  completed" in shown, shown


def test_a_tekton_run_has_the_same_tasks(place: Place, kfp: FakeKfp) -> None:
    before = len(jobs(kfp))
    done = place.type("run", "--stack", "tekton")
    assert done.returncode == 0, done.stdout
    (run,) = jobs(kfp)[before:]
    assert set(tasks_of(run)) == {"first", "second"}


def test_a_schedule_is_a_recurring_run_with_seconds_start_end_and_catching_up(
    place: Place, kfp: FakeKfp
) -> None:
    done = place.type("schedule")
    assert done.returncode == 0, done.stdout
    (recurring,) = kfp.sent["recurringruns"]
    assert recurring["no_catchup"] is False
    cron = recurring["trigger"]["cron_schedule"]
    assert cron["cron"] == "0 0 5 * * 1"
    assert cron["start_time"].startswith("2026-07-01T00:00:00")
    assert cron["end_time"].startswith("2026-12-31T00:00:00")


def test_a_kubeflow_that_does_not_answer_has_not_got_the_run(place: Place) -> None:
    nobody = {"kubeflow_hostname": "http://127.0.0.1:9"}
    place.register("down", ("ORCHESTRATOR", "down", "kubeflow", nobody))
    done = place.type("run", "--stack", "down")
    assert done.returncode == 1, done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Error: "))
    assert "The orchestrator of the stack down has not got the run: Failed to upload" in line
    assert "Follow it with" not in done.stdout


@pytest.mark.parametrize(
    ("command", "env", "message"),
    [
        ("run", "memory", "the step second memory, which the orchestrator kubeflow of the stack"),
        ("schedule", "zone", "the schedule timezone, which the orchestrator kubeflow of the stack"),
    ],
)
def test_what_kubeflow_cannot_do_is_refused_before_it_is_submitted(
    place: Place, kfp: FakeKfp, command: str, env: str, message: str
) -> None:
    before = {kind: len(sent) for kind, sent in kfp.sent.items()}
    refused = place.type(command, "--env", env)
    assert refused.returncode == 1
    assert message in " ".join(refused.stdout.split())
    assert {kind: len(sent) for kind, sent in kfp.sent.items()} == before
