"""No bound exceeds what titles like a title have ever sold."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES, Calibration
from book_forecast.forecasters.ceilings import (
    ANY_CLASS,
    OF_FEW_LAUNCHES,
    OF_FEW_TITLES,
    LaunchCeilings,
    ceilings,
)
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.naive import Naive, SeasonalNaive
from book_forecast.forecasters.restoring import restore
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.payload.weight import Weight
from book_forecast.sarima import Specification
from tests.forecasters.launches.panels import default_prior
from tests.histories import history, volumes, weeks_frame

LEVELS = (50, 80, 95, 99.5)
WIDE = Calibration(
    np.tile(np.linspace(-30.0, 30.0, len(ERROR_PROBABILITIES)), (len(BANDS), 1)), 0.5, 8
)
WALK = Candidate(Specification(0, 2, 1), "box_cox")


def ensemble(known):
    member = Naive.fit(known)
    return Ensemble({"naive": member}, {"naive": Weight.steady(1.0)}, WIDE, 2.0, known.volumes)


FITS = {
    "ensemble": ensemble,
    "sarima": lambda known: Sarima.fit(known, WALK),
    "naive": Naive.fit,
    "seasonal_naive": SeasonalNaive.fit,
}
WILD = st.lists(
    st.one_of(st.integers(0, 5), st.integers(0, 10**6), st.just(float("nan"))),
    min_size=20,
    max_size=70,
)


@pytest.mark.parametrize("family", FITS)
@settings(max_examples=40, deadline=None)
@given(WILD, st.floats(1.0, 1e7), st.lists(st.integers(0, 10**7), max_size=5))
def test_no_bound_of_a_wild_history_exceeds_its_ceiling_or_its_largest_week(
    family, weeks, ceiling, newer
):
    known = history(np.array(weeks, dtype=float))
    try:
        model = FITS[family](known).with_ceiling(ceiling)
    except ValueError:
        return
    model = model.roll_forward(np.array(newer, dtype=float))
    forecast = model.forecast(104, LEVELS)
    top = np.nanmax([ceiling, 1.0, *weeks, *newer])
    for level in LEVELS:
        assert (forecast.upper[level] <= np.maximum(top, forecast.mean)).all()
        assert (forecast.lower[level] <= forecast.upper[level]).all()
        assert (forecast.mean <= np.maximum(forecast.upper[level], forecast.mean)).all()
    again = restore(model.family, json.loads(json.dumps(model.to_state(), allow_nan=False)))
    for name, column in forecast.columns().items():
        assert np.array_equal(column, again.forecast(104, LEVELS).columns()[name])


@given(WILD)
@settings(max_examples=40, deadline=None)
def test_a_launch_has_the_ceiling_of_launches_like_it(weeks):
    model = Launch.fit(history(np.array(weeks, dtype=float)), default_prior(30.0, 500.0))
    forecast = model.forecast(104, LEVELS)
    assert forecast.upper[99.5].max() <= np.nanmax([500.0, *weeks]) * (1.0 + 1e-9)


def test_an_explosive_interval_ends_at_the_ceiling_and_not_before_it():
    known = history(volumes(1))
    free, held = ensemble(known), ensemble(known).with_ceiling(400.0)
    assert free.forecast(52, (95,)).upper[95].max() > 1e6
    assert held.forecast(52, (95,)).upper[95].max() == 400.0
    assert np.array_equal(free.forecast(52, ()).mean, held.forecast(52, ()).mean)


def test_a_state_without_a_ceiling_has_none():
    model = ensemble(history(volumes(1)))
    state = model.to_state()
    assert "ceiling" not in state
    assert Ensemble.from_state(state).ceiling == np.inf


def frame(largest: dict[str, float]) -> pd.DataFrame:
    return weeks_frame({isbn: np.array([1.0, most, 2.0]) for isbn, most in largest.items()})


def titles(classes: dict[str, str | None]) -> pd.DataFrame:
    found = pd.DataFrame({"isbn": [*classes], "product_class": [*classes.values()]})
    return found.astype("str")


def test_titles_like_a_title_are_those_of_its_class():
    largest = {f"a{n}": 10.0 + n for n in range(5)} | {f"b{n}": 100.0 + n for n in range(5)}
    found = ceilings(frame(largest), titles({isbn: isbn[0] for isbn in largest}))
    assert found.to_dict() == {isbn: 14.0 if isbn[0] == "a" else 104.0 for isbn in largest}


def test_a_class_of_few_titles_or_none_is_compared_with_all():
    largest = {f"a{n}": 10.0 + n for n in range(5)} | {"b": 3.0, "c": 99.0}
    classes = {isbn: isbn[0] for isbn in largest} | {"c": None}
    found = ceilings(frame(largest), titles(classes))
    assert found["a0"] == 14.0
    assert found["b"] == found["c"] == 99.0


def test_few_titles_have_ceilings_of_their_own():
    found = ceilings(frame({"a": 10.0, "b": 40.0}), titles({"a": "F", "b": "F"}))
    assert found.to_dict() == {"a": 10.0 * OF_FEW_TITLES, "b": 40.0 * OF_FEW_TITLES}


def test_launches_have_the_ceilings_of_other_titles():
    largest = {f"a{n}": 10.0 + n for n in range(5)} | {"b": 3.0, "c": 99.0}
    others = ceilings(frame(largest), titles({isbn: isbn[0] for isbn in largest}))
    found = LaunchCeilings.of((isbn[0], most) for isbn, most in largest.items())
    assert found.ceiling("a") == others["a0"]
    assert found.ceiling("b") == found.ceiling("unknown") == found.ceiling(ANY_CLASS) == others["b"]


@pytest.mark.parametrize("largest", [[3.0], [3.0, 7.0, 1.0, 7.0]])
def test_launches_of_few_titles_may_sell_far_more(largest):
    found = LaunchCeilings.of(("F", most) for most in largest)
    assert found.ceiling("F") == OF_FEW_LAUNCHES * max(largest)


def test_launches_of_no_title_have_no_ceiling():
    assert LaunchCeilings.of([]).ceiling(ANY_CLASS) == np.inf


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        ([900.0, 40.0, 20.0, 50.0, 30.0, 10.0], 50.0),
        ([900.0, 40.0, 900.0, 50.0, 30.0, 10.0], 900.0),
        ([900.0, 40.0, 20.0, 50.0, 30.0], OF_FEW_LAUNCHES * 50.0),
        ([900.0], np.inf),
    ],
    ids=["the largest of the others", "as large as another", "too few others", "no other"],
)
def test_a_title_that_is_left_out_is_not_in_the_ceiling(largest, expected):
    found = LaunchCeilings.of(("F", most) for most in largest)
    assert found.ceiling("F", without=900.0) == expected
