"""`kedro release prune` and `keep`, as they are typed."""

import datetime as dt
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from book_forecast.cli.releases import release as commands
from book_forecast.releases.kept import Kept, KeptReleases
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.mlflow_store import experiment_id
from book_forecast.storage.run_lock import Holder, run_lock
from tests.datasets.generations import dataset_at, names, save_all
from tests.mlflow_stores import empty_store
from tests.releases import payloads

Typed = Callable[..., str]
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(root) -> ReleaseStore:
    return ReleaseStore(str(root / "06_models/releases"))


@pytest.fixture
def releases(store) -> dict[int, str]:
    """Releases by their age in days; the youngest is champion."""
    made = {}
    for days in (500, 40, 20, 1):
        payload = payloads.release(f"{days:08x}", NOW - dt.timedelta(days=days))
        store.save(payload)
        made[days] = payload.release
    record = {"who": "ann", "why": "x", "when": NOW}
    champion = Promotion(number=1, action="promote", release=made[1], before=None, **record)
    store.record(champion)
    return made


@pytest.fixture
def typed(project_path, root, tmp_path, monkeypatch) -> Iterator[Typed]:
    """What a command says; one that fails says why."""
    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_store(tmp_path))
    monkeypatch.setenv("BOOK_FORECAST_USER", "ann")
    monkeypatch.setattr("book_forecast.releases.removal.GRACE_SECONDS", 0.0)
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(commands, [*arguments, "--data-root", str(root)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return (done.stdout if done.exit_code == 0 else done.stderr.splitlines()[-1]).strip()

    yield call
    mlflow.set_tracking_uri(before)


def test_without_apply_nothing_is_removed_and_all_is_shown(typed, releases, store):
    lines = typed("prune", "--env", "testing").splitlines()
    assert [line.split()[:3] for line in lines[:4]] == [
        ["stays", "release", releases[20]],
        ["stays", "release", releases[1]],
        ["goes", "release", releases[500]],
        ["goes", "release", releases[40]],
    ]
    assert lines[1].endswith("champion")
    assert re.search(rf"  [1-9]\d kB  {NOW - dt.timedelta(days=500):%Y-%m-%d}$", lines[2])
    assert re.fullmatch(
        "2 releases, 0 generations, 0 runs' artifacts, [1-9][0-9]+ kB could be removed. "
        "Nothing was removed: add --apply to remove this.",
        lines[4],
    )
    assert len(store.releases()) == 4


def test_what_is_shown_is_removed_with_apply_by_the_times_of_the_environment(
    typed, releases, store, root, tmp_path
):
    folder = root / "07_model_output/test_forecasts"
    for name in ("a", "b"):
        save_all(dataset_at(folder), name, 1)
    moment = time.time() - 10 * 24 * 3600
    for path in (folder / "a").iterdir():
        os.utime(path, (moment, moment))
    uri = os.environ["MLFLOW_TRACKING_URI"]
    client = mlflow.MlflowClient(uri)
    start = int((NOW - dt.timedelta(days=100)).timestamp() * 1000)
    experiment = experiment_id(uri, "book_forecast")
    run, of_champion = (client.create_run(experiment, start).info.run_id for _ in range(2))
    for one in (run, of_champion):
        client.log_param(one, "data_root", str(root))
        client.log_text(one, "x", "reports/page.html")
        client.set_terminated(one, end_time=start + 1)
    store.annotate(releases[1], {"mlflow_run": of_champion})

    in_production = typed("prune", "--yes", "--env", "production").splitlines()
    assert in_production[-1].startswith("1 releases, 0 generations, 0 runs' artifacts, ")
    assert store.releases() == sorted(releases[days] for days in (40, 20, 1))
    done = typed("prune", "--apply").splitlines()
    assert "goes   generation test_forecasts/a" in "\n".join(done)
    assert f"goes   artifacts of run {run}" in "\n".join(done)
    assert store.releases() == [releases[1]]
    assert names(folder) == ["b"]
    assert client.list_artifacts(run) == []
    assert len(client.list_artifacts(of_champion)) == 1
    assert typed("prune", "--apply").splitlines()[-1].startswith("0 releases, 0 gen")


def test_a_kept_release_stays_until_it_is_kept_no_more(typed, releases, store):
    assert typed("keep", releases[40], "--why", "audit") == f"{releases[40]} is kept."
    assert f"stays  release {releases[40]}  kept: audit" in typed("prune", "--apply")
    assert releases[40] in store.releases()
    assert releases[500] not in store.releases()
    assert typed("keep", releases[40], "--off") == f"{releases[40]} is kept no more."
    assert KeptReleases(store.root).records() == {}
    assert typed("keep", releases[40], "--off").startswith("Error: ")


def test_a_release_that_a_service_needs_stays_when_a_person_keeps_it_no_more(
    typed, releases, store
):
    found, kept = releases[40], KeptReleases(store.root)
    kept.keep(Kept(release=found, who="ann", when=NOW, why="deployed"), "services/books-uk")
    typed("keep", found, "--why", "audit")
    answer = typed("keep", found, "--off")
    assert answer.startswith(f"{found} stays for services-books-uk: deploy another release there")
    assert list(kept.records()) == [f"services-books-uk.{found}"]
    assert f"stays  release {found}  kept: deployed" in typed("prune", "--apply")
    assert typed("keep", found, "--off", "--services") == f"{found} is kept no more."
    assert kept.records() == {}


def test_a_removed_former_champion_is_named_by_rollback(typed, releases, store):
    record = {"who": "ann", "why": "x", "when": NOW - dt.timedelta(days=200)}
    log = Path(store.root, "changes")
    for path in log.iterdir():
        path.unlink()
    first = Promotion(number=1, action="promote", release=releases[500], before=None, **record)
    store.record(first)
    store.record(
        first.model_copy(update={"number": 2, "release": releases[1], "before": releases[500]})
    )
    typed("prune", "--apply")
    assert typed("rollback").startswith(
        f"Error: The former champion {releases[500]} was removed: name a release"
    )


def test_a_removal_waits_for_a_run_that_writes_the_data_root(typed, releases, store, root, caplog):
    caplog.set_level("INFO", logger="book_forecast")
    typed("list")  # imports, which a thread would do beside this one
    removal = threading.Thread(target=typed, args=("prune", "--apply"))
    with run_lock(str(root.resolve()), Holder("tune of now"), 0.0):
        removal.start()
        deadline = time.monotonic() + 120
        while "Waiting for the run “tune of now”" not in caplog.text:
            assert removal.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(store.releases()) == 4
    removal.join(120)
    assert store.releases() == [releases[1]]
