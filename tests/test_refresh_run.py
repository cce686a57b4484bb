"""Refreshes of a data root: nothing to do, some titles to train, a broken delivery, a kill."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from book_forecast.payload.contents import Payload
from book_forecast.releases.store import ReleaseStore
from tests.runs import kedro_run

pytestmark = pytest.mark.slow

# As in production: development retrains always.
SELDOM = "retrain.max_age_days=30,max_tuning_age_days=182,reporting.max_title_plots=1"
FORCED = "9780722532935"


@pytest.fixture
def data(tmp_path: Path, whole_run: Path) -> Path:
    shutil.copytree(whole_run, tmp_path / "data")
    return tmp_path / "data"


def refresh(project: Path, data: Path, more: str = "") -> str:
    parameters = ",".join(filter(None, (SELDOM, more)))
    done = kedro_run(project, data, "--pipeline", "refresh", more=parameters)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def store_of(data: Path) -> ReleaseStore:
    return ReleaseStore(str(data / "06_models/releases"))


def verdict_of(data: Path) -> dict:
    found: dict = json.loads((data / "06_models/promotion.json").read_text())
    return found


def plan_of(data: Path) -> dict[str, str]:
    plan = pd.read_parquet(data / "08_reporting/retraining_plan.parquet")
    return dict(zip(plan["isbn"], plan["decision"], strict=True))


def row_of(release: Payload, isbn: str) -> list:
    assert release.specifications is not None
    at = release.titles["isbn"].to_pylist().index(isbn)
    tables = [release.titles, release.scores, *release.planning.values()]
    own = [table.slice(at, 1).to_pylist() for table in tables if len(table) == len(release)]
    texts = release.specifications.to_pylist()
    specification = [row["specification"] for row in texts if row["isbn"] == isbn]
    return [*own, release.volumes[at].as_py(), release.mean[at].tobytes(), specification]


def test_a_week_without_need_makes_no_release_and_a_forced_title_is_trained_alone(
    data: Path, project_path: Path
) -> None:
    store = store_of(data)
    champion = store.champion()
    log = refresh(project_path, data)
    assert set(plan_of(data).values()) == {"keep"}
    assert store.releases() == [champion]
    assert "no new release" in log
    assert verdict_of(data)["gates"][-1] == {
        "name": "delivery",
        "status": "passed",
        "reason": "the newest delivery can be used",
    }

    refresh(project_path, data, f"force=retune,force_titles={FORCED}")
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
    names = {gate["name"] for gate in verdict_of(data)["gates"]}
    assert names >= {"champion", "titles", "seasonal naive", "fallbacks", "delivery"}


def test_a_broken_delivery_promotes_nothing_whatever_is_forced(
    data: Path, project_path: Path
) -> None:
    champion = store_of(data).champion()
    export = data / "01_raw/sales/export.csv"
    sales = pd.read_csv(export, dtype=str)
    dates = pd.to_datetime(sales["End Date"])
    # The newest week once more, for the week after it, with ten times the copies.
    wrong = sales[dates == dates.max()].drop(columns="Interval")
    wrong["End Date"] = f"{dates.max() + pd.Timedelta(weeks=1):%Y-%m-%d}"
    for name in ("Volume", "Value"):
        wrong[name] = wrong[name].astype(float) * 10
    wrong.to_csv(data / "01_raw/sales/newer.csv", index=False)
    held = "hold_back=false"
    refresh(project_path, data, f"{held},retrain.max_age_days=0")
    assert set(plan_of(data).values()) == {"keep"}
    assert store_of(data).releases() == [champion]
    log = refresh(project_path, data, f"{held},force=refit")
    assert set(plan_of(data).values()) == {"refit"}
    verdict = verdict_of(data)
    assert not verdict["promote"]
    assert [gate["name"] for gate in verdict["gates"] if gate["status"] == "failed"] == ["delivery"]
    assert store_of(data).champion() == champion
    assert "is not promoted: it failed delivery" in log
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    assert set(forecasts["release"]) == {champion}
