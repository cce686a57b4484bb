"""Forecasts need nothing but models; figures take what else there is."""

import logging

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from book_forecast.hooks.optional_inputs import FIGURES, FigureInputHooks


def add(*values):
    return sum(value or 0 for value in values)


def pipeline_of(*nodes):
    return Pipeline([node(add, inputs, output, name=output, tags=t) for inputs, output, t in nodes])


def run(pipeline, **data):
    names = pipeline.datasets()
    catalog = DataCatalog({name: MemoryDataset() for name in names})
    for name, value in data.items():
        catalog[name] = MemoryDataset(value)
    FigureInputHooks().before_pipeline_run(pipeline, catalog)
    return SequentialRunner().run(pipeline, catalog)


FORECAST = pipeline_of(
    (["model"], "forecast", []),
    (["forecast", "sales", "names"], "figure", FIGURES),
)


def test_what_is_missing_is_none_and_what_is_there_is_used(caplog):
    caplog.set_level(logging.INFO)
    assert run(FORECAST, model=1, names=10)["figure"].load() == 11
    assert "There is no sales yet" in caplog.text
    assert "no names" not in caplog.text


def test_what_the_run_makes_itself_is_waited_for():
    whole = FORECAST + pipeline_of((["export"], "sales", []))
    assert run(whole, model=1, export=100, names=10)["figure"].load() == 111


@pytest.mark.parametrize("missing", ["model", "sales"])
def test_what_others_need_as_well_stays_missing(missing):
    pipeline = FORECAST + pipeline_of((["sales"], "score", []))
    data = {"model": 1, "sales": 100, "names": 10}
    del data[missing]
    with pytest.raises(Exception, match=missing):
        run(pipeline, **data)


def test_a_run_without_figures_is_left_alone():
    pipeline = FORECAST.only_nodes("forecast")
    assert run(pipeline, model=1)["forecast"].load() == 1


def test_kedro_does_not_warn_of_what_was_told(caplog):
    pipeline = FORECAST
    catalog = DataCatalog({name: MemoryDataset() for name in pipeline.datasets()})
    FigureInputHooks().before_pipeline_run(pipeline, catalog)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    catalog["names"] = MemoryDataset(1)
    assert "Replacing dataset 'names'" in caplog.text
