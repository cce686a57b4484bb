"""Every model family keeps the same contract."""

import importlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from book_forecast.forecasters.calibration import calibrate
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import FORECASTERS
from book_forecast.forecasters.global_models.members import Autoregression, Boosting, Network
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.level_shifts import LevelShift
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.pretrained import Pretrained
from book_forecast.forecasters.promotion_effects import PromotionEffects
from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.restoring import restore
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.forecasters.statistical import Ets, Intermittent, Mstl, Theta
from book_forecast.forecasters.week_kinds import WeeksAhead
from book_forecast.payload.weight import Weight
from book_forecast.sarima import Specification
from book_forecast.series.history import MODEL_HORIZON, History
from tests.forecasters.launches.panels import default_prior
from tests.histories import history, promoted, volumes

SEASONAL = Candidate(Specification(1, 0, 1, 1, 0, 0, s=4, trend="c"))
INTEGRATED = Candidate(Specification(1, 1, 1, 0, 0, 1, s=4), transform="box_cox")
LEVELS = (50, 80, 95, 99.5)

EFFECTS = PromotionEffects(np.full(40, -0.05), np.array([0.1, 0.3]), np.array([0.2, 0.8]))
CALIBRATION, _, _ = calibrate(
    FoldErrors(np.random.default_rng(1).normal(0.0, 0.3, (30, 12)), np.arange(30), np.full(30, 0.3))
)


def ensemble(history: History) -> Ensemble:
    """Of every kind of member, with a burst that they do not see."""
    outliers = (45,) if history.n_weeks == 90 else ()
    seen = history.volumes.copy()
    seen[list(outliers)] = np.nan
    usual = replace(history, volumes=seen)
    members = {
        "sarima": Sarima.fit(usual, SEASONAL),
        "theta": Theta.fit(usual, season=4),
        "regression": Regression.fit(usual, season=4, calendar=False),
        "seasonal_naive": SeasonalNaive.fit(usual),
        "naive": Naive.fit(usual),
    }
    near, far = (0.4, 0.3, 0.2, 0.1, 0.0), (0.1, 0.3, 0.2, 0.0, 0.4)
    pairs = zip(members, near, far, strict=True)
    weights = {name: Weight(first, last, 8) for name, first, last in pairs}
    return Ensemble(members, weights, CALIBRATION, 0.3, history.volumes, outliers)


def ensemble_with_everything(history: History) -> Ensemble:
    """With a ceiling, a level shift, kinds of weeks and a scale that grows."""
    known, n = promoted(history), history.n_weeks
    shift = LevelShift(max(n - 15, 0), 1.5, 3.0)
    moved = replace(known, volumes=shift.moved(known.volumes))
    calibration = replace(CALIBRATION, factors={"christmas": 2.0, "promotion": 1.3, "width": 1.4})
    ahead = WeeksAhead.of(known, calendar=True, widths=np.array([0.5, -0.25, 1.0]))
    return replace(
        ensemble(moved),
        calibration=calibration,
        volumes=known.volumes,
        ceiling=300.0,
        shift=shift,
        weeks_ahead=ahead,
        power=0.4,
    )


