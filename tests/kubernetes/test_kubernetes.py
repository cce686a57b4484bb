"""A registered Kubernetes stack: submitted with ZenML's own orchestrator, and its pods run.

Real are ZenML's server, client, Kubernetes orchestrator and step operator, Kubernetes' client, and
the pods' own commands, which run as processes: the orchestrator's pod starts those of the steps.
The cluster is an endpoint of ours on loopback that keeps what it is sent.

Not proven are: the image; what a cluster itself checks in a manifest; scheduling on nodes, so that
requests, node pools, tolerations and machine types have an effect; that a cron job fires.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_testing.small import small_files
from tests.kubernetes.cluster import Cluster, fake_cluster
from tests.kubernetes.place import CONTEXT, Place, make_place, write_kubeconfig
from tests.vertex.servers import ZenmlServer

pytest_plugins = ("tests.gcs", "tests.vertex.shared")
# Where other work keeps the machine busy, all of this takes many times as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

REGISTRY = """
import os
from pathlib import Path

def first(n):
    return {"n": n, "word": os.environ["WORD"]}
def second(one):
    fails = Path(os.environ["ZENML_RUNNER_PROJECT"]) / "second.fails"
    if fails.exists():
        fails.unlink()
        raise RuntimeError("the disk is full")
    return one["n"] + 1
def third(two):
    return two + 1
def register_pipelines():
    return {"__default__": Pipeline([
        node(first, "params:n", "one", name="first"),
        node(second, "one", "two", name="second"),
        node(third, "two", "three", name="third"),
    ])}
"""
DATA = ("pods/one.json", "pods/two.json", "pods/three.json")
CATALOG = "\n".join(
    f'{name}: {{type: json.JSONDataset, filepath: "gs://pods/{name}.json"}}'
    for name in ("one", "two", "three")
)
ZENML = """
stack: cluster
stacks: {}
image: registry.example.com/books:1
labels: {team: planning}
settings:
  orchestrator.kubernetes:
    job_monitoring_interval: 0.2
    orchestrator_pod_settings: {labels: {part: orchestrator}}
steps:
  nodes:
    first: {cpu: 0.5, memory: 1GB, spot: true, node_pool: big, secrets: [words]}
    second: {retry: {max_retries: 1, delay: 1}, timeout: 900}
    third: {step_operator: gpus, gpu: 1}
schedules:
  __default__: {cron: "0 5 * * 1", timezone: Europe/London}
"""
MIXED = {"conf/mixed/zenml.yml": "steps: {nodes: {third: {step_operator: mixed-gpus}}}"}
STORE_SECRET = """
from zenml.client import Client

