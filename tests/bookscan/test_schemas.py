import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from book_forecast.bookscan.columns import ATTRIBUTES
from book_forecast.bookscan.schemas import REJECTED_ROWS, TITLES, WEEKLY_SALES

ISBN = "9780722532935"


def weekly_sales(**columns):
    good = {
        "isbn": [ISBN, "9780241003008"],
        "week": pd.to_datetime(["2019-03-02", "2019-03-09"]),
        "volume": [0.0, 1.5],
        "value": [np.nan, 12.0],
        "asp": [np.nan, 8.0],
        "rrp": [np.nan, 9.99],
    }
    return pd.DataFrame(good | columns)


def test_good_frames_pass():
    WEEKLY_SALES.validate(weekly_sales())
    WEEKLY_SALES.validate(weekly_sales(volume=[-20.0, 1.0], value=[-160.0, 8.0]))
    WEEKLY_SALES.validate(weekly_sales().iloc[:0])
    TITLES.validate(titles())
    REJECTED_ROWS.validate(rejected_rows())
    REJECTED_ROWS.validate(rejected_rows().iloc[:0])


@pytest.mark.parametrize(
    ("bad", "check"),
    [
        ({"isbn": [ISBN, "9780241003009"]}, "check digit"),
        ({"isbn": [ISBN, "978024100300"]}, "check digit"),
        ({"isbn": [9780722532935, 9780241003008]}, "str"),
        ({"week": pd.to_datetime(["2019-03-02", "2019-03-08"])}, "Saturdays"),
        ({"week": pd.to_datetime(["2019-03-02 00:00", "2019-03-09 01:00"])}, "Saturdays"),
        ({"week": ["2019-03-02", "2019-03-09"]}, "Saturdays"),
        ({"volume": [np.nan, 1.0]}, "not_nullable"),
        ({"volume": [np.inf, 1.0]}, "finite"),
        ({"asp": [0.0, 1.0]}, "greater_than"),
        ({"surplus": [1, 2]}, "column_in_schema"),
        (
            {"isbn": [ISBN, ISBN], "week": pd.to_datetime(["2019-03-02", "2019-03-02"])},
            "one row per isbn and week",
        ),
    ],
)
def test_weekly_sales_that_break_a_rule_are_refused(bad, check):
    with pytest.raises(SchemaErrors, match=check):
        WEEKLY_SALES.validate(weekly_sales(**bad), lazy=True)


def titles(**columns):
    texts = {name: pd.Series([None], dtype="str") for name in ATTRIBUTES}
    listed = {
        "publication_date": pd.to_datetime(["1995-10-02"]),
        "country": pd.Series([None], dtype="str"),
        "list_price": [np.nan],
    }
    return pd.DataFrame({"isbn": [ISBN]} | texts | listed | columns)


def test_titles_that_break_a_rule_are_refused():
    with pytest.raises(SchemaErrors, match="check digit"):
        TITLES.validate(titles(isbn=["9780722532936"]), lazy=True)
    bad = pd.to_datetime(["1995-10-02 12:00"])
    with pytest.raises(SchemaErrors, match="days without a time"):
        TITLES.validate(titles(publication_date=bad), lazy=True)
    with pytest.raises(SchemaErrors, match="field_uniqueness"):
        TITLES.validate(pd.concat([titles(), titles()], ignore_index=True), lazy=True)


def rejected_rows(**columns):
    good = {"file": ["a.csv"], "sheet": [""], "row": [2], "column": ["ISBN"]}
    return pd.DataFrame(good | {"value": ["x"], "reason": ["not an ISBN"]} | columns)


@pytest.mark.parametrize("bad", [{"file": [""]}, {"row": [0]}, {"reason": [""]}, {"value": [3]}])
def test_rejected_rows_without_location_or_reason_are_refused(bad):
    with pytest.raises(SchemaErrors, match=next(iter(bad))):
        REJECTED_ROWS.validate(rejected_rows(**bad), lazy=True)


def test_titles_of_a_version_without_lists_are_valid():
    former = pd.DataFrame({"isbn": ["9780722532935"]}, dtype="str")
    former = former.assign(**{name: pd.Series([pd.NA], dtype="str") for name in ATTRIBUTES})
    assert len(TITLES.validate(former)) == 1
