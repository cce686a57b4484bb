"""A registered Kubernetes stack: submitted with ZenML's own orchestrator, and its pods run.

Real are ZenML's server, client, Kubernetes orchestrator and step operator, Kubernetes' client, and
the pods' own commands, which run as processes: the orchestrator's pod starts those of the steps.
The cluster is an endpoint of ours on loopback that keeps what it is sent.

Not proven are: the image; what a cluster itself checks in a manifest; scheduling on nodes, so that
requests, node pools, tolerations and machine types have an effect; that a cron job fires.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from runner_testing.projects import write_files
from runner_testing.small import small_files
from tests import leash
from tests.kubernetes.cluster import CONTEXT, Cluster, fake_cluster
from tests.vertex.executors import ROOT
from tests.vertex.servers import ZenmlServer, zenml_server

pytest_plugins = ("tests.gcs",)
# Where other work keeps the machine busy, all of this takes many times as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

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
DATA = ("numbers/one.json", "numbers/two.json", "numbers/three.json")
CATALOG = "\n".join(
    f'{name}: {{type: json.JSONDataset, filepath: "gs://numbers/{name}.json"}}'
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
REGISTER = """
from zenml.client import Client
from zenml.enums import StackComponentType as Kind

client = Client()
config = {"kubernetes_context": "%s", "kubernetes_namespace": "books"}
token = {"pass_zenml_token_as_secret": True}
made = {
    Kind.ORCHESTRATOR: client.create_stack_component(
        "pods", "kubernetes", Kind.ORCHESTRATOR, config | token),
    Kind.STEP_OPERATOR: client.create_stack_component(
        "gpus", "kubernetes", Kind.STEP_OPERATOR, config),
    Kind.CONTAINER_REGISTRY: client.create_stack_component(
        "registry", "default", Kind.CONTAINER_REGISTRY, {"uri": "registry.example.com"}),
    Kind.ARTIFACT_STORE: client.create_stack_component(
        "bucket", "gcp", Kind.ARTIFACT_STORE, {"path": "gs://artifacts"}),
    Kind.IMAGE_BUILDER: client.create_stack_component("builder", "local", Kind.IMAGE_BUILDER, {}),
}
made = {kind: component.id for kind, component in made.items()}
client.create_stack("cluster", made)
client.create_secret("words", {"WORD": "open sesame"})
"""


@dataclass(frozen=True)
class Place:
    """A project, ZenML's server, a bucket and a cluster."""

    project: Path
    bucket: Any
    cluster: Cluster
    environment: dict[str, str]

    def type(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command, *others = arguments
        return self.python("-m", "zenml_runner", command, "--project", str(self.project), *others)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = leash.start(
            [sys.executable, *words],
            cwd=self.project,
            env=self.environment,
            output=subprocess.PIPE,
        )
        output, _ = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, output)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZenmlServer]:
    with zenml_server(tmp_path_factory.mktemp("zenml")) as made:
        yield made


