import pytest

from book_forecast.datasets import BigQuerySalesDataset, BigQueryTableDataset
from book_forecast.datasets.bigquery.connection import Connection
from book_forecast.storage.errors import UserError
from tests.bigquery.tables import OPTIONS


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("sales", "books-test.books.sales"),
        ("raw.sales", "books-test.raw.sales"),
        ("other-project.raw.sales_2024", "other-project.raw.sales_2024"),
        ("Verkäufe 2024-x", "books-test.books.Verkäufe 2024-x"),
    ],
)
def test_a_table_is_named_with_or_without_its_dataset_and_project(given: str, named: str):
    assert str(Connection(OPTIONS).table(given)) == named


@pytest.mark.parametrize(
    "table",
    [
        *(
            "",
            "a`b",
            "a;b",
            "x'",
            'x"',
            "a\\b",
            "a\nb",
            "books.",
            ".sales",
            "a" * 1025,
            "a$20240101",
        ),
        *("sales` WHERE TRUE; DROP TABLE x; --", "sales/*", "a.b.c.d", "Bad-Project.books.sales"),
    ],
)
def test_a_name_that_bigquery_does_not_have_is_refused(table: str):
    with pytest.raises(UserError, match="BigQuery"):
        BigQuerySalesDataset(bigquery=OPTIONS, table=table)


@pytest.mark.parametrize("project", ["Books", "ab", "1books", "books_test", "books-", "b" * 31, ""])
def test_a_project_is_an_id(project: str):
    with pytest.raises(UserError, match="BOOK_FORECAST_BIGQUERY_PROJECT"):
        Connection({"project": project, "dataset": "books"})


def test_a_project_of_an_organisation_has_its_domain_before_it():
    assert Connection({"project": "example.com:my-books", "dataset": "b"}).options.dataset == "b"


@pytest.mark.parametrize("dataset", ["", "a-b", "a.b", "a b", "é", "x" * 1025])
def test_a_dataset_has_letters_digits_and_underscores(dataset: str):
    with pytest.raises(UserError, match="BOOK_FORECAST_BIGQUERY_DATASET"):
        Connection({"project": "books-test", "dataset": dataset})


@pytest.mark.parametrize("location", ["EU", "US", "europe-west1", "us-east4"])
def test_a_location_is_a_region(location: str):
    assert Connection(OPTIONS | {"location": location}).options.location == location


@pytest.mark.parametrize("location", ["europe west1", "EU;", "https://x"])
def test_no_other_text_is_a_location(location: str):
    with pytest.raises(UserError, match="location"):
        Connection(OPTIONS | {"location": location})


def test_an_unknown_option_is_named():
    with pytest.raises(UserError, match=r"bigquery\.dataste"):
        Connection(OPTIONS | {"dataste": "x"})


@pytest.mark.parametrize("column", ["a-b", "1a", "a b", "a`", ""])
def test_an_option_names_a_column_that_a_query_can_have(column: str):
    with pytest.raises(UserError, match="column"):
        BigQueryTableDataset(filepath="t.parquet", bigquery=OPTIONS, table="t", cluster=[column])


def test_a_day_that_is_none_is_refused():
    with pytest.raises(UserError, match="BOOK_FORECAST_BIGQUERY_SINCE is '2015'"):
        BigQuerySalesDataset(bigquery=OPTIONS, table="sales", since="2015")