FITS: dict[str, Callable[[History], Any]] = {
    "sarima": lambda h: Sarima.fit(h, SEASONAL),
    "sarima integrated": lambda h: Sarima.fit(h, INTEGRATED),
    "sarima untransformed": lambda h: Sarima.fit(
        h, Candidate(Specification(1, 0, 0, trend="c"), "none")
    ),
    "sarima after a shift": lambda h: Sarima.fit(
        h, SEASONAL, shift=LevelShift(max(h.n_weeks - 15, 0), 1.5, 3.0)
    ),
    "ets": lambda h: Ets.fit(h, season=4),
    "ets without a season": lambda h: Ets.fit(h, season=1),
    "theta": lambda h: Theta.fit(h, season=4),
    "theta of a year": Theta.fit,
    "mstl": lambda h: Mstl.fit(h, season=4),
    "intermittent": Intermittent.fit,
    "regression": lambda h: Regression.fit(promoted(h)),
    "regression of a short season": lambda h: Regression.fit(h, season=4, calendar=False),
    "boosting": lambda h: Boosting.from_forecast(h, 5.0 + volumes(6, n=40)),
    "boosting with a plan": lambda h: Boosting.from_forecast(
        promoted(h), 5.0 + volumes(6, n=40), EFFECTS
    ),
    "autoregression": lambda h: Autoregression.from_forecast(
        promoted(h), volumes(6, n=40), EFFECTS
    ),
    "network": lambda h: Network.from_forecast(promoted(h), volumes(6, n=40), EFFECTS),
    "pretrained": lambda h: Pretrained.from_quantiles(
        h, np.linspace([0.0, 8.0, 20.0], [1.0, 5.0, 30.0], MODEL_HORIZON)
    ),
    "ensemble": ensemble,
    "ensemble with all it may have": ensemble_with_everything,
    "seasonal_naive": SeasonalNaive.fit,
    "naive": Naive.fit,
    "zero": lambda h: Zero(),
    "launch": lambda h: Launch.fit(h, default_prior(3.0, 500.0)),
    "launch with a guide": lambda h: Launch.fit(
        h,
        replace(default_prior(3.0, 500.0), n_launches=40),
        guide=Boosting.from_forecast(promoted(h), 5.0 + volumes(6, n=40), EFFECTS),
    ),
    "launch on a date": lambda h: Launch.fit(
        h, default_prior(8.0, 1e4), h.cutoff + np.timedelta64(28, "D")
    ),
}
SERIES = {
    "usual": volumes(1),
    "gaps": np.where(np.isin(np.arange(90), [20, 21, 22, 60, 89]), np.nan, volumes(2)),
    "a lockdown": np.where(np.arange(90) // 15 == 4, np.nan, volumes(7)),
    "a gap at the end": np.where(np.arange(90) > 80, np.nan, volumes(8)),
    "a single sale": (np.arange(90) == 30).astype(float),
    "slow seller": np.random.default_rng(3).poisson(0.2, 90).astype(float),
    "bestseller": 1e7 * volumes(4),
    "one burst": np.where(np.arange(90) == 45, 1e4, 1.0) + volumes(5),
    "a slip of the pen": np.where(np.arange(90) == 45, 1e100, volumes(5)),
    "fractions": volumes(9) / 7,
}
# What a model may refuse, but only with a ValueError that train turns into a reason.
HARD = {
    "no week": np.empty(0),
    "no week known": np.full(60, np.nan),
    "one week": np.array([7.0]),
    "three weeks": np.array([0.0, 4.0, 1.0]),
    "ten weeks": volumes(1, n=10),
    "one week known": np.where(np.arange(60) == 0, 5.0, np.nan),
    "no sale": np.zeros(60),
    "the same every week": np.full(60, 12.0),
    "two values in turn": np.tile([3.0, 9.0], 30),
    "growing by a copy a week": np.arange(60.0),
    "a slip of 300 digits": np.where(np.arange(60) == 45, 1e300, volumes(5, n=60)),
    "every other week missing": np.where(np.arange(60) % 2 == 0, volumes(1, n=60), np.nan),
}


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Python warns of a library's own text when it compiles it, which is no fit's warning."""
    importlib.import_module("statsforecast.models")


@cache
def fitted(name: str, series: str) -> Any:
    """A model, which no test changes and all share."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return FITS[name](history(SERIES[series]))


@pytest.fixture(params=FITS)
def name_of_fit(request):
    return request.param


@pytest.fixture
def fit(name_of_fit):
    return FITS[name_of_fit]


@pytest.fixture(params=SERIES)
def model(request, name_of_fit):
    return fitted(name_of_fit, request.param)


def test_every_family_is_held_to_the_contract():
    assert {name.split()[0] for name in FITS} == {*FORECASTERS, "ensemble"}


def assert_possible(forecast, horizon: int) -> None:
    columns = forecast.columns()
    assert list(columns)[:3] == ["mean", "lo-50", "hi-50"]
    assert len(columns) == 1 + 2 * len(LEVELS)
    for column in columns.values():
        assert column.shape == (horizon,)
        assert np.isfinite(column).all()
        assert (column >= 0).all()


@pytest.mark.parametrize("horizon", [1, 4, 104])
def test_nothing_is_negative_and_everything_is_finite(model, horizon):
    assert_possible(model.forecast(horizon, LEVELS), horizon)


@pytest.mark.parametrize("name", HARD)
def test_a_history_is_forecast_or_refused_with_a_value_error(fit, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "overflow|invalid value")
        try:
            model = fit(history(HARD[name]))
            assert_possible(model.forecast(60, LEVELS), 60)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - it becomes the reason of a fallback


@pytest.mark.parametrize("name", HARD)
def test_a_launch_is_forecast_from_any_weeks_and_from_none(name):
    for fit in (FITS["launch"], FITS["launch on a date"]):
        assert_possible(fit(history(HARD[name])).forecast(60, LEVELS), 60)


@pytest.mark.parametrize("family", [SeasonalNaive, Naive])
@pytest.mark.parametrize("name", [name for name in HARD if not name.startswith("no week")])
def test_the_models_to_fall_back_on_take_any_week_that_is_known(family, name):
    assert_possible(family.fit(history(HARD[name])).forecast(60, LEVELS), 60)


def test_wider_levels_hold_narrower_ones(model):
    forecast = model.forecast(20, LEVELS)
    for narrow, wide in pairwise(LEVELS):
        assert (forecast.lower[wide] <= forecast.lower[narrow]).all()
        assert (forecast.lower[narrow] <= forecast.upper[narrow]).all()
        assert (forecast.upper[narrow] <= forecast.upper[wide]).all()


def test_levels_do_not_change_the_mean(model):
    assert np.array_equal(model.forecast(20, ()).mean, model.forecast(20, LEVELS).mean)


def test_a_longer_horizon_does_not_change_the_weeks_before(model):
    short, long = model.forecast(5, (80,)), model.forecast(40, (80,))
    assert long.mean[:5] == pytest.approx(short.mean, rel=1e-7)
    assert long.upper[80][:5] == pytest.approx(short.upper[80], rel=1e-7)


def test_its_state_is_plain_data_from_which_it_forecasts_the_same_to_the_bit(model):
    text = json.dumps(model.to_state(), allow_nan=False)
    again = restore(model.family, json.loads(text))
    for name, column in model.forecast(30, LEVELS).columns().items():
        assert np.array_equal(column, again.forecast(30, LEVELS).columns()[name])


def test_more_weeks_may_be_rolled_in_together_or_one_after_the_other(model):
    more = np.array([4.0, np.nan, 9.0, 1.0])
    at_once = model.roll_forward(more)
    in_turn = model.roll_forward(more[:1]).roll_forward(more[1:])
    for name, column in at_once.forecast(30, LEVELS).columns().items():
        assert np.array_equal(column, in_turn.forecast(30, LEVELS).columns()[name])
    assert_possible(at_once.forecast(30, LEVELS), 30)
    same = model.roll_forward(np.empty(0))
    assert np.array_equal(same.forecast(9, ()).mean, model.forecast(9, ()).mean)


def test_rolled_in_weeks_are_forecast_from_as_if_the_model_had_always_known_them():
    known, parameters = history(volumes(1)), Sarima.fit(history(volumes(1)[:80]), SEASONAL)
    rolled = parameters.roll_forward(known.volumes[80:])
    assert np.array_equal(rolled.volumes, known.volumes)
    assert rolled.model == parameters.model
    assert SeasonalNaive.fit(known.until(70)).roll_forward(known.volumes[70:]).last_season == (
        pytest.approx(SeasonalNaive.fit(known).last_season)
    )
    assert Naive.fit(known.until(70)).roll_forward(known.volumes[70:]).last == known.volumes[-1]


def test_a_family_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no model family 'prophet'; there are sarima, regression"):
        restore("prophet", {})


def test_a_fit_that_knows_the_weeks_by_heart_is_refused():
    with pytest.raises(ValueError, match=r"perfectly|does not vary|needs at least"):
        Sarima.fit(history(np.tile([5.0, 9.0, 1.0, 7.0], 5)), SEASONAL)
