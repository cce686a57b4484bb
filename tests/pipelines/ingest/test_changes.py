import pandas as pd

from book_forecast.pipelines.ingest.changes import describe_import, summarise_import

FIRST = pd.Timestamp("2026-01-03")
A, B, C = "9780241003008", "9780722532935", "9786747213569"


def sales(*, weeks=12, titles=(A, B), without=(), **volumes):
    """Weekly sales of 10 copies at 5 pounds, but for what is given by title."""
    grid = pd.date_range(FIRST, periods=weeks, freq="7D", unit="us")
    rows = [(isbn, week, 10.0, 5.0) for isbn in titles for week in grid]
    frame = pd.DataFrame(rows, columns=["isbn", "week", "volume", "asp"]).astype({"isbn": "str"})
    for isbn, week in without:
        frame = frame[~((frame["isbn"] == isbn) & (frame["week"] == grid[week]))]
    for isbn, volume in volumes.items():
        frame.loc[(frame["isbn"] == isbn) & (frame["week"] == grid[-1]), "volume"] = volume
    return frame.sort_values(["isbn", "week"], ignore_index=True)


def describe(now, before=None):
    return describe_import(now, summarise_import(before))


def test_the_first_import_has_no_changes():
    changes = describe(sales()).changes
    assert changes.is_first
    assert changes.lost == 0


def test_the_same_sales_again_have_no_changes():
    changes = describe(sales(), sales()).changes
    assert changes.weeks.empty
    assert (changes.lost, changes.new_titles, changes.vanished_titles) == (0, [], [])


def test_a_delivery_brings_a_week():
    changes = describe(sales(weeks=13), sales(weeks=12)).changes
    assert changes.new_weeks["title_weeks"].to_dict() == {FIRST + pd.Timedelta(weeks=12): 2}
    assert changes.changed_weeks.empty


def test_a_corrected_volume_changes_its_week():
    changes = describe(sales(**{A: 15.0}), sales()).changes
    week = changes.changed_weeks.iloc[0]
    assert (week["volume_before"], week["volume"]) == (20.0, 25.0)
    assert changes.lost == 0


def test_a_week_with_other_copies_of_the_same_titles_is_replaced():
    assert len(describe(sales(**{A: 25.0}), sales()).changes.replaced_weeks) == 1
    assert describe(sales(**{A: 14.0}), sales()).changes.replaced_weeks.empty
    more_titles = describe(sales(), sales(without=[(B, -1)])).changes
    assert len(more_titles.changed_weeks) == 1
    assert more_titles.replaced_weeks.empty


def test_rows_of_a_cut_export_are_counted_as_lost():
    assert describe(sales(weeks=5), sales(weeks=12)).changes.lost == 14


def test_new_and_vanished_titles_are_named():
    changes = describe(sales(titles=(A, C)), sales(titles=(A, B))).changes
    assert (changes.new_titles, changes.vanished_titles) == ([C], [B])


def test_the_newest_week_names_usual_titles_that_are_silent():
    newest = describe(sales(without=[(B, 11)])).newest
    assert newest.index[0] == FIRST + pd.Timedelta(weeks=11)
    assert newest.iloc[0][["titles", "usual_titles", "silent_titles"]].tolist() == [1, 2, 1]
    assert newest.iloc[1]["silent_titles"] == 0


def test_a_title_is_new_in_the_week_of_its_first_row():
    late = sales(titles=(A, B, C), without=[(C, week) for week in range(11)])
    assert describe(late).newest["new_titles"].tolist()[:2] == [1, 0]


def test_a_price_that_doubles_is_a_jump():
    doubled = sales()
    doubled.loc[doubled.index[-1], "asp"] = 10.0
    assert describe(doubled).newest["price_jumps"].tolist()[:2] == [1, 0]
