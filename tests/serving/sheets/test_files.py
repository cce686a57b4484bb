"""A forecast as a file for spreadsheets."""

import csv
import io

import openpyxl
import pytest

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.sheets.files import csv_file
from tests.serving import stores


def test_a_forecast_as_csv(client):
    path = f"/books/{stores.CAFE}/forecast?horizon=3&level=80&level=99"
    answer = client.get(f"{path}&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"forecast-{stores.CAFE}-2024-06-29.csv" in answer.headers["content-disposition"]
    # Excel knows UTF-8 by its mark.
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    expected = client.get(path).json()
    assert [float(row["mean"]) for row in rows] == expected["mean"]
    assert [float(row["hi-99"]) for row in rows] == expected["intervals"][1]["upper"]
    assert rows[0]["title"] == "Café Müller: Eine Liebe"


def test_a_forecast_as_a_workbook(client):
    path = f"/books/{stores.FORMULA}/forecast?horizon=3&level=80"
    answer = client.get(f"{path}&format=xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    head, *rows = book["Forecast"].iter_rows()
    assert [cell.value for cell in head][:3] == ["isbn", "title", "week"]
    assert [row[5].value for row in rows] == client.get(path).json()["mean"]
    # A title that looks like a formula stays a text, and a week is a date.
    assert (rows[0][1].data_type, rows[0][1].value[0]) == ("s", "=")
    assert rows[0][2].is_date
    about = {row[0]: row[1] for row in book["About"].iter_rows(values_only=True)}
    assert about["Release"] == stores.NOW


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_in_a_csv_file_is_made_harmless(start, releases):
    reader = ForecastReader(ReleaseStore(releases).read(stores.NOW))
    forecast = reader.forecast(stores.CAFE, 1, [80.0])
    content = csv_file(forecast, f"{start}1+1").decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(content, newline="")))["title"].startswith("'")
