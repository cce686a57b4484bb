import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.datasets import BigQuerySalesDataset, ExportsDataset
from book_forecast.options.groups import IngestOptions
from book_forecast.pipelines.ingest.nodes import Exports, clean_exports
from book_forecast.storage.errors import UserError
from tests.bigquery.service import Service
from tests.bigquery.tables import OPTIONS, arrow, sample

SALES = "books-test.books.sales"


def dataset(**options: Any) -> BigQuerySalesDataset:
    return BigQuerySalesDataset(**({"bigquery": OPTIONS, "table": "sales"} | options))


def rows(exports: Exports) -> pd.DataFrame:
    return clean_exports(exports, {}, IngestOptions())[0]


def test_a_table_gives_the_same_sales_as_the_export_that_it_was_loaded_from(
    bigquery: Service, tmp_path: Path
):
    frame = sample(titles=5)
    assert len(frame) > 600  # several pages
    frame.to_csv(tmp_path / "export.csv", index=False)
    bigquery.put(SALES, arrow(frame))
    expected = rows(ExportsDataset(filepath=str(tmp_path)).load())
    expected = expected.sort_values(["isbn", "week"], ignore_index=True)
    pd.testing.assert_frame_equal(rows(dataset().load()), expected)


def test_the_order_of_rows_in_the_table_makes_no_difference(bigquery: Service):
    table = arrow(sample())
    found = []
    for order in (range(len(table)), reversed(range(len(table)))):
        bigquery.put(SALES, table.take(pa.array(list(order))))
        found.append(clean_exports(dataset().load(), {}, IngestOptions()))
    for first, second in zip(*found, strict=True):
        if isinstance(first, pd.DataFrame):
            pd.testing.assert_frame_equal(first, second)


def test_a_table_is_filtered_by_its_partition_and_by_a_parameter(bigquery: Service):
    bigquery.put(
        SALES,
        arrow(sample()),
        timePartitioning={"type": "DAY", "field": "End_Date"},
        requirePartitionFilter=True,
    )
    found = rows(dataset(since="2024-01-01").load())
    assert found["week"].min() == pd.Timestamp("2024-01-06")
    (query,) = bigquery.queries
    assert "2024" not in query["query"]
    (parameter,) = query["queryParameters"]
    assert parameter["parameterValue"] == {"value": "2024-01-01"}
    assert query["query"].endswith("WHERE `End_Date` >= @since OR `End_Date` IS NULL")


def test_another_column_of_time_filters_where_it_is_named(bigquery: Service):
    frame = sample().assign(Loaded=pd.Timestamp("2024-02-01 12:00"))
    frame.loc[:9, "Loaded"] = pd.Timestamp("2023-12-31 23:59")
    bigquery.put(SALES, arrow(frame, Loaded=pa.timestamp("us")))
    assert len(rows(dataset(since="2024-01-01", partition="Loaded").load())) == len(frame) - 10
    with pytest.raises(UserError, match="cannot be filtered by Gone: there is no such field"):
        rows(dataset(partition="Gone").load())
    with pytest.raises(UserError, match="cannot be filtered by Title: it is STRING"):
        rows(dataset(partition="Title").load())


def test_a_row_without_a_date_is_rejected_and_not_passed_over(bigquery: Service):
    frame = sample()
    frame.loc[3, ["End_Date", "Interval"]] = None
    bigquery.put(SALES, arrow(frame, Interval=pa.int64()))
    rejected = clean_exports(dataset(since="2022-01-01").load(), {}, IngestOptions())[2]
    assert rejected["reason"].tolist() == ["no date and no interval"]
    assert rejected["file"].tolist() == ["books.sales"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(ISBN=f["ISBN"].astype("int64")), "field ISBN is INTEGER.* STRING"),
        (lambda f: f.assign(End_Date=f["End_Date"].astype(str)), "field End_Date is STRING.* DATE"),
        (lambda f: f.assign(Volume=f["Volume"].astype(str)), "field Volume is STRING.* INTEGER or"),
        (lambda f: f.assign(ASP=f["ASP"].astype(str)), "field ASP is STRING.* NUMERIC"),
        (lambda f: f.drop(columns="Volume"), "no column Volume.* fields are ISBN, Title"),
        (lambda f: f.drop(columns=["End_Date", "Interval"]), "no column End Date or Interval"),
        (lambda f: f.assign(volume_=f["Volume"]), "two of its columns are named"),
    ],
)
def test_a_field_of_another_type_or_name_is_named(
    bigquery: Service, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
):
    bigquery.put(SALES, arrow(change(sample())))
    with pytest.raises(UserError, match=message) as refusal:
        rows(dataset().load())
    assert SALES in str(refusal.value)
    assert not bigquery.queries  # nothing was paid for


