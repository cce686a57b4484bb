"""All titles in one figure."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.plots import overview_figure
from tests.plots.frames import (
    LEVELS,
    WEEK,
    make_forecast,
    make_history,
    make_models,
    make_titles,
    texts,
    traces_by_name,
)


def make_everything(count):
    """Frames of `count` titles, of which the k-th sells 100 k copies a week and more."""
    isbns = [f"97800000{i:05d}" for i in range(1, count + 1)]
    histories = [make_history(isbn, 120, 100.0 * i) for i, isbn in enumerate(isbns, 1)]
    end = histories[0]["week"].iloc[-1]
    test = [
        make_forecast(model, end - 7 * WEEK, isbn)
        for isbn in isbns
        for model in ("sarima", "seasonal_naive", "naive")
    ]
    future = [make_forecast("sarima", end + WEEK, isbn, mean=300.0) for isbn in isbns]
    frames = [pd.concat(rows, ignore_index=True) for rows in (histories, test, future)]
    return *frames, make_models(*isbns), make_titles(*isbns)


def test_the_total_is_the_sum_of_all_titles_whatever_their_panels():
    model_input, test, future, models, titles = make_everything(7)
    figure = overview_figure(model_input, test, future, models, titles, LEVELS, max_panels=2)
    traces = traces_by_name(figure)
    sold = next(trace for trace in traces["Sold"] if trace.xaxis is None)
    np.testing.assert_allclose(sold.y, model_input.groupby("week")["volume"].sum())
    np.testing.assert_allclose(traces["Forecast"][0].y, 7 * (300 + np.arange(8)))
    np.testing.assert_allclose(traces["Chosen models, test weeks"][0].y, 7 * (200 + np.arange(8)))


def test_a_week_that_is_missing_everywhere_is_a_gap_in_the_total():
    model_input, test, future, models, titles = make_everything(2)
    gap = model_input["week"].unique()[40:46]
    model_input.loc[model_input["week"].isin(gap), "volume"] = np.nan
    # A week in which one title alone is missing is no gap.
    model_input.loc[3, "volume"] = np.nan
    figure = overview_figure(model_input, test, future, models, titles, LEVELS)
    sold = next(trace for trace in traces_by_name(figure)["Sold"] if trace.xaxis is None)
    assert np.flatnonzero(np.isnan(sold.y)).tolist() == list(range(40, 46))
    assert len(figure.layout.shapes) == 1
    assert "not reported" in texts(figure)


def test_every_title_has_a_panel_of_its_own_the_largest_first():
    model_input, test, future, models, titles = make_everything(7)
    figure = overview_figure(model_input, test, future, models, titles, LEVELS)
    assert [a.text for a in figure.layout.annotations] == [f"Book {k}" for k in range(7, 0, -1)]
    first_panel = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert {trace.name for trace in first_panel} == {None, "Sold", "SARIMA"}
    sold = next(trace for trace in first_panel if trace.name == "Sold")
    assert sold.y[-1] == 700 + 119
    assert figure.layout.xaxis8.domain is not None
    assert "largest" not in figure.layout.title.text


def test_axes_begin_at_zero_and_end_above_everything():
    model_input, test, future, models, titles = make_everything(3)
    future["mean"] *= 10
    layout = overview_figure(model_input, test, future, models, titles, LEVELS).layout
    bottom, top = layout.yaxis.range
    assert bottom == 0
    assert top > future.groupby("week")["mean"].sum().max()
    bottom, top = layout.yaxis4.range
    assert bottom == 0
    assert 3000 < top < 10_000


def test_weeks_are_written_below_the_lowest_panel_of_each_column():
    model_input, test, future, models, titles = make_everything(7)
    layout = overview_figure(model_input, test, future, models, titles, LEVELS).layout
    written = [layout[f"xaxis{k}"].showticklabels for k in range(2, 9)]
    assert written == [False, False, True, True, True, True, True]


def test_panels_do_not_overlap():
    model_input, test, future, models, titles = make_everything(12)
    layout = overview_figure(model_input, test, future, models, titles, LEVELS).layout
    boxes = []
    for index in ["", *range(2, 14)]:
        left, right = layout[f"xaxis{index}"].domain or (0, 1)
        bottom, top = layout[f"yaxis{index}"].domain
        assert 0 <= left < right <= 1
        assert 0 <= bottom < top <= 1
        boxes.append((left, right, bottom, top))
    for i, (left, right, bottom, top) in enumerate(boxes):
        for other in boxes[i + 1 :]:
            apart = right <= other[0] or other[1] <= left
            assert apart or top <= other[2] or other[3] <= bottom


def test_more_titles_than_panels_are_named_in_the_headline():
    model_input, test, future, models, titles = make_everything(40)
    figure = overview_figure(model_input, test, future, models, titles, LEVELS)
    assert "40 titles, panels for the 30 largest" in figure.layout.title.text
    assert len(figure.layout.annotations) == 30
    assert "xaxis32" not in figure.layout


@pytest.mark.parametrize("families", [{"sarima"}, {"sarima", "zero"}])
def test_the_legend_names_models_where_there_is_more_than_one(families):
    model_input, test, future, models, titles = make_everything(2)
    if len(families) > 1:
        future.loc[future["isbn"] == titles["isbn"][1], "model"] = "zero"
    figure = overview_figure(model_input, test, future, models, titles, LEVELS)
    keys = [trace for trace in figure.data if trace.y[0] is None]
    assert [key.name for key in keys] == (["SARIMA", "Zero"] if len(families) > 1 else [])
