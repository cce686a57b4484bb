"""The figure that explains a forecast."""

import numpy as np
import pytest

from book_forecast.plots import explanation_figure
from tests.plots.frames import (
    FIRST_WEEK,
    LEVELS,
    WEEK,
    make_explanation,
    make_forecast,
    make_history,
    texts,
    traces_by_name,
)

AHEAD = FIRST_WEEK + 60 * WEEK
FORECAST = make_forecast("ensemble", AHEAD)
HISTORY = make_history(weeks=60)
ONE = np.ones(8)
MEMBERS = {"theta": (0.25, 100 * ONE), "regression": (0.75, 240 * ONE), "ets": (0.0, 9 * ONE)}
PARTS = {
    "level": 201 * ONE,
    "trend": 1.001 * ONE,
    "season": np.linspace(0.5, 2.0, 8),
    "holidays": np.where(np.arange(8) == 3, 1.8, 1.0),
    "promotion": ONE,
}


def draw(members=MEMBERS, parts=PARTS, forecast=FORECAST, history=HISTORY, levels=LEVELS):
    explanation = make_explanation(members, parts, first=AHEAD)
    return explanation_figure(explanation, forecast, history, levels, "A book")


def test_members_are_labelled_with_their_weights_the_heaviest_first():
    named = [trace for trace in draw().data if trace.name.endswith("%") and trace.legendrank >= 10]
    assert [trace.name for trace in named] == ["Regression, 75%", "Theta, 25%", "ETS, 0%"]
    assert named[0].y.tolist() == [240.0] * 8
    assert named[0].line.width > named[1].line.width
    # A member without weight is hidden, but can be switched on.
    assert [trace.visible for trace in named] == [True, True, "legendonly"]


def test_weights_that_move_are_shown_in_the_mean_over_the_weeks():
    moving = {
        "theta": (np.linspace(0.8, 0.1, 8), [220.0] * 8),
        "regression": (np.linspace(0.2, 0.9, 8), [240.0] * 8),
        "ets": (np.r_[np.zeros(7), 0.02], [900.0] * 8),
    }
    figure = draw(moving)
    named = [trace for trace in figure.data if trace.name.endswith("%") and trace.legendrank >= 10]
    assert [trace.name for trace in named] == ["Regression, 55%", "Theta, 45%", "ETS, 0%"]
    assert named[2].visible == "legendonly"
    assert figure.layout.yaxis.range[1] < 900.0


def test_the_weighted_mean_has_its_80_percent_interval():
    traces = traces_by_name(draw())
    assert traces["Ensemble, weighted mean"][0].y[0] == 200
    assert "80 % interval" in traces
    assert "95 % interval" not in traces
    assert "95 % interval" in traces_by_name(draw(levels=[95]))


def test_last_years_sales_stand_beside_the_weeks_ahead():
    (trace,) = traces_by_name(draw())["Sold a year before"]
    assert trace.x[0] == f"{AHEAD:%Y-%m-%d}"
    assert trace.y.tolist() == HISTORY["volume"].to_list()[8:16]
    assert "Sold a year before" not in traces_by_name(draw(history=HISTORY[40:]))


def test_factors_are_drawn_so_that_they_add_up_and_are_read_as_percentages():
    figure = draw()
    traces = traces_by_name(figure)
    assert traces["Season"][0].y == pytest.approx(np.log(PARTS["season"]), abs=1e-4)
    assert traces["Season"][0].customdata[0] == "\N{MINUS SIGN}50 %"
    assert traces["Season"][0].customdata[-1] == "+100 %"
    assert traces["Holidays"][0].type == "bar"
    assert traces["Holidays"][0].customdata[3] == "+80 %"
    ticks = dict(zip(figure.layout.yaxis2.ticktext, figure.layout.yaxis2.tickvals, strict=True))
    assert ticks["±0 %"] == 0
    assert ticks["+50 %"] == pytest.approx(np.log(1.5))


def test_parts_that_change_nothing_are_left_out():
    assert not {"Promotion", "Trend"} & set(traces_by_name(draw()))
    flat = draw(parts={"level": 201 * ONE, "trend": ONE})
    assert "every week is forecast at the level" in texts(flat)


def test_the_headline_has_copies_and_level():
    text = draw().layout.title.text
    assert "A book" in text
    assert f"8 weeks: {FORECAST['mean'].sum():,.0f} copies" in text
    assert "the level of 200 copies a week" in text


def test_without_forecast_rows_members_and_parts_remain():
    names = set(traces_by_name(draw(forecast=FORECAST.iloc[:0])))
    assert {"Regression, 75%", "Season"} <= names
    assert "Ensemble, weighted mean" not in names


def test_a_small_change_has_finer_ticks():
    season = {"season": np.linspace(0.9, 1.1, 8)}
    assert "+5 %" in draw(parts=season).layout.yaxis2.ticktext
