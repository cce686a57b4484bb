"""The forecast pipeline's figures, with and without what former pipelines have left."""

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from book_forecast.datasets import (
    AtomicParquetDataset,
    ChallengerDataset,
    FiguresDataset,
    FormerTableDataset,
    ReleaseDataset,
)
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.hooks.optional_inputs import FigureInputHooks
from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.pipelines.forecast import create_pipeline
from tests.histories import ALONE, release_of, specifications_of
from tests.plots.frames import make_forecast, make_history, make_models, make_titles

ISBNS = ["9780000000001", "9780000000002"]
PARAMETERS = {
    "forecast": ForecastOptions(horizon=8, levels=[80]),
    "forecast.horizon": 8,
    "forecast.levels": [80],
    "execution": ALONE,
    "selection": SelectionOptions(),
    "reporting.max_title_plots": 50,
}


@pytest.fixture(scope="module")
def model_input():
    weeks = [make_history(isbn, 120).assign(rrp=9.99) for isbn in ISBNS]
    return pd.concat(weeks, ignore_index=True)


@pytest.fixture(scope="module")
def release(model_input):
    """A release of models that tune has not chosen: seasonal naive."""
    return release_of(model_input, specifications_of([]), make_titles(*ISBNS))


def run(folder, **data):
    """Run the forecast pipeline as a session would, on these data and no others."""
    pipeline = create_pipeline()
    catalog = DataCatalog({name: MemoryDataset() for name in pipeline.datasets()})
    for name, value in data.items():
        catalog[name] = MemoryDataset(value)
    for name, value in PARAMETERS.items():
        catalog[f"params:{name}"] = MemoryDataset(value)
    catalog["promotion"] = MemoryDataset({})
    catalog["checkpoints"] = MemoryDataset(CheckpointFolder(folder / "checkpoints"))
    catalog["current_release"] = ReleaseDataset(
        filepath=str(folder / "releases"), release="current"
    )
    catalog["chosen_release"] = ReleaseDataset(filepath=str(folder / "releases"), release="chosen")
    catalog["rolled_challenger"] = ChallengerDataset(filepath=str(folder / "releases"))
    catalog["former_forecasts"] = FormerTableDataset(filepath=str(folder / "forecasts.parquet"))
    catalog["title_plots"] = FiguresDataset(filepath=str(folder))
    catalog["forecasts"] = AtomicParquetDataset(filepath=str(folder / "forecasts.parquet"))
    FigureInputHooks().before_pipeline_run(pipeline, catalog)
    SequentialRunner().run(pipeline, catalog)
    return catalog


def test_each_title_has_a_page(tmp_path, release, model_input):
    end = model_input["week"].max()
    tests = pd.concat([make_forecast("sarima", end, isbn) for isbn in ISBNS])
    catalog = run(
        tmp_path,
        release=release,
        model_input=model_input,
        test_forecasts=tests,
        training_models=make_models(*ISBNS),
        titles=make_titles(*ISBNS),
    )
    assert set(catalog.load("title_plots")) == set(ISBNS)
    page = (tmp_path / f"{ISBNS[0]}.html").read_text()
    assert "Book 1" in page
    assert "SARIMA, test weeks" in page
    assert "Seasonal naive, forecast" in page
    assert len(page) < 100_000
    assert len(catalog.load("overview_plot").data) > 4
    # No ensemble has forecast them.
    assert catalog.load("explanation_plots") == {}


def test_without_scores_and_names_there_are_sales_and_forecasts(tmp_path, release, model_input):
    catalog = run(tmp_path, release=release, model_input=model_input)
    page = (tmp_path / f"{ISBNS[1]}.html").read_text()
    assert "Seasonal naive, forecast" in page
    assert "test weeks" not in page
    assert len(catalog.load("forecasts")) == 16


def test_a_release_alone_is_enough_to_forecast(tmp_path, release):
    catalog = run(tmp_path, release=release)
    assert len(catalog.load("forecasts")) == 16
    assert catalog.load("title_plots") == catalog.load("explanation_plots") == {}
    assert "no sales to draw" in catalog.load("overview_plot").layout.title.text
