"""Sessions of steps: shards whose parameter stands in a group, the run's name, moved parameters."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from runner_testing.grouped import FILES, expected, written
from runner_testing.projects import write_files
from zenml_runner.commands.prepare import Prepared, prepare
from zenml_runner.kedro_project.parameters import inputs_with
from zenml_runner.kedro_project.project import RUN_GROUP_VARIABLE, open_project, run_group
from zenml_runner.plan import Task
from zenml_runner.steps import caching, runtime
from zenml_runner.tracking import mlflow_run as tracking


@pytest.fixture
def project(tmp_path):
    before = Path.cwd()
    with mock.patch.dict(os.environ), mock.patch.object(sys, "path", list(sys.path)):
        os.environ.pop(RUN_GROUP_VARIABLE, None)
        yield open_project(write_files(tmp_path / "grouped", FILES)).path
    os.chdir(before)
    for name in [name for name in sys.modules if name.split(".")[0] == "grouped"]:
        del sys.modules[name]


def prepared(project: Path, params: dict[str, Any] | None = None, shards: int = 2) -> Prepared:
    return prepare(project, "work", None, None, params or {}, shards)


def recorded(project: Path) -> list[str]:
    lines = (project / "record").read_text().splitlines()
    (project / "record").unlink()
    return lines


@pytest.fixture
def zenml_run(monkeypatch):
    """A ZenML run without ZenML: nothing is tracked or cached."""
    monkeypatch.setattr(tracking, "_tracker", lambda stack=None: None)
    monkeypatch.setattr(caching, "former_run", lambda execution, step: None)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    config = SimpleNamespace(extra={})
    return SimpleNamespace(id="1", name="work-1", start_time=moment, created=moment, config=config)


def test_a_parameter_is_an_input_itself_in_the_groups_around_it_and_in_all():
    assert inputs_with("shard") == {"parameters", "params:shard"}
    assert inputs_with("a.b.c") == {"parameters", "params:a", "params:a.b", "params:a.b.c"}


def test_nodes_with_the_group_of_the_shard_fan_out_and_others_run_once(project):
    plan = prepared(project).plan
    assert {step.name for step in plan.steps} == {
        "jobs",
        "part-1-of-2",
        "part-2-of-2",
        "whole-1-of-2",
        "whole-2-of-2",
    }
    step = next(step for step in plan.steps if step.name == "part-2-of-2")
    assert step.params == {"execution": {"shard": {"index": 2, "count": 2}}}


def test_shards_of_a_local_run_get_their_own_part_within_the_group(project):
    run = prepared(project, {"execution": {"n_jobs": 3}, "titles": "all"})
    run.execution.begin()
    for step in run.plan.steps:
        run.execution.run_step(step)
    assert written(project) == expected("all", n_jobs=3)
    assert json.loads((project / "data/n_jobs.json").read_text()) == 3


def test_shards_in_processes_of_their_own_get_their_part_and_the_name_of_the_run(
    project, zenml_run
):
    run = prepared(project, {"execution": {"n_jobs": 3}, "titles": "all"})
    recorded(project)
    context = SimpleNamespace(pipeline_run=zenml_run)
    for step in run.plan.steps:
        task = Task(run=run.plan.run, step=step)
        runtime.run(task, context)
    assert written(project) == expected("all", n_jobs=3)
    lines = recorded(project)
    assert len(lines) == 5 * 4
    assert {line.split()[1] for line in lines} == {"work-1"}
    assert RUN_GROUP_VARIABLE not in os.environ


def test_a_resumed_run_may_have_several_shards_of_a_node(project):
    run = prepared(project)
    left = run.plan.without({"jobs", "whole-1-of-2", "whole-2-of-2"})
    run.execution.narrow(node for step in left for node in step.nodes)
    assert [node.name for node in run.execution.pipeline.nodes] == ["part"]


def test_each_shard_has_a_cache_key_of_its_own(project):
    run = prepared(project)
    keys = {caching._key(run.execution, step) for step in run.plan.steps}
    assert len(keys) == len(run.plan.steps)
    others = {caching._key(run.execution, step) for step in prepared(project, shards=3).plan.steps}
    (same,) = keys & others
    assert same == caching._key(run.execution, next(s for s in run.plan.steps if s.name == "jobs"))


def test_the_name_of_the_run_is_set_within_and_restored_afterwards(monkeypatch):
    monkeypatch.setenv(RUN_GROUP_VARIABLE, "outer")
    with run_group("inner"):
        assert os.environ[RUN_GROUP_VARIABLE] == "inner"
    assert os.environ[RUN_GROUP_VARIABLE] == "outer"


def test_a_flat_name_that_the_project_moves_is_accepted(project):
    catalog = prepared(project, {"titles": "all"}).execution.catalog
    assert catalog.load("params:selection") == {"titles": "all"}


def test_a_refusal_of_the_project_is_its_own(project):
    with pytest.raises(ValueError, match="no titles"):
        prepared(project, {"titles": "none"})


def test_a_near_miss_is_a_warning_and_the_run_is_planned(project, capsys):
    prepared(project, {"exection": 1, "execution": {"njobs": 1}})
    warnings = capsys.readouterr().err
    assert "no parameter 'exection': did you mean 'execution'" in warnings
    assert "no parameter 'execution.njobs': did you mean 'execution.n_jobs'" in warnings
