"""The neural network of all titles: it learns what no line can, where there is enough to learn."""

from __future__ import annotations

import numpy as np
import pytest

from book_forecast.forecasters.global_models import autoregression
from book_forecast.forecasters.global_models.forecasts import forecast_all
from book_forecast.forecasters.global_models.network import (
    AHEAD,
    _fit,
    _inputs,
    _rows,
    _slopes,
    forecast_panel,
)
from book_forecast.forecasters.global_models.panel import Panel, panel_of
from book_forecast.forecasters.global_models.weekly_paths import WeeklyPaths
from book_forecast.options.models import ModelOptions, NetworkOptions
from tests.histories import CUTOFF, weeks_frame

WEEKS = 200
SMALL = NetworkOptions(fits=1, fewest_rows=1, fewest_weeks=1, width=32, passes=60)


def tent(number: int, n_weeks: int = WEEKS) -> np.ndarray:
    """Copies that rise until they meet a limit, and then fall back: a tent map on logarithms."""
    place = np.random.default_rng(number).random()
    places = []
    for _ in range(n_weeks):
        place = 1.5 * min(place, 1.0 - place)
        places.append(place)
    return np.round(np.exp(5.0 + 2.0 * np.array(places)))


def catalogue(titles: int = 24, n_weeks: int = WEEKS) -> dict[str, np.ndarray]:
    return {f"97800000000{number:02}": tent(number, n_weeks) for number in range(titles)}


def panel(series: dict[str, np.ndarray], ahead: int = 30) -> Panel:
    return panel_of(weeks_frame(series), None, CUTOFF, ahead, None, None, calendar=False)


def paths(
    series: dict[str, np.ndarray], horizon: int = 1, seed: int = 1, **changes: int
) -> np.ndarray:
    """Copies, shape (titles, horizon)."""
    options = SMALL.model_copy(update=changes)
    titles = np.arange(len(series))
    found = forecast_panel(panel(series), titles, horizon, options, seed=seed, effects=False)
    return found["mean"].reshape(len(series), horizon)


def test_it_learns_a_law_that_no_line_follows():
    whole = catalogue(n_weeks=WEEKS + 1)
    known = {isbn: volumes[:-1] for isbn, volumes in whole.items()}
    sold = np.array([volumes[-1] for volumes in whole.values()])
    titles = np.arange(len(known))
    line = autoregression.forecast_panel(panel(known), titles, 1, effects=False)["mean"]
    error, of_line = (np.abs(np.log(found / sold)).mean() for found in (paths(known)[:, 0], line))
    assert error < 0.5 * of_line


def test_the_slopes_are_those_of_the_mean_absolute_error():
    rng = np.random.default_rng(3)
    sizes = ((5, 4), (4, 3), (3, 2), (4,), (3,), (2,))
    values = [rng.normal(size=size) for size in sizes]
    inputs, wanted = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))

    def error() -> float:
        hidden = inputs
        for number in range(3):
            hidden = np.maximum(hidden, 0.0) if number else hidden
            hidden = hidden @ values[number] + values[3 + number]
        return float(np.abs(hidden - wanted).sum()) / len(inputs)

    slopes = _slopes(values, inputs, wanted)
    for value, slope in zip(values, slopes, strict=True):
        for place in np.ndindex(value.shape):
            kept = value[place]
            both = []
            for step in (1e-7, -1e-7):
                value[place] = kept + step
                both.append(error())
            value[place] = kept
            assert slope[place] == pytest.approx((both[0] - both[1]) / 2e-7, abs=1e-4)


def test_a_forecast_does_not_depend_on_the_horizon():
    series = catalogue(4)
    short, long = paths(series, 5), paths(series, 2 * AHEAD + 1)
    np.testing.assert_allclose(long[:, :5], short, rtol=1e-12)


def test_a_seed_repeats_its_forecast_and_another_has_its_own():
    series = catalogue(4)
    assert paths(series, 5).tolist() == paths(series, 5).tolist()
    assert (paths(series, 5) != paths(series, 5, seed=2)).any()


def test_several_fits_are_averaged():
    series = catalogue(4)
    rows = _rows(panel(series), SMALL)
    fits = [_fit(rows, SMALL, np.random.default_rng([1, number])) for number in range(2)]

    def logs(layers):
        def changes(before):
            inputs, size = _inputs(before)
            return size * layers.predict(inputs)

        return WeeklyPaths.of(panel(series), np.arange(4)).forecast(changes, AHEAD)

    first, second = map(logs, fits)
    assert np.abs(first - second).max() > 1e-3
    found = np.log1p(paths(series, AHEAD, fits=2))
    np.testing.assert_allclose(found, (first + second) / 2.0, atol=1e-9)


def test_a_short_history_is_forecast_by_what_other_titles_do():
    whole = {f"97900000000{number}": tent(number, WEEKS + 1)[-40:] for number in range(30, 42)}
    short = {isbn: volumes[:-1] for isbn, volumes in whole.items()}
    sold = np.array([volumes[-1] for volumes in whole.values()])
    last = np.array([volumes[-2] for volumes in whole.values()])
    found = paths(catalogue() | short)[-len(whole) :, 0]
    assert np.abs(np.log(found / sold)).mean() < 0.5 * np.abs(np.log(last / sold)).mean()


def test_no_forecast_is_beyond_three_times_the_largest_week():
    rising = {isbn: np.exp(0.2 * np.arange(60)) for isbn in catalogue()}
    found = paths(rising, 30)
    assert np.isfinite(found).all()
    assert found.max() < 3.1 * np.exp(0.2 * 59)


@pytest.mark.parametrize("volumes", [[40.0], [0.0] * 80, [np.nan, 3.0, np.nan]])
def test_histories_without_a_change_are_forecast(volumes):
    found = paths(catalogue(4) | {"9790000000001": np.array(volumes)}, 20)
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()


def test_a_panel_of_single_weeks_has_no_network():
    series = {isbn: volumes[-1:] for isbn, volumes in catalogue(4).items()}
    assert forecast_panel(panel(series), np.arange(4), 5, SMALL, seed=1, effects=False) == {}


@pytest.mark.parametrize(
    ("titles", "changes", "there"),
    [
        (19, {}, 0),
        (20, {}, 20),
        (20, {"fewest_rows": 4_000}, 0),
        (20, {"fewest_weeks": WEEKS}, 20),
        (20, {"fewest_weeks": WEEKS + 1}, 0),
    ],
)
def test_few_titles_and_short_histories_have_no_network(titles, changes, there):
    found = forecast_all(
        weeks_frame(catalogue(titles)),
        None,
        CUTOFF,
        5,
        ModelOptions(
            families=["network"],
            network=SMALL.model_copy(update={"passes": 1} | changes),
        ),
    )
    assert len(found) == 5 * there


def test_a_large_catalogue_is_learned_from_in_part():
    series = catalogue(24)
    for most in (1_000, 10):
        rows = _rows(panel(series), SMALL.model_copy(update={"rows": most}))
        assert most / 2 < len(rows.inputs) <= most
    assert np.isfinite(paths(series, 1, rows=10)).all()