Client().create_secret("words", {"WORD": "open sesame"})
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with fake_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def place(
    shared_zenml: ZenmlServer,
    gcs_server: str,
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    home = tmp_path_factory.mktemp("pods")
    files = small_files(
        REGISTRY, CATALOG, parameters="n: 1\n", zenml=ZENML, package="pods", more=MIXED
    )
    made = make_place(home, files, shared_zenml, gcs_server, "pods")
    write_kubeconfig(home / "kubeconfig", cluster.url)
    cluster.base |= made.image
    config = {"kubernetes_context": CONTEXT, "kubernetes_namespace": "books"}
    made.register(
        "cluster",
        ("ORCHESTRATOR", "pods", "kubernetes", config | {"pass_zenml_token_as_secret": True}),
        ("STEP_OPERATOR", "gpus", "kubernetes", config),
    )
    made.register(
        "mixed",
        ("ORCHESTRATOR", "here", "local", {}),
        ("STEP_OPERATOR", "mixed-gpus", "kubernetes", config),
    )
    script = home / "secret.py"
    script.write_text(STORE_SECRET)
    done = made.python(str(script))
    assert done.returncode == 0, done.stdout
    return made


@pytest.fixture(scope="module")
def run(place: Place, cluster: Cluster) -> str:
    """What a command has printed whose pods have all run."""
    (place.project / "second.fails").touch()
    done = place.type("run", "--params", "n=6", "--wait")
    assert done.returncode == 0, done.stdout + json.dumps(cluster.output, indent=1)
    return done.stdout


def test_pods_run_the_steps_in_their_order_and_a_failed_one_again(
    place: Place, cluster: Cluster, run: str
) -> None:
    assert "All 3 steps done" in run
    assert "retry.delay and retry.backoff of second" in " ".join(run.split())
    data = {Path(path).stem: json.loads(place.bucket.cat(path)) for path in DATA}
    assert data == {"one": {"n": 6, "word": "open sesame"}, "two": 7, "three": 8}
    pods = [pod["metadata"]["labels"] for pod in cluster.asked["pods"]]
    # The pod of the third step starts that of the step operator.
    assert [labels.get("step_name", "-") for labels in pods] == [
        *("-", "first", "second", "second", "third", "third")
    ]


def test_a_job_has_the_resources_node_pool_spot_and_deadline_of_its_step(
    cluster: Cluster, run: str
) -> None:
    (first,) = cluster.jobs_of("first")
    pod = first["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "0.5", "memory": "1G"},
        "limits": {"memory": "1G"},
    }
    assert "cloud.google.com/gke-nodepool" in json.dumps(pod["affinity"])
    assert "cloud.google.com/gke-spot" in json.dumps(pod["tolerations"])
    assert first["spec"]["template"]["metadata"]["labels"]["team"] == "planning"
    (second,) = cluster.jobs_of("second")
    assert (second["spec"]["backoffLimit"], second["spec"]["activeDeadlineSeconds"]) == (1, 900)
    assert "affinity" not in second["spec"]["template"]["spec"]
    (orchestrator,) = cluster.jobs_of("")
    assert orchestrator["spec"]["template"]["metadata"]["labels"]["part"] == "orchestrator"
    _, by_operator = cluster.jobs_of("third")
    resources = by_operator["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"nvidia.com/gpu": "1"}


def test_the_command_that_registers_stacks_leaves_those_of_others(place: Place) -> None:
    done = place.type("stacks")
    assert done.returncode == 0, done.stdout
    assert "cluster: registered with ZenML by other means" in done.stdout


def test_no_secret_is_in_a_job(place: Place, cluster: Cluster, run: str) -> None:
    jobs = json.dumps(cluster.asked["jobs"])
    assert "open sesame" not in jobs
    assert place.environment["ZENML_STORE_API_KEY"] not in jobs


def test_the_local_orchestrator_runs_one_step_here_and_another_one_in_a_pod(
    place: Place, cluster: Cluster
) -> None:
    before = len(cluster.asked.get("pods", []))
    done = place.type("run", "--stack", "mixed", "--env", "mixed", "--params", "n=40")
    assert done.returncode == 0, done.stdout + json.dumps(cluster.output, indent=1)
    assert "All 3 steps done" in done.stdout
    assert json.loads(place.bucket.cat("pods/three.json")) == 42
    (pod,) = cluster.asked["pods"][before:]
    assert pod["metadata"]["labels"]["step_name"] == "third"


def test_a_schedule_is_a_cron_job_with_its_time_zone_until_it_is_deleted(
    place: Place, cluster: Cluster
) -> None:
    made = place.type("schedule")
    assert made.returncode == 0, made.stdout
    (job,) = cluster.objects["cronjobs"].values()
    assert (job["spec"]["schedule"], job["spec"]["timeZone"]) == ("0 5 * * 1", "Europe/London")
    listed = place.type("schedule", "--list").stdout
    assert "pods-__default__-" in listed
    deleted = place.type("schedule", "--delete")
    assert "Deleted the schedule pods-__default__-" in deleted.stdout
    assert "goes on" not in deleted.stdout
    assert cluster.objects["cronjobs"] == {}
