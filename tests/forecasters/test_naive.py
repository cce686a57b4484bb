"""The models that need no fit, by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from tests.histories import history


def test_seasonal_naive_repeats_the_week_a_season_before():
    values = np.arange(130.0)
    ahead = SeasonalNaive.fit(history(values)).forecast(60, ()).mean
    assert ahead[:52].tolist() == values[-52:].tolist()
    assert ahead[52:].tolist() == values[-52:-44].tolist()


def test_a_missing_week_stands_for_the_one_a_season_before_it():
    values = np.arange(1.0, 13.0)
    values[[9, 8, 5]] = np.nan
    ahead = SeasonalNaive.fit(history(values), season=4).forecast(4, ()).mean
    # Week 9 is missing in the season before as well, week 8 in the last alone.
    assert ahead.tolist() == [5.0, 2.0, 11.0, 12.0]


def test_a_season_without_any_known_week_repeats_the_last_known_one():
    values = np.array([np.nan, 3.0, np.nan, 7.0])
    assert SeasonalNaive.fit(history(values), season=2).forecast(2, ()).mean.tolist() == [7.0, 7.0]


def test_a_history_shorter_than_a_season_repeats_its_last_week():
    ahead = SeasonalNaive.fit(history(np.array([4.0, 8.0, 6.0])), season=52).forecast(3, ())
    assert ahead.mean.tolist() == [6.0, 6.0, 6.0]


def test_the_error_of_seasonal_naive_grows_by_a_difference_a_season():
    model = SeasonalNaive.fit(history(np.array([100.0, 200.0, 103.0, 196.0])), season=2)
    assert model.deviation == pytest.approx(np.sqrt((3**2 + 4**2) / 2))
    reach = model.forecast(5, (80,)).upper[80] - model.forecast(5, ()).mean
    seasons = np.array([1, 1, 2, 2, 3])
    assert reach == pytest.approx(norm.ppf(0.9) * model.deviation * np.sqrt(seasons))


def test_the_error_of_naive_grows_as_a_random_walks():
    model = Naive.fit(history(np.array([100.0, 103.0, np.nan, 95.0, 99.0])))
    ahead = model.forecast(3, (80,))
    assert ahead.mean.tolist() == [99.0] * 3
    deviation = np.sqrt((3**2 + 4**2) / 2)
    growth = np.sqrt([1, 2, 3])
    assert ahead.upper[80] - ahead.mean == pytest.approx(norm.ppf(0.9) * deviation * growth)


def test_a_last_week_that_is_missing_is_not_what_naive_repeats():
    assert Naive.fit(history(np.array([5.0, 9.0, np.nan]))).forecast(2, ()).mean.tolist() == [9, 9]


@pytest.mark.parametrize("family", [SeasonalNaive, Naive])
def test_without_a_known_week_there_is_nothing_to_repeat(family):
    with pytest.raises(ValueError, match="9780722532935 has no week with a known volume"):
        family.fit(history(np.full(60, np.nan)))


def test_a_title_that_has_stopped_selling_sells_nothing_for_certain():
    ahead = Zero().forecast(3, (95,))
    assert [column.tolist() for column in ahead.columns().values()] == [[0.0] * 3] * 3
