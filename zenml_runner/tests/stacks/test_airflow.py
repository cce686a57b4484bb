"""A registered Airflow stack: ZenML writes a DAG for Airflow, which is not installed here.

Airflow has no API for it: a DAG is submitted by its file. Two projects of one package name have
schedules of their own there.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files

pytestmark = pytest.mark.slow

REGISTRY = """
def number(n): return n
def register_pipelines():
    return {"__default__": Pipeline([
        node(number, "params:n", "one", name="first"),
        node(number, "one", "two", name="second"),
    ])}
"""
CATALOG = """
one: {type: json.JSONDataset, filepath: "memory://numbers/one.json"}
two: {type: json.JSONDataset, filepath: "memory://numbers/two.json"}
"""
ZENML = """
stack: dags
image: registry/numbers:1
steps:
  default: {retry: {max_retries: 1}, environment: {KIND: small}}
  nodes:
    second: {settings: {orchestrator.airflow: {operator_args: {retries: 2}}}}
schedules:
  __default__: {cron: "0 5 * * 1", start: 2026-07-01, end: 2026-12-31, catchup: true}
"""
REGISTER = """
from zenml.client import Client
from zenml.enums import StackComponentType as Kind

client = Client()
store = client.list_stack_components(type=Kind.ARTIFACT_STORE, name="default").items[0].id
builder = client.create_stack_component("builder", "local", Kind.IMAGE_BUILDER, {})
config = {"local": True, "dag_output_dir": "%s"}
made = client.create_stack_component("dags", "airflow", Kind.ORCHESTRATOR, config)
client.create_stack("dags", {
    Kind.ORCHESTRATOR: made.id, Kind.ARTIFACT_STORE: store, Kind.IMAGE_BUILDER: builder.id
})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="module")
def projects(folder: Path) -> list[Runner]:
    """Two projects with one package name, and the ZenML that they share."""
    files = small_files(REGISTRY, CATALOG, parameters="n: 1\n", zenml=ZENML, package="shop")
    made = [Runner(write_files(folder / name, files), folder) for name in ("one", "two")]
    done = made[0].python(REGISTER % (folder / "dags"))
    assert done.returncode == 0, done.stderr
    return made


def dags(folder: Path) -> list[dict[str, Any]]:
    """The DAGs in Airflow's folder, the last one at the end; the folder is empty afterwards."""
    found = []
    for path in sorted((folder / "dags").glob("*.zip"), key=lambda path: path.stat().st_mtime_ns):
        with zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if name != "dag.py")
            found.append(json.loads(archive.read(name)))
        path.unlink()
    return found


def test_a_run_is_a_dag_with_the_steps_as_tasks(projects: list[Runner], folder: Path) -> None:
    done = projects[0].zenml("run")
    assert done.returncode == 0, done.stderr
    (dag,) = dags(folder)
    first, second = dag["tasks"]
    assert (first["id"], second["id"], second["upstream_steps"]) == ("first", "second", ["first"])
    assert (first["docker_image"], first["environment"]["KIND"]) == ("registry/numbers:1", "small")
    assert (first["operator_args"], second["operator_args"]) == ({}, {"retries": 2})


def test_a_schedule_has_start_end_and_catching_up(projects: list[Runner], folder: Path) -> None:
    names = []
    for runner in projects:
        done = runner.zenml("schedule")
        assert done.returncode == 0, done.stderr
        (dag,) = dags(folder)
        assert (dag["schedule"], dag["catchup"]) == ("0 5 * * 1", True)
        assert (dag["start_date"], dag["end_date"]) == (
            "2026-07-01T00:00:00",
            "2026-12-31T00:00:00",
        )
        found = re.search(r"as (shop-__default__-\w{8})\.", " ".join(done.stdout.split()))
        assert found is not None, done.stdout
        names.append(found[1])
    one, two = names
    assert one != two

    for runner, own, other in ((projects[0], one, two), (projects[1], two, one)):
        listed = runner.zenml("schedule", "--list").stdout
        assert own in listed
        assert other not in listed
    deleted = projects[0].zenml("schedule", "--delete")
    assert f"Deleted the schedule {one}." in deleted.stdout
    assert f"{one} goes on: delete it there too" in " ".join(deleted.stderr.split())
    assert "No schedules." in projects[0].zenml("schedule", "--list").stdout
    assert two in projects[1].zenml("schedule", "--list").stdout


def test_a_time_zone_is_refused_before_a_dag_is_written(
    projects: list[Runner], folder: Path
) -> None:
    path = projects[0].project / "conf/local/zenml.yml"
    path.write_text("schedules: {__default__: {cron: 0 5 * * 1, timezone: Europe/London}}")
    refused = projects[0].zenml("schedule", "--env", "local")
    path.unlink()
    message = " ".join(refused.stderr.split())
    assert "the schedule timezone, which the orchestrator airflow of the stack dags" in message
    assert dags(folder) == []
