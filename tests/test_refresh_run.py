"""Refreshes of a data root: nothing to do, some titles to train, a broken delivery, a kill."""

import json
import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest

from book_forecast.payload.contents import Payload
from book_forecast.releases.training_notes import notes_of
from tests import processes
from tests.mlflow_stores import empty_store
from tests.refreshes import FORCED, SELDOM, deliver_a_broken_week, plan_of, store_of, verdict_of
from tests.runs import QUICK, kedro_run
from tests.serving.servers import promote

pytestmark = pytest.mark.slow

# Everything is fitted by then, and nothing of it is in a release yet.
KILLED_AT = "retrain.assemble_planned"
DRIVER = f"""
import os, signal
from kedro.framework.cli import main
from kedro.pipeline.node import Node

run = Node.run

def run_or_die(self, *arguments, **named):
    if self.name == "{KILLED_AT}":
        os.kill(os.getpid(), signal.SIGKILL)
    return run(self, *arguments, **named)

Node.run = run_or_die
main()
"""


@pytest.fixture
def data(tmp_path: Path, whole_run: Path) -> Path:
    shutil.copytree(whole_run, tmp_path / "data")
    return tmp_path / "data"


def refresh(project: Path, data: Path, more: str = "") -> str:
    parameters = ",".join(filter(None, (SELDOM, more)))
    done = kedro_run(project, data, "--pipeline", "refresh", more=parameters)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def killed_refresh(project: Path, data: Path, more: str) -> None:
    """Run a refresh whose process is killed in `KILLED_AT`."""
    parameters = f"data_root={data},{QUICK},n_jobs=1,{SELDOM},{more}"
    driver = data.parent / "driver.py"
    driver.write_text(DRIVER)
    words = [str(driver), "run", "--pipeline", "refresh", "--params", parameters]
    environment = os.environ | {"MLFLOW_TRACKING_URI": empty_store(data.parent)}
    done = processes.project.run(words, project, environment)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def row_of(release: Payload, isbn: str) -> list:
    assert release.specifications is not None
    at = release.titles["isbn"].to_pylist().index(isbn)
    tables = [release.titles, release.scores, *release.planning.values()]
    own = [table.slice(at, 1).to_pylist() for table in tables if len(table) == len(release)]
    texts = release.specifications.to_pylist()
    specification = [row["specification"] for row in texts if row["isbn"] == isbn]
    return [*own, release.volumes[at].as_py(), release.mean[at].tobytes(), specification]


def test_a_week_without_need_makes_no_release_and_a_forced_title_is_trained_alone_after_a_kill(
    data: Path, project_path: Path
) -> None:
    store = store_of(data)
    champion = store.champion()
    damaged = next((data / "07_model_output/forecast_history").rglob("*.parquet"))
    day = pd.Timestamp(damaged.stem) - pd.Timedelta(weeks=2)
    older = damaged.with_name(f"{day:%Y-%m-%d}.parquet")
    older.write_bytes(damaged.read_bytes()[:1000])
    log = refresh(project_path, data)
    status = json.loads((data / "08_reporting/monitor_status.json").read_text())
    assert any(older.name in problem for problem in status["problems"])
    assert status["state"] == "degraded"
    older.unlink()
    assert set(plan_of(data).values()) == {"keep"}
    assert store.releases() == [champion]
    assert "no new release" in log
    assert verdict_of(data)["gates"][-1] == {
        "name": "delivery",
        "status": "passed",
        "reason": "the newest delivery can be used",
    }

    forced = f"force=retune,force_titles={FORCED},promote.require_win=true"
    killed_refresh(project_path, data, forced)
    assert (store.champion(), store.releases()) == (champion, [champion])
    log = refresh(project_path, data, forced)
    # The search, the folds, and the fits on the training weeks and on all weeks.
    assert log.count("1 of 1 titles come from the checkpoint") >= 4
    assert plan_of(data) == {isbn: "retune" if isbn == FORCED else "keep" for isbn in plan_of(data)}
    candidate = store.candidate()
    assert candidate is not None
    assert champion is not None
    assert candidate != champion
    before, after = store.read(champion), store.read(candidate)
    assert after.manifest["refresh"]["of"] == champion
    counts = after.manifest["refresh"]
    assert (counts["refitted"], counts["retuned"]) == (0, 1)
    assert counts["kept"] == len(before) - 1 == len(after) - 1
    for isbn in {*before.titles["isbn"].to_pylist()} - {FORCED}:
        assert row_of(before, isbn) == row_of(after, isbn)
    # Its errors are those of the new tuning; the whole run has noted the others'.
    errors = [notes_of(release)[FORCED]["errors"] for release in (before, after)]
    assert all(note["ratio_weeks"] > 1 for note in errors)
    names = {gate["name"] for gate in verdict_of(data)["gates"]}
    assert names >= {"champion", "titles", "seasonal naive", "fallbacks", "challenge", "delivery"}
    # No candidate has won a challenge, so that all titles wait.
    assert store.champion() == champion
    refused = pd.read_parquet(data / "06_models/refresh/refused_trainings.parquet")
    assert set(refused.loc[refused["decision"] == "retune", "isbn"]) >= {FORCED}
    assert set(refused.loc[refused["decision"] == "refit", "isbn"]) == set(plan_of(data))


