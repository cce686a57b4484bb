"""The query for the weekly aggregation beside ingest on the same raw rows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.bookscan.aggregation import aggregate_rows, describe_titles
from book_forecast.bookscan.rules import cleaning
from book_forecast.datasets import BigQuerySalesDataset, ExportsDataset
from book_forecast.options.groups import IngestOptions
from book_forecast.pipelines.ingest.nodes import Exports, clean_exports
from tests.bigquery.service import Service
from tests.bigquery.tables import OPTIONS, arrow, sample


def raw_rows() -> pd.DataFrame:
    """Three deliveries of days of sales with editions, returns, copies, and rows without values."""
    draw = np.random.default_rng(5)
    week = sample(titles=4, since="2024-01-01").drop(columns="Interval")
    days = pd.concat(
        [week.assign(End_Date=week["End_Date"] - pd.Timedelta(days=day)) for day in (0, 2, 6)],
        ignore_index=True,
    )
    days["Volume"] = draw.integers(1, 90, len(days))
    days["ASP"] = days["RRP"] * draw.choice([0.8, 0.9, 1.0], len(days))
    days["Value"] = days["ASP"] * days["Volume"]
    days["Transaction_Type"] = "Sale"
    returns = days.sample(frac=0.1, random_state=1).assign(Transaction_Type="Returns")
    returns["Volume"] = (returns["Volume"] / 4).astype("int64") + 1
    returns["Value"] = returns["Volume"] * returns["ASP"]
    rows = pd.concat([days, returns], ignore_index=True)
    rows.loc[rows.sample(frac=0.1, random_state=2).index, "Value"] = np.nan
    rows.loc[rows.sample(frac=0.05, random_state=3).index, ["Value", "ASP"]] = np.nan
    rows.loc[rows.sample(frac=0.1, random_state=4).index, "RRP"] = 0.0
    rows.loc[::7, "ISBN"] = rows.loc[::7, "ISBN"].str.replace(r"(\d{3})(\d+)", r"\1-\2", regex=True)
    rows["Delivery"] = 1
    corrected = rows[rows["End_Date"] >= rows["End_Date"].max() - pd.Timedelta(days=20)]
    corrected = corrected.assign(Volume=corrected["Volume"] + 3, Delivery=2)
    late = corrected.sample(frac=0.3, random_state=6).assign(Delivery=3)
    return pd.concat([rows, corrected, late], ignore_index=True)


def weekly(exports: Exports, copies: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Weekly sales, titles and rejected rows."""
    clean, texts, rejected, *_ = clean_exports(exports, {"*": {"copies": copies}}, IngestOptions())
    return aggregate_rows(clean)[0], describe_titles(texts, clean["isbn"]), rejected


def both(
    bigquery: Service, project: Path, folder: Path, rows: pd.DataFrame, copies: str, last_day: int
) -> tuple[tuple[pd.DataFrame, ...], tuple[pd.DataFrame, ...]]:
    """The result of ingest on files, and of the query."""
    for delivery, of_delivery in rows.groupby("Delivery"):
        of_delivery.drop(columns="Delivery").to_parquet(folder / f"{delivery}.parquet", index=False)
    bigquery.put("books-test.books.sales", arrow(rows))
    source = BigQuerySalesDataset(
        bigquery=OPTIONS,
        table="sales",
        filepath=str(project / "conf/bigquery/weekly_sales.sql"),
        parameters={"last_day": last_day, "copies": copies},
    )
    files = ExportsDataset(filepath=str(folder)).load()
    return weekly(files, copies), weekly(source.load(), copies)


@pytest.mark.parametrize("copies", ["drop", "add"])
def test_the_query_adds_up_rows_as_ingest_does(
    bigquery: Service, project_path: Path, tmp_path: Path, copies: str
):
    rows = raw_rows()
    rows = pd.concat([rows, rows.sample(frac=0.4, random_state=7)], ignore_index=True)
    files, query = both(bigquery, project_path, tmp_path, rows, copies, last_day=5)
    assert len(files[0]) > 100
    pd.testing.assert_frame_equal(query[0], files[0], rtol=1e-9)
    pd.testing.assert_frame_equal(query[1], files[1])


def test_weeks_that_end_on_sunday_are_under_the_saturday_before(
    bigquery: Service, project_path: Path, tmp_path: Path
):
    rows = raw_rows()
    rows = rows[rows["Delivery"] == 1]
    # A row a title and week, so that each date stands for its week.
    rows = rows.drop_duplicates(["ISBN", "End_Date"])
    rows = rows[rows["End_Date"].dt.day_of_week == 5]
    rows = rows.assign(End_Date=rows["End_Date"] + pd.Timedelta(days=1))
    files, query = both(bigquery, project_path, tmp_path, rows, "drop", last_day=6)
    pd.testing.assert_frame_equal(query[0], files[0], rtol=1e-9)


def test_rows_that_cannot_be_used_reach_ingest_with_their_reasons(
    bigquery: Service, project_path: Path, tmp_path: Path
):
    rows = raw_rows()
    rows = rows[rows["Delivery"] == 1].reset_index(drop=True)
    rows["Volume"] = rows["Volume"].astype("float64")
    rows.loc[1, "ISBN"] = "9780000000001"
    rows.loc[2, "Volume"] = np.nan
    rows.loc[3, "End_Date"] = pd.NaT
    files, query = both(bigquery, project_path, tmp_path, rows, "drop", last_day=5)
    assert len(files[2]) == 3
    assert sorted(query[2]["reason"]) == sorted(files[2]["reason"])
    pd.testing.assert_frame_equal(query[0], files[0], rtol=1e-9)


def test_the_words_for_returns_are_those_of_ingest(project_path: Path):
    text = (project_path / "conf/bigquery/weekly_sales.sql").read_text()
    found = re.search(r"r'\^\(\?:(\(sales.*)\)\$'", text)
    assert found is not None
    assert found[1] == cleaning._RETURNS.pattern
