"""Totals add up: over weeks, over titles, by class and over all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.payload.sums import SumReader
from book_forecast.pipelines.forecast.nodes import forecast_titles, sum_forecasts
from tests.releases import payloads

CLASSES = ["F", "F", "Y", None]
ISBNS = [payloads.isbn(n) for n in range(4)]
OPTIONS = ForecastOptions(levels=[80, 95], sums=[4, 13])


def release_of(classes=CLASSES):
    made = payloads.release(titles=len(classes))
    position = made.titles.schema.get_field_index("product_class")
    named = made.titles.set_column(position, "product_class", pa.array(classes, pa.string()))
    return replace(made, titles=named)


RELEASE = release_of()


def totals(release=RELEASE, options=OPTIONS, **selection):
    return sum_forecasts(release, options, SelectionOptions(**selection))


TOTALS = totals()


def test_there_is_a_row_for_each_title_each_class_and_all_of_them():
    rows = TOTALS[TOTALS["weeks"] == 13]
    assert rows.loc[rows["by"] == "isbn", "name"].tolist() == ISBNS
    by_class = rows[rows["by"] == "product_class"].set_index("name")["n_titles"]
    assert by_class.loc[["F", "Y"]].tolist() == [2, 1]
    assert by_class.isna().sum() == 0
    assert len(by_class) == 3
    assert rows.loc[rows["by"] == "all", "n_titles"].tolist() == [4]


def test_means_are_the_sums_of_the_weekly_forecasts():
    weekly = forecast_titles(RELEASE, None, ForecastOptions(horizon=13), SelectionOptions())
    by_title = weekly.groupby("isbn")["mean"].sum()
    rows = TOTALS[(TOTALS["weeks"] == 13) & (TOTALS["by"] == "isbn")].set_index("name")
    pd.testing.assert_series_equal(rows["mean"], by_title, check_names=False, rtol=1e-5)
    assert (rows["last_week"] == weekly["week"].max()).all()
    assert (rows["first_week"] == weekly["week"].min()).all()


@pytest.mark.parametrize("column", ["mean", "expected"])
def test_classes_and_all_titles_add_up(column):
    sums = TOTALS.pivot_table(index="weeks", columns="by", values=column, aggfunc="sum")
    np.testing.assert_allclose(sums["isbn"], sums["all"])
    np.testing.assert_allclose(sums["product_class"], sums["all"])


def test_intervals_contain_narrower_ones_and_are_narrower_than_the_sum_of_their_titles():
    assert (TOTALS["lo-95"] < TOTALS["lo-80"]).all()
    assert (TOTALS["lo-80"] < TOTALS["hi-80"]).all()
    assert (TOTALS["hi-80"] < TOTALS["hi-95"]).all()
    widths = TOTALS.assign(width=TOTALS["hi-80"] - TOTALS["lo-80"])
    widths = widths.pivot_table(index="weeks", columns="by", values="width", aggfunc="sum")
    assert (widths["all"] < widths["isbn"]).all()


def test_named_titles_alone_are_added_up():
    found = totals(titles=ISBNS[2:3])
    assert set(found["n_titles"]) == {1}
    assert set(found["name"]) == {ISBNS[2], "Y", "all"}


def test_a_title_that_ended_long_ago_is_left_out_of_what_it_does_not_reach(caplog):
    cutoffs = RELEASE.titles["cutoff"].to_pylist()
    cutoffs[0] = (pd.Timestamp(cutoffs[0]) - pd.Timedelta(weeks=95)).date()
    position = RELEASE.titles.schema.get_field_index("cutoff")
    changed = RELEASE.titles.set_column(position, "cutoff", pa.array(cutoffs, pa.date32()))
    found = totals(replace(RELEASE, titles=changed))
    n_titles = found[found["by"] == "all"].set_index("weeks")["n_titles"]
    assert n_titles.to_dict() == {4: 4, 13: 3}
    assert "13 weeks lack 1 titles" in caplog.text


def test_every_row_is_the_sum_of_its_weeks_also_where_a_title_ended_earlier():
    cutoffs = RELEASE.titles["cutoff"].to_pylist()
    cutoffs[2] = (pd.Timestamp(cutoffs[2]) - pd.Timedelta(weeks=5)).date()
    position = RELEASE.titles.schema.get_field_index("cutoff")
    changed = RELEASE.titles.set_column(position, "cutoff", pa.array(cutoffs, pa.date32()))
    release = replace(RELEASE, titles=changed)
    found, reader = totals(release, ForecastOptions(levels=[80], sums=[1, 13])), SumReader(release)
    for row in found[found["by"] == "isbn"].itertuples():
        alone = reader.sum_of([row.name], reader.next_weeks(row.weeks), [0.1, 0.9])
        wanted = [alone.mean, alone.expected, *alone.quantiles]
        assert row[-4:] == pytest.approx(wanted, rel=1e-6), row.name


def test_without_sums_there_is_an_empty_table():
    found = totals(options=ForecastOptions(sums=[]))
    assert found.empty
    assert "hi-80" in found


@pytest.mark.parametrize(("given", "message"), [("4,x", "no number of weeks"), ([0], "1 to 104")])
def test_spans_out_of_bounds_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ForecastOptions(sums=given)
