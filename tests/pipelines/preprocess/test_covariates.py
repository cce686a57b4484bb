"""Rows of promotion plans and covariate tables: used, or rejected with a reason."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.options.models import ModelOptions, RegressorOptions
from book_forecast.pipelines.preprocess import schemas
from book_forecast.pipelines.preprocess.covariates import MAX_NAMES
from book_forecast.pipelines.preprocess.nodes import build_covariates
from book_forecast.series.calendar import CALENDAR_COVARIATES
from book_forecast.storage.errors import UserError
from tests.pipelines.preprocess.exports import isbn_of, week_of

WEEKS = 60
LAST = week_of(WEEKS - 1)
ISBN = isbn_of(0)
PLAN = ["isbn", "week", "depth"]
TABLE = ["isbn", "week", "name", "value"]
AS_DECLARED = RegressorOptions()


def model_input(promotion: dict[int, float], titles: int = 2) -> pd.DataFrame:
    """Titles 0, 1, … with the promotions of each, by week number."""
    frame = pd.DataFrame(
        {
            "isbn": np.repeat([isbn_of(number) for number in range(titles)], WEEKS),
            "week": [week_of(number) for number in range(WEEKS)] * titles,
            "promotion": [promotion.get(number, 0.0) for number in range(WEEKS)] * titles,
        }
    )
    return frame.astype({"isbn": "str", "week": "datetime64[us]"})


def raw(columns: list[str], *rows: str, file: str = "plan.csv", first_row: int = 2) -> pd.DataFrame:
    """Rows as the dataset reads them, each written with commas."""
    cells = [row.split(",") for row in rows]
    frame = pd.DataFrame(cells, columns=[*columns, "surplus"][: len(cells[0]) if cells else None])
    frame = frame.reindex(columns=["file", "row", *columns, "surplus"], fill_value="")
    frame["file"], frame["row"] = file, range(first_row, first_row + len(frame))
    types = dict.fromkeys(frame.columns, "str") | {"row": "int64"}
    return frame.astype(types)


def build(
    plan: pd.DataFrame | None = None,
    table: pd.DataFrame | None = None,
    promotion: dict[int, float] | None = None,
    options: RegressorOptions = AS_DECLARED,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    covariates, rejected = build_covariates(
        model_input(promotion or {}),
        model_input({}).iloc[:0],
        raw(PLAN) if plan is None else plan,
        raw(TABLE) if table is None else table,
        ModelOptions(regressors=options),
    )
    schemas.COVARIATES.validate(covariates)
    schemas.REJECTED_COVARIATES.validate(rejected)
    return covariates, rejected


def rows_of(covariates: pd.DataFrame, name: str) -> list[tuple[Any, ...]]:
    found = covariates.loc[covariates["name"] == name, ["isbn", "week", "value"]]
    return [tuple(row) for row in found.itertuples(index=False)]


def test_without_any_file_there_are_the_promotions_of_the_past_alone():
    covariates, rejected = build(promotion={3: 0.2, 8: 0.1})
    assert rows_of(covariates, "promotion") == [
        (isbn_of(number), week_of(week), depth)
        for number in (0, 1)
        for week, depth in ((3, 0.2), (8, 0.1))
    ]
    assert set(covariates["name"]) == {"promotion"}
    assert rejected.empty


def test_without_promotions_and_files_there_are_no_rows():
    covariates, rejected = build()
    assert covariates.empty
    assert rejected.empty


def test_a_plan_counts_only_after_the_last_week_of_sales():
    ahead, past = LAST + pd.Timedelta(weeks=2), LAST
    plan = raw(PLAN, f"{ISBN},{ahead:%Y-%m-%d},0.25", f"{ISBN},{past:%Y-%m-%d},0.5")
    covariates, rejected = build(plan, promotion={WEEKS - 1: 0.1})
    assert rows_of(covariates, "promotion_plan") == [(ISBN, ahead, 0.25)]
    assert (ISBN, LAST, 0.1) in rows_of(covariates, "promotion")
    assert rejected.empty


def test_a_depth_of_zero_stays_in_the_plan():
    ahead = LAST + pd.Timedelta(weeks=2)
    covariates, _ = build(raw(PLAN, f"{ISBN},{ahead:%Y-%m-%d},0"))
    assert rows_of(covariates, "promotion_plan") == [(ISBN, ahead, 0.0)]


@pytest.mark.parametrize("day", range(7))
def test_any_day_of_a_week_stands_for_its_saturday(day):
    saturday = LAST + pd.Timedelta(weeks=1)
    date = saturday - pd.Timedelta(days=day)
    covariates, _ = build(raw(PLAN, f"{ISBN},{date:%d/%m/%Y},0.25"))
    assert rows_of(covariates, "promotion_plan") == [(ISBN, saturday, 0.25)]


def test_isbns_are_read_as_in_exports():
    table = raw(TABLE, "978-0-7225-3293-5,2018-02-03,ads,1", "0722532938,2018-02-10,ads,2")
    _, rejected = build(table=table)
    assert rejected.empty


def test_rows_of_all_titles_are_not_written_out_and_those_of_strangers_left_out():
    table = raw(TABLE, "ALL,2018-02-03,cpi,101.5", f"{isbn_of(7)},2018-02-03,ads,1")
    covariates, rejected = build(table=table)
    assert rows_of(covariates, "cpi") == [("all", pd.Timestamp("2018-02-03"), 101.5)]
    assert "ads" not in set(covariates["name"])
    assert rejected.empty


FAR = LAST + pd.Timedelta(weeks=157)


@pytest.mark.parametrize(
    ("columns", "row", "column", "reason"),
    [
        (PLAN, "9780000000000,2019-04-06,0.2", "isbn", "check digit"),
        (PLAN, ",2019-04-06,0.2", "isbn", "no ISBN"),
        (PLAN, "all,2019-04-06,0.2", "isbn", "a row for each ISBN"),
        (PLAN, f"{ISBN},soon,0.2", "week", "not a date"),
        (PLAN, f"{ISBN},,0.2", "week", "no week"),
        (PLAN, f"{ISBN},13/13/2019,0.2", "week", "not a date"),
        (PLAN, f"{ISBN},1919-04-05,0.2", "week", "before 1950"),
        (PLAN, f"{ISBN},{FAR:%Y-%m-%d},0.2", "week", f"after the last week .* {LAST:%Y-%m-%d}"),
        (PLAN, f"{ISBN},9999-12-31,0.2", "week", "after the last week"),
        (PLAN, f"{ISBN},2019-04-06,", "depth", "no value"),
        (PLAN, f"{ISBN},2019-04-06,20%", "depth", "not a number"),
        (PLAN, f"{ISBN},2019-04-06,20", "depth", "a quarter is 0.25"),
        (PLAN, f"{ISBN},2019-04-06,-0.1", "depth", "between 0 and 1"),
        (PLAN, f"{ISBN},2019-04-06,0,2", "", "a comma inside a cell"),
        (TABLE, f"{ISBN},2019-04-06,ads,nan", "value", "not a number"),
        (TABLE, f"{ISBN},2019-04-06,ads,-inf", "value", "finite"),
        (TABLE, f"{ISBN},2019-04-06,ads,1e999", "value", "finite"),
        (TABLE, f"{ISBN},2019-04-06,ads,1e13", "value", "larger units"),
        (TABLE, f"{ISBN},2019-04-06,,1", "name", "no name"),
        (TABLE, f"{ISBN},2019-04-06,gross sales,1", "name", "letters, digits and _"),
        (TABLE, f"{ISBN},2019-04-06,{'n' * 41},1", "name", "at most 40"),
        (TABLE, f"{ISBN},2019-04-06,Promotion,1", "name", "choose another"),
        (TABLE, f"{ISBN},2019-04-06,promotion_plan,1", "name", "choose another"),
        *(
            (TABLE, f"all,2019-04-06,{name},1", "name", "choose another")
            for name in CALENDAR_COVARIATES
        ),
    ],
)
def test_a_bad_row_is_rejected_with_its_location_and_no_other_row(
    columns, row, column, reason, caplog
):
    good = {"depth": f"{ISBN},2019-05-04,0.3", "value": f"{ISBN},2019-05-04,ads,3"}[columns[-1]]
    surplus = "," if row.count(",") == len(columns) else ""
    frame = raw(columns, good + surplus, row)
    covariates, rejected = build(frame) if columns is PLAN else build(table=frame)
    [bad] = rejected.to_dict("records")
    assert (bad["file"], bad["row"], bad["column"]) == ("plan.csv", 3, column)
    assert bad["value"] == (row.split(",")[columns.index(column)] if column else "2")
    assert re.search(reason, bad["reason"])
    assert len(covariates) == 1
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert [text for text in warnings if "row 3 of plan.csv" in text]


def test_two_values_of_one_file_for_the_same_week_are_both_rejected():
    rows = (f"{ISBN},2019-03-04,ads,1", f"{ISBN},2019-03-09,ads,2", f"{ISBN},2019-03-16,ads,2")
    covariates, rejected = build(table=raw(TABLE, *rows))
    assert list(rejected["row"]) == [2, 3]
    assert rows_of(covariates, "ads") == [(ISBN, pd.Timestamp("2019-03-16"), 2.0)]


def test_the_same_value_twice_is_no_contradiction():
    covariates, rejected = build(table=raw(TABLE, *[f"{ISBN},2019-03-04,ads,1"] * 2))
    assert len(covariates) == 1
    assert rejected.empty


def test_a_file_with_a_later_name_corrects_an_earlier_one():
    first = raw(TABLE, f"{ISBN},2019-03-09,ads,1", f"{ISBN},2019-03-16,ads,1", file="a.csv")
    second = raw(TABLE, f"{ISBN},2019-03-09,ads,5", f"{ISBN},2019-03-16,ads,?", file="b.csv")
    covariates, rejected = build(table=pd.concat([first, second], ignore_index=True))
    assert [value for *_, value in rows_of(covariates, "ads")] == [5.0, 1.0]
    assert list(rejected["file"]) == ["b.csv"]


def test_too_many_names_stop_the_run():
    rows = [f"all,2019-03-09,name_{number},1" for number in range(MAX_NAMES)]
    assert build(table=raw(TABLE, *rows))[0]["name"].nunique() == MAX_NAMES
    with pytest.raises(UserError, match=r"21 names .*20 is the limit.*exchanged"):
        build(table=raw(TABLE, *rows, "all,2019-03-09,one_more,1"))


def test_a_future_of_a_name_without_values_is_warned_of(caplog):
    options = RegressorOptions(futures={"cpi": "known", "spi": "zero"})
    build(table=raw(TABLE, "all,2019-03-09,cpi,1"), options=options)
    [warning] = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warning.startswith("regressors.futures names spi")


@pytest.mark.parametrize(("future", "warned"), [("known", False), ("last", True)])
def test_values_ahead_that_are_not_declared_known_are_warned_of(caplog, future, warned):
    ahead = LAST + pd.Timedelta(weeks=1)
    options = RegressorOptions(futures={"cpi": future})
    build(table=raw(TABLE, f"all,{ahead:%Y-%m-%d},cpi,1"), options=options)
    assert any("Values of cpi after" in record.getMessage() for record in caplog.records) is warned


cell = st.text(st.sampled_from("0123456789aA-./ eE+nI'\"é"), max_size=12)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([ISBN, "all", "", isbn_of(1)]) | cell,
            st.sampled_from(["2019-03-09", "09/03/2019", "2019-03-08"]) | cell,
            st.sampled_from(["ads", "cpi", "easter"]) | cell,
            st.sampled_from(["1", "2.5", "-3e2"]) | cell,
        ),
        max_size=12,
    )
)
def test_every_row_is_used_repeated_or_rejected(rows):
    frame = pd.DataFrame(rows, columns=TABLE)
    frame = frame.assign(file="t.csv", row=range(2, len(rows) + 2), surplus="")
    frame = frame.astype(dict.fromkeys([*TABLE, "file", "surplus"], "str"))
    covariates, rejected = build(table=frame)
    assert rejected["row"].is_unique
    assert len(covariates) + len(rejected) <= len(rows)
    kept = frame[~frame["row"].isin(rejected["row"])]
    assert set(covariates["value"]) <= {float(value) for value in kept["value"]}
