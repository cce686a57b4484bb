import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.aggregation import aggregate_rows, describe_titles
from book_forecast.bookscan.columns import ATTRIBUTES

A, B = "9780722532935", "9780241003008"
WEEK = pd.Timestamp("2019-03-02")
NAN = float("nan")


def sales(*rows):
    """Rows of (volume, value, asp, rrp) of one title and week in one file, but for what differs."""
    usual = {"isbn": A, "week": WEEK, "volume": 1.0, "value": NAN, "asp": NAN, "rrp": NAN}
    frame = pd.DataFrame([usual | {"delivery": 0} | row for row in rows])
    return frame.astype({"isbn": "str"})


def only_row(rows):
    frame, _ = aggregate_rows(rows)
    assert len(frame) == 1
    return frame.iloc[0]


def test_rows_of_one_title_and_week_in_one_file_add_up():
    row = only_row(
        sales(
            {"volume": 3.0, "value": 24.0, "asp": 8.0, "rrp": 10.0},
            {"volume": 1.0, "value": 4.0, "asp": 4.0, "rrp": 6.0},
        )
    )
    assert (row["volume"], row["value"], row["asp"], row["rrp"]) == (4, 28, 7, 9)


def test_a_single_row_keeps_the_prices_it_has():
    row = only_row(sales({"volume": 3.0, "value": 25.0, "asp": 8.0, "rrp": 10.0}))
    assert (row["value"], row["asp"], row["rrp"]) == (25, 8, 10)


@pytest.mark.parametrize(
    ("given_prices", "value", "asp"),
    [({"value": 24.0}, 24, 8), ({"asp": 8.0}, 24, 8), ({}, NAN, NAN), ({"value": 0.0}, 0, NAN)],
)
def test_value_and_asp_follow_from_each_other(given_prices, value, asp):
    row = only_row(sales({"volume": 3.0} | given_prices))
    assert [row["value"], row["asp"]] == pytest.approx([value, asp], nan_ok=True)


def test_a_sum_of_values_is_missing_where_a_part_is_unknown():
    row = only_row(sales({"volume": 3.0, "asp": 8.0}, {"volume": 2.0}))
    assert np.isnan(row["value"])
    assert row["asp"] == 8


def test_prices_of_rows_without_copies_are_a_plain_mean():
    row = only_row(sales({"volume": 0.0, "asp": 8.0}, {"volume": 0.0, "asp": 6.0}))
    assert (row["volume"], row["asp"]) == (0, 7)


def test_returns_are_taken_off_the_sales_of_their_week():
    row = only_row(
        sales(
            {"volume": 100.0, "value": 800.0, "asp": 8.0, "rrp": 10.0},
            {"volume": -20.0, "value": -160.0, "asp": 8.0, "rrp": 10.0},
        )
    )
    assert (row["volume"], row["value"], row["asp"], row["rrp"]) == (80, 640, 8, 10)


def test_a_week_with_more_returns_than_sales_is_negative():
    row = only_row(sales({"volume": 5.0, "asp": 8.0}, {"volume": -20.0, "asp": 8.0}))
    assert (row["volume"], row["value"], row["asp"]) == (-15, -120, 8)


def test_the_last_file_holds_per_title_and_week():
    rows = sales(
        {"volume": 1.0, "delivery": 0},
        {"volume": 2.0, "delivery": 1},
        {"volume": 4.0, "delivery": 1},
        {"volume": 8.0, "delivery": 0, "isbn": B},
        {"volume": 16.0, "delivery": 0, "week": WEEK + pd.Timedelta(days=7)},
    )
    kept, replaced = aggregate_rows(rows)
    assert replaced == 1
    assert kept[["isbn", "week", "volume"]].to_numpy().tolist() == [
        [B, WEEK, 8],
        [A, WEEK, 6],
        [A, WEEK + pd.Timedelta(days=7), 16],
    ]
    assert list(kept.columns) == ["isbn", "week", "volume", "value", "asp", "rrp"]


places = st.tuples(st.sampled_from([A, B]), st.integers(0, 2), st.integers(0, 2))


@given(st.lists(st.tuples(places, st.integers(0, 99)), min_size=1))
def test_the_volume_of_a_title_week_is_that_of_its_last_file(rows):
    frame = sales(
        *(
            {"isbn": isbn, "week": WEEK + pd.Timedelta(weeks=week), "delivery": file}
            | {"volume": float(volume)}
            for (isbn, week, file), volume in rows
        )
    )
    volumes: dict[tuple[str, pd.Timestamp], dict[int, float]] = {}
    for row in frame.itertuples():
        files = volumes.setdefault((row.isbn, row.week), {})
        files[row.delivery] = files.get(row.delivery, 0) + row.volume
    added, replaced = aggregate_rows(frame)
    found = {(row.isbn, row.week): row.volume for row in added.itertuples()}
    assert found == {key: files[max(files)] for key, files in volumes.items()}
    assert list(found) == sorted(found)
    assert added["isbn"].dtype == "str"
    assert replaced == sum(len(files) - 1 for files in volumes.values())


def test_titles_have_the_latest_text_of_each_attribute():
    texts = pd.DataFrame(
        [
            (A, WEEK, "title", "first file"),
            (A, WEEK, "title", "second file"),
            (A, WEEK - pd.Timedelta(weeks=1), "title", "older"),
            (A, WEEK, "author", "Coelho"),
        ],
        columns=["isbn", "week", "attribute", "text"],
    )
    titles = describe_titles(texts, pd.Series([A, B, A]))
    assert titles["isbn"].tolist() == [B, A]
    assert titles[["title", "author"]].to_numpy().tolist()[1] == ["second file", "Coelho"]
    assert titles[list(ATTRIBUTES)].iloc[0].isna().to_numpy().all()
    assert set(titles.drop(columns="isbn").dtypes) == {pd.StringDtype(na_value=np.nan)}


def test_titles_without_any_text_are_still_there():
    nothing = pd.DataFrame({"isbn": [], "week": [], "attribute": [], "text": []})
    assert describe_titles(nothing, pd.Series([A]))["isbn"].tolist() == [A]
