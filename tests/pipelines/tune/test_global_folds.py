"""Each rolling origin of the global models has a checkpoint, which later runs read, too."""

from __future__ import annotations

import logging
import os
import time
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.forecasters.global_models.forecasts import GlobalModels
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.global_folds import forecast_origins
from tests.histories import weeks_frame

ISBNS = ["9780241003008", "9780722532935"]
HORIZON = 4
DAY = 24 * 3600
OPTIONS = {
    "families": ["boosting", "naive"],
    "calendar": False,
    "boosting": {"fits": 1, "rows": 500, "trees": 5},
}


class Counted(GlobalModels):
    """Models that note the origins they are fitted before, and are killed before one of them."""

    fitted: ClassVar[list[pd.Timestamp]] = []
    killed_at: ClassVar[pd.Timestamp | None] = None

    def forecast_fold(
        self, weeks: pd.DataFrame, cutoff: pd.Timestamp, horizon: int
    ) -> pd.DataFrame:
        if cutoff == self.killed_at:
            raise KeyboardInterrupt
        self.fitted.append(cutoff)
        return super().forecast_fold(weeks, cutoff, horizon)


@pytest.fixture(autouse=True)
def none_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counted, "fitted", [])


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = weeks_frame({isbn: rng.poisson(30.0, 120).astype(float) for isbn in ISBNS})
    return frame.assign(promotion=0.0, asp=np.nan, rrp=np.nan)


@pytest.fixture(scope="module")
def cutoffs(weeks: pd.DataFrame) -> list[pd.Timestamp]:
    return [weeks["week"].max() - pd.Timedelta(weeks=HORIZON * back) for back in (1, 2, 3)]


def models(**changes: object) -> Counted:
    titles = pd.DataFrame({"isbn": ISBNS, "product_class": "F"}).astype("str")
    return Counted(titles, ModelOptions.model_validate(OPTIONS | changes))


def test_an_interrupted_run_goes_on_at_the_next_origin(tmp_path, weeks, cutoffs, monkeypatch):
    folder = CheckpointFolder(tmp_path)
    monkeypatch.setattr(Counted, "killed_at", cutoffs[1])
    with pytest.raises(KeyboardInterrupt):
        forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    monkeypatch.setattr(Counted, "killed_at", None)
    found = forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    assert Counted.fitted == cutoffs
    alone = [models().forecast_fold(weeks, cutoff, HORIZON) for cutoff in cutoffs]
    pd.testing.assert_frame_equal(found, pd.concat(alone, ignore_index=True))


def test_later_weeks_change_no_origin_however_old_its_checkpoint_is(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    forecast_origins(models(), weeks, cutoffs[1:], HORIZON, folder)
    for path in tmp_path.rglob("*.parquet"):
        os.utime(path, (time.time() - 3 * DAY,) * 2)
    newest = weeks[weeks["week"] == weeks["week"].max()]
    newest = newest.assign(week=newest["week"] + pd.Timedelta(weeks=1)).astype(weeks.dtypes)
    later = pd.concat([weeks, newest]).sort_values(["isbn", "week"], ignore_index=True)
    forecast_origins(models(), later, cutoffs, HORIZON, folder)
    assert Counted.fitted == [*cutoffs[1:], cutoffs[0]]


def test_an_origin_that_no_run_has_used_for_a_day_is_removed(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    for path in tmp_path.rglob("*.parquet"):
        os.utime(path, (time.time() - 3 * DAY,) * 2)
    forecast_origins(models(), weeks, cutoffs[:1], HORIZON, folder)
    assert len([*tmp_path.rglob("*.parquet")]) == 1


def test_other_sales_before_an_origin_make_it_anew(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    corrected = weeks.copy()
    corrected.loc[corrected["week"] == cutoffs[1], "volume"] += 1.0
    forecast_origins(models(), corrected, cutoffs, HORIZON, folder)
    assert Counted.fitted == [*cutoffs, *cutoffs[:2]]


def test_another_horizon_or_size_makes_all_anew(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    larger = {"fits": 1, "rows": 500, "trees": 6}
    forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    forecast_origins(models(), weeks, cutoffs, HORIZON - 1, folder)
    forecast_origins(models(boosting=larger), weeks, cutoffs, HORIZON, folder)
    assert Counted.fitted == 3 * cutoffs


def test_all_origins_share_their_lines_of_the_log(tmp_path, weeks, cutoffs, caplog):
    folder = CheckpointFolder(tmp_path)
    for some in (cutoffs[:2], cutoffs):
        caplog.clear()
        with caplog.at_level(logging.INFO, "book_forecast"):
            forecast_origins(models(), weeks, some, HORIZON, folder)
    read, made = caplog.messages
    assert read == "Models of all titles: 2 of 3 rolling origins come from the checkpoint"
    assert made.startswith("Models of all titles: 1 rolling origins in ")


@pytest.mark.parametrize("families", [["naive"], ["boosting", "naive"]])
def test_without_such_families_or_without_weeks_nothing_is_fitted(
    tmp_path, weeks, cutoffs, families
):
    known = weeks if families == ["naive"] else weeks.head(0)
    folder = CheckpointFolder(tmp_path)
    found = forecast_origins(models(families=families), known, cutoffs, HORIZON, folder)
    assert found.empty
    assert list(found.columns) == ["isbn", "family", "cutoff", "week", "mean", "width"]
    assert Counted.fitted == []
