import numpy as np
import pandas as pd
import pytest

from book_forecast.bookscan.conventions.find import Conventions, find_conventions
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import UnreadableRow
from book_forecast.bookscan.rules.cleaning import clean_rows
from tests.bookscan.raw_exports import ALCHEMIST, GOOD, TODAY, raw_rows


def clean(*rows, **layout):
    """Clean rows that are good but for what is given, by the conventions that they show."""
    raw = raw_rows([GOOD | row for row in rows], **({"sheet": "F Adult Fiction"} | layout))
    return clean_rows(raw, find_conventions([raw], ExportHints(), TODAY), TODAY)


def texts(result):
    return {row.attribute: row.text for row in result.attributes.itertuples()}


def test_a_good_row_becomes_a_sale():
    result = clean({"value": "24.00", "asp": "£8.00", "rrp": "9.99", "volume": "1,003.5"})
    assert result.sales.to_dict("records") == [
        {
            "isbn": ALCHEMIST,
            "week": pd.Timestamp("2019-03-02"),
            "volume": 1003.5,
            "value": 24.0,
            "asp": 8.0,
            "rrp": 9.99,
            "row": 2,
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
        ({"volume": ""}, "Volume", "no volume"),
        ({"volume": "NaN"}, "Volume", "no volume"),
        ({"volume": "inf"}, "Volume", "not a finite number"),
        ({"volume": "many"}, "Volume", "not a number"),
        ({"volume": "1e308"}, "Volume", "implausible: beyond 1e+12 copies"),
        ({"volume": "9780722532935"}, "Volume", "implausible: beyond 1e+12 copies"),
        ({"interval": "201910"}, "Interval", "Interval and End Date are different weeks"),
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
    result = clean({}, nothing, nothing | {"isbn": "  "})
    assert (result.rows, result.passed_over) == (1, 0)
    assert result.rejected.empty


NO_TITLE = {"isbn": "", "end_date": "", "title": ""}


@pytest.mark.parametrize(
    "row",
    [
        *({"title": "Total", "volume": "3"}, {"title": "GRAND TOTAL", "volume": "3"}),
        *({"isbn": "Total", "volume": "3"}, {"isbn": "Totals:", "volume": "3"}),
        *({"author": "Sub-total Coelho", "volume": "3"}, {"isbn": "Total for week 9"}),
        *({"title": "Gesamtsumme", "volume": "3"}, {"title": "Coelho total", "volume": "3"}),
        *({"end_date": "Total", "volume": "3"}, {"product_class": "Summe", "volume": "3"}),
        {"isbn": "Source: the industry's own measure, copyright reserved", "volume": ""},
        {"isbn": "Run on 3 March 2019", "volume": "", "end_date": ""},
    ],
)
def test_totals_and_notes_are_no_sales_and_cost_nothing(row):
    result = clean({"title": "The Alchemist"}, NO_TITLE | row)
    assert result.sales["volume"].tolist() == [3]
    assert result.rejected.empty
    assert (result.rows, result.passed_over) == (1, 1)


@pytest.mark.parametrize("heading", ["ISBN", "isbn", "EAN", "ISBN-13"])
def test_a_header_that_is_repeated_below_is_no_sale(heading):
    again = {"isbn": heading, "end_date": "End Date", "volume": "Volume"}
    result = clean({}, again, {})
    assert len(result.sales) == 2
    assert result.rejected.empty


@pytest.mark.parametrize("title", ["Total Recall", "The Total Beginner", "Sum", "Totals"])
def test_a_title_named_like_a_total_is_a_sale(title):
    result = clean({"title": title, "author": "Total"})
    assert len(result.sales) == 1
    assert texts(result)["title"] == title


def test_a_sale_without_an_isbn_is_rejected_and_not_passed_over():
    result = clean({}, {"isbn": "", "title": "The Alchemist"}, {"isbn": "9780722532936"})
    assert result.rejected["reason"].tolist() == ["no ISBN", "wrong ISBN check digit"]
    assert result.passed_over == 0


def test_the_interval_stands_in_where_the_date_is_missing():
    result = clean(
        {"end_date": "02/03/2019", "interval": "201909"},
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


def test_serial_numbers_of_a_1904_workbook_are_its_own_days():
    result = clean({"end_date": "42064"}, date_1904=True)
    assert result.sales["week"].tolist() == [pd.Timestamp("2019-03-02")]


@pytest.mark.parametrize("volume", ["-20", "(20)", "20-", "\u221220"])
@pytest.mark.parametrize("value", ["-159.80", "159.80"])
def test_returns_are_negative_volumes_with_negative_values(volume, value):
    result = clean({"volume": volume, "value": value, "asp": "7.99"}, {"volume": "100"})
    assert result.sales["volume"].tolist() == [-20, 100]
    assert result.sales["value"].iloc[0] == -159.8
    assert result.returns == 1
    assert result.rejected.empty


def test_all_conventions_are_those_that_the_file_has():
    raw = raw_rows([GOOD | {"end_date": "03/02/2019", "volume": "1.003,5", "asp": "7,99"}])
    comma = Conventions("comma", volumes_are_whole=False, date_order="month_first")
    [sale] = clean_rows(raw, comma, TODAY).sales.to_dict("records")
    assert (sale["week"], sale["volume"], sale["asp"]) == (pd.Timestamp("2019-03-02"), 1003.5, 7.99)


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
    # A price of zero or less is a number, but none that a book costs.
    assert result.unreadable_prices == 1


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
    assert "title" not in texts(clean({"title": "Ghost", "volume": "many"}))


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


def priced(volume, copies):
    """A row whose value and ASP are those of so many copies."""
    return {"volume": str(volume), "asp": "7.99", "value": f"{copies * 7.99:.2f}"}


def test_a_volume_that_value_and_asp_contradict_is_rejected():
    result = clean(*[priced(17, 17)] * 30, priced(17000, 17))
    assert result.rejected["reason"].tolist() == [
        "implausible: Value / ASP is another number of copies"
    ]


def test_values_of_another_kind_than_volume_times_asp_reject_no_row():
    assert clean(*[priced(17000, 17)] * 30).rejected.empty


def test_a_price_that_is_somewhat_off_rejects_no_row():
    assert clean(*[priced(17, 17)] * 30, priced(17, 51)).rejected.empty


@pytest.mark.filterwarnings("error")
def test_a_volume_beyond_all_limits_beside_prices_causes_no_warning_of_a_library():
    result = clean({"volume": "1e308", "asp": "13.1", "value": "40"})
    assert result.rejected["reason"].tolist() == ["implausible: beyond 1e+12 copies"]


@pytest.mark.parametrize("word", ["Return", "Sales Returns", "refund", "Rückgabe", "Devolución"])
def test_returns_with_a_positive_volume_are_taken_off(word):
    result = clean({"transaction": "Sale"}, {"transaction": word, "volume": "2"})
    assert result.sales["volume"].tolist() == [3.0, -2.0]
    assert (result.returns, result.turned) == (1, 1)


def test_returns_with_a_negative_volume_stay_as_they_are():
    result = clean({"transaction": "Return", "volume": "-2"})
    assert result.sales["volume"].tolist() == [-2.0]
    assert result.turned == 0
