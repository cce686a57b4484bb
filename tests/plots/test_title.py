"""Sales and forecasts of one title."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.plots import title_figure
from book_forecast.plots.style import model_colour, week_texts
from tests.plots.frames import (
    LEVELS,
    WEEK,
    make_forecast,
    make_history,
    texts,
    traces_by_name,
)

NO_FORECASTS = make_forecast("sarima", pd.Timestamp("2020-01-04")).iloc[:0]
BUTTONS = ["1 year", "3 years", "All weeks"]


@pytest.fixture
def history():
    return make_history()


@pytest.fixture
def test_forecasts(history):
    first = history["week"].iloc[-8]
    models = ["sarima", "seasonal_naive", "naive"]
    return pd.concat([make_forecast(model, first) for model in models], ignore_index=True)


@pytest.fixture
def forecasts(history):
    return make_forecast("sarima", history["week"].iloc[-1] + WEEK, mean=300.0)


def view(figure, button):
    """The x and y ranges that a button sets."""
    chosen = figure.layout.updatemenus[0].buttons[BUTTONS.index(button)].args[0]
    first, last = (pd.Timestamp(end) for end in chosen["xaxis.range"])
    return first, last, chosen["yaxis.range"]


def test_sales_and_both_forecasts_are_drawn_as_they_are(history, test_forecasts, forecasts):
    traces = traces_by_name(
        title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    )
    assert traces["Sold"][0].x == tuple(week_texts(history["week"]))
    np.testing.assert_array_equal(traces["Sold"][0].y, history["volume"])
    for name, frame in (
        ("SARIMA, test weeks", test_forecasts[test_forecasts["model"] == "sarima"]),
        ("Seasonal naive, test weeks", test_forecasts[test_forecasts["model"] == "seasonal_naive"]),
        ("SARIMA, forecast", forecasts),
    ):
        assert traces[name][0].x == tuple(week_texts(frame["week"]))
        np.testing.assert_array_equal(traces[name][0].y, frame["mean"])
    assert not any("Naive" in name for name in traces)


def test_a_missing_week_is_a_shaded_gap_and_not_a_zero(history, test_forecasts, forecasts):
    history.loc[100:111, "volume"] = np.nan
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    sold = traces_by_name(figure)["Sold"][0]
    assert np.isnan(sold.y[100:112]).all()
    assert sold.connectgaps is False
    shaded = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(shape.x0, shape.x1) for shape in shaded] == [
        (
            (history["week"][100] - WEEK / 2).isoformat(),
            (history["week"][111] + WEEK / 2).isoformat(),
        )
    ]
    assert "not reported" in texts(figure)
    assert "12 weeks not reported" in figure.layout.title.text
    assert "Not reported" in traces_by_name(figure)


def test_without_missing_weeks_nothing_is_shaded(history, test_forecasts, forecasts):
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    assert not [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert "reported" not in texts(figure)
    assert "Not reported" not in traces_by_name(figure)


def test_a_wider_band_lies_behind_a_narrower_one(history, test_forecasts, forecasts):
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    names = [trace.name for trace in figure.data]
    assert names.index("95 % interval") < names.index("80 % interval") < names.index("Sold")
    bands = traces_by_name(figure)
    for level in LEVELS:
        in_test, in_future = bands[f"{level} % interval"]
        # A click on the one entry in the legend hides both.
        assert (in_test.showlegend, in_future.showlegend) == (False, True)
        assert in_test.legendgroup == in_future.legendgroup
        outline = [*forecasts[f"hi-{level}"], *forecasts[f"lo-{level}"][::-1]]
        np.testing.assert_array_equal(in_future.y, outline)
        there_and_back = week_texts(forecasts["week"])
        assert in_future.x == (*there_and_back, *reversed(there_and_back))


def test_the_hover_text_of_a_forecast_has_its_intervals(history, test_forecasts, forecasts):
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    line = traces_by_name(figure)["SARIMA, forecast"][0]
    np.testing.assert_array_equal(line.customdata[3], [293, 313, 283, 323])
    assert "80 %: %{customdata[0]:,.0f} to %{customdata[1]:,.0f}" in line.hovertemplate
    assert "95 %: %{customdata[2]:,.0f} to %{customdata[3]:,.0f}" in line.hovertemplate


def test_the_baselines_intervals_wait_for_a_click(history, test_forecasts, forecasts):
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    traces = traces_by_name(figure)
    assert traces["Seasonal naive, 80 % interval"][0].visible == "legendonly"
    assert traces["80 % interval"][0].visible is None


def test_a_title_that_fell_back_on_the_baseline_has_it_once(history, test_forecasts, forecasts):
    forecasts["model"] = "seasonal_naive"
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "seasonal_naive")
    traces = traces_by_name(figure)
    assert len(traces["Seasonal naive, test weeks"]) == 1
    assert "Seasonal naive, 80 % interval" not in traces
    assert traces["80 % interval"][0].visible is None
    assert traces["Seasonal naive, forecast"][0].line.color == model_colour("seasonal_naive")


@pytest.mark.parametrize(("button", "weeks"), [("1 year", 52), ("3 years", 156)])
def test_a_button_shows_the_last_years_with_all_forecasts(
    history, test_forecasts, forecasts, button, weeks
):
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    first, last, _ = view(figure, button)
    assert history["week"].iloc[-1] - first == (weeks + 1) * WEEK
    assert last > forecasts["week"].iloc[-1]


def test_the_last_button_shows_all_weeks(history, test_forecasts, forecasts):
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    assert view(figure, "All weeks")[0] == history["week"].iloc[0] - WEEK


def test_the_y_axis_fits_what_a_button_shows(history, test_forecasts, forecasts):
    history.loc[3, "volume"] = 5000.0
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    assert view(figure, "All weeks")[2][1] > 5000
    bottom, top = view(figure, "3 years")[2]
    assert bottom == 0
    assert max(forecasts["hi-95"]) < top < 1000
    assert tuple(figure.layout.yaxis.range) == (bottom, top)


def test_an_interval_that_explodes_is_cut_off_before_it_hides_the_sales(
    history, test_forecasts, forecasts
):
    forecasts["hi-95"] = 1e9
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, "A book", "sarima")
    assert view(figure, "3 years")[2][1] < 3 * history["volume"].max()


def test_hidden_intervals_do_not_stretch_the_axis(history, test_forecasts, forecasts):
    hidden = test_forecasts["model"] == "seasonal_naive"
    wide = test_forecasts.assign(**{"hi-95": test_forecasts["hi-95"] + 200 * hidden})
    figures = [
        title_figure(history, tests, forecasts, LEVELS, "A book", "sarima")
        for tests in (test_forecasts, wide)
    ]
    assert figures[0].layout.yaxis.range == figures[1].layout.yaxis.range


def test_a_forecast_is_drawn_without_test_weeks(history, forecasts):
    figure = title_figure(history, NO_FORECASTS, forecasts, LEVELS, "A book", "sarima")
    traces = traces_by_name(figure)
    assert "SARIMA, forecast" in traces
    assert "SARIMA, test weeks" not in traces
    assert "test" not in texts(figure)


def test_levels_without_bounds_are_left_out(history, test_forecasts, forecasts):
    forecasts.loc[0, "hi-95"] = np.nan
    figure = title_figure(history, NO_FORECASTS, forecasts, [80, 95, 99], "A book", "sarima")
    bands = {name for name in traces_by_name(figure) if "interval" in name}
    assert bands == {"80 % interval"}


def test_a_title_that_never_sold_has_an_axis(history, forecasts):
    history["volume"] = 0.0
    forecasts[["mean", "lo-80", "hi-80", "lo-95", "hi-95"]] = 0.0
    figure = title_figure(history, NO_FORECASTS, forecasts, LEVELS, "A book", "zero")
    assert figure.layout.yaxis.range[1] > 0


def test_a_books_name_is_not_read_as_markup(history, test_forecasts, forecasts):
    name = "<b>Tom & Jerry</b>"
    figure = title_figure(history, test_forecasts, forecasts, LEVELS, name, "sarima")
    assert figure.layout.title.text.startswith("&lt;b>Tom &amp; Jerry&lt;/b>")
