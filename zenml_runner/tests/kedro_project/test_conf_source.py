"""The configuration that --conf-source names holds in every process."""

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from runner_testing.projects import write_files
from runner_testing.words import (
    CONTAINERS,
    files,
    kedro_call,
    planned,
    refusal,
    task_of,
)
from zenml_runner.commands import zenml
from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.project import Project, open_project
from zenml_runner.kedro_project.settings import carried, refuse_local, resolved
from zenml_runner.steps import caching


@pytest.fixture
def project(opened):
    return opened(files())


@pytest.fixture
def sources(project, tmp_path):
    """The same configuration with another number: in the project, outside, and as archives."""
    write_files(tmp_path / "other", files(number=5))
    inside, outside = project / "second_conf", tmp_path / "other" / "conf"
    shutil.copytree(outside, inside)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "other", "conf")
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as tar:
        tar.add(outside, "conf")
    return {
        "inside": inside,
        "outside": outside,
        "zip": Path(archive),
        "tar": tmp_path / "packed.tar.gz",
    }


@pytest.mark.parametrize("kind", ["inside", "outside", "tar", "zip"])
def test_each_process_reads_the_configuration_of_the_source(sources, kind):
    prepared = planned("--conf-source", str(sources[kind]))
    assert prepared.execution.parameters == {"number": 5}
    task = task_of(prepared, "make")
    execution = Execution(prepared.project, task.run)
    execution.load(alone=True)
    assert execution.catalog.load("params:number") == 5
    expected = kedro_call("--conf-source", str(sources[kind])).args[2]
    assert expected.load("params:number") == 5


def test_a_folder_in_the_project_is_found_where_the_project_lies_elsewhere(sources, tmp_path):
    prepared = planned("--conf-source", str(sources["inside"]))
    assert prepared.plan.run.conf_source == "second_conf"
    moved = Project(tmp_path / "image", "words", tmp_path / "image" / "src")
    shutil.copytree(prepared.project.path, moved.path)
    assert resolved(moved, "second_conf") == str(tmp_path / "image" / "second_conf")
    shutil.rmtree(moved.path / "second_conf")
    with pytest.raises(RunnerError, match="add the configuration to the image"):
        resolved(moved, "second_conf")


def test_a_relative_source_is_one_of_the_current_folder(sources, tmp_path):
    os.chdir(tmp_path / "other")
    project = str(sources["inside"].parent)
    prepared = planned("--project", project, "--conf-source", "conf")
    assert prepared.plan.run.conf_source == str(sources["outside"])


def test_containers_take_only_a_folder_of_the_project_or_an_address(opened, tmp_path):
    folder = opened(files(zenml_yml=CONTAINERS))
    shutil.copytree(folder / "conf", tmp_path / "outside")
    shutil.copytree(folder / "conf", folder / "inside")
    archive = shutil.make_archive(str(folder / "packed"), "gztar", folder, "conf")
    assert planned("--conf-source", str(folder / "inside")).plan.run.conf_source == "inside"
    outside = refusal("--conf-source", str(tmp_path / "outside"), "--dry-run")
    assert "is outside of the project's folder, so the containers of the stack cloud" in outside
    packed = refusal("--conf-source", archive, "--dry-run")
    assert "is an archive on this machine, so the containers of the stack cloud" in packed
    assert planned("--conf-source", archive, "--stack", "local").plan.steps


def test_an_address_is_the_same_in_each_process_and_on_each_stack(project):
    address = "gs://some-bucket/conf"
    given = zenml.commands["run"].make_context("run", ["--conf-source", address]).params
    here = open_project()
    assert given["conf_source"] == carried(here, address) == resolved(here, address) == address
    refuse_local(here, address, "cloud")


def test_a_source_that_does_not_exist_is_refused(project):
    assert "there is no folder or archive" in refusal("--conf-source", "nowhere")


def test_the_cache_key_depends_on_what_the_source_says(sources):
    def key(*options: str) -> str | None:
        prepared = planned("--nodes", "make", *options)
        (step,) = prepared.plan.steps
        return caching._key(prepared.execution, step)

    own = key()
    assert key("--conf-source", str(sources["inside"])) != own
    assert key("--conf-source", str(sources["outside"])) == key(
        "--conf-source", str(sources["inside"])
    )
    parameters = sources["inside"] / "base" / "parameters.yml"
    parameters.write_text("number: 1\n")
    assert key("--conf-source", str(sources["inside"])) == own
