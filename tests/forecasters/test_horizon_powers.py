"""Residuals grow with the weeks ahead as far as a title's sales wander."""

from dataclasses import replace

import numpy as np
import pytest

from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.calibration import calibrate
from book_forecast.forecasters.horizon_powers import expected_power, profile, title_powers
from book_forecast.forecasters.residual_scales import FoldErrors

HORIZON, N_FOLDS, WEEKS = 13, 6, 250


def weeks(wandering: bool, seed: int) -> np.ndarray:
    """Sales that return to a level, or wander from it."""
    noise = np.random.default_rng(seed).normal(0.0, 0.1, WEEKS)
    return np.expm1(8.0 + (noise.cumsum() if wandering else noise))


def catalogue(n_titles: int, seed: int = 0) -> FoldErrors:
    """Residuals of last-week forecasts: every second title wanders."""
    rng = np.random.default_rng(seed)
    titles = np.repeat(np.arange(n_titles), N_FOLDS)
    steps = rng.normal(0.0, 0.1, (len(titles), HORIZON))
    errors = np.where((titles % 2 == 0)[:, None], steps.cumsum(axis=1), steps)
    powers = [expected_power(weeks(n % 2 == 0, n), HORIZON) for n in range(n_titles)]
    return FoldErrors(errors, titles, np.full(n_titles, 0.1), expected_powers=np.array(powers))


def test_a_random_walk_has_a_power_of_a_half_and_noise_around_a_level_none():
    assert expected_power(weeks(True, 1), HORIZON) == pytest.approx(0.5, abs=0.15)
    assert expected_power(weeks(False, 1), HORIZON) == pytest.approx(0.0, abs=0.05)


def test_missing_weeks_hardly_change_a_power():
    gaps = weeks(True, 1)
    gaps[::7] = np.nan
    assert expected_power(gaps, HORIZON) == pytest.approx(
        expected_power(weeks(True, 1), HORIZON), abs=0.05
    )


@pytest.mark.parametrize("n", [0, 1, 11])
def test_a_few_weeks_have_no_power(n):
    assert np.isnan(expected_power(np.arange(float(n)), HORIZON))


def test_titles_whose_sales_wander_have_larger_powers():
    powers = title_powers(catalogue(40))
    assert powers[::2].mean() > 0.35
    assert powers[1::2].mean() < 0.1
    assert ((powers >= 0.0) & (powers <= 1.0)).all()


@pytest.mark.parametrize("n_titles", [2, 9])
def test_a_few_titles_share_a_power(n_titles):
    assert len(set(title_powers(catalogue(n_titles)))) == 1


def test_a_title_whose_weeks_are_unknown_has_the_mean_power():
    found = catalogue(40)
    assert found.expected_powers is not None
    unknown = found.expected_powers.copy()
    unknown[0] = np.nan
    powers = title_powers(replace(found, expected_powers=unknown))
    assert powers[1:].min() < powers[0] < powers[1:].max()
    nothing = title_powers(replace(found, expected_powers=None))
    assert nothing == pytest.approx(powers[0], abs=0.02)


def test_without_residuals_there_is_no_growth():
    found = FoldErrors(np.empty((0, HORIZON)), np.empty(0, dtype=np.int64), np.full(3, 0.1))
    assert title_powers(found).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
def test_factors_are_one_in_the_geometric_mean_and_constant_beyond_the_residuals(power):
    factors = profile(power, np.arange(1, 40), HORIZON)
    assert np.log(factors[:HORIZON]).mean() == pytest.approx(0.0)
    assert factors[HORIZON:] == pytest.approx(factors[HORIZON - 1])
    assert factors[3] / factors[0] == pytest.approx(4.0**power)


def inside(forecast: Forecast, new: FoldErrors, kind: int, week: int) -> float:
    """The share of titles of a kind inside the interval of a week, at a million copies."""
    happened = np.expm1(np.log1p(1e6) + new.errors[:, week])
    lower, upper = (side[80][new.titles, week] for side in (forecast.lower, forecast.upper))
    own = new.titles % 2 == kind
    return float(((happened >= lower) & (happened <= upper))[own].mean())


@pytest.mark.parametrize("week", [0, HORIZON - 1])
def test_intervals_of_wandering_and_of_steady_titles_hold_in_near_and_far_weeks(week):
    known, new = catalogue(200), catalogue(200, seed=1)
    calibration, scales, powers = calibrate(known)
    centre = np.full((200, HORIZON), 1e6)
    bounds = calibration.forecast(centre, scales[:, None], (80,), power=powers[:, None])
    for kind in (0, 1):
        assert inside(bounds, new, kind, week) == pytest.approx(0.8, abs=0.08)


def test_beyond_the_residuals_intervals_grow_by_the_power_of_the_title():
    calibration, scales, powers = calibrate(catalogue(200))
    centre = np.full((200, 104), 1e6)
    upper = calibration.forecast(centre, scales[:, None], (80,), power=powers[:, None]).upper[80]
    reach = np.log1p(upper) - np.log1p(centre)
    ratios = reach[:, 4 * HORIZON - 1] / reach[:, HORIZON - 1]
    assert ratios[::2].mean() == pytest.approx(4.0**0.5, rel=0.15)
    assert ratios[1::2].mean() == pytest.approx(1.0, abs=0.15)


def test_without_powers_intervals_of_wandering_titles_do_not_hold(monkeypatch):
    monkeypatch.setattr(
        "book_forecast.forecasters.calibration.title_powers", lambda found: 0.0 * found.expected
    )
    known, new = catalogue(200), catalogue(200, seed=1)
    calibration, scales, _ = calibrate(known)
    bounds = calibration.forecast(np.full((200, HORIZON), 1e6), scales[:, None], (80,))
    assert inside(bounds, new, 0, 0) > 0.9
    assert inside(bounds, new, 0, HORIZON - 1) < 0.72
