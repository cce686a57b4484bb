"""Scales for volumes, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.forecasters.transforms import Transform

VOLUMES = np.array([0.0, 1.0, 5.0, 40.0, 2000.0, np.nan])


@pytest.mark.parametrize("name", ["log", "box_cox", "none"])
def test_volumes_come_back_as_they_went(name):
    transform = Transform.fit(name, VOLUMES)
    back = transform.invert(transform.apply(VOLUMES))
    assert back == pytest.approx(VOLUMES, rel=1e-9, abs=1e-9, nan_ok=True)


@given(st.floats(1.0, 5.0), st.floats(0.05, 0.5))
def test_the_mean_of_a_log_normal_volume_is_not_its_median(mean, deviation):
    transform = Transform("log", 0.0, 1e9)
    forecast = transform.to_copies(np.array([mean]), np.array([deviation]), (80,))
    closed_form = np.exp(mean + deviation**2 / 2) - 1
    assert forecast.mean[0] == pytest.approx(closed_form, rel=0.02)
    assert forecast.mean[0] > np.exp(mean) - 1


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
