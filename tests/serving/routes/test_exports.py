"""Files of the list and of totals."""

import csv
import io

import openpyxl
import pytest

from tests.releases import payloads
from tests.serving import stores
from tests.serving.conftest import TITLES

HEADS = ["ISBN", "Title", "Author", "Class", "Publisher", "Imprint", "Published", "Price"]


def table(client, path, **query):
    answer = client.get(path, params={"format": "csv", **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def book_of(client, path, **query):
    answer = client.get(path, params={"format": "xlsx", **query})
    assert answer.status_code == 200, answer.text
    assert ".xlsx" in answer.headers["content-disposition"]
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def rows(sheet):
    head, *values = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in values]


def test_a_csv_file_has_what_the_list_has(client):
    found = table(client, "/export", sort="volume")
    books = client.get("/books", params={"sort": "volume", "limit": 500}).json()["books"]
    assert list(found[0])[:8] == HEADS
    assert [row["ISBN"] for row in found] == [book["isbn"] for book in books]
    assert [float(row["Next 13 weeks"]) for row in found] == [b["next_13_weeks"] for b in books]
    by_isbn = {row["ISBN"]: row for row in found}
    assert by_isbn[stores.FORMULA]["Title"].startswith("'=")
    assert by_isbn[stores.FORMULA]["Author"] == "'@formula"
    assert by_isbn[stores.HEBREW]["Title"] == 'מלחמה ושלום, "כרך א"'


def test_a_file_of_a_view_has_its_filters_and_its_order(client):
    query = {"view": "changed", "product_class": "S2.0"}
    found = table(client, "/export", **query)
    books = client.get("/books", params={**query, "limit": 500}).json()["books"]
    assert [row["ISBN"] for row in found] == [book["isbn"] for book in books]
    assert [float(row["Change, copies"]) for row in found] == [b["change_copies"] for b in books]


def test_a_workbook_has_numbers_as_numbers_and_no_formula(client):
    book = book_of(client, "/export", sort="title")
    assert book.sheetnames == ["All titles", "About"]
    found = {row["ISBN"]: row for row in rows(book["All titles"])}
    assert len(found) == TITLES
    cafe = found[stores.CAFE]
    api = client.get(f"/books/{stores.CAFE}").json()
    assert cafe["Next 32 weeks"] == api["next_32_weeks"]
    assert cafe["Change, share"] == api["change"]
    assert cafe["Published"] is None
    assert found[stores.FIRST]["Published"].date().isoformat() == "2024-06-29"
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert found[stores.FORMULA]["Title"] == '=HYPERLINK("http://evil.example")'


def test_the_workbook_of_everything_has_a_sheet_for_each_view_and_for_totals(client):
    book = book_of(client, "/export", everything=True)
    assert book.sheetnames == [
        *("All titles", "What changed most", "Runs out first", "Forecast was wrong", "Launches"),
        *("By class", "By publisher", "By imprint", "By author", "Without a forecast", "About"),
    ]
    assert len(rows(book["All titles"])) == TITLES
    assert len(rows(book["What changed most"])) == TITLES - 1
    totals = client.get("/totals", params={"by": "imprint", "level": 80}).json()["totals"]
    for row, total in zip(rows(book["By imprint"]), totals, strict=True):
        assert row["Imprint"] == total["name"]
        assert row["Expected"] == pytest.approx(total["mean"], abs=0.06)
        assert row["At most (80 %)"] == pytest.approx(total["intervals"][0]["upper"], abs=0.06)
    assert rows(book["Without a forecast"])[0]["Why"] == "20 weeks of sales, 52 are needed"


def test_totals_are_a_file_too(client):
    query = {"by": "publisher_group", "weeks": 8, "from": 3}
    found = table(client, "/totals", **query)
    totals = client.get("/totals", params={**query, "level": 80}).json()["totals"]
    assert [row["Publisher"] for row in found] == [total["name"] for total in totals]
    assert [float(row["Expected"]) for row in found] == pytest.approx(
        [total["mean"] for total in totals], abs=0.06
    )
    about = book_of(client, "/totals", **query)["About"]
    assert ("Weeks to", "2024-07-20 … 2024-09-07") in about.iter_rows(values_only=True)


def test_titles_without_a_forecast_are_a_file_with_their_reasons(client):
    wanted = {
        "ISBN": payloads.isbn(TITLES),
        "Title": "A short book",
        "Why": "20 weeks of sales, 52 are needed",
    }
    assert table(client, "/left-out") == [wanted]
    assert table(client, "/left-out", q="shrt book") == [wanted]
    assert table(client, "/left-out", q="something else") == []
    book = book_of(client, "/left-out")
    assert rows(book["Without a forecast"]) == [wanted]
    answer = client.get("/left-out", params={"format": "csv"})
    assert 'filename="without-a-forecast-2024-06-29.csv"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("query", ["", "format=pdf", "format=csv&view=x"])
def test_what_is_out_of_bounds_is_refused(client, query):
    assert client.get(f"/export?{query}").status_code == 422
