"""The test weeks decide nothing: with other sales in them, every choice is the same."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.datasets import GenerationDataset
from book_forecast.sample import sample_frame
from tests.runs import kedro_run

pytestmark = pytest.mark.slow

SPLIT_SIZE = 32
CHOICES = (
    "06_models/title_strata",
    "06_models/family_choice",
    "06_models/fold_global_forecasts",
    "06_models/specifications",
    "07_model_output/ensemble_backtest",
    "08_reporting/leaderboard",
)
PARTS = ("sarima_orders", "trials", "fold_forecasts", "seasons")


def test_sales_of_the_test_weeks_change_no_choice(project_path: Path, tmp_path: Path) -> None:
    frame = sample_frame(titles=6, seed=42)
    rng = np.random.default_rng(0)
    week = pd.to_datetime(frame["End Date"])
    test = week > week.max() - pd.Timedelta(weeks=SPLIT_SIZE)
    changed = frame.copy()
    factors = rng.uniform(0.3, 3.0, int(test.sum()))
    changed.loc[test, "Volume"] = np.ceil(frame.loc[test, "Volume"] * factors).astype(int)
    roots = {}
    for name, sales in (("as-sold", frame), ("changed", changed)):
        roots[name] = tmp_path / name
        folder = roots[name] / "01_raw/sales"
        folder.mkdir(parents=True)
        sales.to_csv(folder / "export.csv", index=False)
        done = kedro_run(
            *(project_path, roots[name], "--pipelines", "ingest,preprocess,tune"),
            # Five titles of the six are more than a small catalogue: the sample decides as well.
            more="hold_back=false,effort.every_title=2,effort.sample=3",
        )
        assert done.returncode == 0, done.stderr[-3000:]
    first, second = roots["as-sold"], roots["changed"]
    sold = [(root / "05_model_input/test_weeks.parquet").read_bytes() for root in (first, second)]
    assert sold[0] != sold[1]
    for name in CHOICES:
        one, two = (pd.read_parquet(root / f"{name}.parquet") for root in (first, second))
        pd.testing.assert_frame_equal(one, two)
    for name in PARTS:
        one, two = (
            GenerationDataset(filepath=str(root / "06_models" / name)).load()
            for root in (first, second)
        )
        pd.testing.assert_frame_equal(one, two)
    calibrations = [(root / "06_models/calibration.json").read_text() for root in (first, second)]
    assert calibrations[0] == calibrations[1]
