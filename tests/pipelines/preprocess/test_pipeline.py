"""The pipeline runs on files alone and refuses to write what it does not promise."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.io.core import DatasetError
from kedro.runner import SequentialRunner
from omegaconf import OmegaConf

from book_forecast.options.run import Options
from book_forecast.pipelines.preprocess import create_pipeline
from book_forecast.storage.errors import find_user_error
from tests.pipelines.preprocess.exports import (
    every_week,
    isbn_of,
    make_launches,
    make_sales,
    make_titles,
    week_of,
)

OUTPUTS = {
    "titles_left_out": "03_primary/titles_left_out.parquet",
    "weeks_left_out": "03_primary/weeks_left_out.parquet",
    "model_input": "05_model_input/model_input.parquet",
    "launch_weeks": "05_model_input/launch_weeks.parquet",
    "release_weeks": "05_model_input/release_weeks.parquet",
    "training_weeks": "05_model_input/training_weeks.parquet",
    "test_weeks": "05_model_input/test_weeks.parquet",
    "calendar": "05_model_input/calendar.parquet",
    "covariates": "05_model_input/covariates.parquet",
    "rejected_covariates": "05_model_input/rejected_covariates.parquet",
}


@pytest.fixture
def catalog(project_path: Path, tmp_path: Path) -> DataCatalog:
    """The project's own entries under a temporary root, with a small export to start from."""
    written = OmegaConf.load(project_path / "conf/base/catalog_preprocess.yml")
    rooted = OmegaConf.merge({"_root": tmp_path.as_posix()}, written)
    entries: Any = OmegaConf.to_container(rooted, resolve=True)
    del entries["_root"]
    catalog = DataCatalog.from_config(entries)
    gap = range(40, 53)
    dead = every_week(0, 60)
    catalog["weekly_sales"] = make_sales(
        *[every_week(0, 150, volume, without=gap) for volume in (9, 7, 3)], dead
    )
    catalog["titles"] = make_titles(4)
    catalog["launches"] = make_launches()
    catalog["release"] = MemoryDataset(None)
    catalog["recorded_bounds"] = MemoryDataset(None)
    options = Options()
    catalog["params:selection"] = options.selection
    catalog["params:monitor"] = options.monitor
    catalog["params:models"] = options.models
    catalog["params:models.alive_weeks"] = options.models.alive_weeks
    catalog["params:backtest.split_size"] = options.backtest.split_size
    return catalog


def test_the_pipeline_persists_all_its_tables(catalog: DataCatalog, tmp_path: Path) -> None:
    SequentialRunner().run(create_pipeline(), catalog)
    tables = {name: pd.read_parquet(tmp_path / path) for name, path in OUTPUTS.items()}
    assert list(tables["titles_left_out"]["isbn"]) == [isbn_of(3)]
    assert len(tables["model_input"]) == 3 * 150
    # The fourth title has rows in the gap, so the others' silence is their own.
    assert tables["model_input"]["volume"].notna().all()
    assert len(tables["test_weeks"]) == 3 * Options().backtest.split_size
    assert len(tables["training_weeks"]) + len(tables["test_weeks"]) == len(tables["model_input"])
    assert tables["calendar"]["week"].isin(tables["model_input"]["week"]).sum() == 150
    assert tables["covariates"].empty
    assert tables["rejected_covariates"].empty


def test_a_plan_and_a_table_are_used_and_their_bad_rows_kept(
    catalog: DataCatalog, tmp_path: Path
) -> None:
    for folder, text in {
        "promotions": f"isbn,week,depth\n{isbn_of(0)},{week_of(155):%Y-%m-%d},0.25\n0,,1\n",
        "regressors": f"isbn,week,name,value\nall,{week_of(10):%Y-%m-%d},cpi,101.5\nall,,cpi,1\n",
    }.items():
        (tmp_path / "01_raw" / folder).mkdir(parents=True)
        (tmp_path / "01_raw" / folder / "2024.csv").write_text(text)
    SequentialRunner().run(create_pipeline(), catalog)
    covariates = catalog.load("covariates")
    assert list(covariates["name"]) == ["promotion_plan", "cpi"]
    rejected = catalog.load("rejected_covariates")
    assert list(rejected["file"]) == ["promotions/2024.csv", "regressors/2024.csv"]


def test_a_plan_that_cannot_be_read_leaves_the_tables_of_the_run_before(
    catalog: DataCatalog, tmp_path: Path
) -> None:
    (tmp_path / "01_raw/promotions").mkdir(parents=True)
    plan = tmp_path / "01_raw/promotions/plan.csv"
    plan.write_text("isbn,week,depth\n")
    SequentialRunner().run(create_pipeline(), catalog)
    before = {name: (tmp_path / path).read_bytes() for name, path in OUTPUTS.items()}
    plan.write_text("isbn;week;depth\n")
    catalog["weekly_sales"] = make_sales(every_week(0, 200))
    with pytest.raises(DatasetError) as failure:
        SequentialRunner().run(create_pipeline(), catalog)
    told = find_user_error(failure.value)
    assert told is not None
    assert "promotions/plan.csv" in str(told)
    assert {name: (tmp_path / path).read_bytes() for name, path in OUTPUTS.items()} == before


@pytest.mark.parametrize(
    ("entry", "spoil"),
    [
        ("model_input", lambda frame: frame.assign(volume=-1.0)),
        ("training_weeks", lambda frame: pd.concat([frame, frame.head(1)], ignore_index=True)),
        ("test_weeks", lambda frame: frame.assign(week=frame["week"] + pd.Timedelta(days=1))),
        ("weeks_left_out", lambda frame: frame.drop(columns="cutoff")),
        ("titles_left_out", lambda frame: frame.assign(reason="")),
        ("calendar", lambda frame: frame.drop(columns="easter")),
        ("covariates", lambda frame: frame.drop(columns="name")),
        ("rejected_covariates", lambda frame: frame.drop(columns="reason")),
    ],
)
def test_a_table_that_breaks_its_promise_is_refused_and_the_old_one_stays(
    catalog: DataCatalog, tmp_path: Path, entry: str, spoil: Any
) -> None:
    SequentialRunner().run(create_pipeline(), catalog)
    good = catalog.load(entry)
    with pytest.raises(DatasetError, match=f"Validation failed for dataset '{entry}'"):
        catalog.save(entry, spoil(good))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / OUTPUTS[entry]), good)
