"""Paths on which each forecast is an input of the next, and what they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from book_forecast.forecasters.global_models.boosting_features import features
from book_forecast.forecasters.global_models.boosting_fit import fit_direct, fit_next
from book_forecast.forecasters.global_models.boosting_recursive import LONGEST, path, shares
from book_forecast.forecasters.global_models.forecasts import forecast_all
from book_forecast.forecasters.global_models.panel import panel_of
from book_forecast.forecasters.global_models.smoothing import best_factors, smoothed
from book_forecast.forecasters.global_models.windows import Windows
from book_forecast.options.models import BoostingOptions, ModelOptions
from tests.histories import CUTOFF, volumes, weeks_frame

QUICK = BoostingOptions(fits=1, rows=4000, rows_per_title=400, trees=30)
WEEKS = 150


def panel(titles: int = 6):
    frame = weeks_frame(
        {f"97800000000{number:02}": volumes(number, WEEKS) for number in range(titles)}
    )
    return panel_of(frame, None, CUTOFF, LONGEST, None, None, calendar=True)


def test_a_path_begins_with_shorter_paths_and_needs_no_other_title():
    known = panel()
    model = fit_next(known, QUICK, 1, 1)
    whole = path(model, known, np.arange(6), LONGEST)
    some = np.array([1, 4])
    np.testing.assert_array_equal(path(model, known, some, 5), whole[some, :5])


def test_a_path_leaves_the_panel_as_it_was():
    known, fresh = panel(), panel()
    path(fit_next(known, QUICK, 1, 1), known, np.arange(6), 8)
    np.testing.assert_array_equal(known.logs, fresh.logs)
    np.testing.assert_array_equal(known.known.totals, fresh.known.totals)


def test_a_path_follows_a_season_of_four_weeks():
    rng = np.random.default_rng(0)
    weeks = np.arange(WEEKS + 8)
    usual = np.where(weeks % 4 == 0, 120.0, 30.0)
    frame = weeks_frame(
        {f"97800000000{n:02}": rng.poisson(usual[:WEEKS]).astype(float) for n in range(8)}
    )
    known = panel_of(frame, None, CUTOFF, 8, None, None, calendar=False)
    found = path(fit_next(known, QUICK, 1, 1), known, np.arange(8), 8)
    high = usual[WEEKS:] > 100.0
    assert found[:, high].min() > 1.0 + found[:, ~high].max()


def test_the_share_of_a_path_fades_until_it_ends():
    found = shares(np.array([1, 26, 40, LONGEST, LONGEST + 1, 156]))
    assert found[0] == found[1] == 0.5
    assert found[1] > found[2] > found[3] > found[4] == found[5] == 0.0


def test_a_forecast_is_half_a_path_and_half_a_direct_one():
    ahead = 8
    frame = weeks_frame({f"97800000000{number:02}": volumes(number, WEEKS) for number in range(6)})
    known = panel_of(frame, None, CUTOFF, ahead, None, None, calendar=True)
    title, step = np.repeat(np.arange(6), ahead), np.tile(np.arange(1, ahead + 1), 6)
    rows = features(known, title, np.full(len(title), WEEKS - 1), step, np.zeros(len(title), bool))
    direct = (
        rows.level + rows.effect + rows.noise * fit_direct(known, QUICK, 1, 1).predict(rows, step)
    )
    recursive = path(fit_next(known, QUICK, 1, 1), known, np.arange(6), ahead).ravel()
    options = ModelOptions(families=["boosting"], boosting=QUICK, seed=1)
    found = forecast_all(frame, None, CUTOFF, ahead, options)
    assert np.log1p(found["mean"].to_numpy()) == pytest.approx(0.5 * (direct + recursive))
    assert np.abs(direct - recursive).max() > 0.05


def test_a_path_learns_the_level_that_its_own_weeks_have_reached():
    # Sales that fall by a twentieth a week: every week ahead is below the one before.
    falling = 4000.0 * 0.95 ** np.arange(100)
    frame = weeks_frame({f"97800000000{n:02}": np.round((n + 1) * falling) for n in range(4)})
    known = panel_of(frame, None, CUTOFF, 12, None, None, calendar=False)
    found = path(fit_next(known, QUICK, 1, 1), known, np.arange(4), 12)
    usual = np.log1p((np.arange(4)[:, None] + 1) * 4000.0 * 0.95 ** np.arange(100, 112))
    assert found == pytest.approx(usual, abs=0.25)


def test_weeks_that_are_rolled_in_count_as_if_they_had_been_there():
    values = np.random.default_rng(1).normal(size=(3, 12)).astype(np.float32)
    values[1, 10] = np.nan
    whole = Windows.of(values)
    rolled = Windows.of(values[:, :10]).with_room(np.array([0, 1, 2]), 2)
    for week in (10, 11):
        rolled.put(week, values[:, week].astype(float))
    np.testing.assert_allclose(rolled.totals, whole.totals)
    np.testing.assert_array_equal(rolled.counts, whole.counts)


def test_a_title_that_stays_where_it_moves_is_smoothed_less_than_one_that_returns():
    rng = np.random.default_rng(2)
    walks = np.cumsum(rng.normal(0.0, 0.3, (5, 120)), axis=1)
    levels = rng.normal(0.0, 0.3, (5, 120))
    logs = np.concatenate([walks, levels]).astype(np.float32)
    factors = best_factors(logs, np.full(10, 0.3))
    assert factors[:5].min() > 0.5
    assert factors[5:].max() < 0.4


def test_missing_weeks_do_not_change_a_smoothed_level():
    logs = np.array([[np.nan, 2.0, np.nan, 4.0, np.nan]], dtype=np.float32)
    found = smoothed(logs, np.array([0.25]))[0]
    assert found == pytest.approx([np.nan, 2.0, 2.0, 2.5, 2.5], nan_ok=True)
