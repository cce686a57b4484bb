"""The index of pages after a run, on real catalogs."""

import json
import logging
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from book_forecast.hooks.pages import ReportIndexHooks
from tests.plots.frames import make_history, make_titles

A, B = "9780000000001", "9780000000002"
TYPES = "book_forecast.datasets"


def entry(kind: str, path: Path, **more: object) -> dict[str, object]:
    return {"type": f"{TYPES}.{kind}", "filepath": str(path), **more}


@pytest.fixture
def catalog(tmp_path) -> DataCatalog:
    reporting = tmp_path / "with space" / "08_reporting"
    first, last = {"index": {"label": "forecast", "order": 1}}, {"index": {"label": "a search"}}
    return DataCatalog.from_config(
        {
            "report_index": entry("AtomicTextDataset", reporting / "index.html"),
            "searches": entry("FiguresDataset", reporting / "searches", metadata=last),
            "title_plots": entry("FiguresDataset", reporting / "title_plots", metadata=first),
            "overview": entry(
                "FigurePageDataset",
                reporting / "overview.json",
                metadata={"index": {"label": "Overview"}},
            ),
            "report": entry(
                "AtomicTextDataset",
                reporting / "report.html",
                metadata={"index": {"label": "Import report"}},
            ),
            "scores": entry(
                "AtomicParquetDataset",
                tmp_path / "with space" / "07_output" / "scores.parquet",
                metadata={"index": {"label": "Scores"}},
            ),
            "stock_page": entry(
                "AtomicTextDataset",
                reporting / "stock.html",
                metadata={
                    "index": {"label": "Advice", "filled": "stock_advice", "titles": "stock"}
                },
            ),
            "stock_advice": entry("AtomicParquetDataset", tmp_path / "stock_advice.parquet"),
            "titles": entry("AtomicParquetDataset", tmp_path / "titles.parquet"),
            "model_input": entry("AtomicParquetDataset", tmp_path / "model_input.parquet"),
        }
    )


def draw(_: object) -> None:
    """Only its name and outputs matter."""


def after_run_of(output: str, catalog: DataCatalog) -> str | None:
    pipeline = Pipeline([node(draw, "titles", output, name="draw")])
    ReportIndexHooks().after_pipeline_run(pipeline, catalog)
    return catalog.load("report_index") if catalog.exists("report_index") else None


def test_the_index_leads_to_everything_that_exists(catalog):
    catalog.save("title_plots", {A: go.Figure(), B: go.Figure()})
    catalog.save("searches", {B: go.Figure()})
    catalog.save("overview", go.Figure())
    catalog.save("scores", pd.DataFrame({"value": [1.0]}))
    catalog.save("titles", make_titles(A, B))
    catalog.save("model_input", pd.concat([make_history(A, 9), make_history(B, 9, 500.0)]))
    index = after_run_of("title_plots", catalog)
    folder = Path(str(catalog.get("report_index")._filepath)).parent
    assert index is not None
    links = [part.partition('"')[0] for part in index.split('href="')[1:]]
    of_titles = [
        *(f"title_plots/{B}.html", f"title_plots/{B}.html", f"searches/{B}.html"),
        *(f"title_plots/{A}.html", f"title_plots/{A}.html"),
    ]
    assert links == ["overview.html", *of_titles, "../07_output/scores.parquet"]
    assert all((folder / link).exists() for link in links)
    assert "Import report" not in index


def test_a_page_of_titles_is_listed_and_linked_once_its_table_has_rows(catalog):
    catalog.save("title_plots", {A: go.Figure()})
    catalog.save("stock_page", "<!doctype html>")
    catalog.save("stock_advice", pd.DataFrame({"isbn": pd.Series([], dtype="str")}))
    assert "stock" not in (after_run_of("title_plots", catalog) or "")
    catalog.save("stock_advice", pd.DataFrame({"isbn": [B, A]}))
    index = after_run_of("title_plots", catalog) or ""
    assert '<a href="stock.html">Advice</a>' in index
    assert f'<a href="stock.html#{B}">stock</a>' in index
    script = Path(catalog.get("title_plots")._root) / "pages.js"
    known = json.loads(script.read_text().removeprefix("window.titlePages = ").rstrip(";\n"))
    assert [(kind["address"], sorted(kind["isbns"])) for kind in known["kinds"]] == [
        ("title_plots/*.html", [A]),
        ("stock.html#*", [A, B]),
    ]


def test_in_a_bucket_addresses_are_relative_too():
    root = "memory://books/08_reporting"
    labelled = {"index": {"label": "forecast"}}
    catalog = DataCatalog.from_config(
        {
            "report_index": {
                "type": f"{TYPES}.AtomicTextDataset",
                "filepath": f"{root}/index.html",
            },
            "title_plots": {
                "type": f"{TYPES}.FiguresDataset",
                "filepath": f"{root}/title_plots",
                "metadata": labelled,
            },
        }
    )
    catalog.save("title_plots", {A: go.Figure()})
    assert f'href="title_plots/{A}.html"' in (after_run_of("title_plots", catalog) or "")


def test_a_report_without_figures_has_an_index_too(catalog):
    catalog.save("report", "<!doctype html>")
    assert '<a href="report.html">Import report</a>' in (after_run_of("report", catalog) or "")


def test_pages_of_a_former_run_stay_in_the_index(catalog):
    catalog.save("title_plots", {A: go.Figure()})
    after_run_of("title_plots", catalog)
    catalog.save("searches", {B: go.Figure()})
    index = after_run_of("searches", catalog) or ""
    assert f"title_plots/{A}.html" in index
    assert f"searches/{B}.html" in index


def test_a_run_that_draws_nothing_writes_no_index(catalog):
    catalog.save("title_plots", {A: go.Figure()})
    assert after_run_of("model_input", catalog) is None


def test_a_run_that_fails_after_drawing_has_an_index(catalog):
    catalog.save("title_plots", {A: go.Figure()})
    pipeline = Pipeline([node(draw, "titles", "title_plots", name="draw")])
    ReportIndexHooks().on_pipeline_error(pipeline, catalog)
    assert f"title_plots/{A}.html" in catalog.load("report_index")


def test_a_run_that_fails_before_any_page_writes_none(catalog):
    assert after_run_of("title_plots", catalog) is None


def test_an_index_that_cannot_be_written_is_a_warning(catalog, caplog):
    catalog.save("title_plots", {A: go.Figure()})
    Path(str(catalog.get("report_index")._filepath)).mkdir()
    with caplog.at_level(logging.WARNING):
        pipeline = Pipeline([node(draw, "titles", "title_plots", name="draw")])
        ReportIndexHooks().after_pipeline_run(pipeline, catalog)
    assert "The index of pages could not be written" in caplog.text


def test_a_catalog_without_the_entry_has_no_index():
    pipeline = Pipeline([node(draw, "titles", "title_plots", name="draw")])
    ReportIndexHooks().after_pipeline_run(pipeline, DataCatalog())
