"""Prior scales follow what the weeks say of a group of columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.forecasters import shrinkage
from book_forecast.forecasters.design import design_matrix, season_names
from book_forecast.forecasters.shrinkage import GRIDS, SHRUNK_ORDERS, regress, shrink
from book_forecast.sarima import Specification
from book_forecast.sarima.marginal import fit_errors, whiten_regression

WEEKS = 200
ERRORS, ARMA = Specification(1, 0, 0, trend="c"), np.array([0.5])
GROUPS = ["season"] * 6 + ["holidays"] * 4


def regression(seed: int, season: float, holidays: float):
    """A whitened regression with coefficients of given size, and the series and its design."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(WEEKS, len(GROUPS)))
    errors = rng.normal(size=WEEKS)
    for week in range(1, WEEKS):
        errors[week] += 0.5 * errors[week - 1]
    truth = rng.normal(size=len(GROUPS)) * np.repeat([season, holidays], [6, 4])
    values = 3.0 + design @ truth + errors
    return whiten_regression(values, ERRORS, ARMA, design), values, design, truth


def test_a_group_that_says_nothing_leaves_and_one_that_says_much_is_believed():
    left = 0
    for seed in range(20):
        whitened, _, _, truth = regression(seed, season=2.0, holidays=0.0)
        found = shrink(whitened, GROUPS, np.ones(10))
        left += found.group_scales["holidays"] == 0.0
        assert found.group_scales["season"] >= 0.8
        assert found.coefficients[:6] == pytest.approx(truth[:6], abs=0.4)
        assert (found.coefficients[6:] == 0.0).all() == (found.group_scales["holidays"] == 0.0)
    assert left >= 10


def test_what_stays_of_nothing_is_small():
    errors = []
    for seed in range(20):
        whitened, _, _, _ = regression(seed, season=0.0, holidays=0.0)
        errors.append(shrink(whitened, GROUPS, np.ones(10)).coefficients)
    assert np.sqrt(np.mean(np.square(errors))) < 0.03


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_coefficients_are_those_of_a_fit_with_the_same_priors(seed, season, holidays):
    whitened, values, design, _ = regression(seed, season, holidays)
    found = shrink(whitened, GROUPS, np.full(10, 0.7))
    used = found.scales > 0.0
    if used.any():
        scales = found.scales[used]
        errors = fit_errors(values, ERRORS, design[:, used], prior_scales=scales, start=ARMA)
        assert errors.coefficients[1:] == pytest.approx(found.coefficients[used], abs=0.15)
    assert set(found.group_scales) == {"season", "holidays"}
    assert all(found.group_scales[group] in GRIDS[group] for group in found.group_scales)


def test_the_prior_scales_are_the_most_likely_ones():
    """By the same measure as a fit's likelihood, over all pairs of scales."""
    whitened, values, design, _ = regression(4, season=0.5, holidays=1.0)
    chosen = shrink(whitened, GROUPS, np.ones(10)).group_scales

    def height(season: float, holidays: float) -> float:
        scales = np.repeat([season, holidays], [6, 4])
        used = scales > 0.0
        kept = design[:, used] if used.any() else None
        given = scales[used] if used.any() else None
        errors = fit_errors(values, ERRORS, kept, prior_scales=given, start=ARMA)
        return errors.log_likelihood

    pairs = [(s, h) for s in GRIDS["season"] for h in GRIDS["holidays"]]
    heights = {pair: height(*pair) for pair in pairs}
    # The fits move their errors a little as well.
    assert heights[chosen["season"], chosen["holidays"]] > max(heights.values()) - 0.5


def test_a_series_without_noise_is_not_an_error():
    design = np.random.default_rng(0).normal(size=(50, 2))
    whitened = whiten_regression(design @ [1.0, 2.0], Specification(0, 1, 0), np.empty(0), design)
    found = shrink(whitened, ["season", "season"], np.ones(2))
    assert np.isfinite(found.coefficients).all()


def test_errors_that_the_first_turn_does_not_know_are_found_with_the_same_coefficients(monkeypatch):
    weeks = np.datetime64("2020-01-04") + 7 * np.arange(4 * 52)
    names = season_names(52)
    design = design_matrix(names, weeks, 52, {})
    differences, found = [], []
    for seed in range(6):
        shocks = np.random.default_rng(seed).normal(scale=0.3, size=len(weeks) + 2)
        for week in range(2, len(shocks)):
            shocks[week] += 0.2 * shocks[week - 1] + 0.6 * shocks[week - 2]
        values = 4.0 + design[:, 0] - 0.5 * design[:, 3] + shocks[2:]
        few, _ = regress(values, names, design)
        with monkeypatch.context() as patch:
            patch.setattr(shrinkage, "FIRST_ORDERS", SHRUNK_ORDERS)
            every, _ = regress(values, names, design)
        found.append(few.specification)
        differences.append(few.sigma2 / every.sigma2 - 1.0)
    assert np.max(np.abs(differences)) < 0.01
    assert [(each.p, each.d, each.q) for each in found].count((2, 0, 0)) >= 5
