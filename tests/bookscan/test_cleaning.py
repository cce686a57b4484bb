import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.bookscan.cleaning import clean_rows
from book_forecast.bookscan.rows import TEXT, RawRows, UnreadableRow

TODAY = dt.date(2026, 1, 1)
GOOD = {"isbn": "9780722532935", "volume": "3", "end_date": "02/03/2019"}


def clean(*rows, sheet="F Adult Fiction", unreadable=(), columns=None):
    """Clean rows that are good but for what is given."""
    filled = [GOOD | row for row in rows]
    names = columns or list(dict.fromkeys(name for row in filled for name in row))
    table = {name: pa.array([row.get(name, "") for row in filled]).cast(TEXT) for name in names}
    numbers = np.arange(2, 2 + len(filled))
    raw = RawRows("sales.xlsx", sheet, numbers, pa.table(table), list(unreadable))
    return clean_rows(raw, TODAY)


def texts(result):
    return {row.attribute: row.text for row in result.attributes.itertuples()}


def test_a_good_row_becomes_a_sale():
    result = clean({"value": "24.00", "asp": "£8.00", "rrp": "9.99", "volume": "1,003.5"})
    assert result.sales.to_dict("records") == [
        {
            "isbn": "9780722532935",
            "week": pd.Timestamp("2019-03-02"),
            "volume": 1003.5,
            "value": 24.0,
            "asp": 8.0,
            "rrp": 9.99,
        }
    ]
    assert (result.rows, result.moved, result.unreadable_prices) == (1, 0, 0)
    assert result.rejected.empty


@pytest.mark.parametrize(
    ("bad", "column", "reason"),
    [
        ({"isbn": "9780722532936"}, "ISBN", "wrong ISBN check digit"),
        ({"isbn": ""}, "ISBN", "no ISBN"),
        ({"isbn": "n/a"}, "ISBN", "no ISBN"),
        ({"end_date": "31/02/2019"}, "End Date", "not a date"),
        ({"end_date": "01/01/2099"}, "End Date", "a date more than a year in the future"),
        ({"end_date": "31/02/2019", "interval": "201909"}, "End Date", "not a date"),
        ({"end_date": ""}, "End Date", "no date and no interval"),
        ({"end_date": "", "interval": "201954"}, "Interval", "a week that the year does not have"),
        ({"volume": "-1"}, "Volume", "a negative volume"),
        ({"volume": "(5)"}, "Volume", "a negative volume"),
        ({"volume": ""}, "Volume", "no volume"),
        ({"volume": "NaN"}, "Volume", "no volume"),
        ({"volume": "inf"}, "Volume", "not a finite number"),
        ({"volume": "12,5"}, "Volume", "not a number"),
    ],
)
def test_a_bad_row_is_rejected_with_its_place_and_reason_and_stops_no_other(bad, column, reason):
    result = clean({}, bad, {})
    name = {"ISBN": "isbn", "End Date": "end_date", "Volume": "volume", "Interval": "interval"}
    assert result.rejected.to_dict("records") == [
        {
            "file": "sales.xlsx",
            "sheet": "F Adult Fiction",
            "row": 3,
            "column": column,
            "value": bad[name[column]],
            "reason": reason,
        }
    ]
    assert len(result.sales) == 2
    assert result.rows == 3


def test_a_row_with_several_faults_is_rejected_once():
    result = clean({"isbn": "x", "end_date": "x", "volume": "x"})
    assert result.rejected["column"].tolist() == ["ISBN"]


def test_rejected_rows_are_in_the_order_of_the_sheet():
    result = clean({"volume": "x"}, {}, {"isbn": "x"}, {"end_date": "x"})
    assert result.rejected["row"].tolist() == [2, 4, 5]


def test_rejected_rows_are_text_and_a_row_number_even_where_there_are_none():
    for result in (clean({}), clean({"isbn": "x"})):
        columns = ["file", "sheet", "row", "column", "value", "reason"]
        assert list(result.rejected.columns) == columns
        kinds = result.rejected.dtypes.drop("row")
        assert set(kinds) == {pd.StringDtype(na_value=np.nan)}
        assert result.rejected["row"].dtype == np.int64


def test_rows_that_did_not_fit_are_rejected_and_count():
    result = clean({}, unreadable=[UnreadableRow(7, "a,b,c,d", "more cells than the header")])
    assert result.rejected.loc[0, ["row", "value", "column"]].tolist() == [7, "a,b,c,d", ""]
    assert result.rows == 2


def test_an_empty_row_is_no_row():
    nothing = dict.fromkeys(GOOD, "")
    result = clean({}, nothing, nothing | {"isbn": "  "}, nothing | {"title": "Total"})
    assert result.rows == 2
    assert result.rejected["row"].tolist() == [5]


def test_the_interval_stands_in_only_where_the_date_is_missing():
    result = clean(
        {"end_date": "02/03/2019", "interval": "201801"},
        {"end_date": "", "interval": "201909"},
        {"end_date": "nan", "interval": "201909.0"},
    )
    assert set(result.sales["week"]) == {pd.Timestamp("2019-03-02")}
    assert result.rejected.empty


def test_an_export_may_have_intervals_and_no_dates():
    result = clean({"interval": "201909"}, columns=["isbn", "volume", "interval"])
    assert result.sales["week"].tolist() == [pd.Timestamp("2019-03-02")]


def test_days_move_to_their_saturday_and_are_counted():
    days = ["24/02/2019", "27/02/2019", "01/03/2019", "02/03/2019", "03/03/2019"]
    result = clean(*({"end_date": day} for day in days))
    assert result.sales["week"].dt.day.tolist() == [2, 2, 2, 2, 9]
    assert result.moved == 4


def test_prices_never_cost_a_row():
    result = clean(
        {"value": "x", "asp": "", "rrp": "7.99"},
        {"value": "-1", "asp": "0", "rrp": "inf"},
        {"value": "0", "asp": "7", "rrp": "n/a"},
    )
    assert len(result.sales) == 3
    assert result.sales["value"].tolist() == pytest.approx([np.nan, np.nan, 0], nan_ok=True)
    assert result.sales["asp"].tolist() == pytest.approx([np.nan, np.nan, 7], nan_ok=True)
    assert result.sales["rrp"].tolist() == pytest.approx([7.99, np.nan, np.nan], nan_ok=True)
    assert result.unreadable_prices == 4


def test_the_latest_text_about_a_title_holds_and_an_empty_one_never():
    result = clean(
        {"title": "Alchemist,  The", "author": "Coelho", "end_date": "09/03/2019"},
        {"title": "Old title", "author": "P. Coelho", "end_date": "02/03/2019"},
        {"title": "", "author": "", "end_date": "16/03/2019"},
    )
    assert texts(result)["title"] == "Alchemist, The"
    assert texts(result)["author"] == "Coelho"
    assert "binding" not in texts(result)


def test_rejected_rows_tell_nothing_about_titles():
    assert "title" not in texts(clean({"title": "Ghost", "volume": "-1"}))


@pytest.mark.parametrize(
    ("row", "sheet", "product_class"),
    [
        ({"product_class": "T", "source": "S"}, "F", "T"),
        ({"product_class": "", "source": "S"}, "F", "S"),
        ({"source": "S"}, "F", "S"),
        ({}, " F Adult Fiction ", "F Adult Fiction"),
        ({}, "Sheet1", None),
        ({}, "", None),
    ],
)
def test_the_product_class_is_the_column_or_the_source_or_the_sheet(row, sheet, product_class):
    assert texts(clean(row, sheet=sheet)).get("product_class") == product_class
