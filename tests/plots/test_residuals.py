"""The figure of residuals."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.stattools import acf

from book_forecast.plots import residual_figure
from book_forecast.plots.residuals import autocorrelations
from book_forecast.plots.style import BAD
from tests.plots.frames import FIRST_WEEK, weeks_from


def make_residuals(values):
    weeks = weeks_from(FIRST_WEEK, len(values))
    return pd.DataFrame({"isbn": "1", "week": weeks, "residual": values})


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=300)


def panel(figure, axis):
    return next(trace for trace in figure.data if trace.xaxis == axis)


def test_autocorrelations_are_those_of_statsmodels(noise):
    reference = acf(noise, nlags=60, adjusted=True, fft=False)[1:]
    np.testing.assert_allclose(autocorrelations(noise), reference)


def test_autocorrelations_skip_weeks_that_are_missing(noise):
    wave = np.sin(np.arange(300) * 2 * np.pi / 26) + 0.1 * noise
    wave[50:62] = np.nan
    found = autocorrelations(wave)
    assert found[25] > 0.9
    assert found[12] < -0.9


def test_a_short_series_has_lags_up_to_half_its_length(noise):
    assert len(autocorrelations(noise[:40])) == 20


def test_outliers_and_bounds_are_marked(noise):
    noise = noise.clip(-2.9, 2.9)
    noise[7] = 6.5
    figure = residual_figure(make_residuals(noise), "A book")
    colours = panel(figure, None).marker.color
    assert [week for week, colour in enumerate(colours) if colour == BAD] == [7]
    heights = {shape.y0 for shape in figure.layout.shapes if shape.yref == "y3"}
    assert heights == {1.96 / np.sqrt(300), -1.96 / np.sqrt(300)}
    assert "300 weeks · 1 beyond ±3" in figure.layout.title.text


def test_a_correlation_that_is_left_stands_out(noise):
    figure = residual_figure(make_residuals(noise[1:] + 0.8 * noise[:-1]), "A book")
    bars = panel(figure, "x3")
    assert list(bars.x) == list(range(1, 61))
    assert bars.marker.color[0] == BAD
    assert bars.y[0] == pytest.approx(0.8 / 1.64, abs=0.1)


def test_the_histogram_is_a_density_beside_the_normal_one(noise):
    figure = residual_figure(make_residuals(noise), "A book")
    bars = panel(figure, "x2")
    assert np.sum(bars.y) * (bars.x[1] - bars.x[0]) == pytest.approx(1, abs=0.01)
    assert bars.x[0] == -bars.x[-1]


def test_missing_weeks_are_gaps(noise):
    noise[100:112] = np.nan
    over_time = panel(residual_figure(make_residuals(noise), "A book"), None)
    assert np.isnan(over_time.y[100:112]).all()
    assert over_time.connectgaps is False


@pytest.mark.parametrize("values", [[np.nan] * 20, [0.0] * 20, [0.1, np.nan, 0.2]])
def test_a_model_without_residuals_says_so(values):
    figure = residual_figure(make_residuals(values), "A book")
    assert "The model has no residuals" in figure.layout.title.text
    assert not figure.data
