"""A project's own session class; two projects with one package name; labels of local runs."""

import json

import pytest

from runner_testing.projects import Runner, write_files
from runner_testing.small import SETTINGS, ZENML, small_files
from zenml_runner.kedro_project.project import Project

REGISTRY = """
def number(n): return n
def register_pipelines():
    return {"__default__": Pipeline([node(number, "params:n", "out", name="number")])}
"""
CATALOG = "out: {type: json.JSONDataset, filepath: data/out.json}\n"
SESSION = """
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog


class Own(KedroSession):
    def __enter__(self):
        note("enter")
        return super().__enter__()

    def load_context(self):
        note("load_context")
        return super().load_context()

    def close(self):
        note("close")
        super().close()


class Catalog(DataCatalog):
    def save(self, name, data):
        note(f"save {name}")
        super().save(name, data)


def note(line):
    with Path("session").open("a") as file:
        file.write(line + "\\n")
"""


def own_files(**more):
    return small_files(REGISTRY, CATALOG, parameters="n: 1\n", package="own", **more)


@pytest.mark.slow
def test_a_project_runs_in_its_own_session_and_catalog_as_in_kedro_run(tmp_path, home):
    settings = SETTINGS + (
        "from own.session import Catalog, Own\nSESSION_CLASS = Own\nDATA_CATALOG_CLASS = Catalog\n"
    )
    files = own_files(settings=settings, more={"src/own/session.py": SESSION})
    runner = Runner(write_files(tmp_path / "own", files), home)
    notes = runner.project / "session"
    assert runner.kedro("run", "--params", "n=2").returncode == 0
    plain = notes.read_text()
    notes.unlink()
    done = runner.zenml("run", "--params", "n=3")
    assert done.returncode == 0, done.stderr
    assert notes.read_text() == plain
    assert "save out" in plain
    assert json.loads(runner.data()["out.json"]) == 3


@pytest.mark.slow
def test_a_run_of_a_session_that_zenml_cannot_call_is_told(tmp_path, home):
    settings = SETTINGS + "from own.session import Own\nSESSION_CLASS = Own\n"
    session = SESSION + "\nOwn.run = lambda self, **options: None\n"
    files = own_files(settings=settings, more={"src/own/session.py": session})
    runner = Runner(write_files(tmp_path / "own", files), home)
    done = runner.zenml("run")
    assert done.returncode == 0, done.stderr
    assert "Own.run is not called" in " ".join((done.stdout + done.stderr).split())


@pytest.mark.slow
def test_two_projects_with_one_package_name_have_stacks_and_runs_of_their_own(tmp_path, home):
    zenml = ZENML + "labels: {team: books, weekly: ''}\n"
    one, two = (
        Runner(write_files(tmp_path / name / "own", own_files(zenml=zenml)), home)
        for name in ("one", "two")
    )
    stacks, names = [], []
    for runner in (one, two):
        done = runner.zenml("run")
        assert done.returncode == 0, done.stderr
        stacks.append(done.stdout.split("on the ZenML stack ")[1].split(".")[0])
        names.append(done.stdout.split("ZenML run ")[1].split()[0])
    assert stacks[0] != stacks[1]
    for runner, own, other in ((one, names[0], names[1]), (two, names[1], names[0])):
        shown = runner.zenml("status").stdout
        assert own in shown
        assert other not in shown
    again = one.zenml("run")
    assert f"on the ZenML stack {stacks[0]}." in again.stdout
    assert ": created" not in again.stdout

    tags = one.python(
        "from zenml.client import Client;"
        f"print(sorted(tag.name for tag in Client().get_pipeline_run({names[0]!r}).tags))"
    )
    assert "'team:books', 'weekly'" in tags.stdout


def project_at(path):
    return Project(path, "own", path / "src" / "own")


def test_copies_of_a_repository_are_one_project_and_folders_without_one_are_several(tmp_path):
    config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    addresses = (
        "https://ann:word@example.org/team/books.git",
        "git@example.org:team/books.git",
        "ssh://git@example.org/team/books",
        "https://example.org/team/others",
    )
    keys = []
    for number, address in enumerate(addresses):
        folder = tmp_path / str(number)
        remote = f'[remote "origin"]\n\turl = {address}\n'
        write_files(folder, {".git/HEAD": "ref: refs/heads/main\n", ".git/config": config + remote})
        for needed in ("objects", "refs"):
            (folder / ".git" / needed).mkdir()
        (folder / "sub").mkdir()
        keys.append(project_at(folder).key)
        assert project_at(folder / "sub").key != keys[-1]
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert project_at(plain).key != project_at(tmp_path).key
