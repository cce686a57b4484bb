"""What covariates have moved a title by."""

from __future__ import annotations

import numpy as np
import pytest

from book_forecast.forecasters.global_models.covariate_effects import fit_effects
from book_forecast.forecasters.global_models.forecasts import forecast_all
from book_forecast.forecasters.global_models.members import Autoregression
from book_forecast.options.models import BoostingOptions, ModelOptions
from book_forecast.series.history import Covariates
from tests.histories import CUTOFF, weeks_frame

WEEKS = 150
FEWEST_TITLES = Autoregression.capabilities.fewest_titles
SLOPES = np.array([-1.0, -3.0])
NOISE = 0.1
# Of a week, with its effects: the unit in which deviations are clipped.
UNIT = 0.5


def prices(titles: int, weeks: int = WEEKS, seed: int = 0) -> np.ndarray:
    """Logarithms of prices that change by a fifth every few weeks, at a level of the title's."""
    rng = np.random.default_rng(seed)
    steps = np.repeat(rng.normal(0.0, 0.2, (titles, weeks // 3 + 1)), 3, axis=1)[:, :weeks]
    return (steps + np.arange(titles)[:, None]).astype(np.float32)


def logs_of(price: np.ndarray, slopes: np.ndarray, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, NOISE, price.shape)
    return (4.0 + slopes[:, None] * price + noise).astype(np.float32)


def test_each_title_has_slopes_of_its_own():
    price = prices(2)
    effects = fit_effects(logs_of(price, SLOPES), np.full(2, UNIT), {"price": price})
    assert effects.slopes[:, 0] == pytest.approx(SLOPES, abs=0.3)
    added = effects.of("price", np.arange(2), price.mean(axis=1) + np.float32(0.1))
    assert added == pytest.approx(0.1 * SLOPES, abs=0.03)


def test_a_short_title_has_about_the_slope_of_the_others():
    price = prices(9)
    slopes = np.r_[np.full(8, -2.0), 1.0]
    logs = logs_of(price, slopes)
    logs[8, :-6] = np.nan
    effects = fit_effects(logs, np.full(9, UNIT), {"price": price})
    assert effects.slopes[:8, 0] == pytest.approx(np.full(8, -2.0), abs=0.2)
    assert effects.slopes[8, 0] < -1.0


def test_of_two_covariates_that_move_together_only_one_gets_the_effect():
    price = prices(4)
    other = price + np.random.default_rng(2).normal(0.0, 0.1, price.shape).astype(np.float32)
    logs = logs_of(price, np.full(4, -2.0))
    effects = fit_effects(logs, np.full(4, UNIT), {"price": price, "other": other})
    assert effects.slopes.mean(axis=0) == pytest.approx([-2.0, 0.0], abs=0.3)


def test_unknown_values_have_no_effect_and_unseen_ones_that_of_the_farthest_seen():
    price = prices(1)
    effects = fit_effects(logs_of(price, SLOPES[:1]), np.full(1, UNIT), {"price": price})
    values = np.array([np.nan, price.max(), 50.0], dtype=np.float32)
    unknown, farthest, unseen = effects.of("price", np.zeros(3, dtype=int), values)
    assert unknown == 0.0
    assert farthest < -0.2
    assert unseen == farthest
    assert effects.of("tour", np.zeros(3, dtype=int), values).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "values",
    [np.full((2, WEEKS), 9.99, np.float32), np.full((2, WEEKS), np.nan, np.float32)],
    ids=["constant", "unknown"],
)
def test_a_covariate_that_never_changes_has_no_effect(values):
    effects = fit_effects(logs_of(prices(2), SLOPES), np.full(2, UNIT), {"price": values})
    assert effects.names == ()
    assert effects.over({"price": values}) == 0.0


@pytest.mark.parametrize("family", ["boosting", "autoregression"])
def test_a_known_price_moves_a_title_by_what_it_has_moved_this_title_before(family):
    ahead = 4
    price = prices(FEWEST_TITLES, WEEKS + ahead)
    usual = np.median(price, axis=1)
    price[:, -ahead:] = usual[:, None] + np.array([0.0, -0.2, 0.0, 0.2])
    slopes = np.where(np.arange(FEWEST_TITLES) % 2 == 0, -1.0, -4.0)
    logs = 5.0 + slopes[:, None] * (price - usual[:, None])
    sold = np.random.default_rng(3).poisson(np.exp(logs[:, :WEEKS])).astype(float)
    isbns = [f"97800000000{number:02}" for number in range(FEWEST_TITLES)]
    covariates = {
        isbn: Covariates(("price",), one[:, None].astype(float), ("known",))
        for isbn, one in zip(isbns, price, strict=True)
    }
    small = BoostingOptions(fits=1, rows=4000, rows_per_title=400, trees=30)
    options = ModelOptions(families=[family], boosting=small, seed=1)
    found = forecast_all(
        weeks_frame(dict(zip(isbns, sold, strict=True))),
        None,
        CUTOFF,
        ahead,
        options,
        covariates=covariates,
    )
    paths = np.log(found["mean"].to_numpy().reshape(-1, ahead))
    moved = (paths[:, 1] - paths[:, 3]) / 0.4
    assert moved == pytest.approx(-slopes, abs=0.8)
