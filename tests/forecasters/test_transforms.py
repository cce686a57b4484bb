"""Scales for volumes, and the way back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import boxcox1p, inv_boxcox1p
from scipy.stats import norm

from book_forecast.forecasters.transforms import Transform

VOLUMES = np.array([0.0, 1.0, 5.0, 40.0, 2000.0, np.nan])
NAMES = ["log", "box_cox", "none"]
LEVELS = (50, 80, 95)


def expected_copies(transform: Transform, mean: float, deviation: float) -> float:
    """The mean of the volumes whose transform is normal, none below zero or above the ceiling."""
    top = boxcox1p(transform.ceiling, transform.power)

    z = np.linspace(-9.0, 9.0, 20_001)
    copies = inv_boxcox1p(np.clip(mean + deviation * z, 0.0, top), transform.power)
    return float(trapezoid(copies * norm.pdf(z), z))


@pytest.mark.parametrize("name", NAMES)
def test_volumes_come_back_as_they_went(name):
    transform = Transform.fit(name, VOLUMES)
    back = transform.invert(transform.apply(VOLUMES))
    assert back == pytest.approx(VOLUMES, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", NAMES)
def test_no_sales_stay_no_sales_and_less_than_none_is_none(name):
    transform = Transform.fit(name, VOLUMES)
    assert transform.apply(np.zeros(1)).tolist() == [0.0]
    assert transform.invert(np.array([0.0, -3.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_comes_back_from_its_state(name):
    transform = Transform.fit(name, VOLUMES)
    assert Transform.from_state(json.loads(json.dumps(transform.to_state()))) == transform


@given(st.floats(6.0, 8.0), st.floats(0.05, 1.5))
def test_the_mean_of_a_log_normal_volume_is_not_its_median(mean, deviation):
    transform = Transform("log", 0.0, 1e12)
    forecast = transform.to_copies(np.array([mean]), np.array([deviation]), (80,))
    closed_form = np.exp(mean + deviation**2 / 2) - 1
    assert forecast.mean[0] == pytest.approx(closed_form, rel=1e-3)
    assert forecast.mean[0] > np.exp(mean) - 1


@given(
    power=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    median=st.floats(0.2, 1e4),
    peak=st.floats(1.0, 30.0),
    spread=st.floats(0.1, 2.0),
)
def test_means_are_those_of_the_volumes_however_wide_the_distribution(power, median, peak, spread):
    """Between no copies and three times a largest week of up to 30 times the usual one."""
    transform = Transform("box_cox", power, 3.0 * peak * median)
    mean = float(boxcox1p(median, power))
    deviation = spread * (1.0 + median) ** power
    found = transform.to_copies(np.array([mean]), np.array([deviation]), ()).mean[0]
    assert found == pytest.approx(expected_copies(transform, mean, deviation), rel=0.01)


@given(
    power=st.sampled_from([0.0, 0.3, 1.0]),
    means=st.lists(st.floats(-5.0, 12.0), min_size=1, max_size=4),
    deviation=st.floats(0.0, 20.0),
    ceiling=st.floats(1.0, 1e6),
)
def test_bounds_are_in_order_and_inside_what_is_believable(power, means, deviation, ceiling):
    transform = Transform("box_cox", power, ceiling)
    mean = np.array(means)
    forecast = transform.to_copies(mean, np.full(len(mean), deviation), LEVELS)
    below = [forecast.lower[level] for level in reversed(LEVELS)]
    stacked = np.stack([*below, *(forecast.upper[level] for level in LEVELS)])
    assert (np.diff(stacked, axis=0) >= 0).all()
    assert stacked.min() >= 0.0
    for column in (stacked, forecast.mean):
        assert column.max() <= ceiling * (1 + 1e-9)


def test_a_bound_is_the_quantile_of_its_level():
    transform = Transform("log", 0.0, 1e9)
    forecast = transform.to_copies(np.array([4.0]), np.array([0.5]), (80,))
    assert forecast.upper[80][0] == pytest.approx(np.exp(4.0 + 0.5 * norm.ppf(0.9)) - 1)
    assert forecast.lower[80][0] == pytest.approx(np.exp(4.0 + 0.5 * norm.ppf(0.1)) - 1)


def test_no_forecast_runs_beyond_what_sales_make_believable():
    transform = Transform.fit("log", VOLUMES)
    forecast = transform.to_copies(np.array([5.0]), np.array([9.0]), (95,))
    assert forecast.mean[0] < transform.ceiling
    assert forecast.upper[95][0] <= transform.ceiling * (1 + 1e-9)


def test_box_cox_finds_the_scale_on_which_volumes_are_normal():
    rng = np.random.default_rng(0)
    assert Transform.fit("box_cox", np.exp(rng.normal(5, 1, 500))).power == pytest.approx(
        0, abs=0.1
    )
    assert Transform.fit("box_cox", rng.normal(500, 20, 500)).power > 0.5
