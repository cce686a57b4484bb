"""Errors depend on each other as they do in units of the interval of their own week."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.calibration import calibrate
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.week_kinds import CHRISTMAS, Kinds
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.pipelines.tune.dependence import fold_dependence
from tests.histories import CUTOFF

TITLES, FOLDS, HORIZON = 12, 6, 8
FACTORS = {CHRISTMAS: 2.0, "width": 1.8}


def dependence_of(errors: np.ndarray, kinds: Kinds) -> dict:
    rows = TITLES * FOLDS
    titles, fold = np.repeat(np.arange(TITLES), FOLDS), np.tile(np.arange(FOLDS), TITLES)
    mean = np.full((rows, HORIZON), 5_000.0)
    sold = np.expm1(np.log1p(mean) + errors)
    nothing = np.zeros(rows, dtype=np.int64)
    folds = FoldForecasts(mean[:, None], sold, titles, fold * HORIZON, nothing, nothing)
    plain, scales, powers = calibrate(
        FoldErrors(np.random.default_rng(1).normal(0.0, 0.2, errors.shape), titles, np.ones(TITLES))
    )
    calibration = type(plain)(plain.quantiles, plain.growth, plain.longest, FACTORS)
    cutoffs = pd.Series((CUTOFF - 7 * HORIZON * fold).astype("datetime64[us]"))
    classes = pd.Series("fiction", index=range(TITLES))
    return fold_dependence(folds, mean, cutoffs, scales, powers, calibration, kinds, classes)


def test_errors_that_are_larger_in_wider_weeks_depend_as_others_do():
    rng = np.random.default_rng(2)
    shape = (TITLES * FOLDS, HORIZON)
    errors = rng.normal(0.0, 0.2, shape).cumsum(axis=1) / 2.0
    is_christmas = rng.random(shape) < 0.3
    widths = np.asarray(rng.uniform(-1.0, 1.0, shape), dtype=np.float64)
    kinds: Kinds = {CHRISTMAS: is_christmas, "width": widths}
    reach = np.where(is_christmas, 2.0, 1.0) * np.exp(np.log(1.8) * widths)
    alike = dependence_of(errors, {})
    aware, unaware = (dependence_of(errors * reach, known) for known in (kinds, {}))

    def numbers(found: dict) -> np.ndarray:
        return np.array(pd.json_normalize(found).select_dtypes("number").iloc[0], dtype=np.float64)

    assert numbers(aware) == pytest.approx(numbers(alike), abs=0.01)
    assert np.abs(numbers(unaware) - numbers(alike)).max() > 0.1
