"""A table says which run and inputs made it, and a stale one is reported."""

import logging

import pandas as pd
import pytest
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from book_forecast.datasets import AtomicParquetDataset, GenerationDataset
from book_forecast.execution.fingerprints import fingerprint
from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.hooks.lineage import CURRENT, LineageHooks
from book_forecast.hooks.optional_inputs import FIGURES
from book_forecast.options.groups import Shard
from book_forecast.storage.errors import UserError

ISBNS = ["9780241003008", "9780722532935"]


def import_sales(params: int) -> pd.DataFrame:
    return pd.DataFrame({"isbn": ISBNS, "volume": [params, params + 1]})


def select(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.assign(selected=True)


def fit(selected: pd.DataFrame) -> Part:
    frame = selected[["isbn"]].assign(level=selected["volume"] * 10)
    return Part(frame, fingerprint(selected))


def forecast(models: pd.DataFrame) -> pd.DataFrame:
    return models.assign(mean=models["level"] / 2)


def replace(former: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    return models.assign(mean=former["mean"] + 1.0)


def update(former: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    return models.assign(mean=former["volume"])


def score(forecasts: pd.DataFrame, sales: pd.DataFrame) -> float:
    return float((forecasts["mean"] - sales["volume"]).sum())


INGEST = Pipeline([node(import_sales, "params:first", "sales", name="import_sales")])
TRAIN = Pipeline(
    [
        node(select, "sales", "selected", name="select"),
        node(fit, "selected", "models", name="fit"),
    ]
)
FORECAST = Pipeline([node(forecast, "models", "forecasts", name="forecast")])
UPDATE = Pipeline([node(update, ["former_sales", "models"], "forecasts", name="update")])
REPLACE = Pipeline([node(replace, ["former_forecasts", "models"], "forecasts", name="replace")])
SCORE = Pipeline([node(score, ["forecasts", "sales"], "score", name="score")])
STRICT = Pipeline([node(forecast, "models", "forecasts", name="forecast", tags=CURRENT)])
FIGURE = Pipeline([node(forecast, "models", "figure", name="figure", tags=FIGURES)])


class Project:
    """Runs of pipelines on one folder, each with a catalog and hooks of its own."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.hooks = LineageHooks()
        self.runs = 0

    def catalog(self, first: int = 1) -> DataCatalog:
        def table(name: str) -> AtomicParquetDataset:
            return AtomicParquetDataset(filepath=str(self.folder / f"{name}.parquet"))

        return DataCatalog(
            {
                "params:first": MemoryDataset(first),
                "sales": table("sales"),
                "former_sales": table("sales"),
                "former_forecasts": table("forecasts"),
                "selected": MemoryDataset(),
                "models": GenerationDataset(filepath=str(self.folder / "models")),
                "forecasts": table("forecasts"),
                "score": MemoryDataset(),
                "figure": MemoryDataset(),
            }
        )

    def run(self, pipeline: Pipeline, first: int = 1) -> DataCatalog:
        self.runs += 1
        catalog = self.catalog(first)
        manager = _create_hook_manager()
        manager.register(self.hooks)
        run_params = {"run_id": f"run-{self.runs}"}
        manager.hook.before_pipeline_run(run_params=run_params, pipeline=pipeline, catalog=catalog)
        SequentialRunner().run(pipeline, catalog, manager)
        return catalog


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def stale(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "is stale:" in record.getMessage()]


def test_every_table_says_which_run_and_inputs_made_it(project):
    project.run(INGEST)
    project.run(TRAIN)
    catalog = project.run(FORECAST)
    sales, models, forecasts = (
        catalog.get(name).lineage() for name in ("sales", "models", "forecasts")
    )
    assert [one.run for one in (sales, models, forecasts)] == ["run-1", "run-2", "run-3"]
    assert sales.inputs == {}
    # `selected` is in memory: the table that it was made from stands in for it.
    assert models.inputs == {"sales": sales.digest}
    assert forecasts.inputs == {"models": models.digest}
    assert Lineage.of(catalog.load("forecasts").attrs) == forecasts


def test_a_table_that_was_there_before_is_no_input_of_what_replaces_it(project):
    project.run(INGEST + TRAIN)
    catalog = project.run(UPDATE)
    assert list(catalog.get("forecasts").lineage().inputs) == ["models"]


def test_a_table_that_is_about_to_be_replaced_is_not_reported_as_stale(project, caplog):
    project.run(INGEST + TRAIN + FORECAST)
    project.run(INGEST + TRAIN, first=2)
    project.run(REPLACE)
    assert stale(caplog) == []


def test_a_table_without_lineage_is_no_trouble(project, caplog):
    project.run(INGEST + TRAIN)
    path = project.folder / "sales.parquet"
    plain = pd.read_parquet(path)
    plain.attrs = {}
    plain.to_parquet(path)
    assert project.catalog().get("sales").lineage() is None
    project.run(FORECAST + SCORE)
    assert stale(caplog) == []


def test_current_tables_are_not_reported(project, caplog):
    project.run(INGEST + TRAIN)
    project.run(INGEST)  # the same sales again
    project.run(STRICT)
    project.run(SCORE)
    assert stale(caplog) == []


def test_a_stale_table_is_reported_once_by_table_input_and_run(project, caplog):
    project.run(INGEST + TRAIN)
    project.run(INGEST, first=5)
    caplog.clear()
    again = Pipeline([node(len, "models", "score", name="count")])
    project.run(FORECAST + again)
    (message,) = stale(caplog)
    assert message == (
        "models is stale: run run-1 made it from another sales. "
        "Run the pipelines from sales to models again."
    )
    assert [r.levelno for r in caplog.records if "is stale:" in r.getMessage()] == [logging.WARNING]


def test_each_run_reports_anew(project, caplog):
    project.run(INGEST + TRAIN)
    project.run(INGEST, first=5)
    for _ in range(2):
        caplog.clear()
        project.run(FORECAST)
        assert len(stale(caplog)) == 1


def test_staleness_is_seen_through_a_table_that_is_current_itself(project, caplog):
    """The forecasts are those of the models; the models are made from other sales."""
    project.run(INGEST + TRAIN + FORECAST)
    project.run(INGEST + TRAIN, first=5)
    caplog.clear()
    project.run(SCORE)
    (message,) = stale(caplog)
    assert message.startswith("forecasts is stale: run run-1 made it from another models")
    assert "from models to forecasts" in message


def test_what_a_run_makes_itself_is_not_stale(project, caplog):
    project.run(INGEST + TRAIN + FORECAST)
    project.run(INGEST + TRAIN + FORECAST + SCORE, first=5)
    project.run(INGEST + TRAIN + STRICT + SCORE, first=1)
    assert stale(caplog) == []


def test_a_node_that_needs_current_inputs_refuses_a_stale_one(project):
    project.run(INGEST + TRAIN)
    project.run(INGEST, first=5)
    with pytest.raises(UserError, match=r"models is stale: run run-1 .* another sales"):
        project.run(STRICT)
    assert not project.catalog().exists("forecasts")
    project.run(TRAIN)
    project.run(STRICT)


def test_a_figure_of_a_stale_table_is_mentioned_below_a_warning(project, caplog):
    project.run(INGEST + TRAIN)
    project.run(INGEST, first=5)
    with caplog.at_level(logging.INFO):
        project.run(FIGURE)
    assert stale(caplog) == []
    (record,) = [r for r in caplog.records if "before sales changed" in r.getMessage()]
    assert record.levelno == logging.INFO
    assert "again" not in record.getMessage()


def test_going_back_to_earlier_inputs_reads_their_generation(project, caplog):
    project.run(INGEST + TRAIN, first=1)
    project.run(INGEST + TRAIN, first=5)
    project.run(INGEST, first=1)
    catalog = project.run(STRICT)
    assert catalog.load("forecasts")["mean"].tolist() == [5.0, 10.0]
    assert stale(caplog) == []


def test_a_generation_of_no_present_input_is_read_with_a_warning(project, caplog):
    project.run(INGEST + TRAIN, first=1)
    project.run(INGEST + TRAIN, first=5)
    project.run(INGEST, first=9)
    catalog = project.run(FORECAST)
    assert catalog.load("forecasts")["mean"].tolist() == [25.0, 30.0]
    (message,) = stale(caplog)
    assert message.startswith("models is stale: run run-2")


def test_shards_of_one_run_write_one_generation_with_its_inputs(project, caplog):
    def fit_shard(selected: pd.DataFrame, index: int) -> Part:
        shard = Shard(index=index, count=2)
        frame = selected[["isbn"]].assign(level=selected["volume"])
        return Part(frame.iloc[index - 1 : index], fingerprint(selected), shard)

    project.run(INGEST)
    for index in (2, 1):
        train = Pipeline(
            [
                node(select, "sales", "selected"),
                node(fit_shard, ["selected", "params:first"], "models"),
            ]
        )
        project.run(train, first=index)
    catalog = project.run(STRICT)
    assert catalog.load("models")["isbn"].tolist() == ISBNS
    sales, models = catalog.get("sales").lineage(), catalog.get("models").lineage()
    assert models.inputs == {"sales": sales.digest}
    assert stale(caplog) == []