@pytest.fixture(scope="module")
def place(
    server: ZenmlServer, gcs_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("pods")
    files = small_files(REGISTRY, CATALOG, parameters="n: 1\n", zenml=ZENML, package="pods")
    project = write_files(home / "project", files)
    base = {
        "ZENML_RUNNER_PROJECT": str(project),
        "STORAGE_EMULATOR_HOST": gcs_server,
        "GOOGLE_CLOUD_PROJECT": "books",
        # gcsfs would ask by gRPC what kind of bucket it is, past the emulator, for a minute.
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        "KUBECONFIG": str(home / "kubeconfig"),
        "ZENML_ANALYTICS_OPT_IN": "false",
    }
    with pytest.MonkeyPatch.context() as patch, fake_cluster(base) as cluster:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        cluster.kubeconfig(home / "kubeconfig")
        environment = base | {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": f"{ROOT / 'zenml_runner/src'}:{ROOT}",
            "COLUMNS": "200",
            "PYTHONWARNINGS": "ignore::FutureWarning",
            "ZENML_CONFIG_PATH": str(home / "client"),
            "ZENML_STORE_URL": server.url,
            "ZENML_STORE_API_KEY": server.api_key,
        }
        cluster.base["PYTHONPATH"] = os.pathsep.join(
            (str(ROOT / "tests/vertex/container"), str(ROOT / "zenml_runner/src"), str(ROOT))
        )
        google = {"endpoint_url": gcs_server, "token": "anon", "project": "books"}
        bucket = fsspec.filesystem("gcs", **google)
        for name in ("artifacts", "numbers"):
            bucket.mkdir(name)
        made = Place(project, bucket, cluster, environment)
        script = home / "register.py"
        script.write_text(REGISTER % CONTEXT)
        done = made.python(str(script))
        assert done.returncode == 0, done.stdout
        yield made


@pytest.fixture(scope="module")
def run(place: Place) -> str:
    """What a command has printed whose pods have all run."""
    (place.project / "second.fails").touch()
    done = place.type("run", "--params", "n=6", "--wait")
    assert done.returncode == 0, done.stdout + json.dumps(place.cluster.output, indent=1)
    return done.stdout


def test_pods_run_the_steps_in_their_order_and_a_failed_one_again(place: Place, run: str) -> None:
    assert "All 3 steps done" in run
    assert "retry.delay and retry.backoff of second" in " ".join(run.split())
    data = {Path(path).stem: json.loads(place.bucket.cat(path)) for path in DATA}
    assert data == {"one": {"n": 6, "word": "open sesame"}, "two": 7, "three": 8}
    pods = [pod["metadata"]["labels"] for pod in place.cluster.asked["pods"]]
    # The pod of the third step starts that of the step operator.
    assert [labels.get("step_name", "-") for labels in pods] == [
        *("-", "first", "second", "second", "third", "third")
    ]


def test_a_job_has_the_resources_node_pool_spot_and_deadline_of_its_step(
    place: Place, run: str
) -> None:
    (first,) = place.cluster.jobs_of("first")
    pod = first["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "0.5", "memory": "1G"},
        "limits": {"memory": "1G"},
    }
    assert "cloud.google.com/gke-nodepool" in json.dumps(pod["affinity"])
    assert "cloud.google.com/gke-spot" in json.dumps(pod["tolerations"])
    assert first["spec"]["template"]["metadata"]["labels"]["team"] == "planning"
    (second,) = place.cluster.jobs_of("second")
    assert (second["spec"]["backoffLimit"], second["spec"]["activeDeadlineSeconds"]) == (1, 900)
    assert "affinity" not in second["spec"]["template"]["spec"]
    (orchestrator,) = place.cluster.jobs_of("")
    assert orchestrator["spec"]["template"]["metadata"]["labels"]["part"] == "orchestrator"
    _, by_operator = place.cluster.jobs_of("third")
    resources = by_operator["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"nvidia.com/gpu": "1"}


def test_no_secret_is_in_a_job(place: Place, run: str) -> None:
    jobs = json.dumps(place.cluster.asked["jobs"])
    assert "open sesame" not in jobs
    assert place.environment["ZENML_STORE_API_KEY"] not in jobs


def test_a_schedule_is_a_cron_job_with_its_time_zone_until_it_is_deleted(place: Place) -> None:
    made = place.type("schedule")
    assert made.returncode == 0, made.stdout
    (job,) = place.cluster.objects["cronjobs"].values()
    assert (job["spec"]["schedule"], job["spec"]["timeZone"]) == ("0 5 * * 1", "Europe/London")
    listed = place.type("schedule", "--list").stdout
    assert "pods-__default__-" in listed
    deleted = place.type("schedule", "--delete")
    assert "Deleted the schedule pods-__default__-" in deleted.stdout
    assert "goes on" not in deleted.stdout
    assert place.cluster.objects["cronjobs"] == {}
