"""The linear autoregression of all titles: it learns from others, and from a title alone."""

from __future__ import annotations

import numpy as np
import pytest

from book_forecast.forecasters.global_models import autoregression
from book_forecast.forecasters.global_models.autoregression import AHEAD, forecast_panel
from book_forecast.forecasters.global_models.forecasts import forecast_all
from book_forecast.forecasters.global_models.members import Autoregression
from book_forecast.forecasters.global_models.panel import Panel, panel_of
from book_forecast.options.models import ModelOptions
from tests.histories import CUTOFF, weeks_frame

WEEKS = 260
FEWEST_TITLES = Autoregression.capabilities.fewest_titles


def waves(number: int, n_weeks: int = WEEKS, period: float = 10.0) -> np.ndarray:
    """Copies that swing by a factor of two around a level of their own."""
    weeks = np.arange(n_weeks)[::-1]
    noise = np.random.default_rng(number).normal(0.0, 0.05, n_weeks)
    swing = 0.7 * np.sin(2.0 * np.pi * (weeks / period + number / 7.0))
    return np.round(np.exp(6.0 + 0.3 * number + swing + noise))


def catalogue(titles: int = 8, **changes) -> dict[str, np.ndarray]:
    return {f"97800000000{number:02}": waves(number, **changes) for number in range(titles)}


def panel(series: dict[str, np.ndarray], ahead: int = 20) -> Panel:
    return panel_of(weeks_frame(series), None, CUTOFF, ahead, None, None, calendar=False)


def paths(series: dict[str, np.ndarray], horizon: int = 20) -> np.ndarray:
    """Copies, shape (titles, horizon)."""
    titles = np.arange(len(series))
    found = forecast_panel(panel(series, horizon), titles, horizon, effects=False)
    return found["mean"].reshape(len(series), horizon)


def expected(number: int, horizon: int, period: float = 10.0) -> np.ndarray:
    weeks = -1.0 - np.arange(horizon)
    return np.exp(6.0 + 0.3 * number + 0.7 * np.sin(2 * np.pi * (weeks / period + number / 7.0)))


def test_waves_go_on():
    found = paths(catalogue(), 3 * AHEAD)
    wanted = np.array([expected(number, 3 * AHEAD) for number in range(8)])
    assert np.abs(np.log(found / wanted)).mean() < 0.1


def test_a_forecast_does_not_depend_on_the_horizon():
    short, long = paths(catalogue(), 5), paths(catalogue(), 50)
    np.testing.assert_allclose(long[:, :5], short, rtol=1e-12)


def test_a_short_history_is_forecast_by_what_other_titles_do():
    short = {"9790000000001": waves(5)[-25:]}
    [alone] = paths(short)
    beside = paths(catalogue() | short)[-1]
    error, error_alone = (np.abs(np.log(path / expected(5, 20))).mean() for path in (beside, alone))
    assert error < 0.2 < error_alone


def test_a_title_unlike_the_others_is_forecast_by_its_own_weeks():
    other = {"9790000000001": waves(5, 1500, period=23.0)}
    found = paths(catalogue(24) | other)[-1]
    naive = np.abs(np.log(other["9790000000001"][-1] / expected(5, 20, 23.0))).mean()
    assert np.abs(np.log(found / expected(5, 20, 23.0))).mean() < 0.4 * naive


def test_a_titles_coefficients_are_the_mean_of_a_strong_and_a_weak_pull(monkeypatch):
    series = catalogue(24) | {"9790000000001": waves(5, 400, period=23.0)}
    both = np.log1p(paths(series, AHEAD))
    pulls = autoregression.PRIORS
    assert len(pulls) == 2
    alone = []
    for pull in pulls:
        monkeypatch.setattr(autoregression, "PRIORS", (pull,))
        alone.append(np.log1p(paths(series, AHEAD)))
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=1e-9)


def test_a_single_week_repeats():
    assert paths({"9790000000001": np.array([40.0])}) == pytest.approx(np.full((1, 20), 40.0))


def test_gaps_repeat_the_week_before():
    series = catalogue()
    gaps = {isbn: np.where(np.arange(WEEKS) % 50 < 3, np.nan, v) for isbn, v in series.items()}
    filled = {isbn: v.copy() for isbn, v in gaps.items()}
    for volumes in filled.values():
        for week in np.flatnonzero(np.isnan(volumes)):
            earlier = volumes[:week][np.isfinite(volumes[:week])]
            first = volumes[np.isfinite(volumes)][0]
            volumes[week] = earlier[-1] if len(earlier) else first
    found, wanted = paths(gaps), paths(filled)
    # The noise of a title is that of its known changes.
    np.testing.assert_allclose(np.log(found), np.log(wanted), atol=0.1)


def test_no_forecast_is_beyond_three_times_the_largest_week():
    rising = {isbn: np.exp(0.2 * np.arange(60)) for isbn in catalogue()}
    found = paths(rising, 150)
    assert np.isfinite(found).all()
    assert found.max() < 3.1 * np.exp(0.2 * 59)


def test_a_week_of_the_year_returns():
    peaks = {isbn: np.where(np.arange(WEEKS) % 52 == 3, 900.0, 100.0) for isbn in catalogue(20)}
    found = paths(peaks, 52)
    assert np.argmax(found, axis=1).tolist() == [3] * 20
    assert found[:, 3].min() > 2.0 * np.median(found)


@pytest.mark.parametrize("titles", [FEWEST_TITLES - 1, FEWEST_TITLES])
def test_few_titles_have_no_autoregression(titles):
    frame = weeks_frame(catalogue(titles))
    found = forecast_all(frame, None, CUTOFF, 5, ModelOptions(families=["autoregression"]))
    assert len(found) == (0 if titles < FEWEST_TITLES else 5 * titles)
