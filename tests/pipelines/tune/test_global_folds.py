"""Each rolling origin of the global models has a checkpoint, which later runs read, too."""

from __future__ import annotations

import logging
from pathlib import Path

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
OPTIONS = {
    "families": ["boosting", "naive"],
    "calendar": False,
    "boosting": {"fits": 1, "rows": 500, "trees": 5},
}


class Interrupted(GlobalModels):
    """Models that are killed before an origin."""

    def forecast_fold(
        self, weeks: pd.DataFrame, cutoff: pd.Timestamp, horizon: int
    ) -> pd.DataFrame:
        if cutoff == weeks["week"].max() - 2 * pd.Timedelta(weeks=HORIZON):
            raise KeyboardInterrupt
        return super().forecast_fold(weeks, cutoff, horizon)


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = weeks_frame({isbn: rng.poisson(30.0, 120).astype(float) for isbn in ISBNS})
    return frame.assign(promotion=0.0, asp=np.nan, rrp=np.nan)


@pytest.fixture(scope="module")
def cutoffs(weeks: pd.DataFrame) -> list[pd.Timestamp]:
    return [weeks["week"].max() - pd.Timedelta(weeks=HORIZON * back) for back in (1, 2, 3)]


def models(kind: type[GlobalModels] = GlobalModels, **changes: object) -> GlobalModels:
    titles = pd.DataFrame({"isbn": ISBNS, "product_class": "F"}).astype("str")
    return kind(titles, ModelOptions.model_validate(OPTIONS | changes))


def made(folder: Path) -> dict[str, int]:
    """The checkpoints; a file that is written anew has another number."""
    return {path.name: path.stat().st_ino for path in folder.rglob("*.parquet")}


def test_an_interrupted_run_goes_on_at_the_next_origin(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        forecast_origins(models(Interrupted), weeks, cutoffs, HORIZON, folder)
    before = made(tmp_path)
    found = forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    assert len(before) == 1
    assert before.items() < made(tmp_path).items()
    alone = [models().forecast_fold(weeks, cutoff, HORIZON) for cutoff in cutoffs]
    pd.testing.assert_frame_equal(found, pd.concat(alone, ignore_index=True))


def test_a_later_run_reads_the_origins_that_it_shares(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    before = made(tmp_path)
    last = weeks["week"].max()
    newest = weeks[weeks["week"] == last].assign(week=last + pd.Timedelta(weeks=1))
    later = pd.concat([weeks, newest]).sort_values(["isbn", "week"], ignore_index=True)
    later = later.astype(weeks.dtypes)
    forecast_origins(models(), later, cutoffs, HORIZON, folder)
    assert made(tmp_path) == before


def test_other_sales_before_an_origin_make_it_anew(tmp_path, weeks, cutoffs):
    folder = CheckpointFolder(tmp_path)
    forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
    corrected = weeks.copy()
    corrected.loc[corrected["week"] == cutoffs[1], "volume"] += 1.0
    forecast_origins(models(), corrected, cutoffs, HORIZON, folder)
    assert len(made(tmp_path)) == 5


def test_all_origins_share_a_line_of_the_log(tmp_path, weeks, cutoffs, caplog):
    folder = CheckpointFolder(tmp_path)
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.INFO, "book_forecast"):
            forecast_origins(models(), weeks, cutoffs, HORIZON, folder)
        [line] = caplog.messages
        assert line.startswith("Models of all titles: 3 rolling origins in ")


def test_without_such_families_nothing_is_fitted(tmp_path, weeks, cutoffs):
    found = forecast_origins(
        models(families=["naive"]), weeks, cutoffs, HORIZON, CheckpointFolder(tmp_path)
    )
    assert found.empty
    assert list(found.columns) == ["isbn", "family", "cutoff", "week", "mean"]
    assert made(tmp_path) == {}
