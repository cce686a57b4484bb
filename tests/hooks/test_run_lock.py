"""A run holds its data root; the parts of a run share it, as far as their options are the same."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest

from book_forecast.hooks.run_lock import GROUP_VARIABLE, RunLockHooks
from book_forecast.options.run import Options
from book_forecast.storage.errors import UserError
from book_forecast.storage.run_lock import FILE


class Sessions:
    """Sessions of one project."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.started: list[RunLockHooks] = []

    def start(self, pipelines=("train",), **values) -> RunLockHooks:
        """Begin a run; its options are given without their groups."""
        hooks = RunLockHooks()
        given = {"data_root": "data", "wait_minutes": 0, **values}
        options = Options.model_validate(given).model_dump()
        context: Any = SimpleNamespace(
            config_loader={"parameters": deepcopy(options)}, project_path=self.folder
        )
        hooks.after_context_created(context)
        number = len(self.started) + 1
        hooks.before_pipeline_run({"run_id": f"run-{number}", "pipeline_names": [*pipelines]})
        self.started.append(hooks)
        return hooks


@pytest.fixture
def sessions(tmp_path, monkeypatch):
    monkeypatch.delenv(GROUP_VARIABLE, raising=False)
    found = Sessions(tmp_path)
    yield found
    for hooks in found.started:
        hooks.after_pipeline_run()


def shard(index: int, count: int = 4) -> dict:
    return {"shard": {"index": index, "count": count}}


def test_a_second_run_is_refused_naming_the_first_and_its_pipeline(sessions, tmp_path):
    sessions.start(["train", "evaluate"])
    assert (tmp_path / "data" / FILE).exists()
    with pytest.raises(UserError, match=r"the run “train, evaluate of run-1” \(process \d+ on"):
        sessions.start()


def test_a_run_of_everything_says_so(sessions):
    sessions.start([])
    with pytest.raises(UserError, match="“all pipelines of run-1”"):
        sessions.start()


@pytest.mark.parametrize("end", ["after_pipeline_run", "on_pipeline_error"])
def test_the_lock_is_free_after_a_run_whichever_way_it_ends(sessions, end):
    getattr(sessions.start(), end)()
    sessions.start()


def test_a_session_that_runs_twice_holds_one_lock(sessions):
    hooks = sessions.start()
    hooks.before_pipeline_run({"run_id": "again", "pipeline_name": "evaluate"})
    with pytest.raises(UserError, match="“evaluate of again”"):
        sessions.start()


def test_two_data_roots_are_no_trouble_to_each_other(sessions, tmp_path):
    sessions.start()
    sessions.start(data_root="other")
    with pytest.raises(UserError):
        sessions.start(data_root=str(tmp_path / "data"))


def test_shards_of_one_run_share_the_lock(sessions):
    for index in (1, 2, 4):
        sessions.start(**shard(index))
    with pytest.raises(UserError, match="run-1"):
        sessions.start()


@pytest.mark.parametrize(
    "other", [{"titles": "all"}, {"seed": 7}, shard(2, 5), {"pipelines": ["evaluate"]}, shard(1, 1)]
)
def test_shards_of_two_runs_do_not(sessions, other):
    sessions.start(**shard(1))
    with pytest.raises(UserError, match="“train of run-1”"):
        sessions.start(**{**shard(2), **other})


def test_sessions_of_one_group_share_the_lock(sessions, monkeypatch):
    monkeypatch.setenv(GROUP_VARIABLE, "weekly-7")
    sessions.start(["tune"])
    sessions.start(["train"], titles="all")
    monkeypatch.setenv(GROUP_VARIABLE, "weekly-8")
    with pytest.raises(UserError, match="“tune of run-1”"):
        sessions.start(["tune"])


def test_without_a_context_nothing_is_locked():
    RunLockHooks().before_pipeline_run({})
