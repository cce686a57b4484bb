"""A plan that is tried in the service becomes the forecast, once its file is in the data root."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.settings import ServiceSettings
from tests.runs import kedro_run
from tests.serving.conftest import in_process

TOLERANCE = 0.005
"""Of one plus the copies of a week."""
HORIZON = 26


@pytest.mark.slow
def test_a_plan_tried_in_the_service_is_the_forecast_of_the_next_run(
    whole_run: Path, project_path: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(whole_run, data)
    releases = data / "06_models/releases"
    cutoff = np.datetime64(ReleaseStore(str(releases)).manifest(_champion(releases))["cutoff"])
    promotions = [
        {"first_week": str(cutoff + 7 * 3), "last_week": str(cutoff + 7 * 4), "depth": 0.23},
        {"first_week": str(cutoff + 7 * 9), "depth": 0.4},
    ]
    body = {"horizon": HORIZON, "levels": [80], "promotions": promotions}
    tried = {}
    (data / "01_raw/promotions").mkdir()
    with in_process(ServiceSettings(releases=str(releases))) as client:
        books = client.get("/books").json()["books"]
        for isbn in [book["isbn"] for book in books]:
            path = f"/books/{isbn}/what-if"
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            tried[isbn] = answer.json()
            if len(tried) > 2:
                continue
            file = client.post(path, params={"format": "csv"}, json=body)
            name = file.headers["content-disposition"].split('"')[1]
            (data / "01_raw/promotions" / name).write_bytes(file.content)
    done = kedro_run(project_path, data, "--pipeline", "weekly")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pd.read_parquet(data / "05_model_input/rejected_covariates.parquet").empty
    plan = pd.read_parquet(data / "05_model_input/covariates.parquet").query(
        "name == 'promotion_plan'"
    )
    assert sorted(plan["value"].round(4)) == [0.23, 0.23, 0.23, 0.23, 0.4, 0.4]
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    moved = 0
    for isbn in list(tried)[:2]:
        found = forecasts[forecasts["isbn"] == isbn].sort_values("week")[:HORIZON]
        changed = tried[isbn]["changed"]
        (interval,) = changed["intervals"]
        for column, values in (
            ("mean", changed["mean"]),
            ("lo-80", interval["lower"]),
            ("hi-80", interval["upper"]),
        ):
            np.testing.assert_allclose(1.0 + found[column], 1.0 + np.array(values), rtol=TOLERANCE)
        plain = 1.0 + np.array(tried[isbn]["plain"]["mean"])
        moved += bool(((1.0 + np.array(changed["mean"])) / plain).max() > 1.05)
    assert moved, "at least one title must react, or the test shows nothing"
    scores = pd.read_parquet(data / "08_reporting/override_scores.parquet")
    assert scores.empty


def _champion(releases: Path) -> str:
    found = ReleaseStore(str(releases)).champion()
    assert found is not None
    return found