def correct_a_title(data: Path) -> None:
    """Deliver all sales once more, in which half a year of a title is doubled."""
    export = data / "01_raw/sales/export.csv"
    sales = pd.read_csv(export, dtype=str)
    dates = pd.to_datetime(sales["End Date"])
    wrong = (sales["ISBN"] == FORCED) & (dates > dates.max() - pd.Timedelta(weeks=26))
    assert wrong.any()
    for name in ("Volume", "Value"):
        copies = sales.loc[wrong, name].astype(float) * 2
        sales.loc[wrong, name] = copies.map("{:g}".format)
    sales.to_csv(export, index=False)


def test_the_same_fit_twice_makes_one_release(data: Path, project_path: Path) -> None:
    store = store_of(data)
    before = store.champion()
    forced = f"force=refit,force_titles={FORCED}"
    refresh(project_path, data, forced)
    champion = store.champion()
    assert store.releases() == [before, champion]
    log = refresh(project_path, data, forced)
    assert f"is the champion {champion} again" in log
    assert "0 tuned anew; no new release" in log
    assert store.releases() == [before, champion]
    assert store.champion() == champion


def test_a_pinned_champion_gets_one_fit_for_a_correction_and_another_when_the_pin_is_off(
    data: Path, project_path: Path
) -> None:
    store = store_of(data)
    champion = store.champion()
    assert champion is not None
    correct_a_title(data)
    waits = "retrain.retry_after_days=28"
    promote(store, champion, "pin")
    refresh(project_path, data, waits)
    assert plan_of(data)[FORCED] == "refit"
    refresh(project_path, data, waits)
    assert set(plan_of(data).values()) == {"keep"}
    promote(store, champion, "unpin")
    refresh(project_path, data, waits)
    assert plan_of(data)[FORCED] == "refit"
    assert store.champion() != champion


def test_a_broken_delivery_promotes_nothing_whatever_is_forced(
    data: Path, project_path: Path
) -> None:
    champion = store_of(data).champion()
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    deliver_a_broken_week(data)
    held = "hold_back=false"
    log = refresh(project_path, data, f"{held},retrain.max_age_days=0")
    assert "is left out: it has" in log
    again = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    pd.testing.assert_frame_equal(again, forecasts)
    assert set(plan_of(data).values()) == {"keep"}
    assert store_of(data).releases() == [champion]
    verdict = verdict_of(data)
    assert verdict["release"] == champion
    assert [gate["status"] for gate in verdict["gates"]] == ["warning"]
    log = refresh(project_path, data, f"{held},force=refit")
    assert set(plan_of(data).values()) == {"refit"}
    verdict = verdict_of(data)
    assert not verdict["promote"]
    assert [gate["name"] for gate in verdict["gates"] if gate["status"] == "failed"] == ["delivery"]
    assert store_of(data).champion() == champion
    assert "is not promoted: it failed delivery" in log
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    assert set(forecasts["release"]) == {champion}