def test_fields_are_named_as_columns_of_exports_are(bigquery: Service):
    bigquery.put(SALES, arrow(sample().rename(columns={"Volume": "Sold_Copies_X"})))
    with pytest.raises(UserError, match="no column Volume"):
        rows(dataset().load())
    named = {"books.sales": {"columns": {"volume": "Sold_Copies_X"}}}
    assert clean_exports(dataset().load(), named, IngestOptions())[0]["volume"].sum() > 0


def test_lists_and_records_are_left_out(bigquery: Service):
    table = arrow(sample())
    bigquery.put(SALES, table)
    bigquery.tables[SALES].fields.append({"name": "tags", "type": "STRING", "mode": "REPEATED"})
    assert len(rows(dataset().load())) == table.num_rows


def test_a_query_takes_the_place_of_the_table(bigquery: Service, tmp_path: Path):
    bigquery.put(SALES, arrow(sample().rename(columns={"ISBN": "ean", "Volume": "n"})))
    sql = tmp_path / "own.sql"
    sql.write_text(
        "SELECT ean AS ISBN, n * @factor AS Volume, End_Date FROM ${sales_table} "
        "WHERE End_Date >= @since"
    )
    source = dataset(filepath=str(sql), since="2024-01-01", parameters={"factor": 2})
    found = rows(source.load())
    expected = sample(since="2024-01-01")
    assert found["volume"].sum() == 2 * expected["Volume"].sum()
    assert source.load().files() == ["own.sql"]


def test_a_query_with_a_field_of_another_type_is_refused(bigquery: Service, tmp_path: Path):
    bigquery.put(SALES, arrow(sample()))
    sql = tmp_path / "own.sql"
    sql.write_text("SELECT CAST(ISBN AS INT64) AS ISBN, Volume, End_Date FROM ${sales_table}")
    with pytest.raises(
        UserError, match=r"The query own\.sql cannot be used: field ISBN is INTEGER"
    ):
        rows(dataset(filepath=str(sql)).load())
    sql.unlink()
    with pytest.raises(UserError, match="BOOK_FORECAST_BIGQUERY_QUERY"):
        rows(dataset(filepath=str(sql)).load())


def test_a_query_that_costs_too_much_is_refused(bigquery: Service):
    bigquery.put(SALES, arrow(sample()))
    with pytest.raises(UserError, match="maximum_bytes_billed"):
        rows(dataset(maximum_bytes_billed=10).load())


def test_the_listing_changes_with_table_query_and_first_day(bigquery: Service, tmp_path: Path):
    bigquery.put(SALES, arrow(sample()))
    sql = tmp_path / "own.sql"
    sql.write_text("SELECT 1")
    stamps = [dataset(), dataset(since="2024-01-01"), dataset(filepath=str(sql))]
    found = [next(iter(each.listing().values())) for each in stamps]
    assert len(set(found)) == 3
    bigquery.put(SALES, arrow(sample()))
    assert next(iter(dataset().listing().values())) != found[0]
    assert dataset(table="gone").listing() == {}


def test_hints_are_checked_before_anything_is_read(bigquery: Service):
    with pytest.raises(UserError, match=r"table books-test\.books\.sales is not there"):
        next(dataset().load().read("books.sales", ExportHints()))


def test_a_parameter_is_a_value_whatever_is_in_it(bigquery: Service, tmp_path: Path):
    frame = sample()
    frame.loc[0, "Title"] = name = "O'Brien\"; DROP TABLE `sales`; --"
    bigquery.put(SALES, arrow(frame))
    sql = tmp_path / "one.sql"
    sql.write_text("SELECT * FROM ${sales_table} WHERE End_Date >= @since AND Title = @title")
    assert len(rows(dataset(filepath=str(sql), parameters={"title": name}).load())) == 1
    assert name not in bigquery.queries[-1]["query"]


@pytest.mark.parametrize("value", [None, ["a"], dt.datetime(2024, 1, 1)])
def test_a_parameter_that_is_no_simple_value_is_refused_before_anything_is_read(value: Any):
    with pytest.raises(UserError, match="parameter title of sales_exports"):
        dataset(parameters={"title": value})


def test_a_first_day_with_a_time_is_that_day(bigquery: Service):
    bigquery.put(SALES, arrow(sample()))
    found = rows(dataset(since=dt.datetime(2024, 1, 1)).load())
    assert found["week"].min() == pd.Timestamp("2024-01-06")


def test_a_query_that_is_no_text_is_refused(bigquery: Service, tmp_path: Path):
    sql = tmp_path / "latin.sql"
    sql.write_bytes("SELECT 'é'".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.sql cannot be read \(it is no text in UTF-8\)"):
        rows(dataset(filepath=str(sql)).load())
